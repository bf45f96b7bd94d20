//! Puts the table into a page, so that it shows no number that the command did not print.

use std::fs;
use std::path::Path;

use crate::error::Error;

const BEGIN: &str = "<!-- bench -->\n";
const END: &str = "<!-- /bench -->";

/// Replaces what stands between the page's marks.
pub(crate) fn put(page: &Path, table: &str) -> Result<(), Error> {
    let text = fs::read_to_string(page)?;
    let parts = text.split_once(BEGIN).and_then(|(before, rest)| {
        let (_, after) = rest.split_once(END)?;
        Some((before, after))
    });
    let Some((before, after)) = parts else {
        return Err(Error::other(format!(
            "{}: found no `{}` followed by `{END}`",
            page.display(),
            BEGIN.trim_end()
        )));
    };
    Ok(fs::write(
        page,
        format!("{before}{BEGIN}{table}{END}{after}"),
    )?)
}
