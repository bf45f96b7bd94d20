//! Every dump is accepted, or refused at the line where iptables-restore refused it.

use std::fs;

use netverdict_syntax::{Diagnostic, ParseOptions, parse_dump};

use crate::{corpus, rows};

#[test]
fn dumps_load_or_fail_at_the_same_line_as_with_the_real_tool() {
    let Some(corpus) = corpus() else { return };
    let manifest = fs::read_to_string(corpus.join("MANIFEST.tsv")).unwrap();
    let mut wrong = Vec::new();
    let is_save = |row: &Vec<&str>| {
        row.len() > 16 && (row[1] == "iptables-save" || row[1] == "ip6tables-save")
    };
    for row in rows(&manifest).filter(is_save) {
        let dump = fs::read(corpus.join(row[0])).unwrap();
        let parsed = parse_dump(&dump, &ParseOptions::default());
        let found = parsed.diagnostics.iter().find(|d| d.is_error());
        let expected = failing_line(row[15]);
        if found.map(|d| d.line) != expected {
            let found = found.map_or_else(|| "accepted".to_owned(), Diagnostic::to_string);
            wrong.push(format!("{}: {} but {found}", row[0], row[15]));
        }
    }
    assert!(wrong.is_empty(), "{}:\n{}", wrong.len(), wrong.join("\n"));
}

/// The line the real tool names. Sets count as created, CR LF as LF, and hidden MAC addresses as readable.
fn failing_line(answer: &str) -> Option<u32> {
    if answer == "loads" || answer.contains(": loads") || answer.contains("Invalid MAC address") {
        return None;
    }
    let after = |mark: &str| answer.split(mark).nth(1);
    let number = after("at line: ").or_else(|| after("line "))?;
    let digits: String = number.chars().take_while(char::is_ascii_digit).collect();
    digits.parse().ok()
}
