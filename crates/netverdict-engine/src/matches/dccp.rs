//! `-m dccp` (net/netfilter/xt_dccp.c).

use netverdict_net::Beyond;
use netverdict_net::header::dccp::{Dccp as Header, HEADER_LEN};
use netverdict_net::header::tcp::Options;
use netverdict_net::{Packet, PortRange};
use netverdict_ruleset::Invertible;
use netverdict_ruleset::matches::Dccp;

use super::tri::{self, Tri, all, captured};
use crate::context::{Eval, MatchCx};

const CUT: &str = "DCCP header not captured";

pub(crate) fn evaluate(m: &Dccp, cx: &MatchCx<'_, '_>) -> Eval {
    if cx.param.fragment_offset != 0 {
        return Eval::False;
    }
    let (packet, at) = (&cx.skb.packet, cx.param.transport_offset);
    let Some(header) = Header::at(packet, at) else {
        return Eval::Hotdrop(false);
    };
    match (fixed(m, header), m.option) {
        (Ok(true), Some(option)) => match has(packet, at, header, option.value) {
            Ok(found) => Eval::of(found, option.inverted),
            // The search says false, which the inversion turns round; the packet is dropped all the same.
            Err(Beyond::PacketEnd) => Eval::Hotdrop(option.inverted),
            Err(Beyond::Captured) => tri::unknown("DCCP options not captured"),
        },
        (answer, _) => tri::eval(answer),
    }
}

fn fixed(m: &Dccp, header: Header<'_, '_>) -> Tri {
    let any = Invertible::plain(PortRange::ANY);
    let types = match m.types {
        None => Ok(true),
        Some(test) => {
            captured(header.kind(), CUT).map(|kind| test.test(|types| types.contains(kind)))
        }
    };
    all([
        tri::port(&m.source.unwrap_or(any), header.source_port(), CUT),
        tri::port(
            &m.destination.unwrap_or(any),
            header.destination_port(),
            CUT,
        ),
        types,
    ])
}

/// `dccp_find_option`; options are walked like TCP's.
fn has(packet: &Packet<'_>, at: usize, header: Header<'_, '_>, option: u8) -> Result<bool, Beyond> {
    let extended = if header.is_extended()? { 4 } else { 0 };
    let fixed = HEADER_LEN + extended + subheader_len(header.kind()?);
    let len = header.header_len()?.checked_sub(fixed);
    let bytes = packet.read(at + fixed, len.ok_or(Beyond::PacketEnd)?)?;
    Ok(Options::new(bytes).any(|(_, kind)| kind == option))
}

/// What a packet type adds to the generic header (`dccp_packet_hdr_len` of include/linux/dccp.h).
const fn subheader_len(kind: u8) -> usize {
    match kind {
        0 => 4,
        2 => 0,
        3..=6 | 8 | 9 => 8,
        _ => 12,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::matches::fixture::Scene;
    use netverdict_ruleset::matches::DccpTypes;

    fn data(offset_words: u8, options: &[u8]) -> Vec<u8> {
        let mut bytes = vec![0, 7, 0, 9, offset_words, 0, 0, 0, 2 << 1, 0, 0, 1];
        bytes.extend_from_slice(options);
        bytes
    }

    fn check(m: &Dccp, bytes: Vec<u8>) -> Eval {
        Scene::new(bytes).with(|cx| evaluate(m, cx))
    }

    #[test]
    fn ports_and_types_in_both_polarities() {
        for inverted in [false, true] {
            for (port, hit) in [(7, true), (9, false)] {
                let value = PortRange::single(port);
                let m = Dccp {
                    source: Some(Invertible { inverted, value }),
                    ..Dccp::default()
                };
                assert_eq!(check(&m, data(3, &[])), Eval::of(hit, inverted));
            }
            for (types, hit) in [(1 << 2 | 1, true), (1 << 3, false)] {
                let value = DccpTypes(types);
                let m = Dccp {
                    types: Some(Invertible { inverted, value }),
                    ..Dccp::default()
                };
                assert_eq!(check(&m, data(3, &[])), Eval::of(hit, inverted));
            }
        }
    }

    #[test]
    fn options_are_found_or_the_header_is_broken() {
        let m = |inverted| Dccp {
            option: Some(Invertible { inverted, value: 2 }),
            ..Dccp::default()
        };
        for inverted in [false, true] {
            assert_eq!(
                check(&m(inverted), data(4, &[0, 2, 2, 0])),
                Eval::of(true, inverted)
            );
            assert_eq!(
                check(&m(inverted), data(4, &[0; 4])),
                Eval::of(false, inverted)
            );
            assert_eq!(check(&m(inverted), data(3, &[])), Eval::of(false, inverted));
            assert_eq!(check(&m(inverted), data(2, &[])), Eval::Hotdrop(inverted));
            assert_eq!(check(&m(inverted), data(4, &[])), Eval::Hotdrop(inverted));
        }
        assert_eq!(
            check(&m(false), data(3, &[])[..11].to_vec()),
            Eval::Hotdrop(false)
        );
    }
}
