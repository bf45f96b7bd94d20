//! `-m rpfilter`: whether a reply would leave where the packet came in.

use std::fmt;

/// Reverse path filter. raw and mangle PREROUTING only.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Rpfilter {
    /// `--loose`: any device will do.
    pub loose: bool,
    /// `--validmark`: the mark takes part in the lookup.
    pub valid_mark: bool,
    /// `--accept-local`: own addresses may be sources.
    pub accept_local: bool,
    /// `--invert`.
    pub invert: bool,
}

impl fmt::Display for Rpfilter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (option, on) in [
            (" --loose", self.loose),
            (" --validmark", self.valid_mark),
            (" --accept-local", self.accept_local),
            (" --invert", self.invert),
        ] {
            f.write_str(if on { option } else { "" })?;
        }
        Ok(())
    }
}
