//! The comparison for a person.

use std::fmt::{self, Write as _};

use netverdict_report::columns::{Cell, Columns, Side as Align, visible};
use netverdict_report::names::{short, utc};
use netverdict_report::text::count;
use netverdict_report::{Palette, Styled};

use crate::Aspect;
use crate::document::{Cause, Diff, Later, Packet, Rule, Side, Traffic, both_families, phrases};

/// How many lines a list has before it says how many more there are.
const SHOWN: usize = 10;
/// How many causes are shown in full.
const CAUSES: usize = 20;
/// How many kinds of later changes a cause shows.
const LATER: usize = 3;

/// A comparison ready to be printed.
#[derive(Debug, Clone, Copy)]
pub struct Text<'d> {
    diff: &'d Diff,
    palette: Palette,
}

impl<'d> Text<'d> {
    pub const fn new(diff: &'d Diff, palette: Palette) -> Self {
        Self { diff, palette }
    }

    fn heading(&self, f: &mut fmt::Formatter<'_>, text: &str, aside: &str) -> fmt::Result {
        let (heading, faint) = (self.palette.heading, self.palette.faint);
        writeln!(f, "\n{}{}", Styled(heading, text), Styled(faint, aside))
    }

    fn inputs(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", Styled(self.palette.heading, "Inputs"))?;
        let mut columns = Columns::new(&[Align::Left; 3]);
        for (word, host) in [("old", &self.diff.old), ("new", &self.diff.new)] {
            for ruleset in &host.rulesets {
                columns.row([
                    Cell::styled(self.palette.name, word),
                    Cell::new(&ruleset.path),
                    Cell::new(format!(
                        "{}, {}, {}",
                        ruleset.family,
                        ruleset.backend,
                        count(ruleset.rules, "rule")
                    )),
                ]);
            }
        }
        for capture in self.diff.captures.iter().take(SHOWN) {
            columns.row([
                Cell::styled(self.palette.name, "capture"),
                Cell::new(&capture.path),
                Cell::new(format!(
                    "{}, {}",
                    capture.format,
                    count(capture.frames, "frame")
                )),
            ]);
        }
        write!(f, "{columns}")?;
        self.rest(f, self.diff.captures.len(), SHOWN)
    }

    fn rest(&self, f: &mut fmt::Formatter<'_>, all: usize, shown: usize) -> fmt::Result {
        match all.checked_sub(shown) {
            Some(more) if more > 0 => {
                let text = format!("and {more} more (--format json has all)");
                writeln!(f, "  {}", Styled(self.palette.faint, text))
            }
            _ => Ok(()),
        }
    }

    fn assumptions(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lists = [
            ("Assumptions", "  of both", &self.diff.assumptions),
            ("Assumptions", "  of old alone", &self.diff.old_assumptions),
            ("Assumptions", "  of new alone", &self.diff.new_assumptions),
        ];
        for (title, aside, list) in lists {
            if list.is_empty() {
                continue;
            }
            self.heading(f, title, aside)?;
            for assumption in list {
                let flag = format!("[{}]", assumption.flag);
                let flag = Styled(self.palette.faint, flag);
                writeln!(f, "  {}  {flag}", visible(&assumption.text))?;
            }
        }
        Ok(())
    }

    fn summary(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let diff = self.diff;
        if diff.causes.is_empty() {
            let heading = Styled(self.palette.good, "No packet changes");
            writeln!(f, "\n{heading}")?;
            return writeln!(f, "  {}", compared(diff));
        }
        let size = diff.changed;
        let size = match size.flows {
            0 => count(size.packets, "packet"),
            flows => format!(
                "{} of {}",
                count(size.packets, "packet"),
                count(flows, "flow")
            ),
        };
        let causes = count(diff.causes.len() as u64, "cause");
        self.heading(f, "Changes", &format!("  {size}, {causes}"))?;
        writeln!(f, "  {}", Styled(self.palette.faint, compared(diff)))?;
        for (cause, number) in diff.causes.iter().take(CAUSES).zip(1..) {
            self.cause(f, number, cause)?;
        }
        if diff.causes.iter().any(|cause| !cause.later.is_empty()) {
            let note = "then: the capture shows how these flows went on under old; under new they would have gone otherwise";
            writeln!(f, "\n  {}", Styled(self.palette.faint, note))?;
        }
        match diff.causes.len().checked_sub(CAUSES) {
            Some(more) if more > 0 => {
                writeln!(f)?;
                self.rest(f, more + CAUSES, CAUSES)
            }
            _ => Ok(()),
        }
    }

