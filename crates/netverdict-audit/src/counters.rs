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

/// So many rules of a dump are told one by one; of more, one speaks for all.
const FEW: usize = 3;
/// How many of the others it names.
const NAMED: usize = 7;

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
    for dump in &places.subject.dumps {
        let family = dump.ruleset.family;
        let earlier = before.and_then(|b| b.rulesets.iter().find(|r| r.family == family));
        if before.is_some() != earlier.is_some() || !has_counters(dump.ruleset) {
            continue;
        }
        if earlier.is_none() && !latest.is_some_and(|latest| is_made_after(dump, latest)) {
            continue;
        }
        let mut here_found = Vec::new();
        for (id, after) in dump.ruleset.rules() {
            let Some(base) = base(earlier, dump.ruleset, id) else {
                continue;
            };
            let place = RuleRef {
                family,
                table: id.table,
                chain: id.chain.0,
                number: RuleNumber::Rule(id.number()),
            };
            let rose = after.counters.packets.saturating_sub(base.packets);
            let here = totals.get(place).map_or(0, |counted| counted.packets);
            if rose >= here || id.table == TableKind::Nat {
                continue;
            }
            here_found.push(finding(places, place, rose, here, earlier.is_some()));
        }
        if here_found.len() > FEW {
            findings.extend(one_for_all(here_found));
        } else {
            findings.extend(here_found);
        }
    }
    findings
}

/// One cause makes many counters disagree: the first finding, with the places of some others.
fn one_for_all(findings: Vec<Finding>) -> Option<Finding> {
    let count = findings.len();
    let mut findings = findings.into_iter();
    let mut first = findings.next()?;
    first.title = format!("{count} rules counted less than the capture alone makes");
    for other in findings.take(NAMED) {
        first = first.related(other.place, other.label);
    }
    Some(first)
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

/// Whether the dump says that it was made soon after a time, in every time zone. Much later the counters have been set back,
/// as often as not.
fn is_made_after(dump: &Dump<'_>, time: Timestamp) -> bool {
    const ZONES: i64 = 14 * 3600;
    const SOON: i64 = 3 * 24 * 3600;
    let made = dump.lines().filter_map(|(_, line)| made(line)).max();
    made.is_some_and(|made| (ZONES + 1..SOON).contains(&(made - time.0 / Timestamp::SECOND)))
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
