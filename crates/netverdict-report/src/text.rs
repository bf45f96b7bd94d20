//! The report for a person, on one screen where the traffic allows.

use std::fmt;

use crate::Palette;
use crate::columns::{Cell, Columns, Side, visible};
use crate::model::{Flow, Number, Place, Report, Rule};
use crate::names::{short, utc};
use crate::palette::Styled;

/// How many lines a list has before it says how many more there are.
const SHOWN: usize = 10;

/// A report ready to be printed.
#[derive(Debug, Clone, Copy)]
pub struct Text<'r> {
    report: &'r Report,
    palette: Palette,
}

impl<'r> Text<'r> {
    pub const fn new(report: &'r Report, palette: Palette) -> Self {
        Self { report, palette }
    }

    fn both_families(&self) -> bool {
        self.report.host.rulesets.len() > 1
    }

    fn heading(&self, f: &mut fmt::Formatter<'_>, text: &str, aside: &str) -> fmt::Result {
        writeln!(
            f,
            "\n{}{}",
            Styled(self.palette.heading, text),
            Styled(self.palette.faint, aside)
        )
    }

    /// A list's first lines, and how many more there are.
    fn rest(&self, f: &mut fmt::Formatter<'_>, all: usize) -> fmt::Result {
        match all.checked_sub(SHOWN) {
            Some(more) if more > 0 => {
                writeln!(
                    f,
                    "  {}",
                    Styled(
                        self.palette.faint,
                        format!("and {more} more (--format json has all)")
                    )
                )
            }
            _ => Ok(()),
        }
    }

    fn inputs(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", Styled(self.palette.heading, "Inputs"))?;
        let mut columns = Columns::new(&[Side::Left; 3]);
        for ruleset in &self.report.host.rulesets {
            let tables = if ruleset.tables.is_empty() {
                "no table".to_owned()
            } else {
                ruleset.tables.join(", ")
            };
            columns.row([
                Cell::styled(self.palette.name, "rules"),
                Cell::new(&ruleset.path),
                Cell::new(format!(
                    "{}, {}, {} in {tables}",
                    ruleset.family,
                    ruleset.backend,
                    count(ruleset.rules, "rule")
                )),
            ]);
        }
        for capture in self.report.captures.iter().take(SHOWN) {
            let span = match (&capture.first, &capture.last) {
                (Some(first), Some(last)) if first != last => {
                    format!(", {} to {}", utc(first), utc(last))
                }
                (Some(first), _) => format!(", {}", utc(first)),
                (None, _) => String::new(),
            };
            let interfaces = if capture.interfaces.is_empty() {
                String::new()
            } else {
                format!(", {}", capture.interfaces.join(" "))
            };
            columns.row([
                Cell::styled(self.palette.name, "capture"),
                Cell::new(&capture.path),
                Cell::new(format!(
                    "{}{interfaces}, {}{span}",
                    capture.format,
                    count(capture.frames, "frame")
                )),
            ]);
        }
        write!(f, "{columns}")?;
        self.rest(f, self.report.captures.len())
    }

    fn assumptions(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let assumptions = &self.report.assumptions;
        if assumptions.is_empty() {
            return Ok(());
        }
        self.heading(f, "Assumptions", "  each with what overrides it")?;
        for assumption in assumptions {
            writeln!(
                f,
                "  {}  {}",
                visible(&assumption.text),
                Styled(self.palette.faint, format!("[{}]", assumption.flag))
            )?;
        }
        Ok(())
    }

    fn totals(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.heading(f, "Verdicts", "")?;
        let mut columns = Columns::new(&[Side::Left, Side::Left, Side::Right, Side::Right]);
        let faint = self.palette.faint;
        columns
            .row(["verdict", "fate", "packets", "bytes"].map(|title| Cell::styled(faint, title)));
        for total in &self.report.totals {
            columns.row([
                Cell::styled(self.palette.verdict(&total.verdict), &total.verdict),
                Cell::new(&total.fate),
                Cell::new(total.packets),
                Cell::new(total.bytes),
            ]);
        }
        let sum = |pick: fn(&crate::model::Total) -> u64| {
            self.report.totals.iter().map(pick).sum::<u64>()
        };
        columns.row([
            Cell::styled(faint, "all"),
            Cell::new(""),
            Cell::styled(faint, sum(|t| t.packets)),
            Cell::styled(faint, sum(|t| t.bytes)),
        ]);
        write!(f, "{columns}")
    }

