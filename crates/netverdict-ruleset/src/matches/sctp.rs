//! `-m sctp`: ports and chunks of an SCTP packet.

use std::fmt;

use netverdict_net::PortRange;

use crate::Invertible;
use crate::value::join;

/// Tests an SCTP packet. Needs `-p sctp`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Sctp {
    /// `--sport`.
    pub source: Option<Invertible<PortRange>>,
    /// `--dport`.
    pub destination: Option<Invertible<PortRange>>,
    /// `--chunk-types`.
    pub chunks: Option<Invertible<SctpChunks>>,
}

/// What `--chunk-types` asks of the packet's chunks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SctpChunks {
    /// How the list is meant.
    pub scope: SctpScope,
    /// The listed types.
    pub types: SctpTypes,
}

/// The chunk types of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SctpTypes {
    /// `ALL`: every type.
    All,
    /// `NONE`: no type.
    None,
    /// These, in ascending order.
    Listed(Vec<SctpChunk>),
}

/// `any`, `all` or `only`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SctpScope {
    /// Some chunk is of a listed type with the right flags.
    Any,
    /// Every listed type is there with the right flags.
    All,
    /// Every chunk is of a listed type with the right flags.
    Only,
}

/// A chunk type, perhaps with flags.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct SctpChunk {
    /// The chunk type.
    pub kind: u8,
    /// Which bits of the flags byte are looked at.
    pub flag_mask: u8,
    /// Which of them must be set.
    pub flags: u8,
}

impl SctpChunk {
    /// Names, types, and the letters of the flag bits from bit 7 down (`-` for a bit without a letter).
    pub const NAMES: [(&'static str, u8, &'static str); 22] = [
        ("DATA", 0, "----IUBE"),
        ("INIT", 1, "--------"),
        ("INIT_ACK", 2, "--------"),
        ("SACK", 3, "--------"),
        ("HEARTBEAT", 4, "--------"),
        ("HEARTBEAT_ACK", 5, "--------"),
        ("ABORT", 6, "-------T"),
        ("SHUTDOWN", 7, "--------"),
        ("SHUTDOWN_ACK", 8, "--------"),
        ("ERROR", 9, "--------"),
        ("COOKIE_ECHO", 10, "--------"),
        ("COOKIE_ACK", 11, "--------"),
        ("ECN_ECNE", 12, "--------"),
        ("ECN_CWR", 13, "--------"),
        ("SHUTDOWN_COMPLETE", 14, "-------T"),
        ("I_DATA", 64, "----IUBE"),
        ("RE_CONFIG", 130, "--------"),
        ("PAD", 132, "--------"),
        ("ASCONF", 193, "--------"),
        ("ASCONF_ACK", 128, "--------"),
        ("FORWARD_TSN", 192, "--------"),
        ("I_FORWARD_TSN", 194, "--------"),
    ];

    /// Letters of the flag bits of a chunk type, from bit 7 down.
    pub fn flag_letters(kind: u8) -> &'static str {
        Self::NAMES
            .iter()
            .find(|(_, k, _)| *k == kind)
            .map_or("--------", |(_, _, letters)| letters)
    }
}

/// `DATA:Be`: a capital letter for a bit that must be set, a small one for a bit that must be clear.
impl fmt::Display for SctpChunk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match Self::NAMES.iter().find(|(_, kind, _)| *kind == self.kind) {
            Some((name, ..)) => f.write_str(name)?,
            None => write!(f, "0x{:04x}", self.kind)?,
        }
        if self.flag_mask != 0 {
            f.write_str(":")?;
        }
        for (bit, letter) in (0..8).rev().zip(Self::flag_letters(self.kind).chars()) {
            if self.flag_mask & (1 << bit) == 0 {
                continue;
            }
            let set = self.flags & (1 << bit) != 0;
            write!(
                f,
                "{}",
                if set {
                    letter
                } else {
                    letter.to_ascii_lowercase()
                }
            )?;
        }
        Ok(())
    }
}

impl fmt::Display for SctpChunks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.scope {
            SctpScope::Any => "any ",
            SctpScope::All => "all ",
            SctpScope::Only => "only ",
        })?;
        match &self.types {
            SctpTypes::All => f.write_str("ALL"),
            SctpTypes::None => f.write_str("NONE"),
            SctpTypes::Listed(chunks) => join(f, chunks, ","),
        }
    }
}

impl fmt::Display for Sctp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        super::write_given_ports(f, self.source.as_ref(), self.destination.as_ref())?;
        if let Some(chunks) = &self.chunks {
            write!(f, "{} --chunk-types {}", chunks.bang(), chunks.value)?;
        }
        Ok(())
    }
}
