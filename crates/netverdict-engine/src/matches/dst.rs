//! `-m dst` (net/ipv6/netfilter/ip6t_hbh.c).

use netverdict_net::Protocol;
use netverdict_ruleset::matches::Dst;

use crate::context::{Eval, MatchCx};

pub(crate) fn evaluate(m: &Dst, cx: &MatchCx<'_, '_>) -> Eval {
    super::hbh::options(&cx.skb.packet, Protocol::DSTOPTS, m.length, &m.options)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::matches::fixture::Scene;
    use netverdict_ruleset::matches::ExtensionOption;

    #[test]
    fn the_destination_header_is_found_behind_others() {
        let hop = [60, 0, 1, 4, 0, 0, 0, 0];
        let dst = [59, 0, 201, 4, 0, 0, 0, 0];
        let mut scene = Scene::v6(0, [hop, dst].concat());
        for (kind, hit) in [(201, true), (1, false)] {
            let m = Dst {
                length: None,
                options: vec![ExtensionOption { kind, length: None }],
            };
            assert_eq!(scene.with(|cx| evaluate(&m, cx)), Eval::of(hit, false));
        }
    }
}
