//! `-m tcp` (`tcp_mt` of net/netfilter/xt_tcpudp.c).

use netverdict_net::header::tcp::{Options, Tcp as Header};
use netverdict_ruleset::Invertible;
use netverdict_ruleset::matches::Tcp;

use super::tri::{self, Tri, all, captured, hotdrop};
use crate::context::{Eval, MatchCx};

const CUT: &str = "TCP header not captured";

pub(crate) fn evaluate(m: &Tcp, cx: &MatchCx<'_, '_>) -> Eval {
    match cx.param.fragment_offset {
        0 => {}
        // A second fragment that starts inside the header could rewrite the flags on reassembly.
        1 => return Eval::Hotdrop(false),
        _ => return Eval::False,
    }
    let Some(header) = Header::at(&cx.skb.packet, cx.param.transport_offset) else {
        return Eval::Hotdrop(false);
    };
    match fixed(m, header) {
        Ok(true) => m.option.map_or(Eval::True, |option| has(&option, header)),
        other => tri::eval(other),
    }
}

fn fixed(m: &Tcp, header: Header<'_, '_>) -> Tri {
    all([
        tri::port(&m.source, header.source_port(), CUT),
        tri::port(&m.destination, header.destination_port(), CUT),
        flags(m, header),
    ])
}

fn flags(m: &Tcp, header: Header<'_, '_>) -> Tri {
    if m.flags.value.mask == 0 && m.flags.value.set == 0 {
        return Ok(!m.flags.inverted);
    }
    let flags = captured(header.flags(), CUT)?;
    Ok(m.flags.test(|want| want.matches(flags)))
}

fn has(option: &Invertible<u8>, header: Header<'_, '_>) -> Eval {
    match header.options() {
        Ok(bytes) => {
            let found = Options::new(bytes).any(|(_, kind)| kind == option.value);
            Eval::of(found, option.inverted)
        }
        Err(beyond) => hotdrop(beyond, CUT),
    }
}

