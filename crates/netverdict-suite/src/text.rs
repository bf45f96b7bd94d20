//! What the cases said, for a person.

use std::fmt;

use netverdict_report::columns::{Cell, Columns, Side, visible};
use netverdict_report::names::short;
use netverdict_report::text::count;
use netverdict_report::{Palette, Styled};

use crate::document::{
    Changes, Fact, Failure, FlowChange, Line, Packet, Report, Run, Said, SnapshotState, Status,
    Unmet,
};

/// How many flows of a snapshot that differ are explained.
const FLOWS: usize = 5;
/// How many lines of a difference are shown.
const LINES: usize = 60;

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

    /// What went wrong, without the list and the summary.
    pub(crate) fn details_only(self) -> String {
        struct Details<'r>(Text<'r>);
        impl fmt::Display for Details<'_> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.details(f)
            }
        }
        Details(self).to_string().trim_start().to_owned()
    }

    fn list(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut columns = Columns::new(&[Side::Left, Side::Left, Side::Left]);
        for run in &self.report.runs {
            let (style, word) = match (run.status, run.snapshot.state) {
                (Status::Failed, _) => (self.palette.bad, "FAIL"),
                (Status::Unreadable, _) => (self.palette.bad, "ERROR"),
                (Status::NotRun, _) => (self.palette.faint, "-"),
                (Status::Passed, SnapshotState::New) => (self.palette.odd, "new"),
                (Status::Passed, _) => (self.palette.good, "ok"),
            };
            columns.row([
                Cell::styled(style, word),
                Cell::new(&run.name),
                Cell::styled(self.palette.faint, aside(run)),
            ]);
        }
        write!(f, "{columns}")
    }

    fn details(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for run in &self.report.runs {
            if run.failures.is_empty() && run.error.is_none() && run.warnings.is_empty() {
                continue;
            }
            writeln!(f, "\n{}", Styled(self.palette.heading, visible(&run.name)))?;
            if let Some(description) = run
                .description
                .as_ref()
                .filter(|_| !run.failures.is_empty())
            {
                writeln!(f, "  {}", Styled(self.palette.faint, visible(description)))?;
            }
            for failure in &run.failures {
                match failure {
                    Failure::Expectation(unmet) => self.unmet(f, unmet)?,
                    Failure::Snapshot(changes) => self.changes(f, changes)?,
                }
            }
            for line in run.error.iter().flat_map(|error| error.lines()) {
                writeln!(f, "  {line}")?;
            }
            // What is assumed may be what is wrong.
            let assumptions = run.assumptions.iter().filter(|_| !run.failures.is_empty());
            for assumption in assumptions {
                let text = format!("assumed: {}  [{}]", assumption.text, assumption.flag);
                writeln!(f, "  {}", Styled(self.palette.faint, visible(&text)))?;
            }
            for warning in &run.warnings {
                let text = Styled(self.palette.odd, visible(warning));
                writeln!(f, "  warning: {text}")?;
            }
        }
        Ok(())
    }

    fn unmet(&self, f: &mut fmt::Formatter<'_>, unmet: &Unmet) -> fmt::Result {
        writeln!(
            f,
            "  {} {}",
            Styled(self.palette.bad, visible(&unmet.title)),
            Styled(
                self.palette.faint,
                format!("({}:{})", unmet.file, unmet.line)
            )
        )?;
        writeln!(f, "    {}", visible(&unmet.problem))?;
        if let Some(found) = &unmet.packet {
            writeln!(f, "    {}", visible(&packet(found)))?;
        }
        let mut columns = Columns::new(&[Side::Left; 5]);
        for (word, said) in [("expected", &unmet.expected), ("actual", &unmet.actual)] {
            for row in said.iter().flat_map(|said| self.said(word, said)) {
                columns.row(row);
            }
        }
        indent(f, &columns, "  ")
    }

    /// `expected  ACCEPT local  filter INPUT 6  rules.v4:12  -A INPUT …`, more lines of the dump below.
    fn said(&self, word: &str, said: &Said) -> Vec<Vec<Cell>> {
        let faint = self.palette.faint;
        let first = said.lines.first();
        let place = |line: Option<&Line>| line.map(place).unwrap_or_default();
        let text = |line: Option<&Line>| line.map(|l| l.text.clone()).unwrap_or_default();
        let rule = said.rule.clone().unwrap_or_default();
        let mut row = vec![Cell::styled(faint, word), Cell::new(&said.verdict)];
        if said.rule.is_some() || first.is_some() {
            row.push(Cell::styled(self.palette.name, rule));
        }
        if first.is_some() {
            row.extend([Cell::styled(faint, place(first)), Cell::new(text(first))]);
        }
        let mut rows = vec![row];
        for line in said.lines.iter().skip(1) {
            rows.push(vec![
                Cell::new(""),
                Cell::new(""),
                Cell::styled(self.palette.name, short(&line.place, false)),
                Cell::styled(faint, place(Some(line))),
                Cell::new(text(Some(line))),
            ]);
        }
        rows
    }

    fn changes(&self, f: &mut fmt::Formatter<'_>, changes: &Changes) -> fmt::Result {
        if changes.is_new {
            let title = Styled(self.palette.bad, "no snapshot");
            let path = Styled(self.palette.faint, format!("({})", changes.path));
            return writeln!(f, "  {title} {path}");
        }
        let title = format!(
            "the snapshot differs in {}",
            count(changes.flows.len() as u64, "flow")
        );
        let path = Styled(self.palette.faint, format!("({})", changes.path));
        writeln!(f, "  {} {path}", Styled(self.palette.bad, title))?;
        for change in changes.flows.iter().take(FLOWS) {
            self.flow(f, change)?;
        }
        if changes.flows.len() > FLOWS {
            writeln!(f, "    and {} more", changes.flows.len() - FLOWS)?;
        }
        writeln!(f)?;
        let text = difference(&changes.difference, self.palette);
        for line in text.lines().take(LINES) {
            writeln!(f, "    {line}")?;
        }
        match text.lines().count().checked_sub(LINES) {
            Some(more) if more > 0 => writeln!(f, "    and {more} more lines"),
            _ => Ok(()),
        }
    }

    fn flow(&self, f: &mut fmt::Formatter<'_>, change: &FlowChange) -> fmt::Result {
        writeln!(f, "    {}", visible(&change.flow))?;
        let mut columns = Columns::new(&[Side::Left; 3]);
        for (word, facts) in [("expected", &change.expected), ("actual", &change.actual)] {
            if facts.is_empty() {
                columns.row(["", word, "nothing"].map(Cell::new));
            }
            for fact in facts {
                columns.row([
                    Cell::new(""),
                    Cell::styled(self.palette.faint, word),
                    Cell::new(&fact.text),
                ]);
                columns.row([
                    Cell::new(""),
                    Cell::new(""),
                    Cell::styled(self.palette.name, decided(fact)),
                ]);
            }
        }
        indent(f, &columns, "  ")
    }

    fn orphans(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.report.orphans.is_empty() {
            return Ok(());
        }
        let heading = Styled(self.palette.heading, "Snapshots of no case");
        writeln!(f, "\n{heading}")?;
        for orphan in &self.report.orphans {
            let what = if orphan.removed {
                "removed"
            } else {
                "--accept removes it"
            };
            let what = Styled(self.palette.faint, what);
            writeln!(f, "  {}  {what}", visible(&orphan.path))?;
        }
        Ok(())
    }
}

