//! Every match and target of the corpus is known, but for those of other kernels than Linux's own.

use std::collections::BTreeSet;
use std::fs;

use netverdict_ruleset::{Match, Target};
use netverdict_syntax::{ParseOptions, parse_dump};

use crate::{corpus, rows};

/// Of out-of-tree modules: no kernel here has them, and no iptables package.
const FOREIGN: [&str; 1] = ["-j ROUTE"];

#[test]
fn only_modules_of_no_kernel_here_are_unknown() {
    let Some(corpus) = corpus() else { return };
    let manifest = fs::read_to_string(corpus.join("MANIFEST.tsv")).unwrap();
    let is_save = |row: &Vec<&str>| row.len() > 1 && row[1].ends_with("tables-save");
    let mut unknown = BTreeSet::new();
    for row in rows(&manifest).filter(is_save) {
        let dump = fs::read(corpus.join(row[0])).unwrap();
        let parsed = parse_dump(&dump, &ParseOptions::default());
        let rules = parsed.rulesets.iter().flat_map(|read| read.ruleset.rules());
        for (_, rule) in rules {
            let foreign = rule
                .matches
                .iter()
                .filter(|m| matches!(m, Match::Unsupported(_)));
            unknown.extend(foreign.map(|m| format!("-m {}", m.name())));
            if let Some(Target::Unsupported(target)) = &rule.target {
                unknown.insert(format!("-j {}", target.name));
            }
        }
    }
    let unknown: Vec<&str> = unknown.iter().map(String::as_str).collect();
    assert_eq!(unknown, FOREIGN);
}
