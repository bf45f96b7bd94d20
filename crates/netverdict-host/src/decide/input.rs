//! Where a packet that came in goes (`ip_route_input_slow`, net/ipv4/route.c).

use std::net::{IpAddr, Ipv4Addr};

use netverdict_net::{Device, Family, InterfaceName, Protocol};

use crate::fib::{Failure, Flow, Found, Mode, NoRoute, Undecided};
use crate::{Host, RouteType, Way};

/// Where a packet that came in goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InputRoute {
    /// To INPUT.
    Local(LocalKind),
    /// To FORWARD, leaving as told.
    Forward(Way),
    /// Nowhere: it is dropped between PREROUTING and the next hook.
    Drop(DropReason),
    /// The inputs do not tell.
    Unknown(Undecided),
}

/// For what a packet is delivered here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum LocalKind {
    Unicast,
    Broadcast,
    Multicast,
    Anycast,
}

/// Why routing drops a packet that came in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DropReason {
    /// A source that no packet may have here: multicast, broadcast, 0.0.0.0, or 127/8 off the loopback device.
    MartianSource,
    /// A destination that no packet may have here.
    MartianDestination,
    /// The source is one of the host's own addresses, or its route is no unicast route.
    LocalSource,
    /// The reverse path filter: the source's route does not lead back to the in-device.
    ReversePath,
    /// A multicast group that was not joined on the in-device.
    NotJoined,
    /// Forwarding is off.
    NotForwarding,
    /// No route. ICMP 3/0, ICMPv6 1/0.
    NoRoute,
    /// An unreachable route. ICMP 3/1, ICMPv6 1/0.
    Unreachable,
    /// A prohibit route. ICMP 3/13, ICMPv6 1/1.
    Prohibited,
    /// A blackhole route.
    Blackhole,
    /// IPv6 is disabled on the in-device.
    Ipv6Disabled,
    /// IPv6: a source that is not forwarded: unspecified, multicast or loopback.
    SourceNotForwarded,
    /// IPv6: a link-local source is not forwarded. ICMPv6 1/2.
    SourceLinkLocal,
}

impl From<NoRoute> for DropReason {
    fn from(why: NoRoute) -> Self {
        match why {
            NoRoute::Missing => Self::NoRoute,
            NoRoute::Unreachable => Self::Unreachable,
            NoRoute::Prohibit => Self::Prohibited,
            NoRoute::Blackhole => Self::Blackhole,
        }
    }
}

impl Host {
    /// Routes a packet that came in on `flow.iif`. A packet looped back on `lo` keeps the route it left with and is not
    /// asked for. `flow.oif` is ignored.
    pub fn route_input(&self, flow: &Flow) -> InputRoute {
        if let Some(why) = self.vrf(flow.iif) {
            return InputRoute::Unknown(why);
        }
        let flow = Flow { oif: None, ..*flow };
        match (flow.source, flow.destination) {
            (IpAddr::V4(source), IpAddr::V4(destination)) => {
                self.input_v4(&flow, source, destination)
            }
            _ => self.input_v6(&flow),
        }
    }

    fn input_v4(&self, flow: &Flow, source: Ipv4Addr, destination: Ipv4Addr) -> InputRoute {
        if destination.is_multicast() {
            return self.input_multicast(flow, source, destination);
        }
        if source.is_multicast() || source.is_broadcast() {
            return InputRoute::Drop(DropReason::MartianSource);
        }
        if destination.is_broadcast() || source.is_unspecified() && destination.is_unspecified() {
            return self.broadcast_input(flow, source);
        }
        if source.is_unspecified() {
            return InputRoute::Drop(DropReason::MartianSource);
        }
        if destination.is_unspecified() {
            return InputRoute::Drop(DropReason::MartianDestination);
        }
        if (destination.is_loopback() || source.is_loopback()) && self.refuses_loopback(flow.iif) {
            if destination.is_loopback() {
                return InputRoute::Drop(DropReason::MartianDestination);
            }
            return InputRoute::Drop(DropReason::MartianSource);
        }
        self.input_unicast(flow, source)
    }

