//! Where a packet made here goes, and where one goes again after a rule changed it (`ip_route_output_key_hash_rcu`,
//! `ip6_route_output`, `ip_route_me_harder`).

use std::net::{IpAddr, Ipv4Addr};

use netverdict_net::{Device, Family, InterfaceName};

use super::input6::needs_strict;
use super::select::SourceChoice;
use crate::fib::{Failure, Flow, Found, Hops, Mode, NoRoute, Undecided};
use crate::{Host, RouteType, Scope};

/// How a packet leaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Way {
    /// By this device.
    pub device: Device,
    /// To this router; `None` is to the destination itself, if [`Self::gateway_known`].
    pub gateway: Option<IpAddr>,
    /// Whether the router is certain: which hop of a multipath route a packet takes is not.
    pub gateway_known: bool,
    /// The largest packet that the way takes, where it is known.
    pub mtu: Option<u32>,
    /// The route's realm; 0 is none.
    pub realm: u32,
}

/// What kind of destination a packet made here has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RouteKind {
    /// An address of this host: the packet loops back.
    Local,
    Unicast,
    Broadcast,
    Multicast,
}

/// Where a packet made here goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OutputRoute {
    /// Out.
    Out {
        /// How.
        way: Way,
        /// What for.
        kind: RouteKind,
        /// The source it has, or is given where it had none.
        source: SourceChoice,
    },
    /// Nowhere: the sender gets an error, or the packet is dropped after re-routing.
    Drop(NoRoute),
    /// The inputs do not tell.
    Unknown(Undecided),
}

impl Way {
    /// Out somewhere, where nothing tells how.
    pub const UNKNOWN: Self = Self {
        device: Device::Unknown,
        gateway: None,
        gateway_known: false,
        mtu: None,
        realm: 0,
    };

    pub(super) fn of(host: &Host, found: &Found<'_>) -> Self {
        let device = found.device();
        Self {
            device,
            gateway: found.gateway(),
            gateway_known: !matches!(found.hops, Hops::Several(_)),
            mtu: found.route.mtu.or_else(|| host.mtu(device)),
            realm: found.route.realm.unwrap_or(0),
        }
    }

    fn by(host: &Host, name: InterfaceName) -> Self {
        let device = Device::Named(name);
        Self {
            device,
            gateway: None,
            gateway_known: true,
            mtu: host.mtu(device),
            realm: 0,
        }
    }
}

impl Host {
    /// Routes a packet made here. `flow.iif` is taken as `lo`. The source may be any address, as for re-routed packets
    /// (`FLOWI_FLAG_ANYSRC`); an unspecified one is chosen.
    pub fn route_output(&self, flow: &Flow) -> OutputRoute {
        let flow = Flow {
            iif: Device::Named(InterfaceName::loopback()),
            ..*flow
        };
        if let Some(why) = flow.oif.and_then(|oif| self.vrf(Device::Named(oif))) {
            return OutputRoute::Unknown(why);
        }
        match (flow.source, flow.destination) {
            (IpAddr::V4(source), IpAddr::V4(destination)) => {
                self.output_v4(&flow, source, destination)
            }
            _ => self.output_v6(&flow),
        }
    }

    fn output_v4(&self, flow: &Flow, source: Ipv4Addr, destination: Ipv4Addr) -> OutputRoute {
        let set = !source.is_unspecified();
        if set && (source.is_multicast() || source.is_broadcast()) {
            return OutputRoute::Drop(NoRoute::Blackhole);
        }
        if let Some(way) = self.group_way(flow, destination) {
            return self.leave_v4(flow, way, None);
        }
        if destination.is_unspecified() {
            return self.loop_back(flow, self.own_address(flow.oif));
        }
        let found = match self.fib(Family::V4).lookup(flow, Mode::default()) {
            Ok(found) => found,
            Err(Failure::Undecided(why)) => return OutputRoute::Unknown(why),
            Err(Failure::None(_)) if flow.oif.is_some() => {
                // A bound socket's destination counts as on-link where the tables know nothing of it.
                let way = flow.oif.map_or(Way::UNKNOWN, |o| Way::by(self, o));
                return self.leave_v4(flow, way, None);
            }
            Err(Failure::None(NoRoute::Missing)) if !self.routes_known(Family::V4) => {
                return self.leave_v4(flow, Way::UNKNOWN, None);
            }
            Err(Failure::None(why)) => return OutputRoute::Drop(why),
        };
        if found.route.kind == RouteType::Local {
            let default = found.route.preferred_source.unwrap_or(flow.destination);
            return self.loop_back(flow, default);
        }
        self.leave_v4(flow, Way::of(self, &found), Some(&found))
    }

    /// Multicast and broadcast leave by the device of their source or the one asked for, whatever the tables say.
    fn group_way(&self, flow: &Flow, destination: Ipv4Addr) -> Option<Way> {
        let local_group = destination.octets()[..3] == [224, 0, 0] || destination.is_broadcast();
        if let Some(oif) = flow.oif.filter(|_| local_group) {
            return Some(Way::by(self, oif));
        }
        let to_many = destination.is_multicast() || destination.is_broadcast();
        if flow.oif.is_some() || !to_many || flow.source.is_unspecified() {
            return None;
        }
        let owner = self.interfaces().iter().find(|i| i.has(flow.source))?;
        Some(Way::by(self, owner.name))
    }

