//! What the kernel's own memory held when the capture began, and the dice it throws: no file tells either.

use netverdict_ruleset::matches::StatisticMode;
use netverdict_ruleset::{Match, Target};

use super::Work;
use crate::{Assumption, Subject};

pub(super) fn infer(work: &mut Work<'_>) {
    if work.overrides.seed == 0 && throws_dice(work) {
        work.assume(Assumption::new(
            Subject::Randomness,
            "random choices are drawn from seed 0, and fall otherwise on each real host",
            "--seed N",
        ));
    }
    if remembers(work) {
        work.assume(Assumption::new(
            Subject::RuleHistory,
            "rules that count, list or limit start afresh at the first packet",
            "a capture that begins earlier",
        ));
    }
}

fn throws_dice(work: &Work<'_>) -> bool {
    let mut rules = work.rulesets.iter().flat_map(|r| r.rules());
    rules.any(|(_, rule)| {
        let target = match &rule.target {
            Some(Target::Snat(t)) => t.to.random || t.to.random_fully,
            Some(Target::Dnat(t)) => t.to.random || t.to.random_fully,
            Some(Target::Masquerade(t)) => t.random || t.random_fully,
            Some(Target::Redirect(t)) => t.random,
            _ => false,
        };
        target || rule.matches.iter().any(is_random)
    })
}

fn is_random(m: &Match) -> bool {
    matches!(m, Match::Statistic(s) if matches!(s.mode.value, StatisticMode::Random { .. }))
}

/// Whether a match keeps something between packets that no dump prints.
fn remembers(work: &Work<'_>) -> bool {
    let mut rules = work.rulesets.iter().flat_map(|r| r.rules());
    rules.any(|(_, rule)| {
        let kept = |m: &Match| {
            matches!(
                m,
                Match::Limit(_)
                    | Match::Hashlimit(_)
                    | Match::Recent(_)
                    | Match::Quota(_)
                    | Match::Statistic(_)
            )
        };
        rule.matches.iter().any(|m| kept(m) && !is_random(m))
    })
}
