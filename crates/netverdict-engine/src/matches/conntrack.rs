//! `-m conntrack` and `-m state` (`conntrack_mt` of net/netfilter/xt_conntrack.c).

use std::net::IpAddr;

use netverdict_net::{AddrMask, PortRange};
use netverdict_ruleset::Invertible;
use netverdict_ruleset::matches::{Conntrack, CtDirection, CtStates, CtStatuses};

use crate::CtState;
use crate::conntrack::{Entry, Status, Tuple};
use crate::context::{Eval, MatchCx};

pub(crate) fn evaluate(m: &Conntrack, cx: &MatchCx<'_, '_>) -> Eval {
    let connection = cx.skb.connection;
    let found = cx.state.conntrack.of(connection);
    let entry = found.map(|(entry, _)| entry);
    let is_reply = found.is_some_and(|(_, info)| info.is_reply());
    let seen = states(connection.state(), entry, cx);
    if m.states
        .is_some_and(|test| !test.test(|want| want.intersects(seen)))
    {
        return Eval::False;
    }
    match entry {
        // Without a connection all else is ignored; the states alone have a say.
        None => Eval::of(m.states.is_some(), false),
        Some(entry) => Eval::of(direction(m, is_reply) && holds(m, entry, cx), false),
    }
}

/// The packet's state with the two that translation adds. A template that a CT rule attached is a new connection.
fn states(state: CtState, entry: Option<&Entry>, cx: &MatchCx<'_, '_>) -> CtStates {
    let bit = match state {
        CtState::Invalid if cx.skb.template.is_some() => CtStates::NEW,
        CtState::Invalid => CtStates::INVALID,
        CtState::New => CtStates::NEW,
        CtState::Established => CtStates::ESTABLISHED,
        CtState::Related => CtStates::RELATED,
        CtState::Untracked => CtStates::UNTRACKED,
    };
    let status = entry.map_or(Status::default(), |entry| entry.status);
    let nat = [
        (Status::SRC_NAT, CtStates::SNAT),
        (Status::DST_NAT, CtStates::DNAT),
    ];
    nat.into_iter()
        .filter(|(translated, _)| status.contains(*translated))
        .fold(bit, |all, (_, state)| all.union(state))
}

fn direction(m: &Conntrack, is_reply: bool) -> bool {
    m.direction
        .is_none_or(|want| (want == CtDirection::Reply) == is_reply)
}

fn holds(m: &Conntrack, entry: &Entry, cx: &MatchCx<'_, '_>) -> bool {
    m.protocol
        .is_none_or(|test| test.test(|want| *want == entry.protocol().0))
        && addresses(m, entry.original(), entry.reply())
        && ports(m, entry.original(), entry.reply())
        && m.status
            .is_none_or(|test| test.test(|want| has(*want, entry.status)))
        && m.expire.is_none_or(|test| {
            let left = entry.expires_seconds(cx.now.jiffies, cx.config.hz);
            test.test(|range| range.contains(left))
        })
}

fn addresses(m: &Conntrack, original: &Tuple, reply: &Tuple) -> bool {
    let is = |test: Option<Invertible<AddrMask>>, addr: IpAddr| {
        test.is_none_or(|test| test.test(|net| net.contains(addr)))
    };
    is(m.original_source, original.source())
        && is(m.original_destination, original.destination())
        && is(m.reply_source, reply.source())
        && is(m.reply_destination, reply.destination())
}

fn ports(m: &Conntrack, original: &Tuple, reply: &Tuple) -> bool {
    let is = |test: Option<Invertible<PortRange>>, port: u16| {
        test.is_none_or(|test| test.test(|range| range.contains(port)))
    };
    is(m.original_source_port, original.source_port)
        && is(m.original_destination_port, original.destination_port)
        && is(m.reply_source_port, reply.source_port)
        && is(m.reply_destination_port, reply.destination_port)
}

