//! The comparison for a pull request.

use std::fmt;

use netverdict_report::markdown::{code, escape};
use netverdict_report::names::short;
use netverdict_report::text::count;

use crate::document::{Cause, Diff, Rule, Side, Traffic, both_families};
use crate::text::{compared, details, kept, others, packet, packets, place, size};

/// How many rows a table has before it says how many more there are.
const SHOWN: usize = 20;

/// A comparison ready to be printed.
#[derive(Debug, Clone, Copy)]
pub struct Markdown<'d>(pub &'d Diff);

impl Markdown<'_> {
    fn title(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let diff = self.0;
        let (old, new) = (code(&diff.old.name), code(&diff.new.name));
        if diff.causes.is_empty() {
            writeln!(f, "## netverdict: no packet changes from {old} to {new}\n")?;
        } else {
            writeln!(
                f,
                "## netverdict: {} of {} change from {old} to {new}\n",
                count(diff.changed.packets, "packet"),
                count(diff.changed.flows, "flow")
            )?;
        }
        writeln!(f, "{}", escape(&capitalised(&compared(diff))))
    }

    fn causes(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let causes = &self.0.causes;
        if causes.is_empty() {
            return Ok(());
        }
        writeln!(f, "\n| | change | flows | packets | old | new |")?;
        writeln!(f, "| --- | --- | ---: | ---: | --- | --- |")?;
        for (cause, number) in causes.iter().take(SHOWN).zip(1..) {
            writeln!(
                f,
                "| {number} | {} | {} | {} | {} | {} |",
                transition(cause),
                cause.flows,
                cause.packets,
                self.decider(&cause.old),
                self.decider(&cause.new)
            )?;
        }
        more(f, causes.len())?;
        writeln!(f, "\n<details><summary>First packet of each</summary>\n")?;
        for (cause, number) in causes.iter().take(SHOWN).zip(1..) {
            let mut parts = vec![code(&packet(&cause.first))];
            parts.extend(details(cause).iter().map(|line| escape(line)));
            writeln!(f, "{number}. {} ({})", parts.join(", "), size(cause))?;
        }
        writeln!(f, "\n</details>")
    }

    /// The deciding rule with its line of the dump.
    fn decider(&self, side: &Side) -> String {
        match (&side.rule, &side.reason) {
            (Some(rule), None) => self.rule(rule),
            (Some(rule), Some(reason)) => format!("{} ({})", self.rule(rule), escape(reason)),
            (None, Some(reason)) => escape(reason),
            (None, None) => String::new(),
        }
    }

    fn rule(&self, rule: &Rule) -> String {
        let name = escape(&short(&rule.place, both_families(self.0)));
        format!("{name}<br>{}<br>{}", code(&rule.text), escape(&place(rule)))
    }

    fn rules(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rules = &self.0.rules;
        if rules.added.len() + rules.removed.len() > 0 || rules.moved > 0 {
            writeln!(
                f,
                "\n### Rules\n\n{} kept, {} of them moved, {} added, {} removed",
                rules.kept,
                rules.moved,
                rules.added.len(),
                rules.removed.len()
            )?;
            self.patch(f)?;
        }
        self.traffic(f, "Rules that lost all their traffic", &kept(&rules.lost))?;
        self.traffic(f, "Rules that had no traffic before", &kept(&rules.gained))
    }

    fn patch(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rules = &self.0.rules;
        let removed = rules.removed.iter().map(|rule| ('-', rule));
        let all: Vec<_> = removed
            .chain(rules.added.iter().map(|rule| ('+', rule)))
            .collect();
        if all.is_empty() {
            return Ok(());
        }
        writeln!(f, "\n```diff")?;
        for (sign, rule) in all.iter().take(SHOWN) {
            let text = netverdict_report::columns::visible(&rule.text);
            // A fence inside would end the block.
            writeln!(
                f,
                "{sign}{} {}  # {}",
                rule.place.table,
                text.replace("```", "'''"),
                count(packets(self.0, rule), "packet")
            )?;
        }
        writeln!(f, "```")?;
        more(f, all.len())
    }

    fn traffic(&self, f: &mut fmt::Formatter<'_>, title: &str, list: &[&Traffic]) -> fmt::Result {
        if list.is_empty() {
            return Ok(());
        }
        writeln!(f, "\n### {title}\n")?;
        writeln!(f, "| rule | packets under old | under new | |")?;
        writeln!(f, "| --- | ---: | ---: | --- |")?;
        for traffic in list.iter().take(SHOWN) {
            writeln!(
                f,
                "| {} | {} | {} | {} |",
                escape(&short(&traffic.rule.place, both_families(self.0))),
                traffic.old.unwrap_or(0),
                traffic.new.unwrap_or(0),
                code(&traffic.rule.text)
            )?;
        }
        more(f, list.len())
    }

    fn asides(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let diff = self.0;
        let assumptions = |of: &'static str, list: &[netverdict_report::model::Assumption]| {
            let line = move |a: &netverdict_report::model::Assumption| {
                format!("{of}{} ({})", escape(&a.text), code(&a.flag))
            };
            list.iter().map(line).collect::<Vec<_>>()
        };
        let all = [
            assumptions("", &diff.assumptions),
            assumptions("old: ", &diff.old_assumptions),
            assumptions("new: ", &diff.new_assumptions),
        ]
        .concat();
        let warnings: Vec<_> = diff.warnings.iter().map(|w| escape(w)).collect();
        bullets(f, "Warnings", &warnings)?;
        bullets(f, "Assumptions", &all)
    }
}

impl fmt::Display for Markdown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.title(f)?;
        self.causes(f)?;
        self.rules(f)?;
        self.asides(f)
    }
}

fn transition(cause: &Cause) -> String {
    let word = |side: &Side| format!("{} {}", side.verdict, side.fate);
    let (old, new) = (word(&cause.old), word(&cause.new));
    match others(cause) {
        Some(others) => format!("{old}, other **{others}**"),
        None => format!("{old} → **{new}**"),
    }
}

fn capitalised(text: &str) -> String {
    let mut letters = text.chars();
    let first = letters.next().map(|l| l.to_uppercase().to_string());
    first.unwrap_or_default() + letters.as_str()
}

fn more(f: &mut fmt::Formatter<'_>, all: usize) -> fmt::Result {
    match all.checked_sub(SHOWN) {
        Some(more) if more > 0 => writeln!(f, "\nand {more} more"),
        _ => Ok(()),
    }
}

fn bullets(f: &mut fmt::Formatter<'_>, title: &str, items: &[String]) -> fmt::Result {
    if items.is_empty() {
        return Ok(());
    }
    writeln!(f, "\n### {title}\n")?;
    items.iter().try_for_each(|item| writeln!(f, "- {item}"))
}