impl fmt::Display for Text<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(seed) = self.report.shuffle {
            writeln!(
                f,
                "Order drawn from seed {seed} (--shuffle={seed} draws it again)"
            )?;
        }
        self.list(f)?;
        self.details(f)?;
        self.orphans(f)?;
        writeln!(
            f,
            "\n{}",
            Styled(self.palette.heading, summary(self.report))
        )
    }
}

/// `12 passed, 1 failed, 2 new snapshots (--accept takes them)`.
pub(crate) fn summary(report: &Report) -> String {
    let totals = report.totals;
    let state = |state| {
        report
            .runs
            .iter()
            .filter(|r| r.snapshot.state == state)
            .count() as u64
    };
    let mut parts = vec![format!("{} passed", totals.passed)];
    let more = [
        (totals.failed, "failed"),
        (totals.unreadable, "unreadable"),
        (totals.not_run, "not run"),
    ];
    parts.extend(
        more.iter()
            .filter(|(n, _)| *n > 0)
            .map(|(n, what)| format!("{n} {what}")),
    );
    let accepted = state(SnapshotState::Accepted);
    if accepted > 0 {
        parts.push(format!("{} accepted", count(accepted, "snapshot")));
    }
    let left = state(SnapshotState::New) + state(SnapshotState::Changed);
    if left > 0 {
        let it = if left == 1 { "it" } else { "them" };
        let new = state(SnapshotState::New);
        let words = match (new, left - new) {
            (new, 0) => count(new, "new snapshot"),
            (0, changed) => count(changed, "changed snapshot"),
            (new, changed) => format!("{new} new and {changed} changed snapshots"),
        };
        parts.push(format!("{words} (--accept takes {it}, --review asks)"));
    }
    let orphans = report.orphans.iter().filter(|o| !o.removed).count() as u64;
    if orphans > 0 {
        parts.push(count(orphans, "orphaned snapshot"));
    }
    parts.join(", ")
}

