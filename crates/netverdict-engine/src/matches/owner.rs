//! `-m owner` (net/netfilter/xt_owner.c): the socket that sent a packet of this host, which only facts tell.

use netverdict_ruleset::matches::Owner;
use netverdict_ruleset::{Interval, Invertible};

use super::tri::{self, Tri, all, unknown};
use crate::EmissionKind;
use crate::context::{Eval, MatchCx};
use crate::{About, OwnerFact};

const UNKNOWN: &str = "no socket is known";

pub(crate) fn evaluate(m: &Owner, cx: &MatchCx<'_, '_>) -> Eval {
    match cx.skb.made_by {
        Some(EmissionKind::Icmp | EmissionKind::Discovery) => return of_kernel_socket(m),
        None if cx.skb.local => {}
        Some(EmissionKind::Reset | EmissionKind::Copy) | None => return without_socket(m),
    }
    match told(cx, |owner| Some(owner.exists)) {
        None => unknown(UNKNOWN),
        Some(false) => without_socket(m),
        Some(true) if m.socket_exists == Some(true) => Eval::False,
        Some(true) => tri::eval(all([uid(m, cx), gid(m, cx)])),
    }
}

/// Without a socket it is true if, and only if, every option given is inverted; --suppl-groups cannot be.
fn without_socket(m: &Owner) -> Eval {
    let used_plain = m.socket_exists == Some(false)
        || m.uid.is_some_and(|ids| !ids.inverted)
        || m.gid.is_some_and(|ids| !ids.inverted)
        || m.supplementary_groups;
    Eval::of(!used_plain, false)
}

/// ICMP errors are sent by a socket of the kernel's own, which no process opened: there is a socket, but no file.
fn of_kernel_socket(m: &Owner) -> Eval {
    let plain = |ids: &Option<netverdict_ruleset::Invertible<_>>| {
        ids.as_ref().is_some_and(|ids| !ids.inverted)
    };
    let asks_no_socket = m.socket_exists == Some(true);
    Eval::of(!asks_no_socket && !plain(&m.uid) && !plain(&m.gid), false)
}

fn uid(m: &Owner, cx: &MatchCx<'_, '_>) -> Tri {
    test(m.uid, |ids| {
        Some(ids.contains(told(cx, |owner| owner.uid)?))
    })
}

fn gid(m: &Owner, cx: &MatchCx<'_, '_>) -> Tri {
    test(m.gid, |ids| {
        let own = told(cx, |owner| owner.gid).map(|gid| ids.contains(gid));
        if !m.supplementary_groups || own == Some(true) {
            return own;
        }
        let groups = told(cx, |owner| owner.groups.as_ref())?;
        if groups.iter().any(|gid| ids.contains(*gid)) {
            return Some(true);
        }
        own
    })
}

fn test(
    wanted: Option<Invertible<Interval<u32>>>,
    hit: impl FnOnce(Interval<u32>) -> Option<bool>,
) -> Tri {
    let Some(wanted) = wanted else {
        return Ok(true);
    };
    let hit = hit(wanted.value).ok_or(UNKNOWN)?;
    Ok(hit != wanted.inverted)
}

/// What the first fact says that tells this part of the socket.
fn told<'c, T>(cx: &MatchCx<'c, '_>, part: impl Fn(&'c OwnerFact) -> Option<T>) -> Option<T> {
    cx.fact(|about| match about {
        About::Owner(owner) => part(owner),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::matches::fixture::Scene;

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

    #[test]
    fn facts_tell_the_sockets_owner() {
        let ids = |first, last, inverted| {
            let value = Interval { first, last };
            Some(Invertible { inverted, value })
        };
        let owner = OwnerFact {
            exists: true,
            uid: Some(1000),
            gid: Some(100),
            groups: Some(vec![4, 27]),
        };
        let partly = OwnerFact {
            gid: None,
            groups: None,
            ..owner.clone()
        };
        let none = OwnerFact::default();
        for (fact, uid, gid, supplementary_groups, want) in [
            (&owner, ids(1000, 1000, false), None, false, Some(true)),
            (&owner, ids(0, 999, false), None, false, Some(false)),
            (&owner, ids(0, 999, true), None, false, Some(true)),
            (&owner, None, ids(27, 27, false), false, Some(false)),
            (&owner, None, ids(27, 27, false), true, Some(true)),
            (
                &owner,
                ids(1000, 1000, false),
                ids(100, 100, true),
                false,
                Some(false),
            ),
            (&partly, None, ids(100, 100, false), false, None),
            (
                &partly,
                ids(1, 1, false),
                ids(100, 100, false),
                false,
                Some(false),
            ),
            (&none, ids(1000, 1000, false), None, false, Some(false)),
            (&none, ids(1000, 1000, true), None, false, Some(true)),
        ] {
            let mut scene = Scene::new(Vec::new());
            scene.skb.local = true;
            scene.fact(About::Owner(fact.clone()));
            let m = Owner {
                socket_exists: None,
                uid,
                gid,
                supplementary_groups,
            };
            let answer = scene.with(|cx| evaluate(&m, cx));
            match want {
                Some(hit) => assert_eq!(answer, Eval::of(hit, false), "{fact:?} {m:?}"),
                None => assert!(matches!(answer, Eval::Unknown(_)), "{fact:?} {m:?}"),
            }
        }
    }
}
