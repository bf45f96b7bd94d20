//! `-m recent` (net/netfilter/xt_recent.c); the lists are in [`crate::state`].

use netverdict_net::Device;
use netverdict_ruleset::matches::{Recent, RecentAction};

use crate::context::{Eval, MatchCx};
use crate::state::{Probe, RuleState, Slot, Window};

pub(crate) fn evaluate(m: &Recent, cx: &mut MatchCx<'_, '_>) -> Eval {
    let Some(list) = cx.state.rules.slots.shared(cx.slot) else {
        return Eval::of(false, m.inverted);
    };
    let probe = probe(m, cx);
    let window = Window {
        jiffies: i64::from(m.seconds) * i64::from(cx.config.hz),
        hits: m.hitcount,
        reap: m.reap,
    };
    let lists = &mut cx.state.rules.recent;
    match m.action {
        RecentAction::Set => {
            lists.set(list, probe);
            Eval::of(true, m.inverted)
        }
        RecentAction::Remove => Eval::of(lists.remove(list, probe), m.inverted),
        RecentAction::Check => Eval::of(lists.check(list, probe, window, false, m.inverted), false),
        RecentAction::Update => Eval::of(lists.check(list, probe, window, true, m.inverted), false),
    }
}

fn probe(m: &Recent, cx: &MatchCx<'_, '_>) -> Probe {
    let packet = &cx.skb.packet;
    // The TTL as it was before forwarding took one.
    let forwarded = cx.skb.out_device != Device::Absent && !cx.skb.local;
    Probe {
        address: if m.by_destination {
            packet.destination()
        } else {
            packet.source()
        },
        ttl: packet.ttl().wrapping_add(u8::from(forwarded)),
        match_ttl: m.rttl,
        now: cx.now.jiffies,
    }
}

/// The number of the rule's list.
pub(super) fn slot(m: &Recent, rules: &mut RuleState) -> Slot {
    Slot::Shared(rules.recent.register(&m.name, m.mask.0, m.hitcount))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::matches::fixture::Scene;
    use netverdict_ruleset::SideMask;

    fn recent(action: RecentAction) -> Recent {
        Recent {
            inverted: false,
            action,
            seconds: 0,
            reap: false,
            hitcount: 0,
            rttl: false,
            name: "DEFAULT".to_owned(),
            mask: SideMask([255; 4].into()),
            by_destination: false,
        }
    }

    fn check(scene: &mut Scene, m: &Recent) -> Eval {
        let slot = slot(m, &mut scene.state.rules);
        scene.slot = scene.state.rules.slots.add(slot);
        scene.with(|cx| evaluate(m, cx))
    }

    #[test]
    fn set_is_true_and_what_it_set_is_found() {
        let mut scene = Scene::new(Vec::new());
        let rcheck = recent(RecentAction::Check);
        assert_eq!(check(&mut scene, &rcheck), Eval::False);
        assert_eq!(check(&mut scene, &recent(RecentAction::Set)), Eval::True);
        assert_eq!(check(&mut scene, &rcheck), Eval::True);
        let by_destination = Recent {
            by_destination: true,
            ..rcheck.clone()
        };
        assert_eq!(check(&mut scene, &by_destination), Eval::False);
        let inverted = Recent {
            inverted: true,
            ..recent(RecentAction::Set)
        };
        assert_eq!(check(&mut scene, &inverted), Eval::False);
        assert_eq!(check(&mut scene, &recent(RecentAction::Remove)), Eval::True);
        assert_eq!(
            check(&mut scene, &recent(RecentAction::Remove)),
            Eval::False
        );
        let not_there = Recent {
            inverted: true,
            ..rcheck
        };
        assert_eq!(check(&mut scene, &not_there), Eval::True);
    }

    #[test]
    fn seconds_are_counted_in_ticks() {
        let mut scene = Scene::new(Vec::new());
        check(&mut scene, &recent(RecentAction::Set));
        let m = Recent {
            seconds: 2,
            ..recent(RecentAction::Check)
        };
        scene.at(2003);
        assert_eq!(check(&mut scene, &m), Eval::True);
        scene.at(2004);
        assert_eq!(check(&mut scene, &m), Eval::False);
    }

    #[test]
    fn updates_count_as_hits() {
        let mut scene = Scene::new(Vec::new());
        check(&mut scene, &recent(RecentAction::Set));
        let m = Recent {
            hitcount: 3,
            ..recent(RecentAction::Update)
        };
        let touch = recent(RecentAction::Update);
        // The larger hit count is loaded with the rule, before any packet: here it empties nothing, 3 < 32.
        assert_eq!(check(&mut scene, &m), Eval::False);
        assert_eq!(check(&mut scene, &touch), Eval::True);
        assert_eq!(check(&mut scene, &m), Eval::False);
        assert_eq!(check(&mut scene, &touch), Eval::True);
        assert_eq!(check(&mut scene, &m), Eval::True);
    }

    #[test]
    fn the_ttl_of_a_forwarded_packet_is_the_one_it_came_with() {
        let mut scene = Scene::new(Vec::new());
        check(&mut scene, &recent(RecentAction::Set));
        scene.skb.out_device = Device::Absent;
        let m = Recent {
            rttl: true,
            ..recent(RecentAction::Check)
        };
        assert_eq!(check(&mut scene, &m), Eval::False);
        scene.skb.packet.captured_mut()[8] = 65;
        assert_eq!(check(&mut scene, &m), Eval::True);
    }
}
