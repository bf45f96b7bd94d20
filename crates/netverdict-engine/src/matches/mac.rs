//! `-m mac` (net/netfilter/xt_mac.c).

use netverdict_net::LinkKind;
use netverdict_ruleset::matches::Mac;

use super::link;
use super::tri::unknown;
use crate::context::{Eval, MatchCx};

pub(crate) fn evaluate(m: &Mac, cx: &MatchCx<'_, '_>) -> Eval {
    if cx.skb.local || !link::is_ethernet(cx.host, cx.skb) {
        return Eval::False;
    }
    let header = &cx.skb.packet.link;
    match (m.source.value, header.source) {
        (None, _) => unknown("the rule's MAC address was made unreadable"),
        (Some(want), Some(source)) => Eval::of(want == source, m.source.inverted),
        (Some(_), None) if header.kind == LinkKind::Ethernet => Eval::False,
        (Some(_), None) => unknown("source MAC address not captured"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::matches::fixture::{Scene, device};
    use netverdict_net::{Link, MacAddr};
    use netverdict_ruleset::Invertible;

    const SENDER: MacAddr = MacAddr([2, 0, 0, 0, 0, 1]);

    fn scene(kind: LinkKind, source: Option<MacAddr>) -> Scene {
        let mut scene = Scene::new(Vec::new());
        scene.skb.packet.link = Link {
            kind,
            source,
            ..Link::default()
        };
        scene
    }

    fn check(scene: &mut Scene, value: Option<MacAddr>, inverted: bool) -> Eval {
        let source = Invertible { inverted, value };
        scene.with(|cx| evaluate(&Mac { source }, cx))
    }

    #[test]
    fn the_sender_is_compared() {
        for kind in [LinkKind::Ethernet, LinkKind::Cooked] {
            let mut scene = scene(kind, Some(SENDER));
            assert_eq!(check(&mut scene, Some(SENDER), false), Eval::True);
            assert_eq!(check(&mut scene, Some(SENDER), true), Eval::False);
            assert_eq!(
                check(&mut scene, Some(MacAddr::BROADCAST), false),
                Eval::False
            );
            assert_eq!(
                check(&mut scene, Some(MacAddr::BROADCAST), true),
                Eval::True
            );
        }
    }

    #[test]
    fn what_is_not_known_is_not_guessed() {
        let mut ethernet = scene(LinkKind::Ethernet, Some(SENDER));
        assert!(matches!(
            check(&mut ethernet, None, false),
            Eval::Unknown(_)
        ));
        let mut bare = scene(LinkKind::Bare, None);
        assert!(matches!(
            check(&mut bare, Some(SENDER), true),
            Eval::Unknown(_)
        ));
    }

    #[test]
    fn without_ethernet_header_it_is_false_even_inverted() {
        let mut looped = scene(LinkKind::Ethernet, Some(SENDER));
        looped.skb.in_device = device("lo");
        assert_eq!(check(&mut looped, Some(SENDER), true), Eval::False);
        let mut local = scene(LinkKind::Ethernet, Some(SENDER));
        local.skb.local = true;
        assert_eq!(check(&mut local, Some(SENDER), true), Eval::False);
    }
}
