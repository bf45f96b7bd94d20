//! Asking the host for routes.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use netverdict_host::{
    DropReason, Flow, InputRoute, LocalKind, NoRoute, OutputRoute, RouteKind, Undecided, Way,
};
use netverdict_net::{Device, Family, InterfaceName};

use super::{out_of, way_by};
use crate::walk::{End, Walk};
use crate::{About, Reason, ends};

/// What a re-route after OUTPUT depends on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct RouteKey {
    source: IpAddr,
    destination: IpAddr,
    mark: u32,
    /// IPv4: TOS. IPv6: the first word (class and flow label) and the hop limit.
    head: (u32, u8),
}

impl RouteKey {
    pub(crate) const fn destination(&self) -> IpAddr {
        self.destination
    }
}

impl Walk<'_, '_> {
    /// The fields whose change in mangle OUTPUT makes the kernel route again.
    pub(crate) fn route_key(&self) -> RouteKey {
        let packet = &self.skb.packet;
        RouteKey {
            source: packet.source(),
            destination: packet.destination(),
            mark: self.skb.mark,
            head: match self.program.family {
                Family::V4 => (packet.tos().into(), 0),
                Family::V6 => (packet.u32(0).unwrap_or(0), packet.ttl()),
            },
        }
    }

    fn route_flow(&self, iif: Device) -> Flow {
        let ends = ends::of(&self.skb.packet);
        Flow {
            destination: ends.destination,
            source: ends.source,
            tos: self.skb.packet.tos(),
            mark: self.skb.mark,
            iif,
            oif: None,
            protocol: Some(ends.protocol),
            ports: Some((ends.source_port, ends.destination_port)),
            uid: Some(0),
        }
    }

    /// The flow of what a process or the kernel sends: rules of policy may ask for the socket's owner, which only facts
    /// tell. The kernel's own sockets are root's.
    fn sent_flow(&self) -> Flow {
        let told = |about: &About| match about {
            About::Owner(owner) => owner.uid,
            _ => None,
        };
        Flow {
            uid: if self.skb.has_socket {
                self.config.facts.of(&self.skb, told)
            } else {
                Some(0)
            },
            ..self.route_flow(Device::Named(InterfaceName::loopback()))
        }
    }

    /// Between PREROUTING and the next hook.
    pub(super) fn route_input(&mut self) -> InputRoute {
        let route = match self.host.route_input(&self.route_flow(self.skb.in_device)) {
            InputRoute::Unknown(why) => self.choose_route(why),
            route => route,
        };
        match route {
            InputRoute::Local(kind) => self.show_route(|| local_text(kind), Device::Absent),
            InputRoute::Forward(way) => {
                self.show_route(|| format!("forward by {}", way.device), way.device);
            }
            InputRoute::Drop(why) => {
                self.show_route(|| Reason::from(why).to_string(), Device::Absent);
            }
            InputRoute::Unknown(_) => {}
        }
        route
    }

    /// Both ways where the inputs do not decide the route; forwarding counts.
    fn choose_route(&mut self, why: Undecided) -> InputRoute {
        let unknown = self.unknown(None, None, format!("routing: {}", undecided(why)));
        match self.oracle.ask(3, 0, unknown) {
            0 => InputRoute::Forward(Way::UNKNOWN),
            1 => InputRoute::Local(LocalKind::Unicast),
            _ => InputRoute::Drop(DropReason::NoRoute),
        }
    }

    /// Before OUTPUT: the device that the capture names, else the route.
    pub(super) fn route_output(&mut self, out_device: Device) -> Result<(), End> {
        let mut flow = self.sent_flow();
        // `::` as a destination means this host (net/ipv6/raw.c).
        if flow.destination == Ipv6Addr::UNSPECIFIED {
            flow.destination = Ipv6Addr::LOCALHOST.into();
        }
        let mut route = self.host.route_output(&flow);
        if let OutputRoute::Drop(_) = route {
            // The packet is there, so its sender had a route: raw sockets are routed without the source they write.
            let source = unspecified(self.program.family);
            route = self.host.route_output(&Flow { source, ..flow });
        }
        if let (OutputRoute::Unknown(why), Device::Unknown) = (&route, out_device) {
            self.unknown(None, None, format!("routing: {}", undecided(*why)));
        }
        let (mut way, kind) = out_of(&route).unwrap_or((Way::UNKNOWN, RouteKind::Unicast));
        // A capture outranks the routes: a socket may be bound to a device.
        if let Device::Named(_) = out_device
            && way.device != out_device
        {
            way = way_by(self.host, out_device);
        }
        self.skb.way = Some(way);
        self.skb.kind = Some(kind);
        self.devices(Device::Absent, way.device);
        self.show_route(|| format!("out by {}", way.device), way.device);
        Ok(())
    }

