//! `-m ecn` (net/netfilter/xt_ecn.c).

use netverdict_net::header::network_header_len;
use netverdict_net::header::tcp::{Tcp, flag};
use netverdict_net::{Beyond, Family};
use netverdict_ruleset::matches::Ecn;

use super::tri::absent;
use crate::context::{Eval, MatchCx};

pub(crate) fn evaluate(m: &Ecn, cx: &MatchCx<'_, '_>) -> Eval {
    let ect = |want: &u8| cx.skb.packet.tos() & 3 == *want;
    if m.ect.is_some_and(|test| !test.test(ect)) {
        return Eval::False;
    }
    if m.ece.is_none() && m.cwr.is_none() {
        return Eval::True;
    }
    match tcp_flags(cx) {
        Ok(flags) => {
            let holds = |want: Option<bool>, bit| want.is_none_or(|set| (flags & bit != 0) == set);
            Eval::of(holds(m.ece, flag::ECE) && holds(m.cwr, flag::CWR), false)
        }
        Err(beyond) => absent(beyond, "TCP header not captured"),
    }
}

/// Fragments are not told apart: in a later one payload is read.
fn tcp_flags(cx: &MatchCx<'_, '_>) -> Result<u8, Beyond> {
    let packet = &cx.skb.packet;
    let at = match packet.family() {
        Family::V4 => network_header_len(packet),
        Family::V6 => cx.param.transport_offset,
    };
    Tcp::at(packet, at).ok_or(Beyond::PacketEnd)?.flags()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::matches::fixture::{Scene, tcp};
    use netverdict_ruleset::Invertible;

    #[test]
    fn ect_is_the_lower_two_bits() {
        let mut scene = Scene::new(Vec::new());
        scene.skb.packet.captured_mut()[1] = 0xfe;
        for (value, hit) in [(2, true), (3, false)] {
            for inverted in [false, true] {
                let m = Ecn {
                    ect: Some(Invertible { inverted, value }),
                    ..Ecn::default()
                };
                assert_eq!(scene.with(|cx| evaluate(&m, cx)), Eval::of(hit, inverted));
            }
        }
    }

    #[test]
    fn tcp_bits_must_all_be_as_asked() {
        let mut scene = Scene::new(tcp(1, 2, flag::ECE, &[]));
        let m = |ece, cwr| Ecn {
            ece,
            cwr,
            ..Ecn::default()
        };
        for (ece, cwr, hit) in [
            (Some(true), None, true),
            (Some(false), None, false),
            (None, Some(true), false),
            (Some(true), Some(false), true),
        ] {
            assert_eq!(
                scene.with(|cx| evaluate(&m(ece, cwr), cx)),
                Eval::of(hit, false)
            );
        }
        let mut short = Scene::new(vec![0; 19]);
        assert_eq!(
            short.with(|cx| evaluate(&m(Some(false), None), cx)),
            Eval::False
        );
    }
}
