//! `-m conntrack` and `-m state` (`conntrack_mt` of net/netfilter/xt_conntrack.c).

use std::net::IpAddr;

use netverdict_net::{AddrMask, Family, PortRange, Protocol};
use netverdict_ruleset::Invertible;
use netverdict_ruleset::matches::{Conntrack, CtDirection, CtStates, CtStatuses};

use crate::CtState;
use crate::conntrack::{Status, Tuple};
use crate::context::{Eval, MatchCx};

pub(crate) fn evaluate(m: &Conntrack, cx: &MatchCx<'_, '_>) -> Eval {
    let Some(facts) = facts(cx) else {
        // Without a connection all else is ignored; the states alone have a say.
        let seen = match cx.skb.connection.state() {
            CtState::Untracked => CtStates::UNTRACKED,
            _ => CtStates::INVALID,
        };
        let holds = |test: Invertible<CtStates>| test.test(|want| want.intersects(seen));
        return Eval::of(m.states.is_some_and(holds), false);
    };
    let states = m
        .states
        .is_none_or(|test| test.test(|want| want.intersects(facts.states())));
    Eval::of(states && holds(m, &facts), false)
}

/// What is asked of a connection.
struct Facts<'e> {
    state: CtState,
    is_reply: bool,
    original: &'e Tuple,
    reply: &'e Tuple,
    status: Status,
    /// Seconds left.
    expires: u32,
}

/// The template that a CT rule attached is a connection too, if an empty one, until tracking takes it.
const TEMPLATE: Tuple = Tuple {
    source: 0,
    destination: 0,
    source_port: 0,
    destination_port: 0,
    protocol: Protocol(0),
    family: Family::V4,
};

const TEMPLATE_V6: Tuple = Tuple {
    family: Family::V6,
    ..TEMPLATE
};

fn facts<'e>(cx: &'e MatchCx<'_, '_>) -> Option<Facts<'e>> {
    if let Some((entry, info)) = cx.state.conntrack.of(cx.skb.connection) {
        return Some(Facts {
            state: cx.skb.connection.state(),
            is_reply: info.is_reply(),
            original: entry.original(),
            reply: entry.reply(),
            status: entry.status,
            expires: entry.expires_seconds(cx.now.jiffies, cx.config.hz),
        });
    }
    let tuple = match cx.param.family {
        Family::V4 => &TEMPLATE,
        Family::V6 => &TEMPLATE_V6,
    };
    cx.skb.template.map(|_| Facts {
        state: CtState::New,
        is_reply: false,
        original: tuple,
        reply: tuple,
        status: Status::CONFIRMED,
        expires: 0,
    })
}

impl Facts<'_> {
    /// The packet's state with the two that translation adds.
    fn states(&self) -> CtStates {
        let bit = match self.state {
            CtState::New => CtStates::NEW,
            CtState::Established => CtStates::ESTABLISHED,
            CtState::Related => CtStates::RELATED,
            CtState::Invalid => CtStates::INVALID,
            CtState::Untracked => CtStates::UNTRACKED,
        };
        let nat = [
            (Status::SRC_NAT, CtStates::SNAT),
            (Status::DST_NAT, CtStates::DNAT),
        ];
        nat.into_iter()
            .filter(|(translated, _)| self.status.contains(*translated))
            .fold(bit, |all, (_, state)| all.union(state))
    }
}

fn holds(m: &Conntrack, facts: &Facts<'_>) -> bool {
    m.direction
        .is_none_or(|want| (want == CtDirection::Reply) == facts.is_reply)
        && m.protocol
            .is_none_or(|test| test.test(|want| *want == facts.original.protocol.0))
        && addresses(m, facts.original, facts.reply)
        && ports(m, facts.original, facts.reply)
        && m.status
            .is_none_or(|test| test.test(|want| has(*want, facts.status)))
        && m.expire
            .is_none_or(|test| test.test(|range| range.contains(facts.expires)))
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
    use crate::conntrack::{Direction, Entry};
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
    }

    /// As a 6.18 kernel answers in raw behind a CT rule with a zone.
    #[test]
    fn a_template_is_an_empty_new_confirmed_connection() {
        let mut scene = syn();
        scene.skb.template = Some(0);
        assert_eq!(check(&mut scene, &state(NEW, false)), Eval::True);
        assert_eq!(check(&mut scene, &state(INVALID, false)), Eval::False);
        let d = Conntrack::default;
        let status = |bits, inverted| {
            let value = CtStatuses(bits);
            Some(Invertible { inverted, value })
        };
        let nowhere = AddrMask::host([0; 4].into());
        let source = AddrMask::host([192, 0, 2, 1].into());
        for (m, hit) in [
            (
                Conntrack {
                    original_source: Some(Invertible::plain(nowhere)),
                    ..d()
                },
                true,
            ),
            (
                Conntrack {
                    original_source: Some(Invertible::plain(source)),
                    ..d()
                },
                false,
            ),
            (
                Conntrack {
                    protocol: Some(Invertible::plain(0)),
                    ..d()
                },
                true,
            ),
            (
                Conntrack {
                    status: status(0, false),
                    ..d()
                },
                false,
            ),
            (
                Conntrack {
                    status: status(8, true),
                    ..d()
                },
                false,
            ),
            (
                Conntrack {
                    expire: Some(Invertible::plain(Interval::single(0))),
                    ..d()
                },
                true,
            ),
            (
                Conntrack {
                    direction: Some(CtDirection::Original),
                    ..d()
                },
                true,
            ),
        ] {
            assert_eq!(check(&mut scene, &m), Eval::of(hit, false), "{m:?}");
        }
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
