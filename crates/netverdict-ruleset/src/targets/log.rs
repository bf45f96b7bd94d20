//! `-j LOG`: a line in the kernel's log.

use std::fmt;

use crate::Quoted;

/// Logs the packet and goes on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Log {
    /// `--log-prefix`, at most 29 bytes.
    pub prefix: String,
    /// `--log-level`, 0..=7.
    pub level: u8,
    /// `--log-tcp-sequence`.
    pub tcp_sequence: bool,
    /// `--log-tcp-options`.
    pub tcp_options: bool,
    /// `--log-ip-options`.
    pub ip_options: bool,
    /// `--log-uid`.
    pub uid: bool,
    /// `--log-macdecode`.
    pub mac_decode: bool,
}

impl Log {
    /// `warning`, which is not printed.
    pub const DEFAULT_LEVEL: u8 = 4;
}

impl Default for Log {
    fn default() -> Self {
        Self {
            prefix: String::new(),
            level: Self::DEFAULT_LEVEL,
            tcp_sequence: false,
            tcp_options: false,
            ip_options: false,
            uid: false,
            mac_decode: false,
        }
    }
}

impl fmt::Display for Log {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.prefix.is_empty() {
            write!(f, " --log-prefix {}", Quoted(&self.prefix))?;
        }
        if self.level != Self::DEFAULT_LEVEL {
            write!(f, " --log-level {}", self.level)?;
        }
        for (option, on) in [
            (" --log-tcp-sequence", self.tcp_sequence),
            (" --log-tcp-options", self.tcp_options),
            (" --log-ip-options", self.ip_options),
            (" --log-uid", self.uid),
            (" --log-macdecode", self.mac_decode),
        ] {
            f.write_str(if on { option } else { "" })?;
        }
        Ok(())
    }
}
