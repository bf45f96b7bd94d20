//! A packet's way for a person.

use std::fmt;

use netverdict_engine::{Answer, DecidedBy, RuleNumber, RuleRef, Verdict};
use netverdict_net::Device;
use netverdict_replay::Ends;
use netverdict_ruleset::Hook;

use super::{Step, Trace, Tracked, layers};
use crate::Palette;
use crate::columns::visible;
use crate::names::{Names, short, utc};
use crate::palette::Styled;

/// A trace ready to be printed.
#[derive(Debug, Clone, Copy)]
pub struct Text<'t> {
    trace: &'t Trace<'t>,
    palette: Palette,
}

impl<'t> Text<'t> {
    pub const fn new(trace: &'t Trace<'t>, palette: Palette) -> Self {
        Self { trace, palette }
    }
}

impl fmt::Display for Text<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { trace, palette } = *self;
        let time = utc(&trace.record.time.to_string());
        writeln!(
            f,
            "{}, {time}",
            Styled(palette.heading, visible(&trace.title))
        )?;
        for (name, text) in trace.packet.iter().flat_map(|p| layers::of(p, &trace.tags)) {
            writeln!(f, "  {} {text}", Styled(palette.name, format!("{name:8}")))?;
        }
        let direction = crate::assemble::direction(trace.record.direction);
        writeln!(
            f,
            "  {} {direction} {}",
            Styled(palette.name, "device  "),
            trace.record.interface
        )?;
        let mut printer = Printer {
            names: Names::new(trace.setup),
            palette,
            depth: 1,
            tests: Vec::new(),
        };
        for step in trace.steps() {
            printer.step(f, step)?;
        }
        self.end(f, &printer)
    }
}

impl Text<'_> {
    fn end(&self, f: &mut fmt::Formatter<'_>, printer: &Printer<'_>) -> fmt::Result {
        let record = self.trace.record;
        let verdict = Styled(self.palette.verdict(record.verdict.name()), record.verdict);
        write!(f, "{verdict}, {}", record.fate)?;
        if record.out_device != Device::Absent && record.evidence.is_none() {
            write!(f, " by {}", record.out_device)?;
        }
        let by = record
            .rule
            .map(|rule| short(&printer.names.place(rule), false));
        let cause = record.cause.map(|c| c.to_string());
        for why in [by, cause, self.trace.aside.clone()].into_iter().flatten() {
            write!(f, ": {why}")?;
        }
        writeln!(f)?;
        if let Some(nat) = &record.nat {
            writeln!(
                f,
                "  translated  {}  to  {}",
                Ends(&nat.before),
                Ends(&nat.after)
            )?;
        }
        for unknown in record.unknowns.iter().filter(|u| u.decides) {
            let place = unknown
                .rule
                .map(|rule| short(&printer.names.place(rule), false));
            let test = unknown
                .rule
                .and_then(|rule| printer.names.test(rule, unknown.match_index));
            let parts: Vec<_> = [place, test, Some(unknown.why.clone())]
                .into_iter()
                .flatten()
                .collect();
            writeln!(
                f,
                "  depends on  {}",
                Styled(self.palette.odd, parts.join(": "))
            )?;
        }
        Ok(())
    }
}

/// Prints steps, one rule a line.
struct Printer<'n> {
    names: Names<'n>,
    palette: Palette,
    /// How deep in chains, 1 at a hook.
    depth: usize,
    /// The matches of the rule under way that hold, to be shown with it.
    tests: Vec<String>,
}

