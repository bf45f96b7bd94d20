//! Expectations against what became of the packets.

use netverdict_capture::Direction;
use netverdict_engine::{RuleNumber, RuleRef};
use netverdict_replay::{Ends, Fate, Record, Setup, Totals, Verdict};
use netverdict_report::names::{Names, short};

use crate::document::{Line, Packet, Said, Unmet};
use crate::expect::{Count, Expectation, Expected, RuleQuery, Wanted};
use crate::snapshot::{reason, title};

/// How many lines of a dump an expectation quotes.
const QUOTED: usize = 3;

/// One expectation on its way through the packets.
#[derive(Debug)]
pub(crate) struct Check<'e> {
    expectation: &'e Expectation,
    /// The rules that it names.
    rules: Vec<RuleRef>,
    flows: crate::expect::Flows,
    /// Packets that it is about.
    packets: u64,
    /// Those that are not as they should be, and the first of them.
    wrong: u64,
    first: Option<(Record, Option<u64>)>,
}

impl<'e> Check<'e> {
    pub(crate) fn new(expectation: &'e Expectation, setup: &Setup, names: &Names<'_>) -> Self {
        let query = expectation.rule();
        Self {
            expectation,
            rules: query.map_or_else(Vec::new, |query| query.find(setup, names)),
            flows: crate::expect::Flows::default(),
            packets: 0,
            wrong: 0,
            first: None,
        }
    }

    /// Takes a packet; `line` is the line of `packets` that made it.
    pub(crate) fn take(&mut self, record: &Record, line: Option<u64>) {
        let (packets, wanted, is_none) = match &self.expectation.what {
            Expected::All {
                packets, wanted, ..
            } => (packets, wanted, false),
            Expected::None { packets, wanted } => (packets, wanted, true),
            Expected::Hits { .. } => return,
        };
        // Frames that were not replayed have nothing of their own to say, unless they are asked by number.
        let is_asked = !packets.packets.is_empty()
            || wanted.fate.contains(&record.fate)
            || wanted.verdict.contains(&Verdict::Skipped);
        let is_replayed = !matches!(record.fate, Fate::Evidence | Fate::Skipped);
        if !(is_replayed || is_asked) || !packets.has(record, line, &mut self.flows) {
            return;
        }
        self.packets += 1;
        if wanted.has(record, &self.rules) == is_none {
            self.wrong += 1;
            self.first.get_or_insert_with(|| (record.clone(), line));
        }
    }

    /// What does not hold, now that all packets were taken.
    pub(crate) fn finish(self, run: &Ended<'_>) -> Option<Unmet> {
        if let Some(query) = self.expectation.rule()
            && self.rules.is_empty()
        {
            let hint = query.hint(run.setup, run.names);
            let hint = hint.map(|hint| format!(": {hint}")).unwrap_or_default();
            let problem = format!("the host has no such rule: {query}{hint}");
            let wanted = self.expectation.wanted();
            let expected = wanted.map(|wanted| said_of(wanted, &[], run));
            return Some(self.unmet(run, problem, expected, self.actual(run)));
        }
        match &self.expectation.what {
            Expected::All { wanted, count, .. } => self.all(run, wanted, *count),
            Expected::None { wanted, .. } => self.none(run, wanted),
            Expected::Hits { rule, count } => self.hits(run, rule, *count),
        }
    }

    fn all(&self, run: &Ended<'_>, wanted: &Wanted, count: Count) -> Option<Unmet> {
        if self.wrong > 0 {
            let problem = match (self.wrong, self.packets) {
                (1, 1) => "its packet fares otherwise".to_owned(),
                (wrong, all) if wrong == all => format!("all of its {all} packets fare otherwise"),
                (wrong, all) => format!("{wrong} of its {all} packets fare otherwise"),
            };
            let expected = said_of(wanted, &self.rules, run);
            return Some(self.unmet(run, problem, Some(expected), self.actual(run)));
        }
        if count.has(self.packets) {
            return None;
        }
        let problem = if self.packets == 0 && count == Count::SOME {
            "there is no such packet".to_owned()
        } else {
            format!("there are {} such packets, not {count}", self.packets)
        };
        Some(self.unmet(run, problem, None, None))
    }

    fn none(&self, run: &Ended<'_>, wanted: &Wanted) -> Option<Unmet> {
        if self.wrong == 0 {
            return None;
        }
        let packets = netverdict_report::text::count(self.wrong, "packet");
        let so = if wanted.is_empty() { "there" } else { "so" };
        let is = if self.wrong == 1 { "is" } else { "are" };
        let problem = format!("{packets} {is} {so}, and none should be");
        Some(self.unmet(run, problem, None, self.actual(run)))
    }

    fn hits(&self, run: &Ended<'_>, query: &RuleQuery, count: Count) -> Option<Unmet> {
        let counted = |rule: &RuleRef| run.totals.get(*rule).map_or(0, |c| c.packets);
        let total: u64 = self.rules.iter().map(counted).sum();
        if count.has(total) {
            return None;
        }
        let problem = format!(
            "{query} counted {}, not {count}",
            netverdict_report::text::count(total, "packet")
        );
        let expected = Said {
            verdict: format!("{count} packets"),
            rule: Some(query.to_string()),
            lines: lines(&self.rules, run),
        };
        Some(self.unmet(run, problem, Some(expected), None))
    }