fn has(want: CtStatuses, status: Status) -> bool {
    [
        (CtStatuses::EXPECTED, Status::EXPECTED),
        (CtStatuses::SEEN_REPLY, Status::SEEN_REPLY),
        (CtStatuses::ASSURED, Status::ASSURED),
        (CtStatuses::CONFIRMED, Status::CONFIRMED),
    ]
    .into_iter()
    .any(|(bit, has)| want.intersects(bit) && status.contains(has))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::conntrack::Direction;
    use crate::matches::fixture::{Scene, tcp};
    use crate::{Connection, CtInfo};
    use netverdict_ruleset::Interval;

    fn state(bits: u8, inverted: bool) -> Conntrack {
        Conntrack {
            states: Some(Invertible {
                inverted,
                value: CtStates(bits),
            }),
            ..Conntrack::default()
        }
    }

    fn check(scene: &mut Scene, m: &Conntrack) -> Eval {
        scene.with(|cx| evaluate(m, cx))
    }

    const NEW: u8 = CtStates::NEW.0;
    const RELATED: u8 = CtStates::RELATED.0;
    const ESTABLISHED: u8 = CtStates::ESTABLISHED.0;
    const INVALID: u8 = CtStates::INVALID.0;
    const UNTRACKED: u8 = CtStates::UNTRACKED.0;
    const DNAT: u8 = CtStates::DNAT.0;

    fn syn() -> Scene {
        Scene::new(tcp(40000, 22, 2, &[]))
    }

    fn with(scene: &mut Scene, change: impl FnOnce(&mut Entry)) {
        let Connection::Tracked { id, .. } = scene.skb.connection else {
            panic!("a tracked packet");
        };
        change(scene.state.conntrack.entry_mut(id).unwrap());
    }

    fn info(scene: &mut Scene, new: CtInfo) {
        if let Connection::Tracked { info, .. } = &mut scene.skb.connection {
            *info = new;
        }
    }

    #[test]
    fn each_relation_is_one_state() {
        let mut scene = syn();
        scene.track();
        for (relation, bit) in [
            (CtInfo::New, NEW),
            (CtInfo::Established, ESTABLISHED),
            (CtInfo::EstablishedReply, ESTABLISHED),
            (CtInfo::Related, RELATED),
            (CtInfo::RelatedReply, RELATED),
        ] {
            info(&mut scene, relation);
            for inverted in [false, true] {
                let yes = check(&mut scene, &state(bit, inverted));
                assert_eq!(yes, Eval::of(true, inverted), "{relation:?}");
                let no = check(&mut scene, &state(!bit & 31, inverted));
                assert_eq!(no, Eval::of(false, inverted), "{relation:?}");
            }
        }
    }

    /// Traps T12, T13: the list is an OR that is inverted as a whole, and UNTRACKED is neither NEW nor INVALID.
    #[test]
    fn lists_are_ored_and_translations_are_states_too() {
        let mut scene = syn();
        scene.track();
        let any = RELATED | ESTABLISHED | DNAT;
        assert_eq!(check(&mut scene, &state(any, false)), Eval::False);
        assert_eq!(check(&mut scene, &state(any, true)), Eval::True);
        with(&mut scene, |entry| entry.status.insert(Status::DST_NAT));
        assert_eq!(check(&mut scene, &state(any, false)), Eval::True);
        assert_eq!(check(&mut scene, &state(any, true)), Eval::False);
        assert_eq!(check(&mut scene, &state(NEW, false)), Eval::True);

        scene.skb.connection = Connection::Untracked;
        assert_eq!(check(&mut scene, &state(UNTRACKED, false)), Eval::True);
        assert_eq!(check(&mut scene, &state(NEW | INVALID, false)), Eval::False);
        assert_eq!(check(&mut scene, &state(NEW, true)), Eval::True);
    }

    #[test]
    fn without_a_connection_only_the_states_count() {
        let mut scene = syn();
        let m = Conntrack {
            protocol: Some(Invertible::plain(99)),
            ..state(INVALID, false)
        };
        assert_eq!(check(&mut scene, &m), Eval::True);
        let stateless = Conntrack { states: None, ..m };
        assert_eq!(check(&mut scene, &stateless), Eval::False);
        let inverted = Conntrack {
            protocol: Some(Invertible::inverted(99)),
            ..Conntrack::default()
        };
        assert_eq!(check(&mut scene, &inverted), Eval::False);
        scene.skb.template = Some(0);
        assert_eq!(check(&mut scene, &state(NEW, false)), Eval::True);
    }

    #[test]
    fn tuples_in_both_polarities() {
        let mut scene = syn();
        scene.track();
        for inverted in [false, true] {
            let port = |port| {
                let value = PortRange::single(port);
                Some(Invertible { inverted, value })
            };
            let addr = |addr: [u8; 4]| {
                let value = AddrMask::prefix(addr.into(), 24);
                Some(Invertible { inverted, value })
            };
            let d = Conntrack::default;
            for (m, hit) in [
                (
                    Conntrack {
                        original_source: addr([192, 0, 2, 0]),
                        ..d()
                    },
                    true,
                ),
                (
                    Conntrack {
                        original_destination: addr([192, 0, 2, 0]),
                        ..d()
                    },
                    false,
                ),
                (
                    Conntrack {
                        reply_source: addr([198, 51, 100, 0]),
                        ..d()
                    },
                    true,
                ),
                (
                    Conntrack {
                        reply_destination: addr([198, 51, 100, 0]),
                        ..d()
                    },
                    false,
                ),
                (
                    Conntrack {
                        original_source_port: port(40000),
                        ..d()
                    },
                    true,
                ),
                (
                    Conntrack {
                        original_destination_port: port(22),
                        ..d()
                    },
                    true,
                ),
                (
                    Conntrack {
                        reply_source_port: port(22),
                        ..d()
                    },
                    true,
                ),
                (
                    Conntrack {
                        reply_destination_port: port(22),
                        ..d()
                    },
                    false,
                ),
            ] {
                assert_eq!(check(&mut scene, &m), Eval::of(hit, inverted), "{m:?}");
            }
        }
    }

    #[test]
    fn directions_follow_the_relation() {
        let mut scene = syn();
        scene.track();
        let m = |direction| Conntrack {
            direction: Some(direction),
            ..Conntrack::default()
        };
        assert_eq!(check(&mut scene, &m(CtDirection::Original)), Eval::True);
        assert_eq!(check(&mut scene, &m(CtDirection::Reply)), Eval::False);
        info(&mut scene, CtInfo::RelatedReply);
        assert_eq!(check(&mut scene, &m(CtDirection::Reply)), Eval::True);
        assert_eq!(Direction::Reply.index(), 1);
    }

    #[test]
    fn status_none_is_never_true() {
        let mut scene = syn();
        scene.track();
        let m = |bits, inverted| Conntrack {
            status: Some(Invertible {
                inverted,
                value: CtStatuses(bits),
            }),
            ..Conntrack::default()
        };
        assert_eq!(check(&mut scene, &m(0, false)), Eval::False);
        assert_eq!(check(&mut scene, &m(0, true)), Eval::True);
        assert_eq!(check(&mut scene, &m(15, false)), Eval::False);
        with(&mut scene, |entry| entry.status.insert(Status::ASSURED));
        assert_eq!(check(&mut scene, &m(4 | 1, false)), Eval::True);
        assert_eq!(check(&mut scene, &m(4 | 1, true)), Eval::False);
    }

    #[test]
    fn expiry_is_zero_before_confirmation() {
        let mut scene = syn();
        scene.track();
        let m = |first, last| Conntrack {
            expire: Some(Invertible::plain(Interval { first, last })),
            ..Conntrack::default()
        };
        assert_eq!(check(&mut scene, &m(0, 0)), Eval::True);
        scene.confirm();
        assert_eq!(check(&mut scene, &m(120, 120)), Eval::True);
        scene.at(5);
        assert_eq!(check(&mut scene, &m(119, 119)), Eval::True);
        scene.at(60_000);
        assert_eq!(check(&mut scene, &m(61, u32::MAX)), Eval::False);
    }
}
