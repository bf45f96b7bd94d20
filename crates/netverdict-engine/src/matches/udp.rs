//! `-m udp` and `-m udplite` (`udp_mt` of net/netfilter/xt_tcpudp.c serves both).

use netverdict_net::header::udp::Udp as Header;
use netverdict_ruleset::matches::Udp;

use super::tri::{self, all};
use crate::context::{Eval, MatchCx};

const CUT: &str = "UDP header not captured";

pub(crate) fn evaluate(m: &Udp, cx: &MatchCx<'_, '_>) -> Eval {
    if cx.param.fragment_offset != 0 {
        return Eval::False;
    }
    let Some(header) = Header::at(&cx.skb.packet, cx.param.transport_offset) else {
        return Eval::Hotdrop(false);
    };
    tri::eval(all([
        tri::port(&m.source, header.source_port(), CUT),
        tri::port(&m.destination, header.destination_port(), CUT),
    ]))
}

/// The test as nf_tables runs it; see [`super::tcp::evaluate_nft`].
pub(crate) fn evaluate_nft(m: &Udp, cx: &MatchCx<'_, '_>) -> Eval {
    let (packet, at) = (&cx.skb.packet, cx.param.transport_offset);
    let tests = [&m.source, &m.destination];
    tri::eval(tri::nft_ports(tests, cx.param.ports, packet, at, CUT))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::matches::fixture::{Scene, udp};
    use netverdict_net::PortRange;
    use netverdict_ruleset::Invertible;

    fn sport(port: u16, inverted: bool) -> Udp {
        Udp {
            source: Invertible {
                inverted,
                value: PortRange::single(port),
            },
            ..Udp::default()
        }
    }

    #[test]
    fn ports_in_both_polarities() {
        let mut scene = Scene::new(udp(53, 4000));
        for (port, hit) in [(53, true), (4000, false)] {
            assert_eq!(
                scene.with(|cx| evaluate(&sport(port, false), cx)),
                Eval::of(hit, false)
            );
            assert_eq!(
                scene.with(|cx| evaluate(&sport(port, true), cx)),
                Eval::of(hit, true)
            );
        }
    }

    #[test]
    fn seven_bytes_drop_and_later_fragments_do_not_match() {
        let mut scene = Scene::new(udp(53, 4000)[..7].to_vec());
        assert_eq!(
            scene.with(|cx| evaluate(&sport(53, false), cx)),
            Eval::Hotdrop(false)
        );
        assert_eq!(
            scene.with(|cx| evaluate_nft(&sport(53, false), cx)),
            Eval::True
        );
        scene.param.fragment_offset = 1;
        assert_eq!(scene.with(|cx| evaluate(&sport(1, true), cx)), Eval::False);
    }

    #[test]
    fn a_cut_header_is_unknown() {
        let mut scene = Scene::new(udp(53, 4000));
        scene.cut(21);
        assert!(matches!(
            scene.with(|cx| evaluate(&sport(53, false), cx)),
            Eval::Unknown(_)
        ));
        assert_eq!(scene.with(|cx| evaluate(&Udp::default(), cx)), Eval::True);
    }
}
