//! Strategies for the small values.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use netverdict_net::{
    AddrMask, AddrRange, Family, InterfaceName, InterfacePattern, MacAddr, PortRange,
};
use netverdict_ruleset::{Interval, Invertible, MarkMask};
use proptest::prelude::*;
use proptest::sample::select;

pub(crate) fn inv<T: std::fmt::Debug + Clone>(
    value: impl Strategy<Value = T>,
) -> impl Strategy<Value = Invertible<T>> {
    (any::<bool>(), value).prop_map(|(inverted, value)| Invertible { inverted, value })
}

pub(crate) fn maybe<T: std::fmt::Debug>(
    value: impl Strategy<Value = T>,
) -> impl Strategy<Value = Option<T>> {
    prop::option::of(value)
}

/// Low and high port, not all of them.
pub(crate) fn ports() -> impl Strategy<Value = PortRange> {
    let pair = (any::<u16>(), any::<u16>());
    let range = pair.prop_map(|(a, b)| PortRange {
        start: a.min(b),
        end: a.max(b),
    });
    prop_oneof![any::<u16>().prop_map(PortRange::single), range]
        .prop_filter("not every port", |range| *range != PortRange::ANY)
}

pub(crate) fn interval() -> impl Strategy<Value = Interval<u32>> {
    let range = (any::<u32>(), any::<u32>()).prop_map(|(first, last)| Interval { first, last });
    prop_oneof![any::<u32>().prop_map(Interval::single), range]
        .prop_filter("not every value", |range| *range != Interval::<u32>::ANY)
}

pub(crate) fn mark() -> impl Strategy<Value = MarkMask> {
    let mask = prop_oneof![Just(u32::MAX), any::<u32>()];
    (any::<u32>(), mask).prop_map(|(value, mask)| MarkMask { value, mask })
}

pub(crate) fn ip(family: Family) -> BoxedStrategy<IpAddr> {
    match family {
        Family::V4 => any::<Ipv4Addr>().prop_map(Into::into).boxed(),
        Family::V6 => any::<Ipv6Addr>().prop_map(Into::into).boxed(),
    }
}

pub(crate) fn prefix_len(family: Family) -> impl Strategy<Value = u8> {
    0..=family.bits()
}

pub(crate) fn net(family: Family) -> impl Strategy<Value = AddrMask> {
    (ip(family), prefix_len(family)).prop_map(|(addr, len)| AddrMask::prefix(addr, len))
}

/// A network whose address has bits beyond the mask.
pub(crate) fn unmasked(family: Family) -> impl Strategy<Value = AddrMask> {
    (ip(family), prefix_len(family)).prop_map(move |(addr, len)| {
        let ones = match family {
            Family::V4 => IpAddr::V4(Ipv4Addr::BROADCAST),
            Family::V6 => IpAddr::V6(Ipv6Addr::from_bits(u128::MAX)),
        };
        AddrMask::unmasked(addr, AddrMask::prefix(ones, len).addr())
    })
}

pub(crate) fn addresses(family: Family) -> impl Strategy<Value = AddrRange> {
    (ip(family), ip(family)).prop_map(|(start, end)| AddrRange { start, end })
}

pub(crate) fn interface() -> impl Strategy<Value = InterfacePattern> {
    "[a-z][a-z0-9.-]{0,13}[+]?"
        .prop_map(|name| InterfacePattern::new(&name).expect("15 bytes at most"))
}

pub(crate) fn device() -> impl Strategy<Value = InterfaceName> {
    "[a-z][a-z0-9]{0,13}".prop_map(|name| InterfaceName::new(&name).expect("15 bytes at most"))
}

pub(crate) fn mac() -> impl Strategy<Value = MacAddr> {
    any::<[u8; 6]>().prop_map(MacAddr)
}

pub(crate) fn name() -> impl Strategy<Value = String> {
    "[A-Za-z][A-Za-z0-9_.-]{0,13}"
}

/// Text of any characters but line ends.
pub(crate) fn words(min: usize, max: usize) -> impl Strategy<Value = String> {
    let text = prop::collection::vec(any::<char>(), min..=max / 4);
    text.prop_map(|chars| {
        let fine = |c: &char| !c.is_control() && !('\u{f700}'..='\u{f7ff}').contains(c);
        let text: String = chars.into_iter().filter(fine).collect();
        if text.is_empty() {
            "x y".to_owned()
        } else {
            text
        }
    })
}

/// One of a few.
pub(crate) fn one<T: Clone + std::fmt::Debug + 'static>(
    values: &[T],
) -> impl Strategy<Value = T> + use<T> {
    select(values.to_vec())
}