    /// TEE's way: to the neighbour (`nf_dup_ipv4_route`, `nf_dup_ipv6_route`).
    pub(super) fn route_toward(
        &mut self,
        neighbour: IpAddr,
        by: Option<InterfaceName>,
    ) -> Result<(), End> {
        let flow = Flow {
            oif: by,
            tos: self.skb.packet.tos(),
            ..Flow::output(unspecified(self.program.family), neighbour)
        };
        let route = self.host.route_output(&flow);
        if let OutputRoute::Drop(why) = route {
            return Err(End::drop(why.into()));
        }
        let (way, kind) = out_of(&route).unwrap_or((Way::UNKNOWN, RouteKind::Unicast));
        self.skb.way = Some(way);
        self.skb.kind = Some(kind);
        self.devices(Device::Absent, way.device);
        Ok(())
    }

    /// After mangle or nat OUTPUT changed what the route depends on (`ip_route_me_harder`). Rules further on in OUTPUT
    /// still see the old out-device (`nf_hook_state`), POSTROUTING sees the new one.
    pub(crate) fn reroute(&mut self) -> Result<(), End> {
        let mut flow = self.sent_flow();
        // ip6_route_me_harder: what means another on every link stays on its link.
        if let IpAddr::V6(to) = flow.destination
            && (to.is_multicast() || to.is_unicast_link_local())
        {
            flow.oif = self.skb.way.and_then(|way| way.device.name().copied());
        }
        match self.host.route_output(&flow) {
            OutputRoute::Out { way, kind, .. } => {
                self.skb.way = Some(way);
                self.skb.kind = Some(kind);
                self.show_route(|| format!("rerouted by {}", way.device), way.device);
                Ok(())
            }
            OutputRoute::Drop(_) => Err(End::drop(Reason::RerouteFailed)),
            OutputRoute::Unknown(why) => {
                self.unknown(None, None, format!("rerouting: {}", undecided(why)));
                self.skb.way = Some(Way::UNKNOWN);
                Ok(())
            }
        }
    }
}

const fn unspecified(family: Family) -> IpAddr {
    match family {
        Family::V4 => IpAddr::V4(Ipv4Addr::UNSPECIFIED),
        Family::V6 => IpAddr::V6(Ipv6Addr::UNSPECIFIED),
    }
}

fn local_text(kind: LocalKind) -> String {
    match kind {
        LocalKind::Unicast => "local".to_owned(),
        LocalKind::Broadcast => "local broadcast".to_owned(),
        LocalKind::Multicast => "local multicast".to_owned(),
        LocalKind::Anycast => "local anycast".to_owned(),
    }
}

fn undecided(why: Undecided) -> String {
    match why {
        Undecided::PolicyRule(priority) => format!("policy rule {priority} asks what is not known"),
        Undecided::Vrf => "the device belongs to a VRF".to_owned(),
    }
}

impl From<DropReason> for Reason {
    fn from(why: DropReason) -> Self {
        match why {
            DropReason::MartianSource | DropReason::MartianDestination => Self::Martian,
            DropReason::LocalSource => Self::OwnSource,
            DropReason::ReversePath => Self::RpFilter,
            DropReason::NotJoined => Self::NotJoined,
            DropReason::NotForwarding => Self::ForwardingOff,
            DropReason::NoRoute => Self::NoRoute,
            DropReason::Unreachable => Self::Unreachable,
            DropReason::Prohibited => Self::Prohibit,
            DropReason::Blackhole => Self::Blackhole,
            DropReason::Ipv6Disabled => Self::BadIpHeader,
            DropReason::SourceNotForwarded | DropReason::SourceLinkLocal => Self::NotForwardable,
        }
    }
}

impl From<NoRoute> for Reason {
    fn from(why: NoRoute) -> Self {
        match why {
            NoRoute::Missing => Self::NoRoute,
            NoRoute::Unreachable => Self::Unreachable,
            NoRoute::Prohibit => Self::Prohibit,
            NoRoute::Blackhole => Self::Blackhole,
        }
    }
}