    /// What a packet to 0.0.0.0 is for.
    fn own_address(&self, oif: Option<InterfaceName>) -> IpAddr {
        let chosen = oif.map(|oif| self.source_v4(Device::Named(oif), None, Scope::HOST));
        match chosen {
            Some(SourceChoice::Address(address)) => address,
            _ => Ipv4Addr::LOCALHOST.into(),
        }
    }

    fn loop_back(&self, flow: &Flow, default: IpAddr) -> OutputRoute {
        OutputRoute::Out {
            way: Way::by(self, InterfaceName::loopback()),
            kind: match flow.destination {
                IpAddr::V4(a) if a.is_broadcast() => RouteKind::Broadcast,
                a if a.is_multicast() => RouteKind::Multicast,
                _ => RouteKind::Local,
            },
            source: if flow.source.is_unspecified() {
                SourceChoice::Address(default)
            } else {
                SourceChoice::Address(flow.source)
            },
        }
    }

    fn leave_v4(&self, flow: &Flow, way: Way, found: Option<&Found<'_>>) -> OutputRoute {
        let kind = match (flow.destination, found.map(|f| f.route.kind)) {
            (IpAddr::V4(a), _) if a.is_broadcast() => RouteKind::Broadcast,
            (a, _) if a.is_multicast() => RouteKind::Multicast,
            (_, Some(RouteType::Broadcast)) => RouteKind::Broadcast,
            _ => RouteKind::Unicast,
        };
        let out = way.device.name().copied();
        let loopback = out == Some(InterfaceName::loopback());
        if flow.source.is_loopback()
            && out.is_some()
            && !loopback
            && self.facts().addresses_known
            && !self.settings(way.device).route_localnet
        {
            return OutputRoute::Drop(NoRoute::Blackhole);
        }
        // A default route does for groups where there is no better one, but not its gateway (`__mkroute_output`).
        let on_link = kind == RouteKind::Broadcast
            || kind == RouteKind::Multicast && found.is_some_and(|f| f.prefix_len < 4);
        OutputRoute::Out {
            source: self.output_source_v4(flow, &way, found),
            kind,
            way: Way {
                gateway: way.gateway.filter(|_| !on_link),
                ..way
            },
        }
    }

    fn output_source_v4(&self, flow: &Flow, way: &Way, found: Option<&Found<'_>>) -> SourceChoice {
        if !flow.source.is_unspecified() {
            return SourceChoice::Address(flow.source);
        }
        if let Some(preferred) = found.and_then(|f| f.route.preferred_source) {
            return SourceChoice::Address(preferred);
        }
        let scope = match found {
            // A socket bound to a device sends to groups from a global address.
            _ if flow.oif.is_some() && flow.destination.is_multicast() => Scope::UNIVERSE,
            Some(found) => found.route.scope,
            None => Scope::LINK,
        };
        let toward = |gateway: Option<IpAddr>| {
            self.source_v4(way.device, gateway.filter(IpAddr::is_ipv4), scope)
        };
        match found.map(|f| f.hops) {
            Some(Hops::Several(hops)) => {
                let mut choices = hops.iter().map(|h| toward(h.gateway));
                let first = choices.next().unwrap_or(SourceChoice::Unknown);
                if choices.all(|c| c == first) {
                    first
                } else {
                    SourceChoice::Unknown
                }
            }
            Some(Hops::None | Hops::One(_)) | None => toward(way.gateway),
        }
    }

    fn output_v6(&self, flow: &Flow) -> OutputRoute {
        let mode = Mode {
            strict: flow.oif.is_some()
                && (needs_strict(flow.destination) || flow.source.is_unspecified()),
            ..Mode::default()
        };
        let found = match self.fib(Family::V6).lookup(flow, mode) {
            Ok(found) => found,
            Err(Failure::Undecided(why)) => return OutputRoute::Unknown(why),
            Err(Failure::None(NoRoute::Missing)) if !self.routes_known(Family::V6) => {
                let way = flow.oif.map_or(Way::UNKNOWN, |o| Way::by(self, o));
                return self.leave_v6(flow, way, None);
            }
            Err(Failure::None(why)) => return OutputRoute::Drop(why),
        };
        // An anycast address is the host's own as much as any (`ip6_rt_get_dev_rcu`).
        if matches!(found.route.kind, RouteType::Local | RouteType::Anycast) {
            return OutputRoute::Out {
                way: Way::by(self, InterfaceName::loopback()),
                kind: RouteKind::Local,
                source: self.output_source_v6(flow, found.device(), Some(&found)),
            };
        }
        self.leave_v6(flow, Way::of(self, &found), Some(&found))
    }

    fn leave_v6(&self, flow: &Flow, way: Way, found: Option<&Found<'_>>) -> OutputRoute {
        OutputRoute::Out {
            way,
            kind: if flow.destination.is_multicast() {
                RouteKind::Multicast
            } else {
                RouteKind::Unicast
            },
            source: self.output_source_v6(flow, way.device, found),
        }
    }

    fn output_source_v6(
        &self,
        flow: &Flow,
        device: Device,
        found: Option<&Found<'_>>,
    ) -> SourceChoice {
        match found.and_then(|f| f.route.preferred_source) {
            _ if !flow.source.is_unspecified() => SourceChoice::Address(flow.source),
            Some(preferred) => SourceChoice::Address(preferred),
            None => self.source_v6(device, flow.destination),
        }
    }
}
