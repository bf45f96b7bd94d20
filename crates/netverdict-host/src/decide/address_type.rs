//! What kind an address is to this host, as the `addrtype` match asks (`inet_dev_addr_type`, xt_addrtype.c).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use netverdict_net::{Family, InterfaceName};

use crate::fib::{Failure, Flow, Mode, Undecided};
use crate::{Host, RouteType};

/// Kinds of addresses (`RTN_*` as addrtype names them).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum AddressType {
    Unicast,
    Local,
    Broadcast,
    Anycast,
    Multicast,
    Blackhole,
    Unreachable,
    Prohibit,
    Throw,
}

/// What an IPv6 lookup told of an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct AddressTypes6 {
    /// One of the host's own.
    pub local: bool,
    /// An anycast address of the host.
    pub anycast: bool,
    /// No route, or one that rejects.
    pub unreachable: bool,
}

impl Host {
    /// The type of an IPv4 address; `limit` is the device of `--limit-iface-in` or `--limit-iface-out`.
    pub fn address_type(&self, addr: Ipv4Addr, limit: Option<InterfaceName>) -> AddressType {
        if addr.is_unspecified() || addr.is_broadcast() {
            return AddressType::Broadcast;
        }
        if addr.is_multicast() {
            return AddressType::Multicast;
        }
        let flow = Flow::output(Ipv4Addr::UNSPECIFIED.into(), addr.into());
        let Some(found) = self.fib(Family::V4).lookup_local(&flow) else {
            return AddressType::Unicast;
        };
        let first = found.route.hops.first().and_then(|h| h.device);
        if limit.is_some() && first != limit {
            return AddressType::Unicast;
        }
        match found.route.kind {
            RouteType::Local => AddressType::Local,
            RouteType::Broadcast => AddressType::Broadcast,
            RouteType::Anycast => AddressType::Anycast,
            RouteType::Multicast => AddressType::Multicast,
            _ => AddressType::Unicast,
        }
    }

    /// What an IPv6 route lookup tells of an address (`match_lookup_rt6`). `want_local`: the rule asks for LOCAL.
    pub fn address_types_v6(
        &self,
        addr: Ipv6Addr,
        limit: Option<InterfaceName>,
        want_local: bool,
    ) -> Result<AddressTypes6, Undecided> {
        let mut types = AddressTypes6::default();
        if let Some(name) = limit.filter(|_| want_local) {
            types.local = self.interface(&name).is_some_and(|i| i.has(addr.into()));
        }
        let flow = Flow {
            oif: limit,
            ..Flow::output(Ipv6Addr::UNSPECIFIED.into(), addr.into())
        };
        // A device without a source makes the lookup strict.
        let mode = Mode {
            strict: limit.is_some(),
            ..Mode::default()
        };
        match self.fib(Family::V6).lookup(&flow, mode) {
            Ok(found) => {
                types.local |= limit.is_none() && found.route.kind == RouteType::Local;
                types.anycast = found.route.kind == RouteType::Anycast;
            }
            Err(Failure::Undecided(why)) => return Err(why),
            Err(Failure::None(_)) => {
                types = AddressTypes6 {
                    unreachable: self.routes_known(Family::V6),
                    ..AddressTypes6::default()
                };
            }
        }
        Ok(types)
    }

    /// Whether it is decided that the address is, or is not, one of the host's own: inferred addresses leave doubt.
    pub fn is_certain(&self, addr: IpAddr) -> bool {
        self.facts().addresses_known || self.is_own(addr)
    }
}
