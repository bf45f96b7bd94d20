use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use crate::common::{SCENES, root};

#[test]
fn each_path_that_the_architecture_names_is_there() {
    let page = fs::read_to_string(root().join("ARCHITECTURE.md")).unwrap();
    let mut checked = 0;
    for word in page.split('`').skip(1).step_by(2) {
        let is_path = ["crates/", "fixtures", "tests", "schemas", "fuzz", "src/"]
            .iter()
            .any(|p| word.starts_with(p));
        if is_path
            && !word.contains(char::is_whitespace)
            && !word.contains("NAME")
            && !word.starts_with("src/")
        {
            assert!(root().join(word).exists(), "{word}");
            checked += 1;
        }
    }
    assert!(checked > 10, "only {checked} paths found");
}

#[test]
fn each_fixture_is_tested_and_each_tested_one_is_there() {
    let folders: BTreeSet<String> = fs::read_dir(root().join("fixtures"))
        .unwrap()
        .map(|entry| entry.unwrap())
        .filter(|entry| entry.path().join("captures").is_dir())
        .map(|entry| entry.file_name().into_string().unwrap())
        .collect();
    assert_eq!(folders, SCENES.iter().map(ToString::to_string).collect());
}

#[test]
fn no_snapshot_is_orphaned() {
    for snapshot in files(&root(), "snap") {
        let name = snapshot.file_name().unwrap().to_str().unwrap();
        if name.starts_with("verdicts") {
            // A case's, which `netverdict test` looks after.
            continue;
        }
        let stem = name.trim_end_matches(".snap");
        let (modules, test) = stem
            .rsplit_once("__")
            .expect("insta names snapshots by module");
        let module = modules.rsplit("__").next().unwrap();
        let sources = snapshot.parent().unwrap().parent().unwrap();
        let found = files(sources, "rs")
            .iter()
            .any(|source| names(source, module, test));
        assert!(found, "{}: no test names it", snapshot.display());
    }
}

/// Whether a test of the module could write a snapshot of that name: insta takes the function's, or one given in the text.
fn names(source: &Path, module: &str, test: &str) -> bool {
    let text = fs::read_to_string(source).unwrap();
    let base = test
        .trim_end_matches(|c: char| c.is_ascii_digit())
        .trim_end_matches('-');
    let given = test.split(['_', '-']).next().unwrap_or(test);
    let is_module = source.file_stem().is_some_and(|stem| stem == module)
        || text.contains(&format!("mod {module}"));
    is_module
        && (text.contains(&format!("fn {base}"))
            || text.contains(&format!("\"{given}"))
            || text.contains("assert_snapshot!(name"))
}

/// Every file with that ending below a folder, build outputs aside.
fn files(folder: &Path, ending: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        if path.is_dir() && name != "target" && !name.starts_with('.') {
            found.extend(files(&path, ending));
        } else if path.extension().is_some_and(|e| e == ending) {
            found.push(path);
        }
    }
    found
}