    fn cause(&self, f: &mut fmt::Formatter<'_>, number: usize, cause: &Cause) -> fmt::Result {
        let bold = self.palette.heading;
        writeln!(
            f,
            "\n{}  {}  {}",
            Styled(bold, number),
            self.title(cause),
            Styled(self.palette.faint, size(cause)),
        )?;
        let mut columns = Columns::new(&[Align::Left; 4]);
        for (word, side) in [("old", &cause.old), ("new", &cause.new)] {
            columns.row(self.decider(word, side));
        }
        indent(f, &columns)?;
        for line in details(cause) {
            writeln!(f, "   {line}")?;
        }
        writeln!(f, "   first  {}", packet(&cause.first))?;
        for later in cause.later.iter().take(LATER) {
            writeln!(f, "   then   {}", self.later(later))?;
        }
        if cause.later.len() > LATER {
            let more: u64 = cause.later.iter().skip(LATER).map(|l| l.packets).sum();
            writeln!(f, "   then   {} in other ways", count(more, "more packet"))?;
        }
        Ok(())
    }

    fn title(&self, cause: &Cause) -> String {
        let words = self.transition(&cause.old, &cause.new);
        match others(cause) {
            Some(others) => format!("{words}, other {others}"),
            None => words,
        }
    }

    /// `ACCEPT local -> DROP dropped`, or once where both say the same.
    fn transition(&self, old: &Side, new: &Side) -> String {
        let word = |side: &Side| {
            let verdict = Styled(self.palette.verdict(&side.verdict), &side.verdict);
            format!("{verdict} {}", side.fate)
        };
        if (&old.verdict, &old.fate) == (&new.verdict, &new.fate) {
            return word(old);
        }
        format!("{} -> {}", word(old), word(new))
    }

    fn decider(&self, word: &str, side: &Side) -> [Cell; 4] {
        let (place, line, text) = match &side.rule {
            Some(rule) => (self.short(rule), place(rule), rule.text.clone()),
            None => (String::new(), String::new(), String::new()),
        };
        let text = match (&side.reason, &side.rule) {
            (Some(reason), Some(_)) => format!("{text}  ({reason})"),
            (Some(reason), None) => format!("no rule: {reason}"),
            (None, _) => text,
        };
        [
            Cell::styled(self.palette.faint, word),
            Cell::styled(self.palette.name, place),
            Cell::styled(self.palette.faint, line),
            Cell::new(text),
        ]
    }

    fn short(&self, rule: &Rule) -> String {
        short(&rule.place, both_families(self.diff))
    }

    fn later(&self, later: &Later) -> String {
        let by = |side: &Side| match (&side.rule, &side.reason) {
            (Some(rule), _) => self.short(rule),
            (None, Some(reason)) => reason.clone(),
            (None, None) => String::new(),
        };
        format!(
            "{} from packet {} on: {}, {} -> {}",
            count(later.packets, "packet"),
            later.first.packet,
            self.transition(&later.old, &later.new),
            by(&later.old),
            by(&later.new)
        )
    }

    fn rules(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rules = &self.diff.rules;
        let (added, removed) = (rules.added.len(), rules.removed.len());
        if added + removed > 0 || rules.moved > 0 {
            let aside = format!(
                "  {} kept, {} of them moved, {added} added, {removed} removed",
                rules.kept, rules.moved
            );
            self.heading(f, "Rules", &aside)?;
            let left = Align::Left;
            let mut columns = Columns::new(&[left, Align::Right, left, left, left]);
            let removed = rules.removed.iter().map(|rule| ("-", rule));
            let added = rules.added.iter().map(|rule| ("+", rule));
            let all: Vec<_> = removed.chain(added).collect();
            for (sign, rule) in all.iter().take(SHOWN) {
                let style = if *sign == "+" {
                    self.palette.good
                } else {
                    self.palette.bad
                };
                columns.row([
                    Cell::styled(style, sign),
                    Cell::new(count(packets(self.diff, rule), "packet")),
                    Cell::styled(self.palette.name, self.short(rule)),
                    Cell::styled(self.palette.faint, place(rule)),
                    Cell::styled(style, &rule.text),
                ]);
            }
            write!(f, "{columns}")?;
            self.rest(f, all.len(), SHOWN)?;
        }
        let title = "Rules that lost all their traffic";
        self.traffic(f, title, &kept(&rules.lost))?;
        let title = "Rules that had no traffic before";
        self.traffic(f, title, &kept(&rules.gained))
    }

    fn traffic(&self, f: &mut fmt::Formatter<'_>, title: &str, list: &[&Traffic]) -> fmt::Result {
        if list.is_empty() {
            return Ok(());
        }
        self.heading(f, title, "  packets under old and new")?;
        let left = Align::Left;
        let mut columns = Columns::new(&[Align::Right, Align::Right, left, left, left]);
        let packets = |n: Option<u64>| n.map_or_else(|| "-".to_owned(), |n| n.to_string());
        for traffic in list.iter().take(SHOWN) {
            columns.row([
                Cell::new(packets(traffic.old)),
                Cell::new(packets(traffic.new)),
                Cell::styled(self.palette.name, self.short(&traffic.rule)),
                Cell::styled(self.palette.faint, place(&traffic.rule)),
                Cell::new(&traffic.rule.text),
            ]);
        }
        write!(f, "{columns}")?;
        self.rest(f, list.len(), SHOWN)
    }

