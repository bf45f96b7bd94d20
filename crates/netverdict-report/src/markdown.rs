//! The report for a pull request.

use std::fmt::{self, Write};

use crate::columns::visible;
use crate::model::{Flow, Number, Report, Rule};
use crate::names::short;

/// How many rows a table has before it says how many more there are.
const SHOWN: usize = 20;

/// A report ready to be printed.
#[derive(Debug, Clone, Copy)]
pub struct Markdown<'r>(pub &'r Report);

impl fmt::Display for Markdown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let report = self.0;
        writeln!(f, "## netverdict: {}\n", code(&report.host.name))?;
        let captures: Vec<_> = report.captures.iter().map(|c| code(&c.path)).collect();
        writeln!(
            f,
            "**{} frames** of {}: {}\n",
            report.frames,
            captures.join(", "),
            in_short(report)
        )?;
        alerts(f, report)?;
        table(
            f,
            &["verdict", "fate", "packets:", "bytes:"],
            &totals(report),
        )?;
        section(
            f,
            "Deciding rules",
            &["packets:", "rule", "line"],
            &deciding(report),
        )?;
        section(
            f,
            "Dropped and rejected flows",
            &["verdict", "packets:", "flow", "by"],
            &blocked(report),
        )?;
        section(
            f,
            "Unknown",
            &["packets:", "decided by it:", "rule", "what is missing"],
            &unknowns(report),
        )?;
        let contradictions = report.evidence.contradictions.iter();
        bullets(
            f,
            "Contradicted by the capture",
            contradictions.map(|c| {
                format!(
                    "{} frame {}: {}, frame {}",
                    code(&c.of_file),
                    c.of_n,
                    escape(&c.what),
                    c.frame.n
                )
            }),
        )?;
        bullets(f, "Warnings", report.warnings.iter().map(|w| escape(w)))?;
        let never = never(report);
        let rules = report.rules.iter().filter(|r| is_rule(r)).count();
        folded(
            f,
            &format!("Rules that never matched: {} of {rules}", never.len()),
            !never.is_empty(),
            |f| table(f, &["rule", "line"], &never),
        )?;
        let assumptions = &report.assumptions;
        folded(
            f,
            &format!("Assumptions: {}", assumptions.len()),
            !assumptions.is_empty(),
            |f| {
                assumptions
                    .iter()
                    .try_for_each(|a| writeln!(f, "- {} ({})", escape(&a.text), code(&a.flag)))
            },
        )
    }
}

/// `92 ACCEPT, 2 DROP`.
fn in_short(report: &Report) -> String {
    let mut sums: Vec<(&str, u64)> = Vec::new();
    for total in &report.totals {
        match sums
            .iter_mut()
            .find(|(verdict, _)| *verdict == total.verdict)
        {
            Some((_, packets)) => *packets += total.packets,
            None => sums.push((&total.verdict, total.packets)),
        }
    }
    let sums: Vec<_> = sums.iter().map(|(v, n)| format!("{n} {v}")).collect();
    sums.join(", ")
}

/// What a reviewer must not overlook.
fn alerts(f: &mut fmt::Formatter<'_>, report: &Report) -> fmt::Result {
    let contradicted = report.evidence.contradicted;
    if contradicted > 0 {
        writeln!(
            f,
            "> [!CAUTION]\n> {contradicted} captured frames contradict these rules: other rules were live, or the host is not as described.\n"
        )?;
    }
    let open = report.totals.iter().filter(|t| t.verdict == "UNKNOWN");
    let open: u64 = open.map(|t| t.packets).sum();
    if open > 0 {
        writeln!(
            f,
            "> [!WARNING]\n> The verdict of {open} packets hangs on what the inputs do not tell.\n"
        )?;
    }
    Ok(())
}

fn is_rule(rule: &Rule) -> bool {
    matches!(rule.place.number, Number::Rule(_))
}

