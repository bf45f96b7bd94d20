//! Every dump that loads prints as iptables-legacy-save printed it after loading.

use std::fs;

use netverdict_ruleset::{Save, text};
use netverdict_syntax::{ParseOptions, parse_dump};

use crate::{corpus, rows};

#[test]
fn dumps_print_as_the_real_tool_saved_them() {
    let Some(corpus) = corpus() else { return };
    let manifest = fs::read_to_string(corpus.join("MANIFEST.tsv")).unwrap();
    let mut wrong = Vec::new();
    let mut compared = 0;
    for row in rows(&manifest).filter(|row| row.len() > 18 && !row[18].is_empty()) {
        let dump = fs::read(corpus.join(row[0])).unwrap();
        let canonical = fs::read(corpus.join(row[18])).unwrap();
        let canonical = text::decode(&canonical);
        let parsed = parse_dump(&dump, &ParseOptions::default());
        let printed: String = parsed
            .rulesets
            .iter()
            .map(|read| Save::with_own_counters(&read.ruleset).to_string())
            .collect();
        let expected = canonical.lines().filter(|line| !line.starts_with('#'));
        let mut lines = printed.lines();
        let difference = expected
            .map(|line| (line, lines.next().unwrap_or("(end)")))
            .find(|(expected, found)| expected != found);
        if let Some((expected, found)) = difference {
            let first = parsed.diagnostics.iter().find(|d| d.is_error());
            let first = first.map_or_else(String::new, ToString::to_string);
            wrong.push(format!(
                "{}\n  expected {expected}\n  found    {found}\n  {first}",
                row[0]
            ));
        }
        compared += 1;
    }
    assert!(
        wrong.is_empty(),
        "{} of {compared}:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
    assert!(compared > 100);
}
