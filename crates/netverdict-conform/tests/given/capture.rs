//! Captures as a user gives them.

use std::path::Path;

use netverdict_capture::{Captures, Input, expand};

/// A capture, or a folder of them; `None` where it cannot be opened.
pub(crate) fn open(path: &Path) -> Option<Captures> {
    let (inputs, _) = expand(&[Input::of(path.as_os_str())]).ok()?;
    Captures::open(&inputs).ok()
}
