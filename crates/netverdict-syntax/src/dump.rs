//! A whole dump, line by line.

use std::ops::Range;

use netverdict_net::Family;
use netverdict_ruleset::{Ruleset, TableKind, text};
use rayon::iter::{IntoParallelRefIterator, ParallelIterator};

use crate::block::{self, Block};
use crate::diagnostic::{Diagnostic, Severity};
use crate::line::Read;
use crate::problem::{Code, Parsed, Problem};
use crate::table::{Late, TableDraft};
use crate::words;

/// Fewer commands in a row are read one after the other.
const MANY: usize = 256;
/// At most so many are read at a time.
const MOST: usize = 4096;

/// What the caller knows of a dump.
#[derive(Debug, Clone, Copy, Default)]
pub struct ParseOptions {
    /// The family, for a dump whose header does not name it (from its file name, say).
    pub family: Option<Family>,
}

/// What a dump holds.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ParsedDump {
    /// At most one ruleset for each family, in the order they begin. Lines with an error are not in them.
    pub rulesets: Vec<ReadRuleset>,
    /// What was found, by line.
    pub diagnostics: Vec<Diagnostic>,
}

/// A ruleset and how its family is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReadRuleset {
    /// The ruleset.
    pub ruleset: Ruleset,
    /// What told its family.
    pub evidence: FamilyEvidence,
}

/// What told the family of a ruleset.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FamilyEvidence {
    /// The comment line of `iptables-save` or `ip6tables-save`.
    Header,
    /// [`ParseOptions::family`].
    Given,
    /// Addresses and names that only one family has.
    Content,
    /// Nothing: IPv4 is assumed.
    Assumed,
}

impl ParsedDump {
    /// Whether a line was refused.
    pub fn has_errors(&self) -> bool {
        self.diagnostics.iter().any(Diagnostic::is_error)
    }

    /// The ruleset of a family.
    pub fn ruleset(&self, family: Family) -> Option<&Ruleset> {
        let mut found = self.rulesets.iter().map(|read| &read.ruleset);
        found.find(|ruleset| ruleset.family == family)
    }
}

/// Reads `iptables-save` or `ip6tables-save` text, several of them in one text, or a listing of `iptables -S`.
pub fn parse_dump(bytes: &[u8], options: &ParseOptions) -> ParsedDump {
    let text = text::decode(bytes);
    let crlf = text.lines().next().is_some_and(|_| text.contains("\r\n"));
    let lines: Vec<&str> = text
        .split('\n')
        .map(|line| {
            if crlf {
                line.strip_suffix('\r').unwrap_or(line)
            } else {
                line
            }
        })
        .collect();
    let lines = match lines.split_last() {
        Some((&"", rest)) => rest,
        _ => &lines[..],
    };
    let mut reader = Reader {
        lines,
        blocks: block::survey(lines, options.family),
        block: None,
        state: State::Outside,
        dump: ParsedDump::default(),
    };
    if crlf {
        let problem = Problem::new(Code::Text, "lines end in CR LF, read as LF");
        reader.report(
            Severity::Warning,
            1,
            problem.help("iptables-restore takes the CR for a part of the last word"),
        );
    }
    reader.run();
    reader.dump.diagnostics.sort_by_key(|d| d.line);
    reader.dump
}

/// Where the reader is.
enum State {
    /// Between tables.
    Outside,
    /// In a table.
    In(Box<TableDraft>),
    /// In a table that cannot be read; its lines are passed over.
    Skipping,
}

struct Reader<'a> {
    lines: &'a [&'a str],
    blocks: Vec<Block>,
    /// The index of the current block.
    block: Option<usize>,
    state: State,
    dump: ParsedDump,
}

