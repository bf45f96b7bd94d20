//! IPv6 source address selection (RFC 6724 §5 as `ipv6_get_saddr_eval` does it).

use std::net::{IpAddr, Ipv6Addr};

use netverdict_net::{Family, InterfaceName};

use crate::{Address, Interface};

/// The best source for `to` by way of `device`. The first candidate wins ties, the out-device's addresses come first.
pub(super) fn select(
    interfaces: &[Interface],
    device: &InterfaceName,
    to: Ipv6Addr,
    prefer_temporary: bool,
) -> Option<Ipv6Addr> {
    // Destinations whose scope is the link take a source of that link only.
    let link_only = to.is_multicast() || scope(to) <= 2;
    let (own, others): (Vec<_>, Vec<_>) = interfaces.iter().partition(|i| i.name == *device);
    let others = others.into_iter().filter(|i| !link_only && i.up);
    let mut best: Option<(Rank, Ipv6Addr)> = None;
    for interface in own.into_iter().chain(others) {
        for address in interface.addresses_of(Family::V6) {
            let IpAddr::V6(addr) = address.local else {
                continue;
            };
            if address.tentative || addr.is_unspecified() || addr.is_multicast() {
                continue;
            }
            let rank = rank(
                address,
                addr,
                to,
                interface.name == *device,
                prefer_temporary,
            );
            if best.as_ref().is_none_or(|(b, _)| rank > *b) {
                best = Some((rank, addr));
            }
        }
    }
    best.map(|(_, addr)| addr)
}

/// The rules in their order, greater is better.
type Rank = (bool, (bool, i16), bool, bool, bool, bool, bool, u32);

fn rank(
    address: &Address,
    addr: Ipv6Addr,
    to: Ipv6Addr,
    on_device: bool,
    prefer_temporary: bool,
) -> Rank {
    let (own, wanted) = (scope(addr), scope(to));
    let enough = own >= wanted;
    // Enough scope beats too little; among enough the narrowest, among too little the widest.
    let by_scope = if enough { -own } else { own - 128 };
    let common = (addr.to_bits() ^ to.to_bits()).leading_zeros();
    (
        addr == to,
        (enough, by_scope),
        !address.deprecated,
        on_device,
        label(addr) == label(to),
        address.temporary == prefer_temporary,
        is_orchid(addr) == is_orchid(to),
        common.min(u32::from(address.prefix_len)),
    )
}

fn multicast_scope(addr: Ipv6Addr) -> u16 {
    addr.segments()[0] & 0xf
}

/// Scope values as RFC 4291 numbers them.
fn scope(addr: Ipv6Addr) -> i16 {
    if addr.is_multicast() {
        return multicast_scope(addr) as i16;
    }
    match addr.segments()[0] {
        // Counts as link-local (RFC 6724 §3.4).
        0 if addr.is_loopback() => 2,
        s if s & 0xffc0 == 0xfe80 => 2,
        s if s & 0xffc0 == 0xfec0 => 5,
        _ => 14,
    }
}

/// The kernel's default label table (net/ipv6/addrlabel.c).
fn label(addr: Ipv6Addr) -> u8 {
    let s = addr.segments();
    match s {
        _ if addr.is_loopback() => 0,
        _ if addr.to_ipv4_mapped().is_some() => 4,
        [0x2001, 0, ..] => 6,
        [0x2001, x, ..] if x & 0xfff0 == 0x10 => 7,
        [0x2002, ..] => 2,
        [0x3ffe, ..] => 12,
        [0, 0, 0, 0, 0, 0, ..] => 3,
        [x, ..] if x & 0xfe00 == 0xfc00 => 5,
        [x, ..] if x & 0xffc0 == 0xfec0 => 11,
        _ => 1,
    }
}

fn is_orchid(addr: Ipv6Addr) -> bool {
    matches!(addr.segments(), [0x2001, x, ..] if x & 0xfff0 == 0x10)
}
