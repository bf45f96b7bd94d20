//! `-m cgroup` (net/netfilter/xt_cgroup.c).

use netverdict_ruleset::Hook;
use netverdict_ruleset::matches::Cgroup;

use super::tri::unknown;
use crate::context::{Eval, MatchCx};

pub(crate) fn evaluate(_: &Cgroup, cx: &MatchCx<'_, '_>) -> Eval {
    // At INPUT an established socket may be attached already (early demultiplexing).
    if cx.skb.local || cx.param.hook == Hook::Input {
        return unknown("no socket is known");
    }
    Eval::False
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::matches::fixture::Scene;
    use netverdict_ruleset::Invertible;

    #[test]
    fn without_a_socket_it_is_false_even_inverted() {
        let mut scene = Scene::new(Vec::new());
        let m = Cgroup::Class(Invertible::inverted(7));
        scene.param.hook = Hook::Postrouting;
        assert_eq!(scene.with(|cx| evaluate(&m, cx)), Eval::False);
        scene.param.hook = Hook::Input;
        assert!(matches!(
            scene.with(|cx| evaluate(&m, cx)),
            Eval::Unknown(_)
        ));
    }
}