/// A section that is closed until somebody asks.
fn folded(
    f: &mut fmt::Formatter<'_>,
    title: &str,
    is_wanted: bool,
    body: impl FnOnce(&mut fmt::Formatter<'_>) -> fmt::Result,
) -> fmt::Result {
    if !is_wanted {
        return Ok(());
    }
    writeln!(f, "\n<details><summary>{title}</summary>\n")?;
    body(f)?;
    writeln!(f, "\n</details>")
}

type Rows = Vec<Vec<String>>;

fn both(report: &Report) -> bool {
    report.host.rulesets.len() > 1
}

fn totals(report: &Report) -> Rows {
    let totals = report.totals.iter();
    totals
        .map(|t| {
            vec![
                t.verdict.clone(),
                t.fate.clone(),
                t.packets.to_string(),
                t.bytes.to_string(),
            ]
        })
        .collect()
}

fn deciding(report: &Report) -> Rows {
    let mut rules: Vec<&Rule> = report.rules.iter().filter(|r| r.decided > 0).collect();
    rules.sort_by_key(|rule| std::cmp::Reverse(rule.decided));
    rules
        .iter()
        .map(|r| {
            vec![
                r.decided.to_string(),
                short(&r.place, both(report)),
                code(&r.text),
            ]
        })
        .collect()
}

fn blocked(report: &Report) -> Rows {
    let by = |flow: &Flow| {
        let rule = flow.rule.as_ref().map(|place| short(place, both(report)));
        [rule, flow.reason.clone()]
            .into_iter()
            .flatten()
            .collect::<Vec<_>>()
            .join(": ")
    };
    let flows = report.blocked.iter();
    flows
        .map(|flow| {
            vec![
                flow.verdict.clone(),
                flow.packets.to_string(),
                code(&crate::text::ends(flow)),
                by(flow),
            ]
        })
        .collect()
}

fn unknowns(report: &Report) -> Rows {
    let row = |u: &crate::model::Unknown| {
        vec![
            u.packets.to_string(),
            u.decides.to_string(),
            u.rule
                .as_ref()
                .map_or_else(|| "-".to_owned(), |place| short(place, both(report))),
            escape(&u.why),
        ]
    };
    report.unknowns.iter().map(row).collect()
}

fn never(report: &Report) -> Rows {
    let never = report.rules.iter().filter(|r| r.packets == 0 && is_rule(r));
    never
        .map(|r| vec![short(&r.place, both(report)), code(&r.text)])
        .collect()
}

fn section(f: &mut fmt::Formatter<'_>, title: &str, head: &[&str], rows: &Rows) -> fmt::Result {
    if rows.is_empty() {
        return Ok(());
    }
    writeln!(f, "\n### {title}\n")?;
    table(f, head, rows)
}

/// A table; a column whose name ends in a colon holds numbers.
fn table(f: &mut fmt::Formatter<'_>, head: &[&str], rows: &Rows) -> fmt::Result {
    let names: Vec<_> = head.iter().map(|name| name.trim_end_matches(':')).collect();
    let rule = |name: &&str| {
        if name.ends_with(':') {
            " ---: |"
        } else {
            " --- |"
        }
    };
    writeln!(f, "| {} |", names.join(" | "))?;
    writeln!(f, "|{}", head.iter().map(rule).collect::<String>())?;
    for row in rows.iter().take(SHOWN) {
        writeln!(f, "| {} |", row.join(" | "))?;
    }
    match rows.len().checked_sub(SHOWN) {
        Some(more) if more > 0 => writeln!(f, "\nand {more} more"),
        _ => Ok(()),
    }
}

fn bullets(
    f: &mut fmt::Formatter<'_>,
    title: &str,
    items: impl Iterator<Item = String>,
) -> fmt::Result {
    let mut text = String::new();
    for item in items {
        writeln!(text, "- {item}")?;
    }
    if text.is_empty() {
        Ok(())
    } else {
        write!(f, "\n### {title}\n\n{text}")
    }
}

/// A code span that keeps a table's columns: a bar inside one must be escaped too.
pub fn code(text: &str) -> String {
    let fence = if text.contains('`') { "``" } else { "`" };
    let blank = if text.starts_with('`') || text.ends_with('`') {
        " "
    } else {
        ""
    };
    format!(
        "{fence}{blank}{}{blank}{fence}",
        visible(text).replace('|', "\\|")
    )
}

/// Text whose letters mean nothing to Markdown.
pub fn escape(text: &str) -> String {
    visible(text)
        .chars()
        .fold(String::new(), |mut out, letter| {
            if matches!(letter, '|' | '*' | '_' | '`' | '<' | '[' | ']' | '\\') {
                out.push('\\');
            }
            out.push(letter);
            out
        })
}