impl Printer<'_> {
    fn step(&mut self, f: &mut fmt::Formatter<'_>, step: &Step) -> fmt::Result {
        match step {
            Step::Hook {
                hook,
                in_device,
                out_device,
            } => self.hook(f, *hook, *in_device, *out_device),
            Step::Defrag {
                completed: Some(len),
            } => self.word(f, "defrag", &format!("datagram complete, {len} bytes")),
            Step::Defrag { completed: None } => {
                self.word(f, "defrag", "held until the datagram is complete")
            }
            Step::Conntrack(tracked) => {
                self.depth = 1;
                self.word(f, "conntrack", &tracking(tracked))
            }
            Step::Confirmed(tracked) => {
                self.depth = 1;
                self.word(f, "confirm", &tracking(tracked))
            }
            Step::Table { table, hook } => self.table(f, &format!("{table} {hook}")),
            Step::Skipped { table, why } => {
                self.depth = 1;
                self.word(f, table.name(), &format!("not consulted: {why}"))
            }
            Step::Basics {
                rule,
                answer,
                failed,
            } => self.basics(f, *rule, *answer, failed),
            Step::Match {
                rule,
                index,
                answer,
                why,
            } => self.test(f, *rule, *index, *answer, why),
            Step::Matched { rule, .. } => self.matched(f, *rule),
            Step::Enter { goto, .. } => {
                self.depth += usize::from(!goto);
                Ok(())
            }
            Step::Return { rule, .. } => self.back(f, *rule),
            Step::Policy { rule, .. } => {
                self.depth = 2;
                self.line(f, *rule, self.palette.heading, "policy decides")
            }
            Step::Changed {
                what,
                before,
                after,
            } => self.word(f, "changed", &format!("{what} {before} to {after}")),
            Step::Note { what, text } => self.word(f, what, text),
            Step::Emitted { why } => self.word(f, "sent", why),
            Step::Route { text, .. } => {
                self.depth = 0;
                self.word(f, "route", text)
            }
            Step::End {
                verdict,
                decided_by,
            } => self.end(f, *verdict, *decided_by),
        }
    }

    fn indent(&self) -> usize {
        self.depth * 2
    }

    fn word(&self, f: &mut fmt::Formatter<'_>, word: &str, text: &str) -> fmt::Result {
        writeln!(
            f,
            "{:indent$}{} {}",
            "",
            Styled(self.palette.name, format!("{word:9}")),
            visible(text),
            // Beside a rule's lines, what it did stands below what was said of it.
            indent = self.indent() + if self.depth > 1 { 4 } else { 0 }
        )
    }

    fn hook(
        &mut self,
        f: &mut fmt::Formatter<'_>,
        hook: Hook,
        in_device: Device,
        out_device: Device,
    ) -> fmt::Result {
        self.depth = 1;
        let device = |word: &str, device: Device| match device {
            Device::Absent => String::new(),
            device => format!(" {word} {device}"),
        };
        let heading = Styled(self.palette.heading, hook);
        writeln!(
            f,
            "{heading}{}{}",
            device("in", in_device),
            device("out", out_device)
        )
    }

    fn table(&mut self, f: &mut fmt::Formatter<'_>, name: &str) -> fmt::Result {
        self.depth = 1;
        writeln!(f, "  {}", Styled(self.palette.name, name))?;
        self.depth = 2;
        Ok(())
    }

    fn basics(
        &mut self,
        f: &mut fmt::Formatter<'_>,
        rule: RuleRef,
        answer: Answer,
        failed: &str,
    ) -> fmt::Result {
        self.tests.clear();
        match answer {
            Answer::True => Ok(()),
            Answer::False => self.line(f, rule, self.palette.faint, &format!("no: {failed}")),
            Answer::Hotdrop => self.line(f, rule, self.palette.bad, &format!("drops: {failed}")),
            Answer::Unknown => self.line(f, rule, self.palette.odd, &format!("unknown: {failed}")),
        }
    }

    fn test(
        &mut self,
        f: &mut fmt::Formatter<'_>,
        rule: RuleRef,
        index: u32,
        answer: Answer,
        why: &str,
    ) -> fmt::Result {
        let test = self.names.test(rule, Some(index)).unwrap_or_default();
        let because = if why.is_empty() {
            test.clone()
        } else {
            format!("{test} ({why})")
        };
        match answer {
            Answer::True => {
                if !why.is_empty() {
                    self.tests.push(because);
                }
                Ok(())
            }
            Answer::False => self.line(f, rule, self.palette.faint, &format!("no: {because}")),
            Answer::Hotdrop => self.line(f, rule, self.palette.bad, &format!("drops: {because}")),
            Answer::Unknown => self.line(f, rule, self.palette.odd, &format!("unknown: {because}")),
        }
    }

    fn matched(&mut self, f: &mut fmt::Formatter<'_>, rule: RuleRef) -> fmt::Result {
        let tests = std::mem::take(&mut self.tests);
        let text = if tests.is_empty() {
            "matches".to_owned()
        } else {
            format!("matches: {}", tests.join(", "))
        };
        self.line(f, rule, self.palette.good, &text)
    }

    /// A rule with what was said of it.
    fn line(
        &self,
        f: &mut fmt::Formatter<'_>,
        rule: RuleRef,
        style: anstyle::Style,
        said: &str,
    ) -> fmt::Result {
        let text = visible(&self.names.text(rule));
        let indent = self.indent();
        let RuleNumber::Rule(number) = rule.number else {
            return writeln!(f, "{:indent$}    {text}  {}", "", Styled(style, said));
        };
        writeln!(f, "{:indent$}{number:>3} {text}", "")?;
        writeln!(f, "{:indent$}    {}", "", Styled(style, said))
    }

    fn back(&mut self, f: &mut fmt::Formatter<'_>, rule: Option<RuleRef>) -> fmt::Result {
        if rule.is_none() {
            writeln!(
                f,
                "{:indent$}    {}",
                "",
                Styled(self.palette.faint, "end of chain, returns"),
                indent = self.indent()
            )?;
        }
        self.depth = self.depth.saturating_sub(1).max(2);
        Ok(())
    }

    /// The end is told from the record, which has more to say.
    fn end(&mut self, _: &mut fmt::Formatter<'_>, _: Verdict, _: DecidedBy) -> fmt::Result {
        self.depth = 1;
        Ok(())
    }
}

fn tracking(tracked: &Tracked) -> String {
    let mut parts = vec![tracked.state.to_string()];
    if let (Some(original), Some(reply)) = (&tracked.original, &tracked.reply) {
        parts.push(format!(
            "{} (back {})",
            crate::assemble::ends(original),
            Ends(reply)
        ));
    }
    parts.extend(tracked.protocol_state.map(str::to_owned));
    parts.extend(tracked.why.map(str::to_owned));
    parts.join(", ")
}
