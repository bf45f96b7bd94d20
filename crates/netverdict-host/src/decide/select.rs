//! Source addresses: for packets made here, MASQUERADE and REDIRECT (`inet_select_addr`, `ipv6_dev_get_saddr`,
//! nf_nat_masquerade.c, nf_nat_redirect.c).

use std::net::{IpAddr, Ipv6Addr};

use netverdict_net::{Device, Family, InterfaceName};

use super::output::Way;
use crate::{Address, Host, Interface, Scope};

mod rfc6724;

/// A chosen source address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SourceChoice {
    /// This one.
    Address(IpAddr),
    /// The host has none that fits.
    None,
    /// The host's addresses, the device or the next router are not known.
    Unknown,
}

impl Host {
    /// The address that MASQUERADE gives a packet for `destination` that leaves by `way`.
    pub fn masquerade_source(&self, way: &Way, destination: IpAddr) -> SourceChoice {
        match destination {
            IpAddr::V4(_) if !way.gateway_known && self.has_choice(way.device) => {
                SourceChoice::Unknown
            }
            IpAddr::V4(_) => {
                let toward = way.gateway.filter(IpAddr::is_ipv4).unwrap_or(destination);
                self.source_v4(way.device, Some(toward), Scope::UNIVERSE)
            }
            IpAddr::V6(_) => self.source_v6(way.device, destination),
        }
    }

    /// The address that REDIRECT in PREROUTING gives a packet for `destination` that came in on `device`.
    pub fn redirect_destination(&self, device: Device, destination: IpAddr) -> SourceChoice {
        let Some(interface) = device.name().and_then(|n| self.interface(n)) else {
            return self.unless_known();
        };
        let first = match destination {
            IpAddr::V4(_) => interface.addresses_of(Family::V4).next(),
            IpAddr::V6(to) => interface
                .addresses_of(Family::V6)
                .find(|a| is_redirect_target(a, to)),
        };
        first.map_or_else(|| self.unless_known(), |a| SourceChoice::Address(a.local))
    }

    /// Whether the device has several IPv4 addresses that the next router decides between.
    fn has_choice(&self, device: Device) -> bool {
        let interface = device.name().and_then(|n| self.interface(n));
        let primaries = |i: &Interface| {
            let all = i.addresses_of(Family::V4);
            all.filter(|a| !a.secondary).count()
        };
        interface.is_some_and(|i| primaries(i) > 1)
    }

    fn unless_known(&self) -> SourceChoice {
        if self.facts().addresses_known {
            SourceChoice::None
        } else {
            SourceChoice::Unknown
        }
    }

    /// `inet_select_addr`: the first primary address of the device whose subnet holds `toward`, else its first primary
    /// address, else another device's.
    pub(super) fn source_v4(
        &self,
        device: Device,
        toward: Option<IpAddr>,
        scope: Scope,
    ) -> SourceChoice {
        let Device::Named(name) = device else {
            return SourceChoice::Unknown;
        };
        if let Some(interface) = self.interface(&name) {
            let local = self.localnet_scope(&name);
            let fits = |a: &&Address| !a.secondary && a.scope.min(local) <= scope;
            let mut primary = interface.addresses_of(Family::V4).filter(fits);
            let first = primary.clone().next();
            let near = primary.find(|a| toward.is_some_and(|t| a.prefix().contains(t)));
            if let Some(address) = near.or(first) {
                return SourceChoice::Address(address.local);
            }
        }
        let elsewhere = self
            .interfaces()
            .iter()
            .find_map(|i| any_source(i, scope))
            .filter(|_| self.facts().addresses_known);
        elsewhere.map_or_else(|| self.unless_known(), SourceChoice::Address)
    }

    /// `route_localnet` lets host-scope addresses serve as link-scope ones.
    fn localnet_scope(&self, name: &InterfaceName) -> Scope {
        if self.settings(Device::Named(*name)).route_localnet {
            Scope::LINK
        } else {
            Scope::HOST
        }
    }

    /// `ipv6_dev_get_saddr`: RFC 6724 with the kernel's own rules.
    pub(super) fn source_v6(&self, device: Device, destination: IpAddr) -> SourceChoice {
        let (Device::Named(name), IpAddr::V6(to)) = (device, destination) else {
            return SourceChoice::Unknown;
        };
        let temporary = self.settings(device).use_temporary > 1;
        rfc6724::select(self.interfaces(), &name, to, temporary)
            .map_or_else(|| self.unless_known(), |a| SourceChoice::Address(a.into()))
    }
}

/// Any address will do for a global destination; one of a narrower scope, a group's too, wants its like
/// (`nf_nat_redirect_ipv6_usable`).
fn is_redirect_target(address: &Address, to: Ipv6Addr) -> bool {
    let IpAddr::V6(own) = address.local else {
        return false;
    };
    let wanted = narrow_scope(to);
    let same_scope = wanted.is_none() || wanted == narrow_scope(own);
    own.to_ipv4_mapped().is_none() && !address.tentative && same_scope
}

/// The scope of an address as multicast numbers it (1 loopback, 2 link, 5 site), if it is narrower than global
/// (`ipv6_addr_type`).
fn narrow_scope(address: Ipv6Addr) -> Option<u16> {
    let first = address.segments()[0];
    if address.is_multicast() {
        return Some(first & 0xf).filter(|scope| [1, 2, 5].contains(scope));
    }
    match first & 0xffc0 {
        _ if address.is_loopback() => Some(1),
        0xfe80 => Some(2),
        0xfec0 => Some(5),
        _ => None,
    }
}

/// `in_dev_select_addr`.
fn any_source(interface: &Interface, scope: Scope) -> Option<IpAddr> {
    interface
        .addresses_of(Family::V4)
        .find(|a| !a.secondary && a.scope != Scope::LINK && a.scope <= scope)
        .map(|a| a.local)
}