    fn deciding(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut deciding: Vec<&Rule> = self.report.rules.iter().filter(|r| r.decided > 0).collect();
        if deciding.is_empty() {
            return Ok(());
        }
        // A stable sort keeps dump order among equals.
        deciding.sort_by_key(|rule| std::cmp::Reverse(rule.decided));
        self.heading(
            f,
            "Deciding rules",
            "  by packets whose verdict they decided",
        )?;
        let mut columns = Columns::new(&[Side::Right, Side::Right, Side::Left, Side::Left]);
        for rule in deciding.iter().take(SHOWN) {
            columns.row([
                Cell::new(rule.decided),
                Cell::styled(self.palette.faint, format!("{} B", rule.decided_bytes)),
                Cell::styled(self.palette.name, short(&rule.place, self.both_families())),
                Cell::new(quoted(rule)),
            ]);
        }
        write!(f, "{columns}")?;
        self.rest(f, deciding.len())
    }

    fn blocked(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let flows = &self.report.blocked;
        if flows.is_empty() {
            return Ok(());
        }
        let omitted = match self.report.blocked_omitted {
            0 => String::new(),
            packets => format!("  and {} of flows not listed", count(packets, "packet")),
        };
        self.heading(f, "Dropped and rejected flows", &omitted)?;
        let mut columns =
            Columns::new(&[Side::Left, Side::Right, Side::Left, Side::Left, Side::Left]);
        let mut by_size: Vec<&Flow> = flows.iter().collect();
        by_size.sort_by_key(|flow| std::cmp::Reverse(flow.packets));
        for flow in by_size.iter().take(SHOWN) {
            columns.row([
                Cell::styled(self.palette.verdict(&flow.verdict), &flow.verdict),
                Cell::new(flow.packets),
                Cell::new(format!(
                    "{} {}",
                    flow.direction,
                    flow.interface.as_deref().unwrap_or("?")
                )),
                Cell::new(ends(flow)),
                Cell::new(self.why(flow)),
            ]);
        }
        write!(f, "{columns}")?;
        self.rest(f, flows.len())
    }

    fn why(&self, flow: &Flow) -> String {
        let rule = flow
            .rule
            .as_ref()
            .map(|place| short(place, self.both_families()));
        match (rule, &flow.reason) {
            (Some(rule), Some(reason)) => format!("{rule}: {reason}"),
            (Some(rule), None) => rule,
            (None, Some(reason)) => reason.clone(),
            (None, None) => String::new(),
        }
    }

    fn reasons(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let reasons = &self.report.reasons;
        if reasons.is_empty() {
            return Ok(());
        }
        self.heading(f, "Reasons beside the rules", "")?;
        let mut columns = Columns::new(&[Side::Right, Side::Left, Side::Left, Side::Left]);
        for reason in reasons.iter().take(SHOWN) {
            columns.row([
                Cell::new(reason.packets),
                Cell::styled(self.palette.verdict(&reason.verdict), &reason.verdict),
                Cell::new(&reason.fate),
                Cell::new(&reason.reason),
            ]);
        }
        write!(f, "{columns}")?;
        self.rest(f, reasons.len())
    }

    fn never_matched(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let is_rule = |r: &&Rule| matches!(r.place.number, Number::Rule(_));
        let all = self.report.rules.iter().filter(is_rule).count();
        let never: Vec<&Rule> = self
            .report
            .rules
            .iter()
            .filter(is_rule)
            .filter(|r| r.packets == 0)
            .collect();
        if never.is_empty() {
            return Ok(());
        }
        self.heading(
            f,
            "Rules that never matched",
            &format!("  {} of {all}", never.len()),
        )?;
        let mut columns = Columns::new(&[Side::Left, Side::Left]);
        for rule in never.iter().take(SHOWN) {
            columns.row([
                Cell::styled(self.palette.name, short(&rule.place, self.both_families())),
                Cell::new(quoted(rule)),
            ]);
        }
        write!(f, "{columns}")?;
        self.rest(f, never.len())
    }

