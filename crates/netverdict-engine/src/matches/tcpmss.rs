//! `-m tcpmss` (net/netfilter/xt_tcpmss.c).

use netverdict_net::header::tcp::{Options, Tcp};
use netverdict_ruleset::matches::Tcpmss;

use super::tri::hotdrop;
use crate::context::{Eval, MatchCx};

pub(crate) fn evaluate(m: &Tcpmss, cx: &MatchCx<'_, '_>) -> Eval {
    let Some(header) = Tcp::at(&cx.skb.packet, cx.param.transport_offset) else {
        return Eval::Hotdrop(false);
    };
    match header.options() {
        Ok(bytes) => {
            let mss = Options::new(bytes).mss();
            let within = mss.is_some_and(|mss| m.mss.value.contains(mss));
            Eval::of(within, m.mss.inverted)
        }
        Err(beyond) => hotdrop(beyond, "TCP options not captured"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::matches::fixture::{Scene, tcp};
    use netverdict_net::PortRange;
    use netverdict_ruleset::Invertible;

    fn check(transport: Vec<u8>, start: u16, end: u16, inverted: bool) -> Eval {
        let value = PortRange { start, end };
        let mss = Invertible { inverted, value };
        Scene::new(transport).with(|cx| evaluate(&Tcpmss { mss }, cx))
    }

    #[test]
    fn the_first_mss_option_is_compared() {
        let syn = || tcp(1, 2, 2, &[1, 1, 1, 1, 2, 4, 5, 180]);
        for inverted in [false, true] {
            assert_eq!(check(syn(), 1400, 1500, inverted), Eval::of(true, inverted));
            assert_eq!(check(syn(), 0, 1400, inverted), Eval::of(false, inverted));
        }
    }

    #[test]
    fn without_the_option_only_the_inversion_counts() {
        assert_eq!(check(tcp(1, 2, 2, &[]), 0, 65535, false), Eval::False);
        assert_eq!(check(tcp(1, 2, 2, &[]), 0, 65535, true), Eval::True);
    }

    #[test]
    fn a_broken_header_drops() {
        assert_eq!(check(vec![0; 19], 0, 65535, true), Eval::Hotdrop(false));
        assert_eq!(check(vec![0; 20], 0, 65535, true), Eval::Hotdrop(false));
        let mut beyond = tcp(1, 2, 2, &[]);
        beyond[12] = 0x60;
        assert_eq!(check(beyond, 0, 65535, true), Eval::Hotdrop(false));
    }
}