    fn warnings(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.diff.warnings.is_empty() {
            return Ok(());
        }
        self.heading(f, "Warnings", "")?;
        for warning in &self.diff.warnings {
            writeln!(f, "  {}", Styled(self.palette.odd, visible(warning)))?;
        }
        Ok(())
    }
}

impl fmt::Display for Text<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inputs(f)?;
        self.assumptions(f)?;
        self.summary(f)?;
        self.rules(f)?;
        self.warnings(f)
    }
}

/// Those of rules that both hosts have; the others are listed where rules come and go.
pub(crate) fn kept(list: &[Traffic]) -> Vec<&Traffic> {
    let is_kept = |traffic: &&Traffic| traffic.old.is_some() && traffic.new.is_some();
    list.iter().filter(is_kept).collect()
}

/// What a rule that only one host has counted there.
pub(crate) fn packets(diff: &Diff, rule: &Rule) -> u64 {
    let all = diff.rules.lost.iter().chain(&diff.rules.gained);
    let mut its = all.filter(|traffic| traffic.rule == *rule);
    its.find_map(|traffic| traffic.old.or(traffic.new))
        .unwrap_or(0)
}

/// What changes where verdict and fate do not: `translation, mark`.
pub(crate) fn others(cause: &Cause) -> Option<String> {
    let (old, new) = (&cause.old, &cause.new);
    let is_same = (&old.verdict, &old.fate) == (&new.verdict, &new.fate);
    let phrase = |what: &String| {
        let aspect = Aspect::ALL.into_iter().find(|a| a.name() == what)?;
        Some(aspect.phrase())
    };
    let phrases: Vec<_> = cause.what.iter().filter_map(phrase).collect();
    is_same.then(|| phrases.join(", "))
}

/// `1 flow, 14 packets`.
pub(crate) fn size(cause: &Cause) -> String {
    let packets = count(cause.packets, "packet");
    match cause.flows {
        0 => packets,
        flows => format!("{}, {packets}", count(flows, "flow")),
    }
}

/// `old/iptables-save:12`.
pub(crate) fn place(rule: &Rule) -> String {
    match rule.place.line {
        Some(line) => format!("{}:{line}", rule.file),
        None => rule.file.clone(),
    }
}

/// `packet 14, in eth0: tcp 198.51.100.23:40022 > 203.0.113.10:22 (traffic.pcapng frame 14, 2026-03-02T08:00:00Z)`.
pub(crate) fn packet(packet: &Packet) -> String {
    format!(
        "packet {}, {} {}: {} ({} frame {}, {})",
        packet.packet,
        packet.direction,
        packet.interface.as_deref().unwrap_or("?"),
        packet.header,
        visible(&packet.file),
        packet.n,
        utc(&packet.time)
    )
}

/// What changes beside verdict and rule, as the first packet has it.
pub(crate) fn details(cause: &Cause) -> Vec<String> {
    let has = |name: &str| cause.what.iter().any(|what| what == name);
    let (old, new) = (&cause.old, &cause.new);
    let mut lines = Vec::new();
    let text =
        |value: &Option<String>, none: &str| value.clone().unwrap_or_else(|| none.to_owned());
    if has("translation") {
        let was = text(&old.leaves_as, "not translated");
        let is = text(&new.leaves_as, "not translated");
        lines.push(format!("leaves as {was} -> {is}"));
    }
    if has("interface") {
        let (was, is) = (text(&old.out, "?"), text(&new.out, "?"));
        lines.push(format!("leaves by {was} -> {is}"));
    }
    if has("mark") {
        lines.push(format!("mark {:#x} -> {:#x}", old.mark, new.mark));
    }
    lines
}

/// What was compared, in a sentence.
pub(crate) fn compared(diff: &Diff) -> String {
    let scope = &diff.compared;
    let of = |host: &netverdict_report::model::Host| {
        count(host.rulesets.iter().map(|r| r.rules).sum(), "rule")
    };
    let mut text = format!(
        "compared {} of {} in {}, under {} and {}, by {}",
        count(scope.packets, "packet"),
        count(scope.flows, "flow"),
        count(diff.captures.len() as u64, "capture"),
        of(&diff.old),
        of(&diff.new),
        phrases(diff).join(", ")
    );
    let asides = [
        (
            scope.evidence,
            if scope.evidence == 1 {
                "seen again on its way out"
            } else {
                "seen again on their way out"
            },
        ),
        (scope.one_sided, "seen again under one host only"),
        (scope.skipped, "without a packet that iptables sees"),
    ];
    let asides = asides.iter().filter(|(frames, _)| *frames > 0);
    let asides: Vec<_> = asides
        .map(|(frames, what)| format!("{} {what}", count(*frames, "frame")))
        .collect();
    if !asides.is_empty() {
        // Writing to a string does not fail.
        let _ = write!(text, "; not compared: {}", asides.join(", "));
    }
    text
}

fn indent(f: &mut fmt::Formatter<'_>, columns: &Columns) -> fmt::Result {
    columns
        .to_string()
        .lines()
        .try_for_each(|line| writeln!(f, " {line}"))
}
