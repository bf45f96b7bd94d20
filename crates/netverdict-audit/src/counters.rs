//! Counters of the dump that the capture cannot account for.

use jiff::civil::DateTime;
use netverdict_capture::Summary;
use netverdict_engine::{RuleNumber, RuleRef};
use netverdict_lint::catalogue::COUNTERS_DISAGREE;
use netverdict_lint::{Dump, Finding};
use netverdict_net::Timestamp;
use netverdict_replay::Totals;
use netverdict_ruleset::{Counters, Rule, Ruleset, TableKind};

use crate::places::Places;

/// Dumps of the same host, taken when the capture began.
#[derive(Debug, Clone, Copy)]
pub struct Before<'b> {
    pub rulesets: &'b [Ruleset],
}

/// Findings about rules whose counters rose by less than the capture makes of them. More is explained by traffic that
/// was not captured. Without a dump from before, only a dump that was certainly made after the capture is judged.
pub fn unexplained(
    places: &Places<'_>,
    totals: &Totals,
    before: Option<Before<'_>>,
    captures: &[Summary],
) -> Vec<Finding> {
    let mut findings = Vec::new();
    let latest = captures.iter().filter_map(|c| c.latest).max();
    for (dump, counted) in places.subject.dumps.iter().zip(&totals.rulesets) {
        let earlier = before.and_then(|b| b.rulesets.iter().find(|r| r.family == counted.family));
        if before.is_some() != earlier.is_some() || !has_counters(dump.ruleset) {
            continue;
        }
        if earlier.is_none() && !latest.is_some_and(|latest| is_made_after(dump, latest)) {
            continue;
        }
        for (id, rule) in counted.rules() {
            let (Some(after), Some(base)) =
                (dump.ruleset.rule(id), base(earlier, dump.ruleset, id))
            else {
                continue;
            };
            let rose = after.counters.packets.saturating_sub(base.packets);
            let here = rule.counters.packets;
            if rose >= here || id.table == TableKind::Nat {
                continue;
            }
            let place = RuleRef {
                family: counted.family,
                table: id.table,
                chain: id.chain.0,
                number: RuleNumber::Rule(id.number()),
            };
            findings.push(finding(places, place, rose, here, earlier.is_some()));
        }
    }
    findings
}

fn finding(places: &Places<'_>, rule: RuleRef, rose: u64, here: u64, has_before: bool) -> Finding {
    let counted = if has_before { "rose by" } else { "is" };
    let mut finding = Finding::new(
        COUNTERS_DISAGREE,
        places.of(Some(rule)),
        format!("the rule's counter {counted} {rose}, but the capture alone makes {here}"),
    )
    .label(format!("counted {rose}, replayed {here}"))
    .because("Packets that were captured and that the rule matches must have been counted.")
    .suggest("Take dumps with `iptables-save -c` right before and right after the capture, and give both (`--before`).");
    finding.causes = vec![
        "other rules were in force while the traffic was captured".to_owned(),
        "the counters were set back, or the rules reloaded, in between".to_owned(),
        "the capture saw packets that never came to netfilter (a mirror port, an earlier drop)"
            .to_owned(),
    ];
    finding
}

/// The counters of the same rule in the earlier dump; zero without one, `None` where its rules are others.
fn base(
    earlier: Option<&Ruleset>,
    now: &Ruleset,
    id: netverdict_ruleset::RuleId,
) -> Option<Counters> {
    let Some(earlier) = earlier else {
        return Some(Counters::default());
    };
    let chain = now.table(id.table)?.chain(id.chain)?;
    let there = earlier.table(id.table)?;
    let same = there
        .chain(there.find(&chain.name)?)?
        .rules
        .get(id.index as usize)?;
    let text = |ruleset: &Ruleset, rule: &Rule| {
        let table = ruleset.table(id.table)?;
        Some(table.text(table.find(&chain.name)?, rule).to_string())
    };
    (text(earlier, same)? == text(now, now.rule(id)?)?).then_some(same.counters)
}

fn has_counters(ruleset: &Ruleset) -> bool {
    ruleset
        .rules()
        .any(|(_, rule)| rule.counters != Counters::default())
}

/// Whether the dump says that it was made after a time, in every time zone.
fn is_made_after(dump: &Dump<'_>, time: Timestamp) -> bool {
    const ZONES: i64 = 14 * 3600;
    let made = dump.lines().filter_map(|(_, line)| made(line)).max();
    made.is_some_and(|made| made - ZONES > time.0 / Timestamp::SECOND)
}

/// `# Completed on Mon Mar  2 08:00:00 2026` as seconds since 1970, were it UTC.
fn made(line: &str) -> Option<i64> {
    let rest = line.strip_prefix("# ")?;
    let (_, date) = rest.split_once(" on ")?;
    let words: Vec<&str> = date.split_whitespace().collect();
    let time = DateTime::strptime("%a %b %d %H:%M:%S %Y", words.join(" ")).ok()?;
    let zoned = time.to_zoned(jiff::tz::TimeZone::UTC).ok()?;
    Some(zoned.timestamp().as_second())
}

#[cfg(test)]
mod tests {
    use super::made;

    #[test]
    fn the_date_of_a_dump_is_read() {
        assert_eq!(
            made("# Completed on Mon Mar  2 08:00:00 2026"),
            Some(1_772_438_400)
        );
        assert_eq!(
            made("# Generated by iptables-save v1.8.9 on Mon Mar  2 08:00:00 2026"),
            Some(1_772_438_400)
        );
        assert_eq!(made("# mine"), None);
    }
}
