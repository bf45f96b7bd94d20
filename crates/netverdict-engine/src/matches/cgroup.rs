//! `-m cgroup` (net/netfilter/xt_cgroup.c): the control group of the packet's socket, which only facts tell.

use netverdict_ruleset::Hook;
use netverdict_ruleset::matches::Cgroup;

use super::tri::unknown;
use crate::context::{Eval, MatchCx};
use crate::{About, CgroupFact};

pub(crate) fn evaluate(m: &Cgroup, cx: &MatchCx<'_, '_>) -> Eval {
    // At INPUT an established socket may be attached already (early demultiplexing).
    let of_a_process = cx.skb.local && cx.skb.made_by.is_none();
    if !of_a_process && cx.param.hook != Hook::Input {
        return Eval::False;
    }
    cx.fact(|about| match (about, m) {
        // Without a socket it is false, even inverted.
        (About::Cgroup(CgroupFact::None), _) => Some(Eval::False),
        (About::Cgroup(CgroupFact::Path(path)), Cgroup::Path(wanted)) => {
            Some(Eval::of(is_within(path, &wanted.value), wanted.inverted))
        }
        (About::Cgroup(CgroupFact::Class(class)), Cgroup::Class(wanted)) => {
            Some(Eval::of(*class == wanted.value, wanted.inverted))
        }
        _ => None,
    })
    .unwrap_or_else(|| unknown("no socket is known"))
}

/// Whether a group is another or lies below it (`cgroup_is_descendant`).
fn is_within(path: &str, ancestor: &str) -> bool {
    let mut parts = path.split('/').filter(|part| !part.is_empty());
    let wanted = ancestor.split('/').filter(|part| !part.is_empty());
    wanted.into_iter().all(|part| parts.next() == Some(part))
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
        scene.fact(About::Cgroup(CgroupFact::None));
        assert_eq!(scene.with(|cx| evaluate(&m, cx)), Eval::False);
    }

    #[test]
    fn a_path_takes_in_the_groups_below_it() {
        let mut scene = Scene::new(Vec::new());
        scene.skb.local = true;
        scene.fact(About::Cgroup(CgroupFact::Path("system.slice/a".to_owned())));
        for (path, hit) in [
            ("system.slice", true),
            ("/system.slice/a/", true),
            ("system.slice/a/b", false),
            ("system", false),
        ] {
            for inverted in [false, true] {
                let value = path.to_owned();
                let m = Cgroup::Path(Invertible { inverted, value });
                let answer = scene.with(|cx| evaluate(&m, cx));
                assert_eq!(answer, Eval::of(hit, inverted), "{path}");
            }
        }
        let class = Cgroup::Class(Invertible::plain(1));
        let answer = scene.with(|cx| evaluate(&class, cx));
        assert!(matches!(answer, Eval::Unknown(_)));
    }
}
