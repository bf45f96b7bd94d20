//! Interface names, the patterns rules write for them, and a packet's device at a hook.

use std::fmt;

/// A kernel interface name: 1 to 15 bytes (`IFNAMSIZ` less the NUL), any bytes but `/` and blanks.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct InterfaceName {
    bytes: [u8; 16],
}

/// Why a text is no interface name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InterfaceNameError {
    /// Longer than 15 bytes.
    #[error("interface name `{0}` must be shorter than 16 bytes")]
    TooLong(String),
}

impl InterfaceName {
    /// Takes a name of at most 15 bytes.
    pub fn new(name: &str) -> Result<Self, InterfaceNameError> {
        let mut bytes = [0; 16];
        let slot = bytes[..15]
            .get_mut(..name.len())
            .ok_or_else(|| InterfaceNameError::TooLong(name.to_owned()))?;
        slot.copy_from_slice(name.as_bytes());
        Ok(Self { bytes })
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        let len = self.bytes.iter().position(|b| *b == 0).unwrap_or(16);
        std::str::from_utf8(&self.bytes[..len]).unwrap_or("?")
    }

    /// The loopback device's name.
    pub fn loopback() -> Self {
        let mut bytes = [0; 16];
        bytes[..2].copy_from_slice(b"lo");
        Self { bytes }
    }
}

impl fmt::Debug for InterfaceName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), f)
    }
}

impl fmt::Display for InterfaceName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What `-i` and `-o` take: a name, or a prefix followed by `+` (`+` alone matches even a missing device).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct InterfacePattern {
    text: InterfaceName,
}

impl InterfacePattern {
    /// Takes the text as written; a final `+` makes it a prefix.
    pub fn new(text: &str) -> Result<Self, InterfaceNameError> {
        InterfaceName::new(text).map(|text| Self { text })
    }

    /// Whether a device name matches; an absent device is the empty name (x_tables.h, `ifname_compare`).
    pub fn matches(&self, name: &str) -> bool {
        match self.as_str().strip_suffix('+') {
            Some(prefix) => name.as_bytes().starts_with(prefix.as_bytes()),
            None => name == self.as_str(),
        }
    }

    /// Whether every name, even the empty one, matches.
    pub fn is_any(&self) -> bool {
        matches!(self.as_str(), "+" | "")
    }

    /// The text as written.
    pub fn as_str(&self) -> &str {
        self.text.as_str()
    }
}

impl fmt::Display for InterfacePattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A packet's in- or out-device at a hook.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Device {
    /// The hook has none (no out-device in PREROUTING): rules see the empty name.
    #[default]
    Absent,
    /// There is one, but nothing tells which: a rule that asks is unknown.
    Unknown,
    /// This one.
    Named(InterfaceName),
}

impl Device {
    /// The name, if there is one and it is known.
    pub fn name(&self) -> Option<&InterfaceName> {
        match self {
            Self::Named(name) => Some(name),
            Self::Absent | Self::Unknown => None,
        }
    }
}

impl fmt::Display for Device {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Absent => f.write_str("-"),
            Self::Unknown => f.write_str("?"),
            Self::Named(name) => name.fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Trap T16: `lo+`, `l+` and `+` match lo, `lo++` does not.
    #[test]
    fn plus_is_a_prefix_only_at_the_end() {
        let matches = |p: &str, n: &str| InterfacePattern::new(p).unwrap().matches(n);
        assert!(
            matches("lo", "lo")
                && matches("lo+", "lo")
                && matches("l+", "lo")
                && matches("+", "lo")
                && matches("+", "")
        );
        assert!(!matches("lo++", "lo") && !matches("lo", "lo0") && !matches("lo", ""));
    }

    #[test]
    fn names_end_at_fifteen_bytes() {
        assert!(InterfaceName::new("alongifacename0").is_ok());
        assert!(InterfaceName::new("thisinterfaceistoolong0").is_err());
    }
}
