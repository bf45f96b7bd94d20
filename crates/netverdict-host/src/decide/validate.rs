//! Source validation of IPv4 packets that came in: own addresses as source, and the reverse path filter
//! (`fib_validate_source`, net/ipv4/fib_frontend.c).

use std::net::{IpAddr, Ipv4Addr};

use netverdict_net::{Device, Family, InterfaceName};

use super::input::{DropReason, InputRoute};
use crate::fib::{Failure, Flow, Mode, Undecided};
use crate::{Host, RouteType};

/// Why a source is not accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Refused {
    Drop(DropReason),
    Unknown(Undecided),
}

impl From<Refused> for InputRoute {
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::Drop(why) => Self::Drop(why),
            Refused::Unknown(why) => Self::Unknown(why),
        }
    }
}

impl Host {
    /// Checks `flow.source`; `out` is the device that the packet would leave by.
    pub(super) fn validate_source(
        &self,
        flow: &Flow,
        out: Option<InterfaceName>,
    ) -> Result<(), Refused> {
        if !self.facts().addresses_known {
            return Ok(());
        }
        let settings = self.settings(flow.iif);
        let fib = self.fib(Family::V4);
        // What can be told without routes, or without the device, is whether the source is an own address.
        let known = self.routes_known(Family::V4) && flow.iif.name().is_some();
        let turns = out.is_some() && out == flow.iif.name().copied() && settings.send_redirects;
        let quick = settings.rp_filter == 0 && !fib.has_realms() && !turns;
        if !known || quick {
            if settings.accept_local {
                return Ok(());
            }
            if !known || !fib.needs_full_source_check() {
                return if self.is_own(flow.source) {
                    Err(Refused::Drop(DropReason::LocalSource))
                } else {
                    Ok(())
                };
            }
        }
        self.reverse_check(flow, out)
    }

    /// `__fib_validate_source`.
    fn reverse_check(&self, flow: &Flow, out: Option<InterfaceName>) -> Result<(), Refused> {
        let Device::Named(device) = flow.iif else {
            return Ok(());
        };
        let settings = self.settings(flow.iif);
        let strict = settings.rp_filter == 1;
        let refuse_if = |refuse: bool| {
            if refuse {
                Err(Refused::Drop(DropReason::ReversePath))
            } else {
                Ok(())
            }
        };
        let reverse = Flow {
            destination: flow.source,
            source: flow.destination,
            iif: Device::Named(out.unwrap_or_else(InterfaceName::loopback)),
            oif: None,
            mark: if settings.src_valid_mark {
                flow.mark
            } else {
                0
            },
            ports: flow.ports.map(|(a, b)| (b, a)),
            ..*flow
        };
        let mode = Mode {
            ignore_link_down: settings.ignore_link_down,
            ..Mode::default()
        };
        let fib = self.fib(Family::V4);
        let found = match fib.lookup(&reverse, mode) {
            Ok(found) => found,
            Err(Failure::Undecided(why)) => return Err(Refused::Unknown(why)),
            Err(Failure::None(_)) => return refuse_if(settings.rp_filter != 0),
        };
        let accepted = found.route.kind == RouteType::Unicast
            || found.route.kind == RouteType::Local && settings.accept_local;
        if !accepted {
            return Err(Refused::Drop(DropReason::LocalSource));
        }
        let looped = found.route.kind == RouteType::Local && device == InterfaceName::loopback();
        if found.uses(&device) || looped {
            return Ok(());
        }
        if !self.has_v4_address(&device) {
            return refuse_if(settings.rp_filter != 0);
        }
        refuse_if(strict)
    }

    fn has_v4_address(&self, device: &InterfaceName) -> bool {
        self.interface(device)
            .is_some_and(|i| i.addresses_of(Family::V4).next().is_some())
    }
}

/// The source that reverse lookups pretend: none for a destination that is no host's (`rpfilter_get_saddr`).
pub(super) fn reverse_source(destination: IpAddr) -> IpAddr {
    match destination {
        IpAddr::V4(a) if a.is_multicast() || a.is_broadcast() => Ipv4Addr::UNSPECIFIED.into(),
        other => other,
    }
}
