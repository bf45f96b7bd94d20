//! Every option string of every extension gets the answer that iptables-legacy 1.8.9 gave, and its save form.

use std::fs;

use netverdict_net::Family;
use netverdict_ruleset::Save;
use netverdict_syntax::{ParseOptions, parse_dump};

use crate::{corpus, rows};

/// Rows whose answer tells of the machine where it was taken, not of iptables: extension, error, reason.
const EXCUSED: &[(&str, &str, &str)] = &[
    (
        "ipvs",
        "No chain/target/match",
        "that kernel is built without IPVS",
    ),
    (
        "LED",
        "No chain/target/match",
        "that kernel is built without LED triggers",
    ),
    (
        "SECMARK",
        "No chain/target/match",
        "that kernel runs no SELinux",
    ),
    (
        "CLUSTERIP",
        "No chain/target/match",
        "removed from Linux; read as a target nobody models",
    ),
    (
        "nfacct",
        "No chain/target/match",
        "the accounting object did not exist there",
    ),
    (
        "rateest",
        "No chain/target/match",
        "the estimator did not exist there",
    ),
    (
        "set",
        "protocol family of set",
        "a set of the other family had the name",
    ),
    (
        "SET",
        "protocol family of set",
        "a set of the other family had the name",
    ),
];

#[test]
fn option_strings_get_the_answers_of_iptables() {
    let Some(corpus) = corpus() else { return };
    let table = fs::read_to_string(corpus.join("extension-options.tsv")).unwrap();
    let mut wrong = Vec::new();
    let mut compared = 0;
    for row in rows(&table).filter(|row| row.len() > 11 && matches!(row[1], "ip" | "ip6")) {
        let excuse = EXCUSED.iter().find(|(extension, mark, _)| {
            row[0].ends_with(&format!("_{extension}")) && row[11].contains(mark)
        });
        for chain in row[4].split(',') {
            compared += 1;
            let found = answer(&row, chain);
            let expected = expected(&row, chain);
            if excuse.is_none() && found != expected {
                wrong.push(format!(
                    "{} {} {}/{chain}: {}\n  expected {expected:?} {}\n  found    {found:?}",
                    row[0], row[1], row[3], row[5], row[11]
                ));
            }
        }
    }
    assert!(
        wrong.is_empty(),
        "{} of {compared}:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
    assert!(compared > 4000);
}

fn expected(row: &[&str], chain: &str) -> Result<String, ()> {
    let ok = match row[9] {
        "OK" => true,
        "FAIL" => false,
        mixed => mixed.contains(&format!("{chain}=OK")),
    };
    let blank = if row[10].is_empty() { "" } else { " " };
    if ok {
        Ok(format!("-A {chain}{blank}{}", row[10]))
    } else {
        Err(())
    }
}

fn answer(row: &[&str], chain: &str) -> Result<String, ()> {
    let dump = format!("*{}\n-A {chain} {}\nCOMMIT\n", row[3], row[5]);
    let family = if row[1] == "ip" {
        Family::V4
    } else {
        Family::V6
    };
    let options = ParseOptions {
        family: Some(family),
    };
    let parsed = parse_dump(dump.as_bytes(), &options);
    if parsed.has_errors() {
        return Err(());
    }
    let saved: String = parsed
        .rulesets
        .iter()
        .map(|read| Save::without_counters(&read.ruleset).to_string())
        .collect();
    Ok(saved
        .lines()
        .filter(|line| line.starts_with("-A"))
        .collect())
}