impl Reader<'_> {
    fn run(&mut self) {
        if block::is_listing(self.lines) {
            self.begin_listing();
        }
        let mut at = 0;
        while at < self.lines.len() {
            let rules = self.rules_from(at);
            let next = at + rules.max(1);
            if rules < MANY {
                (at..next).for_each(|index| self.one(index));
            } else {
                self.many(at..next);
            }
            at = next;
        }
        self.end();
    }

    fn one(&mut self, index: usize) {
        let line = index as u32 + 1;
        if let Err(problem) = self.line(line, self.lines[index]) {
            self.report(Severity::Error, line, problem);
        }
    }

    /// How many lines from one on are commands of the table at hand, up to as many as are read at a time.
    fn rules_from(&self, at: usize) -> usize {
        let lines = self.lines.get(at..).unwrap_or_default();
        let lines = match self.state {
            State::In(_) => lines.get(..MOST).unwrap_or(lines),
            State::Outside | State::Skipping => &[],
        };
        let other = lines.iter().position(|line| !line.starts_with(['-', '[']));
        other.unwrap_or(lines.len())
    }

    /// Reads lines that are commands, on rayon's threads. What a line says depends on those before in one thing only: which
    /// chains there are.
    fn many(&mut self, lines: Range<usize>) {
        let family = self.current().family;
        let State::In(table) = &self.state else {
            return;
        };
        let all = self.lines;
        let read = all[lines.clone()].par_iter();
        let read: Vec<_> = read.map(|line| Read::of(line, family, table)).collect();
        let mut is_stale = false;
        for (index, mut read) in lines.zip(read) {
            if let State::In(table) = &self.state
                && is_stale
            {
                read = Read::of(all[index], family, table);
            }
            is_stale |= read.changes_chains();
            let line = index as u32 + 1;
            if let Err(problem) = self.take(line, read) {
                self.report(Severity::Error, line, problem);
            }
        }
    }

    fn report(&mut self, severity: Severity, line: u32, problem: Problem) {
        let source = self
            .lines
            .get(line as usize - 1)
            .copied()
            .unwrap_or_default();
        let diagnostic = Diagnostic::new(severity, line, source, problem);
        self.dump.diagnostics.push(diagnostic);
    }

    fn warn(&mut self, line: u32, problem: Problem) {
        self.report(Severity::Warning, line, problem);
    }

    /// `iptables -S` prints one table and does not say which.
    fn begin_listing(&mut self) {
        let kind = block::likely_table(self.lines);
        let message = format!("a listing of one table, taken for {kind}");
        let problem = Problem::new(Code::Table, message);
        self.warn(
            1,
            problem.help("`iptables-save` prints all tables and their names"),
        );
        self.block = Some(0);
        self.state = State::In(Box::new(TableDraft::new(kind, 0, None)));
    }

    fn line(&mut self, line: u32, source: &str) -> Parsed<()> {
        if source.is_empty() || source.starts_with('#') {
            return Ok(());
        }
        let trimmed = source.trim();
        if trimmed.is_empty() || trimmed.starts_with('#') {
            let problem = Problem::new(Code::Text, "blanks before a comment or an empty line");
            self.warn(line, problem.help("iptables-restore takes them for a rule"));
            return Ok(());
        }
        if source.starts_with('*') {
            return self.begin(line, source);
        }
        if trimmed == "COMMIT" && !matches!(self.state, State::Outside) {
            return self.commit(line, source);
        }
        match self.state {
            State::Skipping => Ok(()),
            State::Outside => self.outside(line, source),
            State::In(_) if source.starts_with(':') => self.chain(line, source),
            State::In(_) => self.rule(line, source),
        }
    }

    /// `*table`.
    fn begin(&mut self, line: u32, source: &str) -> Parsed<()> {
        self.close_unfinished(line);
        self.block = Some(self.block.map_or(0, |block| block + 1));
        self.state = State::Skipping;
        let words = words::plain(source, 1);
        let name = words.first().ok_or_else(|| {
            Problem::new(Code::Table, "no table is named").expected("`*filter` or another table")
        })?;
        let kind = TableKind::from_name(&name.text).ok_or_else(|| {
            let names: Vec<_> = TableKind::ALL.iter().map(|kind| kind.name()).collect();
            Problem::new(Code::Table, format!("no table `{}`", name.text))
                .at(name.span)
                .expected(names.join(", "))
        })?;
        let backend = self.current().backend;
        self.state = State::In(Box::new(TableDraft::new(kind, line, backend)));
        Ok(())
    }

    fn close_unfinished(&mut self, line: u32) {
        let State::In(table) = std::mem::replace(&mut self.state, State::Outside) else {
            return;
        };
        let message = format!("the {} table is not closed before this", table.kind);
        let problem = Problem::new(Code::Text, message).expected("`COMMIT`");
        self.report(Severity::Error, line, problem);
        self.close(*table);
    }

    fn commit(&mut self, line: u32, source: &str) -> Parsed<()> {
        if source != "COMMIT" {
            let problem = Problem::new(Code::Text, "blanks around `COMMIT`");
            self.warn(line, problem.help("iptables-restore takes this for a rule"));
        }
        if let State::In(table) = std::mem::replace(&mut self.state, State::Outside) {
            self.close(*table);
        }
        Ok(())
    }

    fn end(&mut self) {
        let State::In(table) = std::mem::replace(&mut self.state, State::Outside) else {
            return;
        };
        if table.line > 0 {
            let message = format!("the {} table is not closed at the end", table.kind);
            let problem = Problem::new(Code::Text, message)
                .expected("`COMMIT`")
                .help("is the dump cut off?");
            self.report(Severity::Error, self.lines.len() as u32 + 1, problem);
        }
        self.close(*table);
    }

    /// The current block; what is known of none is what is known of nothing.
    fn current(&self) -> Block {
        let block = self.block.and_then(|block| self.blocks.get(block));
        block.or(self.blocks.first()).copied().unwrap_or(Block {
            family: Family::V4,
            evidence: FamilyEvidence::Assumed,
            backend: None,
            version: None,
        })
    }

    /// Puts a finished table into its ruleset.
    fn close(&mut self, draft: TableDraft) {
        let line = draft.line;
        let (table, late) = draft.finish();
        for Late {
            line,
            problem,
            is_warning,
        } in late
        {
            let severity = if is_warning {
                Severity::Warning
            } else {
                Severity::Error
            };
            self.report(severity, line, problem);
        }
        let block = self.current();
        let ruleset = self.ruleset(block);
        let same = ruleset.tables.iter_mut().find(|t| t.kind == table.kind);
        match same {
            None => ruleset.tables.push(table),
            Some(earlier) => {
                let message = format!("this {} table replaces the one before", table.kind);
                *earlier = table;
                self.warn(line.max(1), Problem::new(Code::Table, message));
            }
        }
    }

    fn ruleset(&mut self, block: Block) -> &mut Ruleset {
        let rulesets = &mut self.dump.rulesets;
        let index = rulesets
            .iter()
            .position(|read| read.ruleset.family == block.family);
        let index = index.unwrap_or_else(|| {
            rulesets.push(ReadRuleset {
                ruleset: Ruleset::new(block.family),
                evidence: block.evidence,
            });
            rulesets.len() - 1
        });
        let ruleset = &mut rulesets[index].ruleset;
        ruleset.backend = block.backend.or(ruleset.backend);
        ruleset.version = block.version.or(ruleset.version);
        ruleset
    }

    /// A line that belongs to no table.
    fn outside(&mut self, line: u32, source: &str) -> Parsed<()> {
        if is_noise(source) {
            self.warn(
                line,
                Problem::new(Code::Line, "a message of another program, passed over"),
            );
            return Ok(());
        }
        let trimmed = source.trim_start();
        let is_command = trimmed.starts_with('-') || trimmed.starts_with('[');
        if is_command && !self.lines.iter().any(|line| line.starts_with('*')) {
            return self.fragment(line, source);
        }
        let problem = Problem::new(Code::Line, "this line is no part of a dump");
        Err(problem.expected("`*table`, a comment or an empty line"))
    }

    /// Rules without any table: read into the likely one, but refused by default.
    fn fragment(&mut self, line: u32, source: &str) -> Parsed<()> {
        let kind = block::likely_table(self.lines);
        let message = format!("rules without a table, taken for {kind}");
        let problem = Problem::new(Code::Table, message);
        self.report(
            Severity::Error,
            line,
            problem.expected(format!("`*{kind}` before, `COMMIT` behind")),
        );
        self.block = Some(0);
        self.state = State::In(Box::new(TableDraft::new(kind, 0, None)));
        self.rule(line, source)
    }

    /// `:NAME POLICY [packets:bytes]`.
    fn chain(&mut self, line: u32, source: &str) -> Parsed<()> {
        let words = words::plain(source, 1);
        let name = words.first().ok_or_else(|| {
            Problem::new(Code::Chain, "no chain is named")
                .expected("`:NAME POLICY [packets:bytes]`")
        })?;
        let policy = words.get(1);
        let is_user = policy.is_none_or(|policy| policy.text == "-");
        let counters = match words.get(2).filter(|_| !is_user) {
            None => None,
            Some(word) => Some(words::whole_counters(&word.text).ok_or_else(|| {
                let message = format!("bad policy counters `{}`", word.text);
                Problem::new(Code::Policy, message)
                    .at(word.span)
                    .expected("`[packets:bytes]`")
            })?),
        };
        match &mut self.state {
            State::In(table) => table.declare(name, policy, counters, line),
            State::Outside | State::Skipping => Ok(()),
        }
    }

    fn rule(&mut self, line: u32, source: &str) -> Parsed<()> {
        if is_noise(source) {
            self.warn(
                line,
                Problem::new(Code::Line, "a message of another program, passed over"),
            );
            return Ok(());
        }
        let family = self.current().family;
        let State::In(table) = &self.state else {
            return Ok(());
        };
        let read = Read::of(source, family, table);
        self.take(line, read)
    }

    /// Does to the table what a line says.
    fn take(&mut self, line: u32, read: Read) -> Parsed<()> {
        for problem in read.warnings {
            self.warn(line, problem);
        }
        let State::In(table) = &mut self.state else {
            return Ok(());
        };
        let Some(mut command) = read.command? else {
            return Ok(());
        };
        let warnings = std::mem::take(&mut command.warnings);
        table.run(command, line)?;
        for warning in warnings {
            self.warn(line, warning);
        }
        Ok(())
    }
}

