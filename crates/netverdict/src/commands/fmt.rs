//! `netverdict fmt`: dumps in canonical form.

use std::io::Write;

use netverdict_bundle::{SourceId, SourceKind};
use netverdict_report::counters;
use netverdict_ruleset::Save;

use crate::args::fmt::Fmt;
use crate::error::Failure;
use crate::exit;
use crate::host::{self, Rules};
use crate::output::Output;

pub(crate) fn run(args: &Fmt) -> Result<u8, Failure> {
    let rules = host::read(&args.host)?;
    super::warn(&args.printed.common, &rules.warnings);
    if args.check {
        return check(&rules, args);
    }
    let mut output = Output::open(&args.printed.common)?;
    for ruleset in &rules.rulesets {
        let save = Save::with_own_counters(ruleset);
        counters::dump(ruleset, &save, &mut output).map_err(|error| output.failure(&error))?;
    }
    output.finish()?;
    Ok(exit::DONE)
}

/// Names each dump's first line that is not in canonical form.
fn check(rules: &Rules, args: &Fmt) -> Result<u8, Failure> {
    let mut output = Output::open(&args.printed.common)?;
    let mut code = exit::DONE;
    for (id, source) in rules
        .bundle
        .sources
        .iter()
        .zip(0..)
        .map(|(s, i)| (SourceId(i), s))
    {
        let of_source = rules
            .rulesets
            .iter()
            .zip(&rules.dumps)
            .filter(|(_, dump)| **dump == id);
        let canonical: String = of_source
            .map(|(ruleset, _)| Save::with_own_counters(ruleset).to_string())
            .collect();
        if matches!(source.kind, SourceKind::Dump(_))
            && let Some(difference) = difference(&source.text(), &canonical)
        {
            code = exit::FOUND;
            writeln!(output, "{}: {difference}", source.name)
                .map_err(|error| output.failure(&error))?;
        }
    }
    output.finish()?;
    Ok(code)
}

/// The first line that differs; counters, comments and the order of tables aside, which iptables-save turns round.
fn difference(text: &str, canonical: &str) -> Option<String> {
    let found = text
        .split('\n')
        .zip(1..)
        .filter(|(line, _)| !line.is_empty() && !line.starts_with('#'));
    let tables: Vec<&str> = text
        .split('\n')
        .filter(|line| line.starts_with('*'))
        .collect();
    let canonical = in_order(canonical, &tables);
    let mut canonical = canonical.into_iter();
    for (line, number) in found {
        let expected = canonical.next().map(without_counters);
        if expected != Some(without_counters(line)) {
            let expected = expected.map_or_else(|| "the end".to_owned(), |e| format!("`{e}`"));
            return Some(format!(
                "line {number}: found `{line}`, expected {expected}"
            ));
        }
    }
    canonical
        .next()
        .map(|expected| format!("ends before `{}`", without_counters(expected)))
}

/// The lines of a dump with its tables in this order, those not named at the end.
fn in_order<'d>(dump: &'d str, tables: &[&str]) -> Vec<&'d str> {
    let mut blocks: Vec<Vec<&str>> = Vec::new();
    for line in dump.lines() {
        match blocks.last_mut() {
            Some(block) if !line.starts_with('*') => block.push(line),
            _ => blocks.push(vec![line]),
        }
    }
    let place = |block: &Vec<&str>| tables.iter().position(|table| block.first() == Some(table));
    blocks.sort_by_key(|block| place(block).unwrap_or(usize::MAX));
    blocks.concat()
}

/// A rule's line without the counters before it, a chain's without those behind it.
fn without_counters(line: &str) -> &str {
    if let Some((_, rule)) = line
        .strip_prefix('[')
        .and_then(|rest| rest.split_once("] "))
    {
        return rule;
    }
    let is_chain = line.starts_with(':') && line.ends_with(']');
    match line.rsplit_once(" [").filter(|_| is_chain) {
        Some((chain, _)) => chain,
        None => line,
    }
}

#[cfg(test)]
mod tests {
    use super::difference;

    const DUMP: &str = "*filter\n:INPUT ACCEPT [0:0]\n[3:4] -A INPUT -j ACCEPT\nCOMMIT\n";

    #[test]
    fn counters_and_comments_are_set_aside() {
        let text = "# mine\n*filter\n\n:INPUT ACCEPT [7:8]\n-A INPUT -j ACCEPT\nCOMMIT\n# end\n";
        assert_eq!(difference(text, DUMP), None);
    }

    #[test]
    fn tables_may_come_in_any_order() {
        let nat = "*nat\n:OUTPUT ACCEPT [0:0]\nCOMMIT\n";
        assert_eq!(
            difference(&format!("{nat}{DUMP}"), &format!("{DUMP}{nat}")),
            None
        );
        let missing = difference(DUMP, &format!("{nat}{DUMP}"));
        assert_eq!(missing.as_deref(), Some("ends before `*nat`"));
    }

    #[test]
    fn the_first_difference_is_named() {
        let text = "*filter\n:INPUT ACCEPT [0:0]\n-A INPUT -i + -j ACCEPT\nCOMMIT\n";
        let expected = "line 3: found `-A INPUT -i + -j ACCEPT`, expected `-A INPUT -j ACCEPT`";
        assert_eq!(difference(text, DUMP).as_deref(), Some(expected));
        assert_eq!(
            difference("*filter\n", DUMP).as_deref(),
            Some("ends before `:INPUT ACCEPT`")
        );
        let windows = DUMP.replace('\n', "\r\n");
        assert!(difference(&windows, DUMP).is_some());
    }
}