    fn actual(&self, run: &Ended<'_>) -> Option<Said> {
        let (record, _) = self.first.as_ref()?;
        let mut words = vec![record.verdict.to_string(), record.fate.to_string()];
        words.extend(record.state.map(|state| state.to_string()));
        if let Some(nat) = record.nat.filter(|nat| nat.after != nat.before) {
            words.push(format!("as {}", Ends(&nat.after)));
        }
        if let Some(out) = record.out_device.name() {
            words.push(format!("by {out}"));
        }
        if record.mark != 0 {
            words.push(format!("mark {:#x}", record.mark));
        }
        let rule = record.rule.map(|rule| name(rule, run));
        Some(Said {
            verdict: words.join(" "),
            rule: match (rule, reason(record)) {
                (Some(rule), Some(reason)) => Some(format!("{rule} ({reason})")),
                (None, Some(reason)) => Some(format!("no rule: {reason}")),
                (rule, None) => rule,
            },
            lines: record
                .rule
                .map(|rule| line(rule, run))
                .into_iter()
                .collect(),
        })
    }

    fn unmet(
        &self,
        run: &Ended<'_>,
        problem: String,
        expected: Option<Said>,
        actual: Option<Said>,
    ) -> Unmet {
        Unmet {
            file: run.file.to_owned(),
            line: self.expectation.line as u64,
            title: self.expectation.title().to_owned(),
            problem,
            packet: self
                .first
                .as_ref()
                .map(|(record, line)| packet(record, *line, run)),
            expected,
            actual,
        }
    }
}

impl Expectation {
    /// What it wants of each packet.
    fn wanted(&self) -> Option<&Wanted> {
        match &self.what {
            Expected::All { wanted, .. } => Some(wanted),
            Expected::None { .. } | Expected::Hits { .. } => None,
        }
    }

    /// The rule that it names.
    fn rule(&self) -> Option<&RuleQuery> {
        match &self.what {
            Expected::All { wanted, .. } | Expected::None { wanted, .. } => wanted.rule.as_ref(),
            Expected::Hits { rule, .. } => Some(rule),
        }
    }
}

/// A finished run, to explain what does not hold.
#[derive(Debug)]
pub(crate) struct Ended<'r> {
    pub(crate) setup: &'r Setup,
    pub(crate) names: &'r Names<'r>,
    pub(crate) totals: &'r Totals,
    /// The captures' names.
    pub(crate) captures: &'r [String],
    /// The texts of the lines of `packets`.
    pub(crate) texts: &'r [&'r str],
    /// The case's file.
    pub(crate) file: &'r str,
}

fn said_of(wanted: &Wanted, rules: &[RuleRef], run: &Ended<'_>) -> Said {
    let mut words = Vec::new();
    let any = |names: Vec<String>| (!names.is_empty()).then(|| names.join(" or "));
    words.extend(any(wanted
        .verdict
        .iter()
        .map(ToString::to_string)
        .collect()));
    words.extend(any(wanted.fate.iter().map(ToString::to_string).collect()));
    words.extend(wanted.translation.map(|t| match t {
        crate::expect::Translation::None => t.to_string(),
        to @ crate::expect::Translation::To { .. } => format!("as {to}"),
    }));
    words.extend(wanted.out.map(|out| format!("by {out}")));
    words.extend(wanted.mark.map(|(mark, mask)| match mask {
        u32::MAX => format!("mark {mark:#x}"),
        mask => format!("mark {mark:#x}/{mask:#x}"),
    }));
    words.extend(wanted.reason.as_ref().map(|r| format!("reason {r}")));
    Said {
        verdict: words.join(" "),
        rule: wanted.rule.as_ref().map(|rule| match rules {
            [one] => name(*one, run),
            _ => rule.to_string(),
        }),
        lines: lines(rules, run),
    }
}

fn name(rule: RuleRef, run: &Ended<'_>) -> String {
    short(&run.names.place(rule), run.setup.rulesets.len() > 1)
}

/// The first lines of the rules, rules before policies.
fn lines(rules: &[RuleRef], run: &Ended<'_>) -> Vec<Line> {
    let mut rules = rules.to_vec();
    rules.sort_by_key(|rule| rule.number == RuleNumber::Policy);
    rules
        .iter()
        .take(QUOTED)
        .map(|rule| line(*rule, run))
        .collect()
}

/// A rule's line of the dump.
pub(crate) fn line(rule: RuleRef, run: &Ended<'_>) -> Line {
    Line {
        place: run.names.place(rule),
        file: run.names.file(rule).to_owned(),
        text: run.names.text(rule),
    }
}

fn packet(record: &Record, line: Option<u64>, run: &Ended<'_>) -> Packet {
    let text = line.and_then(|line| run.texts.get(usize::try_from(line).ok()?.checked_sub(1)?));
    let file = run.captures.get(record.frame.file);
    Packet {
        packet: record.position,
        file: file.filter(|_| line.is_none()).cloned(),
        n: line.is_none().then_some(record.frame.number),
        line: text.map(|text| (*text).to_owned()),
        interface: record.interface.name().map(ToString::to_string),
        direction: match record.direction {
            Direction::In => "in",
            Direction::Out => "out",
        }
        .to_owned(),
        header: title(record),
    }
}
