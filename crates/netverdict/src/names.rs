//! Rules in messages.

use netverdict_engine::{RuleNumber, RuleRef};
use netverdict_replay::Setup;
use netverdict_ruleset::ChainId;

/// `iptables-save line 12 (filter INPUT 3), -m owner --uid-owner 0`.
pub(crate) fn describe(setup: &Setup, place: RuleRef, match_index: Option<u32>) -> String {
    let table = setup
        .ruleset(place.family)
        .and_then(|r| r.table(place.table));
    let chain = table.and_then(|t| t.chain(ChainId(place.chain)));
    let rule = match (place.number, chain) {
        (RuleNumber::Rule(number), Some(chain)) => {
            chain.rules.get((number as usize).wrapping_sub(1))
        }
        _ => None,
    };
    let number = match place.number {
        RuleNumber::Rule(number) => number.to_string(),
        RuleNumber::Policy => "policy".to_owned(),
    };
    let name = chain.map_or("?", |chain| chain.name.as_str());
    let file = setup
        .dump(place.family)
        .map_or("?", |source| source.name.as_str());
    let test = match_index
        .and_then(|index| rule?.matches.get(index as usize))
        .map(|m| format!(", {m}"));
    let line = rule.map_or(0, |rule| rule.line);
    format!(
        "{file} line {line} ({} {name} {number}){}",
        place.table,
        test.unwrap_or_default()
    )
}
