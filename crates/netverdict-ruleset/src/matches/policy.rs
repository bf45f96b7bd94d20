//! `-m policy`: the IPsec policy of a packet.

use std::fmt;

use netverdict_net::{AddrMask, Protocol};

use crate::Invertible;
use crate::value::HostOrNet;

/// Tests how IPsec protected, or will protect, the packet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    /// `--dir`.
    pub direction: PolicyDirection,
    /// `--pol ipsec` (`true`) or `none`.
    pub ipsec: bool,
    /// `--strict`: all of the policy's elements, in order; else any one.
    pub strict: bool,
    /// The elements, separated by `--next`, at most 4.
    pub elements: Vec<PolicyElement>,
}

/// Decapsulation or encapsulation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PolicyDirection {
    /// How it came in.
    In,
    /// How it will go out.
    Out,
}

/// One transformation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct PolicyElement {
    /// `--reqid`.
    pub reqid: Option<Invertible<u32>>,
    /// `--spi`.
    pub spi: Option<Invertible<u32>>,
    /// `--proto`: ah, esp or ipcomp.
    pub protocol: Option<Invertible<Protocol>>,
    /// `--mode`.
    pub mode: Option<Invertible<PolicyMode>>,
    /// `--tunnel-dst`.
    pub tunnel_destination: Option<Invertible<AddrMask>>,
    /// `--tunnel-src`.
    pub tunnel_source: Option<Invertible<AddrMask>>,
}

/// Transport or tunnel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PolicyMode {
    /// Payload only.
    Transport,
    /// The whole packet.
    Tunnel,
}

impl fmt::Display for PolicyMode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Transport => "transport",
            Self::Tunnel => "tunnel",
        })
    }
}

fn write<T: Copy, D: fmt::Display>(
    f: &mut fmt::Formatter<'_>,
    option: &str,
    test: Option<Invertible<T>>,
    show: impl Fn(T) -> D,
) -> fmt::Result {
    match test {
        Some(test) => write!(f, "{} --{option} {}", test.bang(), show(test.value)),
        None => Ok(()),
    }
}

impl fmt::Display for PolicyElement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write(f, "reqid", self.reqid, |id| id)?;
        write(f, "spi", self.spi, |spi| format!("{spi:#x}"))?;
        write(f, "proto", self.protocol, crate::protocol::name)?;
        write(f, "mode", self.mode, |mode| mode)?;
        write(f, "tunnel-dst", self.tunnel_destination, HostOrNet)?;
        write(f, "tunnel-src", self.tunnel_source, HostOrNet)
    }
}

impl fmt::Display for Policy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.direction {
            PolicyDirection::In => " --dir in",
            PolicyDirection::Out => " --dir out",
        })?;
        f.write_str(if self.ipsec {
            " --pol ipsec"
        } else {
            " --pol none"
        })?;
        f.write_str(if self.strict { " --strict" } else { "" })?;
        for (index, element) in self.elements.iter().enumerate() {
            f.write_str(if index > 0 { " --next" } else { "" })?;
            element.fmt(f)?;
        }
        Ok(())
    }
}
