//! The table of statements about tracking names cases and files that are there, and every case of tracking is in it.

use std::fs;
use std::path::Path;

const TABLE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../fixtures/cases/TRACKING.md");

/// What stands in backquotes in the second column.
fn named(table: &str) -> Vec<&str> {
    let rows = table.lines().filter(|line| line.starts_with("| "));
    let held = rows.filter_map(|row| row.rsplit('|').nth(1));
    held.flat_map(|cell| cell.split('`').skip(1).step_by(2))
        .collect()
}

#[test]
fn every_statement_is_held_by_something() {
    let table = fs::read_to_string(TABLE).unwrap();
    let cases = Path::new(TABLE).parent().unwrap();
    let root = cases.parent().unwrap().parent().unwrap();
    let names = named(&table);
    assert!(names.len() > 100, "{}", names.len());
    for name in &names {
        let case = cases.join(format!("{name}.case"));
        assert!(case.exists() || root.join(name).exists(), "{name}");
    }
    let rows = table.lines().filter(|line| line.starts_with("| "));
    for row in rows.filter(|row| !row.starts_with("| statement") && !row.starts_with("| ---")) {
        assert!(row.matches('`').count() >= 2, "held by nothing: {row}");
    }
    for folder in ["conntrack", "helpers", "nat"] {
        for entry in fs::read_dir(cases.join(folder)).unwrap() {
            let path = entry.unwrap().path();
            let stem = path.file_stem().and_then(|stem| stem.to_str()).unwrap();
            let name = format!("{folder}/{stem}");
            assert!(names.contains(&name.as_str()), "{name} holds no statement");
        }
    }
}
