//! The IP path around the hooks: receiving, routing, forwarding, delivering, sending.

mod answers;
mod forward;
mod receive;
mod route;

use netverdict_host::{InputRoute, LocalKind, OutputRoute, RouteKind, Way};
use netverdict_net::{Device, Family, InterfaceName};
use netverdict_ruleset::Hook;

use crate::defrag::Asker;
use crate::observe::Event;
use crate::walk::{End, Walk};
use crate::{Entry, Fate, Reason};

impl Walk<'_, '_> {
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
        self.check_received().map_err(End::drop)?;
        self.hook(Hook::Prerouting)?;
        self.follow_route()
    }

    /// From PREROUTING to where routing says.
    fn follow_route(&mut self) -> Result<End, End> {
        match self.route_input() {
            InputRoute::Local(kind) => self.deliver(kind),
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
        if let Err(reason) = self.check_forwarded(&way) {
            self.answer_unforwarded(reason, &way);
            return Err(End::drop(reason));
        }
        self.decrement_ttl();
        self.devices(self.skb.in_device, way.device);
        self.hook(Hook::Forward)?;
        self.leave(Fate::Forwarded)
    }

    /// From a socket of this host.
    fn send(&mut self, out_device: Device) -> Result<End, End> {
        self.skb.local = true;
        self.route_output(out_device)?;
        self.hook(Hook::Output)?;
        let end = self.leave(Fate::Sent)?;
        if self.loops_back() {
            return self.loop_back();
        }
        Ok(end)
    }

    /// To a device.
    fn leave(&mut self, fate: Fate) -> Result<End, End> {
        self.hook(Hook::Postrouting)?;
        Ok(self.accepted(fate))
    }

    fn loops_back(&self) -> bool {
        self.skb.out_device == Device::Named(InterfaceName::loopback())
    }

    /// Out of the loopback device and in again, connection and route attached.
    fn loop_back(&mut self) -> Result<End, End> {
        let lo = Device::Named(InterfaceName::loopback());
        self.devices(lo, Device::Absent);
        self.skb.checksum_trusted = true;
        let destination = self.skb.packet.destination();
        self.hook(Hook::Prerouting)?;
        if self.skb.packet.destination() != destination {
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

/// Out somewhere, where nothing tells how.
const fn unknown_way() -> Way {
    Way {
        device: Device::Unknown,
        gateway: None,
        mtu: None,
        realm: 0,
    }
}

/// A way of which only the device is known.
fn way_by(host: &netverdict_host::Host, device: Device) -> Way {
    Way {
        device,
        mtu: host.mtu(device),
        ..unknown_way()
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