    fn input_unicast(&self, flow: &Flow, source: Ipv4Addr) -> InputRoute {
        let settings = self.settings(flow.iif);
        let mode = Mode {
            ignore_link_down: settings.ignore_link_down,
            ..Mode::default()
        };
        let found = match self.fib(Family::V4).lookup(flow, mode) {
            Ok(found) => found,
            Err(Failure::Undecided(why)) => return InputRoute::Unknown(why),
            Err(Failure::None(_)) if !settings.forwarding_v4 => {
                return InputRoute::Drop(DropReason::NotForwarding);
            }
            Err(Failure::None(NoRoute::Missing)) if !self.routes_known(Family::V4) => {
                return InputRoute::Forward(Way::UNKNOWN);
            }
            Err(Failure::None(why)) => return InputRoute::Drop(why.into()),
        };
        match found.route.kind {
            RouteType::Broadcast if !settings.broadcast_forwarding => {
                return self.broadcast_input(flow, source);
            }
            RouteType::Local => {
                return match self.validate_source(flow, None) {
                    Ok(()) => InputRoute::Local(LocalKind::Unicast),
                    Err(refused) => refused.into(),
                };
            }
            RouteType::Broadcast => {}
            _ if !settings.forwarding_v4 => return InputRoute::Drop(DropReason::NotForwarding),
            RouteType::Unicast => {}
            _ => return InputRoute::Drop(DropReason::MartianDestination),
        }
        self.forward(flow, &found)
    }

    fn forward(&self, flow: &Flow, found: &Found<'_>) -> InputRoute {
        let way = Way::of(self, found);
        match self.validate_source(flow, way.device.name().copied()) {
            Ok(()) => InputRoute::Forward(way),
            Err(refused) => refused.into(),
        }
    }

    fn broadcast_input(&self, flow: &Flow, source: Ipv4Addr) -> InputRoute {
        let flow = Flow {
            destination: Ipv4Addr::UNSPECIFIED.into(),
            ..*flow
        };
        if source.is_unspecified() {
            return InputRoute::Local(LocalKind::Broadcast);
        }
        match self.validate_source(&flow, None) {
            Ok(()) => InputRoute::Local(LocalKind::Broadcast),
            Err(refused) => refused.into(),
        }
    }

    /// `ip_route_input_mc` and `ip_mc_validate_source`.
    fn input_multicast(&self, flow: &Flow, source: Ipv4Addr, group: Ipv4Addr) -> InputRoute {
        if !self.is_joined(flow.iif, group.into()) {
            return InputRoute::Drop(DropReason::NotJoined);
        }
        let martian = source.is_multicast()
            || source.is_broadcast()
            || source.is_loopback() && self.refuses_loopback(flow.iif);
        if martian {
            return InputRoute::Drop(DropReason::MartianSource);
        }
        if source.is_unspecified() {
            let local_group = group.octets()[..3] == [224, 0, 0];
            return if local_group || flow.protocol == Some(Protocol::IGMP) {
                InputRoute::Local(LocalKind::Multicast)
            } else {
                InputRoute::Drop(DropReason::MartianSource)
            };
        }
        let flow = Flow {
            destination: Ipv4Addr::UNSPECIFIED.into(),
            ..*flow
        };
        match self.validate_source(&flow, None) {
            Ok(()) => InputRoute::Local(LocalKind::Multicast),
            Err(refused) => refused.into(),
        }
    }

    /// Whether 127/8 is martian on the device. On a host of which nothing is known no address is martian.
    fn refuses_loopback(&self, device: Device) -> bool {
        let certain = self.facts().addresses_known
            && matches!(device, Device::Named(name) if name != InterfaceName::loopback());
        // Frames injected into the loopback device are martians too, but nothing that a capture shows is.
        certain && !self.settings(device).route_localnet
    }
}