    fn unknowns(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let unknowns = &self.report.unknowns;
        if unknowns.is_empty() {
            return Ok(());
        }
        self.heading(f, "Unknown", "  what the inputs do not decide")?;
        let mut columns = Columns::new(&[Side::Left; 3]);
        for unknown in unknowns.iter().take(SHOWN) {
            let place = unknown.rule.as_ref().map_or_else(
                || "-".to_owned(),
                |p: &Place| short(p, self.both_families()),
            );
            let test = unknown
                .test
                .as_ref()
                .map(|test| format!("{test}: "))
                .unwrap_or_default();
            columns.row([
                Cell::new(format!(
                    "{}, {} decided by it",
                    count(unknown.packets, "packet"),
                    unknown.decides
                )),
                Cell::styled(self.palette.name, place),
                Cell::styled(self.palette.odd, format!("{test}{}", unknown.why)),
            ]);
        }
        write!(f, "{columns}")?;
        self.rest(f, unknowns.len())
    }

    fn evidence(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let evidence = &self.report.evidence;
        if evidence.agreed + evidence.contradicted == 0 {
            return Ok(());
        }
        self.heading(
            f,
            "Evidence",
            &format!(
                "  {} seen leaving as predicted, {} not",
                count(evidence.agreed, "packet"),
                evidence.contradicted
            ),
        )?;
        for contradiction in evidence.contradictions.iter().take(SHOWN) {
            writeln!(
                f,
                "  {} frame {}: {}, frame {}",
                visible(&contradiction.of_file),
                contradiction.of_n,
                Styled(self.palette.bad, &contradiction.what),
                contradiction.frame.n
            )?;
        }
        self.rest(f, evidence.contradictions.len())
    }

    fn emitted(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.report.emitted.is_empty() {
            return Ok(());
        }
        self.heading(f, "Sent by the firewall itself", "")?;
        let mut columns = Columns::new(&[Side::Right, Side::Left]);
        for emitted in &self.report.emitted {
            columns.row([Cell::new(emitted.packets), Cell::new(&emitted.what)]);
        }
        write!(f, "{columns}")
    }

    fn warnings(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.report.warnings.is_empty() {
            return Ok(());
        }
        self.heading(f, "Warnings", "")?;
        for warning in &self.report.warnings {
            writeln!(f, "  {}", Styled(self.palette.odd, visible(warning)))?;
        }
        Ok(())
    }
}

/// The dump's line with its number.
fn quoted(rule: &Rule) -> String {
    match rule.place.line {
        Some(line) => format!("line {line}: {}", rule.text),
        None => rule.text.clone(),
    }
}

/// `1 packet`, `7 packets`.
pub fn count(number: u64, what: &str) -> String {
    if number == 1 {
        format!("1 {what}")
    } else {
        format!("{number} {what}s")
    }
}

pub(crate) fn ends(flow: &Flow) -> String {
    let end = |address: &str, port: Option<u16>| match port {
        Some(port) if address.contains(':') => format!("[{address}]:{port}"),
        Some(port) => format!("{address}:{port}"),
        None => address.to_owned(),
    };
    format!(
        "{} {} > {}",
        flow.protocol,
        end(&flow.source, flow.source_port),
        end(&flow.destination, flow.destination_port)
    )
}

impl fmt::Display for Text<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inputs(f)?;
        self.assumptions(f)?;
        self.totals(f)?;
        self.deciding(f)?;
        self.blocked(f)?;
        self.reasons(f)?;
        self.never_matched(f)?;
        self.unknowns(f)?;
        self.evidence(f)?;
        self.emitted(f)?;
        self.warnings(f)
    }
}
