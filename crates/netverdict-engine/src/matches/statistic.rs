//! `-m statistic` (net/netfilter/xt_statistic.c).

use netverdict_ruleset::matches::{Statistic, StatisticMode};

use crate::context::{Eval, MatchCx};
use crate::state::Slot;

pub(crate) fn evaluate(m: &Statistic, cx: &mut MatchCx<'_, '_>) -> Eval {
    let hit = match m.mode.value {
        StatisticMode::Random { probability } => {
            let draw = cx.state.random.draw(cx.now.time, &cx.skb.packet);
            draw & 0x7fff_ffff < probability
        }
        StatisticMode::Nth { .. } => nth(cx),
    };
    Eval::of(hit, m.mode.inverted)
}

/// Counts every packet that gets this far; a hit where the count starts over.
fn nth(cx: &mut MatchCx<'_, '_>) -> bool {
    let slots = &mut cx.state.rules.slots;
    let Slot::Nth { last, count } = slots.get(cx.slot) else {
        return false;
    };
    let count = if count == last {
        0
    } else {
        count.wrapping_add(1)
    };
    slots.set(cx.slot, Slot::Nth { last, count });
    count == 0
}

/// The count that user space starts with, so that packet number `packet`, from 0, is the first hit.
pub(super) fn slot(m: &Statistic) -> Slot {
    match m.mode.value {
        StatisticMode::Random { .. } => Slot::Empty,
        StatisticMode::Nth { every, packet } => {
            let last = every.saturating_sub(1);
            Slot::Nth {
                last,
                count: last.saturating_sub(packet),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::matches::fixture::Scene;
    use netverdict_ruleset::Invertible;

    fn hits(mode: StatisticMode, inverted: bool, packets: i64) -> Vec<i64> {
        let m = Statistic {
            mode: Invertible {
                inverted,
                value: mode,
            },
        };
        let mut scene = Scene::new(Vec::new());
        scene.slot = scene.state.rules.slots.add(slot(&m));
        (0..packets)
            .filter(|i| {
                scene.at(*i);
                scene.with(|cx| evaluate(&m, cx)) == Eval::True
            })
            .collect()
    }

    #[test]
    fn nth_hits_packet_and_then_every() {
        let nth = |every, packet| StatisticMode::Nth { every, packet };
        assert_eq!(hits(nth(3, 0), false, 8), [0, 3, 6]);
        assert_eq!(hits(nth(3, 1), false, 8), [1, 4, 7]);
        assert_eq!(hits(nth(3, 1), true, 6), [0, 2, 3, 5]);
        assert_eq!(hits(nth(1, 0), false, 3), [0, 1, 2]);
    }

    /// Trap T20: the same seed gives the same packets, and about as many as asked for.
    #[test]
    fn random_is_a_share_that_the_seed_decides() {
        let random = |probability| StatisticMode::Random { probability };
        let quarter = hits(random(1 << 29), false, 4000);
        assert!((850..1150).contains(&quarter.len()), "{}", quarter.len());
        assert_eq!(quarter, hits(random(1 << 29), false, 4000));
        assert_eq!(
            hits(random(1 << 29), true, 4000).len(),
            4000 - quarter.len()
        );
        assert_eq!(hits(random(0), false, 100).len(), 0);
        assert_eq!(hits(random(1 << 31), false, 100).len(), 100);
    }
}
