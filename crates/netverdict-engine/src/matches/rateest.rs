//! `-m rateest` (net/netfilter/xt_rateest.c): compares what RATEEST rules estimate, or what facts say that they do.

use netverdict_ruleset::matches::{Rateest, RateestComparison};

use super::tri::unknown;
use crate::About;
use crate::context::{Eval, MatchCx};
use crate::state::{RuleState, Slot};

const UNKNOWN: &str = "the estimator is not known";

pub(crate) fn evaluate(m: &Rateest, cx: &mut MatchCx<'_, '_>) -> Eval {
    let Some((first, second)) = cx.state.rules.slots.pair(cx.slot) else {
        return unknown(UNKNOWN);
    };
    let Some(first) = rates(first, cx) else {
        return unknown(UNKNOWN);
    };
    let second = match m.second {
        None => None,
        Some(_) => match rates(second, cx) {
            None => return unknown(UNKNOWN),
            rates => rates,
        },
    };
    let bytes = m
        .bps
        .is_none_or(|limits| compare(m, 0, first, second, limits));
    let packets = m
        .pps
        .is_none_or(|limits| compare(m, 1, first, second, limits));
    Eval::of(bytes && packets, m.inverted)
}

/// Compares bytes (`part` 0) or packets (1) a second.
fn compare(
    m: &Rateest,
    part: usize,
    first: [u32; 2],
    second: Option<[u32; 2]>,
    limits: [u32; 2],
) -> bool {
    let of = |rates: [u32; 2]| rates.get(part).copied().unwrap_or(0);
    let [limit, other] = limits;
    let left = |limit: u32, rate: u32| {
        if m.delta {
            limit.saturating_sub(rate)
        } else {
            rate
        }
    };
    let one = left(limit, of(first));
    let two = second.map_or(other, |second| left(other, of(second)));
    match m.comparison {
        RateestComparison::Less => one < two,
        RateestComparison::Greater => one > two,
        RateestComparison::Equal => one == two,
    }
}

fn rates(place: usize, cx: &mut MatchCx<'_, '_>) -> Option<[u32; 2]> {
    let now = cx.now.jiffies.0;
    let estimated = cx.state.rules.estimators.rates(place, now);
    if cx.config.facts.is_empty() {
        return estimated;
    }
    let name = cx.state.rules.estimators.name(place);
    let told = |part: usize| {
        cx.fact(|about| match about {
            About::Rateest {
                name: of,
                bytes,
                packets,
            } if of == name => [*bytes, *packets].get(part).copied().flatten(),
            _ => None,
        })
    };
    let estimated = |part: usize| estimated.and_then(|rates| rates.get(part).copied());
    match (
        told(0).or_else(|| estimated(0)),
        told(1).or_else(|| estimated(1)),
    ) {
        (None, None) => None,
        (bytes, packets) => Some([bytes.unwrap_or(0), packets.unwrap_or(0)]),
    }
}

/// The places of the rule's estimators.
pub(super) fn slot(m: &Rateest, rules: &mut RuleState) -> Slot {
    let first = rules.estimators.place(&m.first);
    let second = m.second.as_ref().map(|name| rules.estimators.place(name));
    Slot::Pair(first, second.unwrap_or(first))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::matches::fixture::Scene;

    fn compared(delta: bool, second: Option<&str>, comparison: RateestComparison) -> Rateest {
        Rateest {
            delta,
            first: "a".to_owned(),
            second: second.map(str::to_owned),
            comparison,
            inverted: false,
            bps: Some([1000, 600]),
            pps: None,
        }
    }

    fn check(m: &Rateest) -> Eval {
        let mut scene = Scene::new(Vec::new());
        let slot = slot(m, &mut scene.state.rules);
        scene.slot = scene.state.rules.slots.add(slot);
        for (name, bytes) in [("a", 500), ("b", 700)] {
            scene.fact(About::Rateest {
                name: name.to_owned(),
                bytes: Some(bytes),
                packets: None,
            });
        }
        scene.with(|cx| evaluate(m, cx))
    }

    #[test]
    fn rates_or_what_is_left_of_them_compare() {
        use RateestComparison::{Equal, Greater, Less};
        // 500 against 600; 500 against 700; 1000-500 against 600; 1000-500 against 600-700, which is none.
        assert_eq!(check(&compared(false, None, Less)), Eval::True);
        assert_eq!(check(&compared(false, Some("b"), Greater)), Eval::False);
        assert_eq!(check(&compared(true, None, Less)), Eval::True);
        assert_eq!(check(&compared(true, Some("b"), Greater)), Eval::True);
        assert_eq!(check(&compared(true, Some("b"), Equal)), Eval::False);
        assert!(matches!(
            check(&Rateest {
                first: "c".to_owned(),
                ..compared(false, None, Less)
            }),
            Eval::Unknown(_)
        ));
    }
}
