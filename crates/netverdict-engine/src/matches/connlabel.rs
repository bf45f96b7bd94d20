//! `-m connlabel` (net/netfilter/xt_connlabel.c).

use netverdict_ruleset::matches::Connlabel;

use crate::Connection;
use crate::context::{Eval, MatchCx};

pub(crate) fn evaluate(m: &Connlabel, cx: &mut MatchCx<'_, '_>) -> Eval {
    let conntrack = &mut cx.state.conntrack;
    let bit = 1u128.checked_shl(u32::from(m.bit)).unwrap_or(0);
    let Some((entry, _)) = conntrack.of(cx.skb.connection) else {
        return Eval::of(false, m.inverted);
    };
    let has = entry.labels() & bit != 0;
    if !has
        && m.set
        && let Connection::Tracked { id, .. } = cx.skb.connection
        && let Some(entry) = conntrack.entry_mut(id)
    {
        entry.extra_mut().labels |= bit;
    }
    Eval::of(has || m.set, m.inverted)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::matches::fixture::{Scene, tcp};

    #[test]
    fn labels_are_tested_and_set() {
        let mut scene = Scene::new(tcp(1, 2, 2, &[]));
        let m = |bit, set, inverted| Connlabel { inverted, bit, set };
        let check = |scene: &mut Scene, m: Connlabel| scene.with(|cx| evaluate(&m, cx));
        assert_eq!(
            check(&mut scene, m(5, true, false)),
            Eval::False,
            "no connection"
        );
        assert_eq!(check(&mut scene, m(5, true, true)), Eval::True);
        scene.track();
        assert_eq!(check(&mut scene, m(5, false, false)), Eval::False);
        assert_eq!(
            check(&mut scene, m(5, true, true)),
            Eval::False,
            "set, and inverted"
        );
        assert_eq!(check(&mut scene, m(5, false, false)), Eval::True);
        assert_eq!(check(&mut scene, m(127, false, true)), Eval::True);
    }
}
