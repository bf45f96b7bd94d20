//! The reader against a corpus of real dumps and against the answers of iptables 1.8.9, where the corpus is at hand.

mod corpus {
    pub(crate) mod canonical;
    pub(crate) mod foreign;
    pub(crate) mod manifest;
    pub(crate) mod options;
}

use std::path::PathBuf;

/// The corpus folder: `NETVERDICT_CORPUS`, or beside the workspace. Says so and gives nothing if it is absent.
fn corpus() -> Option<PathBuf> {
    let beside = || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/corpus");
    let path = std::env::var_os("NETVERDICT_CORPUS").map_or_else(beside, PathBuf::from);
    if path.is_dir() {
        return Some(path);
    }
    #[expect(clippy::print_stdout, reason = "a test that did nothing says so")]
    {
        println!("SKIPPED: no corpus at {}", path.display());
    }
    None
}

/// The rows of a tab-separated file, its head line aside.
fn rows(text: &str) -> impl Iterator<Item = Vec<&str>> {
    text.lines().skip(1).map(|line| line.split('\t').collect())
}