/// Lines that programs print beside a dump.
const NOISE: &[&str] = &[
    "Warning:",
    "WARNING:",
    "iptables-save:",
    "ip6tables-save:",
    "iptables-save v",
    "ip6tables-save v",
    "iptables-legacy-save:",
    "iptables-nft-save:",
    "modprobe:",
    "libkmod:",
    "sudo:",
    "Table `",
];

fn is_noise(line: &str) -> bool {
    let is_command = line.starts_with(['-', '[']);
    !is_command && NOISE.iter().any(|text| line.starts_with(text))
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use super::*;

    /// Commands behind each other, read several at a time, are read as those that few stand behind.
    fn read_twice(lines: &[String]) -> [ParsedDump; 2] {
        let read = |between: &str| {
            let text = lines.join(between);
            let text = format!("*filter\n{text}\nCOMMIT\n");
            parse_dump(text.as_bytes(), &ParseOptions::default())
        };
        let together = read("\n");
        let mut apart = read("\n#\n");
        let line = |line: &mut u32| *line = (*line / 2 + 1).min(*line);
        for diagnostic in &mut apart.diagnostics {
            line(&mut diagnostic.line);
        }
        let rulesets = apart.rulesets.iter_mut().map(|read| &mut read.ruleset);
        let tables = rulesets.flat_map(|ruleset| &mut ruleset.tables);
        for chain in tables.flat_map(|table| &mut table.chains) {
            line(&mut chain.line);
            chain.rules.iter_mut().for_each(|rule| line(&mut rule.line));
        }
        [together, apart]
    }

    #[test]
    fn many_rules_are_read_in_their_order() {
        let rule = |n: usize| {
            let mut line = format!("-A INPUT -s 10.{}.{}.0/24 ", n >> 8, n & 255);
            let end = if n % 100 == 7 {
                "-j NOWHERE"
            } else {
                "-j DROP"
            };
            line.write_str(end).unwrap();
            line
        };
        let lines: Vec<String> = (0..2 * MOST + 10).map(rule).collect();
        let wrong = lines.iter().filter(|line| line.ends_with("NOWHERE"));
        let [together, apart] = read_twice(&lines);
        assert_eq!(together.diagnostics.len(), wrong.count());
        assert!(together.rulesets == apart.rulesets);
        assert_eq!(together.diagnostics, apart.diagnostics);
    }

    #[test]
    fn a_chain_is_known_from_its_line_on() {
        let mut lines = vec!["-A INPUT -j late".to_owned()];
        lines.extend((0..MANY).map(|n| format!("-A INPUT -s 10.0.0.{n} -j DROP")));
        lines.push("-N late".to_owned());
        lines.push("-A INPUT -j late".to_owned());
        lines.push("-A INPUT -p tcp -g late".to_owned());
        let [together, apart] = read_twice(&lines);
        let messages: Vec<_> = together.diagnostics.iter().map(|d| d.line).collect();
        assert_eq!(messages, [2]);
        assert!(together.rulesets == apart.rulesets);
        assert_eq!(together.diagnostics, apart.diagnostics);
    }
}
