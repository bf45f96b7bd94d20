//! `-m physdev`: bridge ports.

use std::fmt;

use netverdict_net::InterfacePattern;

use crate::Invertible;
use crate::value::bang;

/// Tests the bridge ports a packet uses; every given part must hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Physdev {
    /// `--physdev-is-in` (`Some(true)` if inverted).
    pub is_in: Option<bool>,
    /// `--physdev-in`.
    pub input: Option<Invertible<InterfacePattern>>,
    /// `--physdev-is-out` (`Some(true)` if inverted).
    pub is_out: Option<bool>,
    /// `--physdev-out`.
    pub output: Option<Invertible<InterfacePattern>>,
    /// `--physdev-is-bridged` (`Some(true)` if inverted).
    pub is_bridged: Option<bool>,
}

fn write_flag(f: &mut fmt::Formatter<'_>, option: &str, flag: Option<bool>) -> fmt::Result {
    match flag {
        Some(inverted) => write!(f, "{} --physdev-{option}", bang(inverted)),
        None => Ok(()),
    }
}

fn write_port(
    f: &mut fmt::Formatter<'_>,
    option: &str,
    port: Option<Invertible<InterfacePattern>>,
) -> fmt::Result {
    match port {
        Some(port) => write!(f, "{} --physdev-{option} {}", port.bang(), port.value),
        None => Ok(()),
    }
}

impl fmt::Display for Physdev {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_flag(f, "is-in", self.is_in)?;
        write_port(f, "in", self.input)?;
        write_flag(f, "is-out", self.is_out)?;
        write_port(f, "out", self.output)?;
        write_flag(f, "is-bridged", self.is_bridged)
    }
}
