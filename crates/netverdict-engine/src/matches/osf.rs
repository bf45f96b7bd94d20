//! `-m osf` (net/netfilter/nfnetlink_osf.c): which fingerprints are loaded no dump tells, so a SYN is not decided. The
//! kernel does not look at `!`.

use netverdict_net::header::tcp::Tcp;
use netverdict_ruleset::matches::Osf;

use super::tri::unknown;
use crate::context::{Eval, MatchCx};

pub(crate) fn evaluate(_: &Osf, cx: &MatchCx<'_, '_>) -> Eval {
    const SYN: u8 = 2;
    // It does not look at the fragment offset either.
    let flags = Tcp::at(&cx.skb.packet, cx.param.transport_offset).map(Tcp::flags);
    match flags {
        None => Eval::False,
        Some(Ok(flags)) if flags & SYN == 0 => Eval::False,
        Some(Ok(_)) => unknown("the fingerprints that are loaded are not known"),
        Some(Err(_)) => unknown("TCP header not captured"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::matches::fixture::{Scene, tcp};
    use netverdict_ruleset::Invertible;

    #[test]
    fn only_a_syn_has_a_fingerprint() {
        let osf = Osf {
            genre: Invertible::plain("Linux".to_owned()),
            ttl: None,
            log: None,
        };
        let eval = |flags| Scene::new(tcp(1, 2, flags, &[])).with(|cx| evaluate(&osf, cx));
        assert_eq!(eval(0x10), Eval::False);
        assert!(matches!(eval(0x02), Eval::Unknown(_)));
        assert!(matches!(eval(0x12), Eval::Unknown(_)));
    }
}
