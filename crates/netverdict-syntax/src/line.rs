//! A line of a table's commands, read by itself: the text of it that is the command, its counters, its words.

use netverdict_net::Family;
use netverdict_ruleset::Counters;

use crate::command::{self, Command, Context};
use crate::problem::{Code, Parsed, Problem, Span};
use crate::table::TableDraft;
use crate::words;

/// A line of a table's commands, read.
pub(crate) struct Read {
    /// What is odd about its text.
    pub(crate) warnings: Vec<Problem>,
    /// `None` of one that is only for the other family.
    pub(crate) command: Parsed<Option<Command>>,
}

impl Read {
    /// Reads a line; of the table, it matters which one it is and which chains there are.
    pub(crate) fn of(source: &str, family: Family, table: &TableDraft) -> Self {
        let (source, message) = without_message(source);
        let mut warnings = Vec::from_iter(message);
        let context = Context {
            family,
            table: table.kind,
            is_chain: &|name| table.is_chain(name),
        };
        let command = Self::command(source, &context, &mut warnings);
        Self { warnings, command }
    }

    fn command(
        source: &str,
        context: &Context<'_>,
        warnings: &mut Vec<Problem>,
    ) -> Parsed<Option<Command>> {
        let (counters, offset) = leading_counters(source)?;
        let (words, closed) = words::split(source, offset);
        if !closed {
            let problem = Problem::new(Code::Text, "a quote is not closed, read to the line's end");
            let span = words.last().map(|word| word.span);
            warnings.push(problem.at(span.unwrap_or_default()));
        }
        let mut command = command::parse(&words, context)?;
        if let (Some(command), Some(counters)) = (&mut command, counters) {
            for draft in &mut command.drafts {
                draft.rule.counters = counters;
            }
        }
        Ok(command)
    }

    /// Whether lines behind it have other chains to jump to.
    pub(crate) fn changes_chains(&self) -> bool {
        let command = self.command.as_ref().ok().and_then(Option::as_ref);
        command.is_some_and(|command| command.verb.changes_chains())
    }
}

/// The line up to a message that the terminal mixed into it, and what there is to be said of that.
fn without_message(source: &str) -> (&str, Option<Problem>) {
    // Nearly no line has one.
    let is_plain = !source.contains('#');
    let mut found = MIXED_IN.iter().filter_map(|text| source.find(text));
    let Some(start) = (!is_plain).then(|| found.next()).flatten() else {
        return (source, None);
    };
    let (rule, _) = source.split_at(start);
    let quotes = rule.matches('"').count() - rule.matches("\\\"").count();
    if quotes % 2 == 1 {
        return (source, None);
    }
    let problem = Problem::new(
        Code::Line,
        "a message of another program within the line, passed over",
    );
    let span = Span::new(start, source.trim_end().len());
    (rule, Some(problem.at(span)))
}

/// Messages that iptables itself prints while it saves.
const MIXED_IN: &[&str] = &[
    "# Warning: iptables-legacy tables present",
    "# Warning: ip6tables-legacy tables present",
    "# Warning: table ",
    "# Table `",
];

/// The `[packets:bytes]` before a rule, and where the rule begins.
fn leading_counters(source: &str) -> Parsed<(Option<Counters>, usize)> {
    if !source.starts_with('[') {
        return Ok((None, 0));
    }
    if let Ok((rest, counters)) = words::counters(source) {
        return Ok((Some(counters), source.len() - rest.len()));
    }
    let end = source.find(']').map_or(source.len(), |end| end + 1);
    Err(Problem::new(Code::Value, "bad counters")
        .at(Span::new(0, end))
        .expected("`[packets:bytes]`"))
}
