//! Exit codes: part of the interface, documented in every `--help`.

/// Done, nothing to report.
pub const DONE: u8 = 0;
/// The work was done, and it found what it looks for: a difference, a failed case, a dump not in canonical form.
pub const FOUND: u8 = 1;
/// Bad usage or unreadable input; the message names file, line, column and what was expected.
pub const UNUSABLE: u8 = 2;
