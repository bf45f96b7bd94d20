//! Where an IPv6 packet that came in goes (`ip6_route_input`, `ip6_mc_input`, `ip6_forward`).

use std::net::IpAddr;

use netverdict_net::{Device, Family};

use super::input::{DropReason, InputRoute, LocalKind};
use crate::fib::{Failure, Flow, Mode, NoRoute};
use crate::{Host, RouteType, Way};

impl Host {
    pub(super) fn input_v6(&self, flow: &Flow) -> InputRoute {
        let settings = self.settings(flow.iif);
        if settings.disable_ipv6 {
            return InputRoute::Drop(DropReason::Ipv6Disabled);
        }
        if flow.destination.is_multicast() {
            return if self.is_joined(flow.iif, flow.destination) {
                InputRoute::Local(LocalKind::Multicast)
            } else {
                InputRoute::Drop(DropReason::NotJoined)
            };
        }
        let mode = Mode {
            ignore_link_down: settings.ignore_link_down_v6,
            strict: flow.iif.name().is_some() && needs_strict(flow.destination),
            device_match: false,
        };
        let found = match self.fib(Family::V6).lookup(flow, mode) {
            Ok(found) => found,
            Err(Failure::Undecided(why)) => return InputRoute::Unknown(why),
            Err(Failure::None(NoRoute::Missing)) if !self.routes_known(Family::V6) => {
                return self.forward_v6(flow, Way::UNKNOWN);
            }
            Err(Failure::None(why)) => return InputRoute::Drop(why.into()),
        };
        match found.route.kind {
            RouteType::Local => InputRoute::Local(LocalKind::Unicast),
            RouteType::Anycast => InputRoute::Local(LocalKind::Anycast),
            RouteType::Multicast => InputRoute::Local(LocalKind::Multicast),
            _ => self.forward_v6(flow, Way::of(self, &found)),
        }
    }

    fn forward_v6(&self, flow: &Flow, way: Way) -> InputRoute {
        let IpAddr::V6(source) = flow.source else {
            return InputRoute::Drop(DropReason::MartianSource);
        };
        if !self.settings(flow.iif).forwarding_v6 {
            return InputRoute::Drop(DropReason::NotForwarding);
        }
        // A packet that turns round on its link may be answered with a redirect, instead of the checks of its source.
        if way.device == flow.iif && way.device != Device::Unknown {
            return InputRoute::Forward(way);
        }
        if source.is_unspecified() || source.is_multicast() || source.is_loopback() {
            return InputRoute::Drop(DropReason::SourceNotForwarded);
        }
        if source.is_unicast_link_local() {
            return InputRoute::Drop(DropReason::SourceLinkLocal);
        }
        InputRoute::Forward(way)
    }
}

/// Addresses that mean nothing without their device (`rt6_need_strict`).
pub(super) fn needs_strict(addr: IpAddr) -> bool {
    match addr {
        IpAddr::V6(a) => a.is_multicast() || a.is_unicast_link_local() || a.is_loopback(),
        IpAddr::V4(_) => false,
    }
}
