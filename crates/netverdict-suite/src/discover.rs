//! Cases below paths, and snapshots that belong to none.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use globset::{GlobBuilder, GlobMatcher};

use crate::case::{Case, FILE};
use crate::{CaseError, LoadError, snapshot};

/// What is below some paths.
#[derive(Debug, Default)]
pub struct Found {
    /// The directories with a case's file, by name.
    pub cases: Vec<Place>,
    /// Snapshots in directories that are no cases.
    pub strays: Vec<PathBuf>,
}

/// A case's name and directory.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    pub name: String,
    pub directory: PathBuf,
}

impl From<Box<CaseError>> for LoadError {
    fn from(error: Box<CaseError>) -> Self {
        Self::Case(error)
    }
}

/// Finds the cases below paths: each a case's directory or file, or a tree of cases.
///
/// # Errors
/// A path cannot be read, or there is no case below it.
pub fn discover(paths: &[PathBuf]) -> Result<Found, LoadError> {
    let mut found = Found::default();
    for path in paths {
        let before = found.cases.len();
        let root = if path.file_name().is_some_and(|name| name == FILE) && path.is_file() {
            path.parent()
                .filter(|p| !p.as_os_str().is_empty())
                .unwrap_or(Path::new("."))
        } else {
            path.as_path()
        };
        walk(root, root, paths.len() > 1, &mut found)
            .map_err(|(path, source)| LoadError::Io { path, source })?;
        if found.cases.len() == before {
            return Err(LoadError::NoCase { path: path.clone() });
        }
    }
    found.cases.sort();
    found.cases.dedup_by(|a, b| a.directory == b.directory);
    Ok(found)
}

fn walk(
    root: &Path,
    directory: &Path,
    many: bool,
    found: &mut Found,
) -> Result<(), (PathBuf, io::Error)> {
    let failed = |error| (directory.to_owned(), error);
    let entries = fs::read_dir(directory).map_err(failed)?;
    let entries = entries.map(|entry| entry.map(|e| e.path()));
    let mut entries = entries.collect::<io::Result<Vec<_>>>().map_err(failed)?;
    entries.sort();
    if directory.join(FILE).is_file() {
        found.cases.push(Place {
            name: name(root, directory, many),
            directory: directory.to_owned(),
        });
        return Ok(());
    }
    for path in entries {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if path.is_dir() && !name.starts_with('.') {
            walk(root, &path, many, found)?;
        } else if is_snapshot(&name) {
            found.strays.push(path);
        }
    }
    Ok(())
}

/// A case's path below the root, the root in front if there are many.
fn name(root: &Path, directory: &Path, many: bool) -> String {
    let below = directory.strip_prefix(root).unwrap_or(directory);
    let parts = if many {
        directory
    } else if below.as_os_str().is_empty() {
        Path::new(directory.file_name().unwrap_or(directory.as_os_str()))
    } else {
        below
    };
    let parts = parts.components().filter_map(|part| match part {
        std::path::Component::CurDir => None,
        part => Some(part.as_os_str().to_string_lossy()),
    });
    parts.collect::<Vec<_>>().join("/")
}

fn is_snapshot(name: &str) -> bool {
    let rest = name
        .strip_prefix("verdicts")
        .and_then(|r| r.strip_suffix(".snap"));
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('@'))
}

impl Case {
    /// Snapshots in its directory that none of its runs has.
    ///
    /// # Errors
    /// The directory cannot be read.
    pub fn orphans(&self) -> io::Result<Vec<PathBuf>> {
        let owned: Vec<String> = match self.hosts.as_slice() {
            _ if !self.snapshot => Vec::new(),
            [_] => vec![snapshot::name(None)],
            hosts => hosts
                .iter()
                .map(|h| snapshot::name(Some(&h.name)))
                .collect(),
        };
        let mut orphans = Vec::new();
        for entry in fs::read_dir(&self.directory)? {
            let path = entry?.path();
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            if is_snapshot(&name) && !owned.iter().any(|o| *o == name) {
                orphans.push(path);
            }
        }
        orphans.sort();
        Ok(orphans)
    }
}

/// Which runs are wanted: all, or those whose name has one of the texts in it or matches it as a glob.
#[derive(Debug, Default)]
pub struct Filter(Vec<(String, Option<GlobMatcher>)>);

impl Filter {
    /// Reads texts and globs.
    ///
    /// # Errors
    /// The first that is no glob, and why.
    pub fn new(texts: &[String]) -> Result<Self, String> {
        let mut filters = Vec::new();
        for text in texts {
            let glob = if text.contains(['*', '?', '[', '{']) {
                let glob = GlobBuilder::new(text).build();
                Some(glob.map_err(|error| error.to_string())?.compile_matcher())
            } else {
                None
            };
            filters.push((text.clone(), glob));
        }
        Ok(Self(filters))
    }

    /// Whether a run of that name is wanted.
    pub fn has(&self, name: &str) -> bool {
        self.0.is_empty()
            || self.0.iter().any(|(text, glob)| match glob {
                Some(glob) => glob.is_match(name),
                None => name.contains(text.as_str()),
            })
    }

    /// Whether all are.
    pub fn is_all(&self) -> bool {
        self.0.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filter_is_a_part_or_a_glob() {
        let has = |filter: &str, name: &str| Filter::new(&[filter.to_owned()]).unwrap().has(name);
        assert!(has("ssh", "office/ssh@new"));
        assert!(!has("dns", "office/ssh@new"));
        assert!(has("office/*", "office/ssh@new"));
        assert!(!has("ssh*", "office/ssh"));
        assert!(has("{home,office}/*", "home/nat"));
        assert!(Filter::new(&["[".to_owned()]).is_err());
        assert!(Filter::default().has("anything"));
    }

    #[test]
    fn snapshots_are_told_by_name() {
        assert!(is_snapshot("verdicts.snap") && is_snapshot("verdicts@old.snap"));
        assert!(!is_snapshot("verdicts.snap.new") && !is_snapshot("verdictsold.snap"));
    }
}
