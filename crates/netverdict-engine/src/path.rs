//! The IP path around the hooks: receiving, routing, forwarding, delivering, sending.

mod answers;
mod bridge;
mod forward;
mod options;
mod receive;
mod redirects;
mod route;

pub(crate) use forward::lower_ttl;

use std::net::IpAddr;

use netverdict_host::{InputRoute, LocalKind, OutputRoute, RouteKind, SourceChoice, Way};
use netverdict_net::header::network_header_len;
use netverdict_net::{Device, Family, InterfaceName, PacketType};
use netverdict_ruleset::Hook;

use crate::defrag::Asker;
use crate::observe::Event;
use crate::walk::{End, Walk};
use crate::{Entry, Fate, Reason, Skb, rewrite};

/// Who writes into a record-route option.
enum RecordRoute {
    /// Local delivery: the address that was asked.
    Arrived,
    /// The way out: its own source address.
    Leaving(Way),
}

impl<'p> Walk<'_, 'p> {
    /// Takes the packet all its way.
    pub(crate) fn run(&mut self, entry: &Entry) -> End {
        let end = match *entry {
            Entry::Prerouting { in_device } => self.receive(in_device),
            Entry::Output { out_device } => self.send(out_device),
        };
        match end {
            Ok(end) | Err(end) => end,
        }
    }

    /// From a device to PREROUTING and on.
    fn receive(&mut self, in_device: Device) -> Result<End, End> {
        self.devices(in_device, Device::Absent);
        if self.is_bridged(in_device) {
            return self.bridge(in_device);
        }
        self.check_received().map_err(End::drop)?;
        self.hook(Hook::Prerouting)?;
        self.follow_route()
    }

    /// From PREROUTING to where routing says.
    fn follow_route(&mut self) -> Result<End, End> {
        let route = self.route_input();
        if !matches!(route, InputRoute::Drop(_)) {
            self.check_options().map_err(End::drop)?;
            if self.program.family == Family::V4 && network_header_len(&self.skb.packet) > 20 {
                options::clear_behind_end(&mut self.skb.packet);
            }
        }
        match route {
            InputRoute::Local(kind) => {
                self.record_route(RecordRoute::Arrived);
                self.deliver(kind)
            }
            InputRoute::Forward(way) => self.forward(way),
            InputRoute::Drop(why) => {
                self.answer_unrouted(why);
                Err(End::drop(why.into()))
            }
            InputRoute::Unknown(_) => Err(End::drop(Reason::NoRoute)),
        }
    }

    /// To a socket of this host.
    fn deliver(&mut self, kind: LocalKind) -> Result<End, End> {
        self.skb.kind = Some(match kind {
            LocalKind::Unicast | LocalKind::Anycast => RouteKind::Local,
            LocalKind::Broadcast => RouteKind::Broadcast,
            LocalKind::Multicast => RouteKind::Multicast,
        });
        if self.program.family == Family::V4 {
            self.put_together(Asker::LocalDelivery)?;
        }
        self.devices(self.skb.in_device, Device::Absent);
        self.hook(Hook::Input)?;
        Ok(self.accepted(Fate::Local))
    }

    /// Through this host.
    fn forward(&mut self, way: Way) -> Result<End, End> {
        self.skb.way = Some(way);
        self.skb.kind = Some(RouteKind::Unicast);
        // `skb_forward_csum`
        self.skb.summed = false;
        self.recorder
            .measure(self.skb.packet.len(), self.limit(&way));
        let checked = self.check_hops();
        if checked.is_ok() {
            self.tell_of_better_way(&way, true);
        }
        if let Err(reason) = checked.and_then(|()| self.check_size(&way)) {
            self.answer_unforwarded(reason, &way);
            return Err(End::drop(reason));
        }
        self.decrement_ttl();
        self.tell_of_better_way(&way, false);
        self.devices(self.skb.in_device, way.device);
        self.hook(Hook::Forward)?;
        self.record_route(RecordRoute::Leaving(way));
        self.leave(Fate::Forwarded)
    }

    /// From a socket of this host.
    fn send(&mut self, out_device: Device) -> Result<End, End> {
        self.skb.local = true;
        self.skb.has_socket = self.skb.made_by.is_none();
        if self.program.family == Family::V4 && self.skb.packet.is_whole() {
            // `__ip_local_out` writes it, whatever a capture of an offloading device shows.
            rewrite::seal_ipv4(&mut self.skb.packet);
        }
        self.route_output(out_device)?;
        self.send_routed()
    }

    /// A copy to a neighbour, wherever its destination is.
    fn send_toward(&mut self, neighbour: IpAddr, by: Option<InterfaceName>) -> Result<End, End> {
        self.skb.local = true;
        self.route_toward(neighbour, by)?;
        self.send_routed()
    }

    fn send_routed(&mut self) -> Result<End, End> {
        self.hook(Hook::Output)?;
        if let Some(way) = self.skb.way {
            self.skb.out_device = way.device;
        }
        if self.copies_to_self() {
            return self.send_to_many();
        }
        let end = self.leave(Fate::Sent)?;
        if self.loops_back() {
            return self.loop_back();
        }
        Ok(end)
    }

    /// Broadcasts, and multicasts to a group this host is in, come back as a copy that passes POSTROUTING by itself
    /// (`ip_mc_output`, `ip6_finish_output2`). No capture shows the copy.
    fn send_to_many(&mut self) -> Result<End, End> {
        let v4 = self.program.family == Family::V4;
        let kind = match self.skb.kind {
            Some(RouteKind::Broadcast) => LocalKind::Broadcast,
            _ => LocalKind::Multicast,
        };
        // IPv4 sends the copy first, which comes in at once; IPv6 copies what is behind POSTROUTING.
        let sent = if v4 {
            None
        } else {
            Some(self.leave(Fate::Sent)?)
        };
        let mut copy = self.skb.clone();
        copy.has_socket = false;
        copy.is_shared = !v4;
        let returned = self.aside(&mut copy, |walk| walk.hook(Hook::Postrouting));
        let copy_end = returned.and_then(|()| {
            let device = copy.out_device;
            copy.in_device = device;
            copy.out_device = Device::Absent;
            copy.checksum_trusted = true;
            // PACKET_LOOPBACK, which xt_pkttype takes for what the address says.
            copy.packet.link.packet_type = match kind {
                LocalKind::Broadcast => PacketType::Broadcast,
                _ => PacketType::Multicast,
            };
            // Where the copy ends is not where the packet ends.
            self.aside(&mut copy, |walk| {
                walk.hook(Hook::Prerouting)?;
                walk.deliver(kind)
            })
        });
        // A multicast that has no hops left is freed here, in IPv6 behind POSTROUTING, in IPv4 before: the copy is all that
        // is left.
        let is_freed = kind == LocalKind::Multicast && self.skb.packet.ttl() == 0;
        match sent {
            Some(end) if is_freed => copy_end.map(|_| End {
                fate: Fate::Local,
                ..end
            }),
            Some(end) => Ok(end),
            None if is_freed => copy_end,
            None => self.leave(Fate::Sent),
        }
    }

    /// Walks with another packet for a while; what the trail says of decisions stays this packet's.
    fn aside<T>(
        &mut self,
        other: &mut Skb<'p>,
        go: impl FnOnce(&mut Self) -> Result<T, End>,
    ) -> Result<T, End> {
        self.recorder.give_up();
        std::mem::swap(&mut self.skb, other);
        let (filter, last) = (self.trail.filter, self.trail.last);
        let (state, hook, len) = (self.trail.state, self.trail.hook, self.trail.len);
        let end = go(self);
        std::mem::swap(&mut self.skb, other);
        (self.trail.filter, self.trail.last) = (filter, last);
        (self.trail.state, self.trail.hook, self.trail.len) = (state, hook, len);
        end
    }

    fn copies_to_self(&self) -> bool {
        let joined = || {
            self.host
                .is_joined(self.skb.out_device, self.skb.packet.destination())
        };
        match self.skb.kind {
            _ if self.loops_back() => false,
            Some(RouteKind::Broadcast) => true,
            Some(RouteKind::Multicast) => joined(),
            _ => false,
        }
    }

    fn check_options(&self) -> Result<(), Reason> {
        let packet = &self.skb.packet;
        if self.program.family == Family::V6 || network_header_len(packet) == 20 {
            return Ok(());
        }
        options::check(packet, self.takes_source_routes())
    }

    /// Writes this host's address into a record-route option. What is delivered keeps the checksum that it came with.
    fn record_route(&mut self, side: RecordRoute) {
        if self.program.family == Family::V6 || network_header_len(&self.skb.packet) == 20 {
            return;
        }
        let Some((option, place)) = options::record_route(&self.skb.packet) else {
            return;
        };
        let destination = self.skb.packet.destination();
        let own = match side {
            RecordRoute::Arrived => SourceChoice::Address(destination),
            RecordRoute::Leaving(way) => self.host.masquerade_source(&way, destination),
        };
        let SourceChoice::Address(IpAddr::V4(own)) = own else {
            return;
        };
        let packet = &mut self.skb.packet;
        rewrite::put_bytes(packet, place, &own.octets());
        let pointer = place - option + 1 + 4;
        rewrite::put_byte(packet, option + 2, pointer as u8);
        if matches!(side, RecordRoute::Leaving(_)) {
            rewrite::seal_ipv4(packet);
        }
    }

    /// `all` and the device must both allow it; `all` starts at 0, a device at 1.
    fn takes_source_routes(&self) -> bool {
        let sysctls = self.host.sysctls();
        let name = "accept_source_route";
        let device = self.skb.in_device;
        let own = device.name().map(|n| sysctls.conf(Family::V4, n, name));
        sysctls.conf_all(Family::V4, name).unwrap_or(0) != 0 && own.unwrap_or(1) != 0
    }

    /// To a device.
    fn leave(&mut self, fate: Fate) -> Result<End, End> {
        self.hook(Hook::Postrouting)?;
        if self.fails_to_split() {
            return Err(End::drop(Reason::FragmentBad));
        }
        Ok(self.accepted(fate))
    }

    fn loops_back(&self) -> bool {
        self.skb.out_device == Device::Named(InterfaceName::loopback())
    }

    /// Out of the loopback device and in again, connection and route attached.
    fn loop_back(&mut self) -> Result<End, End> {
        // One packet, two passes through the hooks, the second with what the first left.
        self.recorder.give_up();
        let lo = Device::Named(InterfaceName::loopback());
        self.devices(lo, Device::Absent);
        self.hook(Hook::Prerouting)?;
        // Only NAT takes the route away; NPT leaves the packet on its way here, whatever it now says.
        if self.skb.way.is_none() {
            return self.follow_route();
        }
        self.deliver(LocalKind::Unicast)
    }

    /// Shows a routing decision.
    fn show_route(&mut self, text: impl FnOnce() -> String, out_device: Device) {
        self.tape.show(|| Event::Route {
            text: text(),
            out_device,
        });
    }
}

/// A way of which only the device is known.
fn way_by(host: &netverdict_host::Host, device: Device) -> Way {
    Way {
        device,
        mtu: host.mtu(device),
        ..Way::UNKNOWN
    }
}

/// The way and kind of an answer that leads out.
const fn out_of(route: &OutputRoute) -> Option<(Way, RouteKind)> {
    match route {
        OutputRoute::Out { way, kind, .. } => Some((*way, *kind)),
        OutputRoute::Drop(_) | OutputRoute::Unknown(_) => None,
    }
}

#[cfg(test)]
mod tests;
