//! SNPT and DNPT (ip6t_NPT.c): stateless prefix translation that leaves checksums valid (RFC 6296).

use std::borrow::Cow;
use std::net::{IpAddr, Ipv6Addr};

use netverdict_net::header::ipv6;
use netverdict_net::{Protocol, checksum};
use netverdict_ruleset::targets::{Npt, NptPrefix};

use crate::Reason;
use crate::context::{Action, TargetCx};
use crate::outcome::SHARED_MEMORY;
use crate::rewrite;

const SOURCE: usize = 8;
const DESTINATION: usize = 24;

pub(super) fn source(target: Npt, cx: &mut TargetCx<'_, '_>) -> Action {
    translate(target, SOURCE, cx)
}

pub(super) fn destination(target: Npt, cx: &mut TargetCx<'_, '_>) -> Action {
    translate(target, DESTINATION, cx)
}

fn translate(target: Npt, at: usize, cx: &mut TargetCx<'_, '_>) -> Action {
    let Ok(&bytes) = cx.skb.packet.array::<16>(at) else {
        return Action::Continue;
    };
    let Some(mapped) = mapped(target, Ipv6Addr::from(bytes)) else {
        return Action::Drop(Some(Reason::TargetFailed));
    };
    // ip6t_NPT writes without asking for bytes of its own.
    if cx.skb.is_shared {
        return Action::Unknown(Cow::Borrowed(SHARED_MEMORY));
    }
    rewrite::put_bytes(&mut cx.skb.packet, at, &mapped.octets());
    cx.changed(
        "address",
        Ipv6Addr::from(bytes),
        mapped,
        Ipv6Addr::to_string,
    );
    translate_quoted(target, at, cx);
    Action::Continue
}

/// An ICMPv6 error quotes a packet that went the other way. The kernel does not find the message in what a raw socket
/// wrote whole (`rawv6_send_hdrinc` leaves the transport header at the IPv6 header).
fn translate_quoted(target: Npt, at: usize, cx: &mut TargetCx<'_, '_>) {
    if cx.skb.has_socket {
        return;
    }
    let packet = &mut cx.skb.packet;
    let Ok(found) = ipv6::find(packet, None) else {
        return;
    };
    let error = found.protocol == Protocol::ICMPV6
        && packet
            .array::<1>(found.offset)
            .is_ok_and(|kind| matches!(kind, [1..=4]));
    if !error {
        return;
    }
    let inner = found.offset + 8 + if at == SOURCE { DESTINATION } else { SOURCE };
    let Ok(&bytes) = packet.array::<16>(inner) else {
        return;
    };
    // An address outside the prefix is not the translated one.
    if !is_within(target.from, Ipv6Addr::from(bytes)) {
        return;
    }
    if let Some(mapped) = mapped(target, Ipv6Addr::from(bytes)) {
        rewrite::put_bytes(packet, inner, &mapped.octets());
    }
}

fn is_within(prefix: NptPrefix, addr: Ipv6Addr) -> bool {
    netverdict_net::AddrMask::prefix(prefix.addr.into(), prefix.len).contains(IpAddr::V6(addr))
}

/// `ip6t_npt_map_pfx`; `None` where no word can take the adjustment.
fn mapped(target: Npt, addr: Ipv6Addr) -> Option<Ipv6Addr> {
    let len = u32::from(target.from.len.max(target.to.len)).min(64);
    let mask = if len == 0 {
        0
    } else {
        u128::MAX << (128 - len)
    };
    let bits = addr.to_bits() & !mask | target.to.addr.to_bits() & mask;
    let mut words = Ipv6Addr::from_bits(bits).segments();
    let at = if len <= 48 {
        3
    } else {
        (4..8).find(|i| words.get(*i).is_some_and(|w| *w != 0xffff))?
    };
    let word = words.get_mut(at)?;
    *word = adjusted(*word, adjustment(target));
    Some(words.into())
}

/// What the words of the old prefix sum to above those of the new one, in one's complement.
fn adjustment(target: Npt) -> u16 {
    let sum =
        |prefix: NptPrefix| checksum::fold(u64::from(checksum::sum(&prefix.addr.octets(), 0)));
    checksum::fold(u64::from(sum(target.from)) + u64::from(!sum(target.to)))
}

/// One's complement has two zeros; the kernel writes the positive one.
fn adjusted(word: u16, adjustment: u16) -> u16 {
    match checksum::fold(u64::from(word) + u64::from(adjustment)) {
        0xffff => 0,
        sum => sum,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 6296, section 3.1: fd01:203:405::/48 and 2001:db8:1::/48.
    #[test]
    fn the_example_of_rfc_6296() {
        let prefix = |addr: &str| NptPrefix {
            addr: addr.parse().unwrap(),
            len: 48,
        };
        let target = Npt {
            from: prefix("fd01:203:405::"),
            to: prefix("2001:db8:1::"),
        };
        let out = mapped(target, "fd01:203:405:1::1234".parse().unwrap());
        assert_eq!(out, Some("2001:db8:1:d550::1234".parse().unwrap()));
    }
}
