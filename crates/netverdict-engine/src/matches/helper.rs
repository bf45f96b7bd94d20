//! `-m helper` (net/netfilter/xt_helper.c): the helper of the connection that announced this one.

use netverdict_ruleset::matches::Helper;

use crate::context::{Eval, MatchCx};

pub(crate) fn evaluate(m: &Helper, cx: &MatchCx<'_, '_>) -> Eval {
    let entry = cx.state.conntrack.of(cx.skb.connection);
    let helper = entry.and_then(|(entry, _)| entry.master_helper());
    Eval::of(
        helper.is_some_and(|helper| is_named(&m.name.value, helper)),
        m.name.inverted,
    )
}

/// The kernel compares as many bytes as the helper's name has, so that `ftp-2121` is `ftp`; no name is any helper.
fn is_named(name: &str, helper: &str) -> bool {
    name.is_empty() || name.starts_with(helper)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Connection;
    use crate::conntrack::Master;
    use crate::matches::fixture::{Scene, tcp};
    use netverdict_ruleset::Invertible;

    #[test]
    fn only_announced_connections_have_one() {
        let mut scene = Scene::new(tcp(1, 2, 2, &[]));
        let check = |scene: &mut Scene, name: &str| {
            [false, true].map(|inverted| {
                let name = Invertible {
                    inverted,
                    value: name.to_owned(),
                };
                scene.with(|cx| evaluate(&Helper { name }, cx))
            })
        };
        assert_eq!(check(&mut scene, "ftp"), [Eval::False, Eval::True]);
        scene.track();
        assert_eq!(check(&mut scene, "ftp"), [Eval::False, Eval::True]);
        let Connection::Tracked { id, .. } = scene.skb.connection else {
            panic!("a tracked packet");
        };
        let entry = scene.state.conntrack.entry_mut(id).unwrap();
        let original = *entry.original();
        entry.extra_mut().master = Some(Master {
            original,
            helper: Some("ftp"),
        });
        for name in ["ftp", "ftp-2121", ""] {
            assert_eq!(check(&mut scene, name), [Eval::True, Eval::False], "{name}");
        }
        for name in ["ft", "tftp"] {
            assert_eq!(check(&mut scene, name), [Eval::False, Eval::True], "{name}");
        }
    }
}
