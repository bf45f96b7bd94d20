//! Answers that a short capture may leave open, and how several of them combine.

use std::borrow::Cow;

use netverdict_net::{Beyond, Packet, PortRange};
use netverdict_ruleset::{Invertible, PortTests};

use crate::context::Eval;

/// An answer, or what was missing for it.
pub(super) type Tri = Result<bool, &'static str>;

/// Whether all parts hold: one that does not settles it whatever is open.
pub(super) fn all(parts: impl IntoIterator<Item = Tri>) -> Tri {
    let mut undecided = None;
    for part in parts {
        match part {
            Ok(false) => return Ok(false),
            Ok(true) => {}
            Err(why) => undecided = undecided.or(Some(why)),
        }
    }
    undecided.map_or(Ok(true), Err)
}

/// The answer as a match gives it.
pub(super) fn eval(answer: Tri) -> Eval {
    match answer {
        Ok(true) => Eval::True,
        Ok(false) => Eval::False,
        Err(why) => unknown(why),
    }
}

/// Not decided, and why.
pub(super) const fn unknown(why: &'static str) -> Eval {
    Eval::Unknown(Cow::Borrowed(why))
}

/// The answer of a read inside a header that the packet has.
pub(super) fn captured<T>(value: Result<T, Beyond>, why: &'static str) -> Result<T, &'static str> {
    value.map_err(|_| why)
}

/// A failed read where the kernel drops the packet if the header is not there (`par->hotdrop`).
pub(super) const fn hotdrop(beyond: Beyond, why: &'static str) -> Eval {
    match beyond {
        Beyond::PacketEnd => Eval::Hotdrop(false),
        Beyond::Captured => unknown(why),
    }
}

/// A read after whose failure the match is false.
pub(super) const fn absent(beyond: Beyond, why: &'static str) -> Eval {
    match beyond {
        Beyond::PacketEnd => Eval::False,
        Beyond::Captured => unknown(why),
    }
}

/// A port test; one that every port passes reads nothing.
pub(super) fn port(
    test: &Invertible<PortRange>,
    port: Result<u16, Beyond>,
    why: &'static str,
) -> Tri {
    if test.value == PortRange::ANY {
        return Ok(!test.inverted);
    }
    let port = captured(port, why)?;
    Ok(test.test(|range| range.contains(port)))
}

/// A field as nf_tables reads it: one beyond the packet ends the rule (`None`).
pub(super) fn nft<T>(
    value: Result<T, Beyond>,
    why: &'static str,
) -> Result<Option<T>, &'static str> {
    match value {
        Ok(value) => Ok(Some(value)),
        Err(Beyond::PacketEnd) => Ok(None),
        Err(Beyond::Captured) => Err(why),
    }
}

/// A port test as nf_tables makes it, if it makes one.
fn nft_port(
    test: &Invertible<PortRange>,
    ports: PortTests,
    port: Result<u16, Beyond>,
    why: &'static str,
) -> Tri {
    if ports.leaves_out(*test) {
        return Ok(true);
    }
    let port = nft(port, why)?;
    Ok(port.is_some_and(|port| test.test(|range| range.contains(port))))
}

/// The tests of both ports as nf_tables makes them.
pub(super) fn nft_ports(
    [source, destination]: [&Invertible<PortRange>; 2],
    ports: PortTests,
    packet: &Packet<'_>,
    at: usize,
    why: &'static str,
) -> Tri {
    if ports.joins(*source, *destination) {
        let both = nft(packet.array::<4>(at), why)?;
        return Ok(both.is_some_and(|b| {
            let [from, to] = [[b[0], b[1]], [b[2], b[3]]].map(u16::from_be_bytes);
            [from, to] != [source.value.start, destination.value.start]
        }));
    }
    all([
        nft_port(source, ports, packet.u16(at), why),
        nft_port(destination, ports, packet.u16(at + 2), why),
    ])
}

/// `N` bytes of a header; the error is the match's answer: hotdrop beyond the packet.
pub(super) fn header<const N: usize>(
    packet: &Packet<'_>,
    offset: usize,
    why: &'static str,
) -> Result<[u8; N], Eval> {
    let bytes = packet.array::<N>(offset);
    bytes.copied().map_err(|beyond| hotdrop(beyond, why))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn false_settles_what_is_open() {
        assert_eq!(all([Err("?"), Ok(false)]), Ok(false));
        assert_eq!(all([Ok(true), Err("?")]), Err("?"));
        assert_eq!(all([Ok(true), Ok(true)]), Ok(true));
    }
}
