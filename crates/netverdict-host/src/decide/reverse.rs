//! The `rpfilter` match's reverse lookup (net/ipv4/netfilter/ipt_rpfilter.c, net/ipv6/netfilter/ip6t_rpfilter.c).

use std::net::{IpAddr, Ipv6Addr};

use netverdict_net::{Device, Family, InterfaceName};

use super::validate::reverse_source;
use crate::fib::{Failure, Flow, Mode, Undecided};
use crate::{Host, RouteType};

/// The `rpfilter` match's options.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ReversePath {
    /// `--loose`: any route will do.
    pub loose: bool,
    /// `--validmark`: the lookup sees the packet's mark.
    pub valid_mark: bool,
    /// `--accept-local`: own addresses as source pass.
    pub accept_local: bool,
}

impl Host {
    /// Whether the source of a packet that came in on `flow.iif` would be answered by the same device, before
    /// `--invert`. `Err(None)` is undecided for want of routes or the device.
    pub fn reverse_path(
        &self,
        flow: &Flow,
        options: ReversePath,
    ) -> Result<bool, Option<Undecided>> {
        let device = match flow.iif {
            Device::Named(name) if name == InterfaceName::loopback() => return Ok(true),
            Device::Named(name) => Some(name),
            Device::Absent | Device::Unknown => None,
        };
        if let Some(why) = self.vrf(flow.iif) {
            return Err(Some(why));
        }
        if passes_unasked(flow) {
            return Ok(true);
        }
        let family = Family::of(flow.source);
        if !self.routes_known(family) {
            return Err(None);
        }
        let reverse = Flow {
            destination: flow.source,
            source: answered_as(flow.destination),
            iif: Device::Named(InterfaceName::loopback()),
            oif: device
                .filter(|_| family == Family::V6 && (!options.loose || is_link_local(flow.source))),
            mark: if options.valid_mark { flow.mark } else { 0 },
            protocol: None,
            ports: None,
            ..*flow
        };
        let mode = Mode {
            strict: family == Family::V6 && is_link_local(flow.source),
            device_match: true,
            ..Mode::default()
        };
        let found = match self.fib(family).lookup(&reverse, mode) {
            Ok(found) => found,
            Err(Failure::Undecided(why)) => return Err(Some(why)),
            Err(Failure::None(_)) => return Ok(false),
        };
        match found.route.kind {
            RouteType::Unicast => {}
            RouteType::Local if family == Family::V6 => return Ok(options.accept_local),
            RouteType::Local if options.accept_local => {}
            _ => return Ok(false),
        }
        match device {
            _ if options.loose => Ok(true),
            Some(device) => Ok(found.uses(&device)),
            None => Err(None),
        }
    }
}

/// Sources that the match takes without looking.
fn passes_unasked(flow: &Flow) -> bool {
    match (flow.source, flow.destination) {
        (IpAddr::V4(source), IpAddr::V4(destination)) => {
            source.is_unspecified()
                && (destination.is_broadcast() || destination.octets()[..3] == [224, 0, 0])
        }
        (source, _) => source.is_unspecified(),
    }
}

fn answered_as(destination: IpAddr) -> IpAddr {
    match destination {
        IpAddr::V6(a) if a.is_multicast() || a.is_unspecified() || a.is_loopback() => {
            Ipv6Addr::UNSPECIFIED.into()
        }
        other => reverse_source(other),
    }
}

fn is_link_local(addr: IpAddr) -> bool {
    matches!(addr, IpAddr::V6(a) if a.is_unicast_link_local())
}