/// The test as nf_tables runs it for a rule without `--tcp-option`: each field is read on its own, a field beyond the
/// packet fails the rule without dropping the packet, and fragments are not told apart.
pub(crate) fn evaluate_nft(m: &Tcp, cx: &MatchCx<'_, '_>) -> Eval {
    let (packet, at) = (&cx.skb.packet, cx.param.transport_offset);
    let flags = || -> Tri {
        if m.flags.value.mask == 0 && m.flags.value.set == 0 && !m.flags.inverted {
            return Ok(true);
        }
        let byte = tri::nft(packet.array::<1>(at + 13), CUT)?;
        Ok(byte.is_some_and(|b| m.flags.test(|want| want.matches(b[0]))))
    };
    let tests = [&m.source, &m.destination];
    tri::eval(all([
        tri::nft_ports(tests, cx.param.ports, packet, at, CUT),
        flags(),
    ]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::matches::fixture::{Scene, tcp};
    use netverdict_net::PortRange;
    use netverdict_ruleset::PortTests;
    use netverdict_ruleset::matches::TcpFlags;

    fn syn() -> Scene {
        Scene::new(tcp(40000, 22, 0x02, &[]))
    }

    fn dport(start: u16, end: u16, inverted: bool) -> Tcp {
        Tcp {
            destination: Invertible {
                inverted,
                value: PortRange { start, end },
            },
            ..Tcp::default()
        }
    }

    fn check(m: &Tcp, scene: &mut Scene) -> Eval {
        scene.with(|cx| evaluate(m, cx))
    }

    #[test]
    fn ports_are_inclusive_ranges_in_both_polarities() {
        for (start, end, hit) in [
            (22, 22, true),
            (0, 22, true),
            (22, 65535, true),
            (23, 80, false),
        ] {
            assert_eq!(
                check(&dport(start, end, false), &mut syn()),
                Eval::of(hit, false)
            );
            assert_eq!(
                check(&dport(start, end, true), &mut syn()),
                Eval::of(hit, true)
            );
        }
        // Trap T17: a range whose start is above its end holds nothing.
        assert_eq!(check(&dport(30, 20, false), &mut syn()), Eval::False);
        assert_eq!(check(&dport(30, 20, true), &mut syn()), Eval::True);
        assert_eq!(check(&dport(0, 65535, true), &mut syn()), Eval::False);
    }

    #[test]
    fn source_and_destination_are_told_apart() {
        let m = Tcp {
            source: Invertible::plain(PortRange::single(22)),
            ..Tcp::default()
        };
        assert_eq!(check(&m, &mut syn()), Eval::False);
    }

    #[test]
    fn flags_are_compared_under_their_mask() {
        let m = |mask, set, inverted| Tcp {
            flags: Invertible {
                inverted,
                value: TcpFlags { mask, set },
            },
            ..Tcp::default()
        };
        let syn_ack = || Scene::new(tcp(1, 2, 0x12, &[]));
        assert_eq!(check(&m(0x17, 0x02, false), &mut syn()), Eval::True);
        assert_eq!(check(&m(0x17, 0x02, false), &mut syn_ack()), Eval::False);
        assert_eq!(check(&m(0x17, 0x02, true), &mut syn_ack()), Eval::True);
        assert_eq!(check(&m(0x3f, 0, false), &mut syn()), Eval::False);
        // Bits outside the mask that are asked for can never be there.
        assert_eq!(check(&m(0, 0x02, false), &mut syn()), Eval::False);
    }

    #[test]
    fn options_are_searched_and_broken_ones_drop_the_packet() {
        let m = |kind, inverted| Tcp {
            option: Some(Invertible {
                inverted,
                value: kind,
            }),
            ..Tcp::default()
        };
        let mut mss = Scene::new(tcp(1, 2, 2, &[1, 1, 2, 4]));
        assert_eq!(check(&m(2, false), &mut mss), Eval::True);
        assert_eq!(check(&m(2, true), &mut mss), Eval::False);
        assert_eq!(check(&m(8, false), &mut mss), Eval::False);
        assert_eq!(check(&m(8, true), &mut syn()), Eval::True);
        let mut short_offset = tcp(1, 2, 2, &[]);
        short_offset[12] = 0x40;
        let mut scene = Scene::new(short_offset);
        assert_eq!(check(&m(8, true), &mut scene), Eval::Hotdrop(false));
        // The options are looked at last.
        let other = Tcp {
            option: m(8, true).option,
            ..dport(9, 9, false)
        };
        assert_eq!(check(&other, &mut scene), Eval::False);
    }

    #[test]
    fn a_short_header_drops_and_a_cut_one_is_unknown() {
        let short = tcp(1, 2, 2, &[])[..19].to_vec();
        assert_eq!(
            check(&dport(9, 9, false), &mut Scene::new(short)),
            Eval::Hotdrop(false)
        );
        let mut cut = Scene::new(tcp(1, 22, 2, &[]));
        cut.cut(20 + 10);
        assert_eq!(check(&dport(22, 22, false), &mut cut), Eval::True);
        let syn = Tcp {
            flags: Invertible::plain(TcpFlags::SYN),
            ..dport(22, 22, false)
        };
        assert!(matches!(check(&syn, &mut cut), Eval::Unknown(_)));
        let other = Tcp {
            destination: Invertible::plain(PortRange::single(80)),
            ..syn
        };
        assert_eq!(check(&other, &mut cut), Eval::False);
    }

    /// Trap T14.
    #[test]
    fn later_fragments_never_match_and_the_one_at_eight_bytes_drops() {
        let mut scene = syn();
        scene.param.fragment_offset = 2;
        assert_eq!(check(&dport(9, 9, true), &mut scene), Eval::False);
        scene.param.fragment_offset = 1;
        assert_eq!(check(&dport(9, 9, true), &mut scene), Eval::Hotdrop(false));
    }

    #[test]
    fn nf_tables_reads_each_field_alone() {
        let mut short = Scene::new(tcp(1, 22, 2, &[])[..12].to_vec());
        let nft = |m: &Tcp, scene: &mut Scene| scene.with(|cx| evaluate_nft(m, cx));
        assert_eq!(nft(&dport(22, 22, false), &mut short), Eval::True);
        short.param.fragment_offset = 5;
        assert_eq!(nft(&dport(9, 9, true), &mut short), Eval::True);
        let syn = Tcp {
            flags: Invertible::inverted(TcpFlags::SYN),
            ..Tcp::default()
        };
        assert_eq!(nft(&syn, &mut short), Eval::False);
    }

    #[test]
    fn two_negated_ports_are_one_number_to_older_tools() {
        let mut scene = syn();
        for (ports, [one, both]) in [
            (PortTests::Early, [Eval::True, Eval::False]),
            (PortTests::Native, [Eval::False, Eval::False]),
        ] {
            scene.param.ports = ports;
            let not = |source| Tcp {
                source: Invertible::inverted(PortRange::single(source)),
                ..dport(22, 22, true)
            };
            assert_eq!(scene.with(|cx| evaluate_nft(&not(9), cx)), one);
            assert_eq!(scene.with(|cx| evaluate_nft(&not(40000), cx)), both);
        }
    }
}
