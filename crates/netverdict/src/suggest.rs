//! "Did you mean", for files and folders.

use std::path::Path;

use netverdict_syntax::closest;

/// A hint for a path where nothing is: what is there and looks like it.
pub(crate) fn near(path: &Path) -> Option<String> {
    let wanted = path.file_name()?.to_str()?;
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    if !folder.is_dir() {
        return near(folder);
    }
    let entries = std::fs::read_dir(folder).ok()?.filter_map(Result::ok);
    let mut names: Vec<String> = entries
        .filter_map(|entry| entry.file_name().into_string().ok())
        .collect();
    names.sort();
    let found = closest(wanted, names.iter().map(String::as_str))?;
    let found = match path.parent() {
        Some(parent) => parent.join(found),
        None => found.into(),
    };
    Some(format!("there is {}: did you mean that?", found.display()))
}

/// A hint for a folder in which what is looked for is not: the one in it that has a file of that kind.
pub(crate) fn below(folder: &Path, is_wanted: impl Fn(&str) -> bool) -> Option<String> {
    let mut folders = folders(folder);
    folders.sort();
    let found = folders.into_iter().find(|inner| {
        let names = std::fs::read_dir(inner).into_iter().flatten();
        let mut names = names.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
        names.any(|name| is_wanted(&name))
    })?;
    Some(format!("{} has one: did you mean that?", found.display()))
}

fn folders(folder: &Path) -> Vec<std::path::PathBuf> {
    let entries = std::fs::read_dir(folder).into_iter().flatten();
    let paths = entries.filter_map(|entry| Some(entry.ok()?.path()));
    paths.filter(|path| path.is_dir()).collect()
}
