//! `-m socket`: whether a local socket waits for the packet.

use std::fmt;

/// Looks for a matching socket of this host.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Socket {
    /// `--transparent`: only transparent sockets.
    pub transparent: bool,
    /// `--nowildcard`: sockets bound to any address count too.
    pub no_wildcard: bool,
    /// `--restore-skmark`: take the socket's mark.
    pub restore_mark: bool,
}

impl fmt::Display for Socket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (option, on) in [
            (" --transparent", self.transparent),
            (" --nowildcard", self.no_wildcard),
            (" --restore-skmark", self.restore_mark),
        ] {
            f.write_str(if on { option } else { "" })?;
        }
        Ok(())
    }
}