fn aside(run: &Run) -> String {
    match run.status {
        Status::NotRun => "not run".to_owned(),
        Status::Unreadable => "cannot be read".to_owned(),
        Status::Passed | Status::Failed => {
            let mut parts = vec![format!(
                "{} of {}",
                count(run.packets, "packet"),
                count(run.flows, "flow")
            )];
            if run.expectations > 0 {
                parts.push(count(run.expectations, "expectation"));
            }
            match run.snapshot.state {
                SnapshotState::New => parts.push("no snapshot yet".to_owned()),
                SnapshotState::Accepted => parts.push("snapshot written".to_owned()),
                SnapshotState::None => parts.push("no snapshot kept".to_owned()),
                SnapshotState::Same | SnapshotState::Changed => {}
            }
            parts.join(", ")
        }
    }
}

/// `packet 14, in eth0: tcp 198.51.100.23:40022 > 203.0.113.10:22 (traffic.pcapng frame 14)`.
pub(crate) fn packet(packet: &Packet) -> String {
    let origin = match (&packet.file, packet.n, &packet.line) {
        (Some(file), Some(n), _) => format!(" ({file} frame {n})"),
        (_, _, Some(line)) => format!(" (of '{line}')"),
        _ => String::new(),
    };
    format!(
        "packet {}, {} {}: {}{origin}",
        packet.packet,
        packet.direction,
        packet.interface.as_deref().unwrap_or("?"),
        packet.header
    )
}

/// `rules.v4:12`.
pub(crate) fn place(line: &Line) -> String {
    match line.place.line {
        Some(number) => format!("{}:{number}", line.file),
        None => line.file.clone(),
    }
}

/// The deciding rule of a snapshot with its place in the dump.
pub(crate) fn decided(fact: &Fact) -> String {
    let places: Vec<_> = fact.lines.iter().map(place).collect();
    match (places.as_slice(), fact.rule.as_str()) {
        (_, "") => String::new(),
        ([], rule) if rule.starts_with("no rule") => rule.to_owned(),
        ([], rule) => format!("{rule}  (no such rule now)"),
        (places, rule) => format!("{rule}  ({})", places.join(", ")),
    }
}

/// A difference with its lines in colours.
pub fn difference(text: &str, palette: Palette) -> String {
    let line = |line: &str| {
        let style = match line.as_bytes().first() {
            Some(b'+') => palette.good,
            Some(b'-') => palette.bad,
            Some(b'@') => palette.faint,
            _ => return format!("{}\n", visible(line)),
        };
        format!("{}\n", Styled(style, visible(line)))
    };
    text.lines().map(line).collect()
}

fn indent(f: &mut fmt::Formatter<'_>, columns: &Columns, by: &str) -> fmt::Result {
    let text = columns.to_string();
    text.lines().try_for_each(|line| writeln!(f, "{by}{line}"))
}
