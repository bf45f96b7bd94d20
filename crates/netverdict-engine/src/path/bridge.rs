//! Frames that a bridge passes on (net/bridge/br_netfilter_hooks.c). Where br_netfilter shows them, they meet PREROUTING,
//! FORWARD and POSTROUTING as packets that the bridge takes in and sends out; routing is asked only if the destination
//! changed.

use netverdict_host::{InputRoute, Role, RouteKind};
use netverdict_net::{Device, Family, PacketType};
use netverdict_ruleset::Hook;

use super::way_by;
use crate::Fate;
use crate::walk::{End, Walk};

impl Walk<'_, '_> {
    /// Whether a frame for another host goes on over the bridge that it came by, and meets these rules.
    pub(super) fn is_bridged(&self, device: Device) -> bool {
        self.skb.packet.link.packet_type == PacketType::OtherHost
            && device
                .name()
                .and_then(|name| self.host.interface(name))
                .is_some_and(|interface| interface.role == Role::Bridge)
            && self.host.bridges_call(self.program.family) == Some(true)
    }

    /// `br_nf_pre_routing`: matches see a packet for this host.
    pub(super) fn bridge(&mut self, bridge: Device) -> Result<End, End> {
        self.recorder.give_up();
        self.skb.packet.link.packet_type = PacketType::Host;
        if self.program.family == Family::V4 {
            self.check_v4().map_err(End::drop)?;
        }
        let destination = self.skb.packet.destination();
        self.hook(Hook::Prerouting)?;
        if self.skb.packet.destination() == destination {
            return self.pass_on(bridge);
        }
        match self.route_input() {
            InputRoute::Forward(way) if way.device == bridge => self.pass_on(bridge),
            _ => self.follow_route(),
        }
    }

    /// `br_nf_forward`, `br_nf_post_routing`. No hop is counted.
    fn pass_on(&mut self, bridge: Device) -> Result<End, End> {
        self.skb.bridged = true;
        self.skb.way = Some(way_by(self.host, bridge));
        self.skb.kind = Some(RouteKind::Unicast);
        self.devices(bridge, bridge);
        self.hook(Hook::Forward)?;
        self.leave(Fate::Forwarded)
    }
}
