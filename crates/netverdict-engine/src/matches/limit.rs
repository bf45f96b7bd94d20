//! `-m limit` (net/netfilter/xt_limit.c, net/netfilter/nft_limit.c).

use netverdict_ruleset::matches::Limit;

use crate::context::{Eval, MatchCx};
use crate::state::{Bucket, NftBucket, Slot};

pub(crate) fn evaluate(_: &Limit, cx: &mut MatchCx<'_, '_>) -> Eval {
    let slots = &mut cx.state.rules.slots;
    let (slot, enough) = match slots.get(cx.slot) {
        Slot::Limit(mut bucket) => {
            let enough = bucket.take(cx.now.jiffies);
            (Slot::Limit(bucket), enough)
        }
        Slot::NftLimit(mut bucket) => {
            let enough = bucket.take(cx.now.time);
            (Slot::NftLimit(bucket), enough)
        }
        other => (other, false),
    };
    slots.set(cx.slot, slot);
    Eval::of(enough, false)
}

/// A rule's own bucket, full.
pub(super) fn slot(m: &Limit, hz: u32) -> Slot {
    Slot::Limit(Bucket::new(m.period, m.burst, hz))
}

/// The same under nf_tables, which is given the rate that the saved text shows.
pub(super) fn slot_nft(m: &Limit) -> Slot {
    let (rate, seconds) = m.rate();
    Slot::NftLimit(NftBucket::new(rate, seconds, m.burst))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::matches::fixture::Scene;

    fn passed(scene: &mut Scene, times: usize) -> usize {
        let m = Limit::default();
        (0..times)
            .filter(|_| scene.with(|cx| evaluate(&m, cx)) == Eval::True)
            .count()
    }

    fn five_a_minute() -> Limit {
        Limit {
            period: 60 * Limit::SCALE / 5,
            burst: 2,
        }
    }

    #[test]
    fn each_rule_has_its_own_bucket() {
        let mut scene = Scene::new(Vec::new());
        let slots = &mut scene.state.rules.slots;
        let [one, two] = [0, 1].map(|_| slots.add(slot(&five_a_minute(), 250)));
        for slot in [one, two] {
            scene.slot = slot;
            assert_eq!(passed(&mut scene, 5), 2);
        }
        scene.at(12_000);
        assert_eq!(passed(&mut scene, 5), 1);
    }

    #[test]
    fn nf_tables_gives_the_same_rate() {
        let mut scene = Scene::new(Vec::new());
        scene.slot = scene.state.rules.slots.add(slot_nft(&five_a_minute()));
        assert_eq!(passed(&mut scene, 5), 2);
        scene.at(11_999);
        assert_eq!(passed(&mut scene, 1), 0);
        scene.at(12_000);
        assert_eq!(passed(&mut scene, 2), 1);
    }
}
