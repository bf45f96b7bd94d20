//! `-m owner` (net/netfilter/xt_owner.c).

use netverdict_ruleset::matches::Owner;

use super::tri::unknown;
use crate::context::{Eval, MatchCx};

pub(crate) fn evaluate(m: &Owner, cx: &MatchCx<'_, '_>) -> Eval {
    if cx.skb.local {
        return unknown("no socket is known");
    }
    // Without a socket it is true if, and only if, every option given is inverted; --suppl-groups cannot be.
    let used_plain = m.socket_exists == Some(false)
        || m.uid.is_some_and(|ids| !ids.inverted)
        || m.gid.is_some_and(|ids| !ids.inverted)
        || m.supplementary_groups;
    Eval::of(!used_plain, false)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::matches::fixture::Scene;
    use netverdict_ruleset::{Interval, Invertible};

    #[test]
    fn a_forwarded_packet_has_no_socket() {
        let mut scene = Scene::new(Vec::new());
        let ids = |inverted| {
            Some(Invertible {
                inverted,
                value: Interval::single(1000),
            })
        };
        for (socket_exists, uid, gid, hit) in [
            (None, ids(false), None, false),
            (None, ids(true), None, true),
            (None, ids(true), ids(false), false),
            (Some(false), None, None, false),
            (Some(true), None, ids(true), true),
        ] {
            let m = Owner {
                socket_exists,
                uid,
                gid,
                supplementary_groups: false,
            };
            assert_eq!(
                scene.with(|cx| evaluate(&m, cx)),
                Eval::of(hit, false),
                "{m:?}"
            );
        }
    }

    #[test]
    fn whose_packet_a_local_one_is_nobody_knows() {
        let mut scene = Scene::new(Vec::new());
        scene.skb.local = true;
        let m = Owner::default();
        assert!(matches!(
            scene.with(|cx| evaluate(&m, cx)),
            Eval::Unknown(_)
        ));
    }
}
