//! `-j HMARK`: a mark from a hash of the packet.

use std::fmt;

/// Makes the mark `hash % modulus + offset` and goes on. A part that is `None` was not given.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Hmark {
    /// `--hmark-src-prefix`: bits of the source that count.
    pub source_prefix_len: Option<u8>,
    /// `--hmark-dst-prefix`: bits of the destination that count.
    pub destination_prefix_len: Option<u8>,
    /// `--hmark-sport-mask`.
    pub source_port_mask: Option<u16>,
    /// `--hmark-dport-mask`.
    pub destination_port_mask: Option<u16>,
    /// `--hmark-spi-mask`.
    pub spi_mask: Option<u32>,
    /// `--hmark-sport`: bits set in the source port.
    pub source_port: Option<u16>,
    /// `--hmark-dport`: bits set in the destination port.
    pub destination_port: Option<u16>,
    /// `--hmark-spi`: bits set in the index.
    pub spi: Option<u32>,
    /// `--hmark-proto-mask`.
    pub protocol_mask: Option<u16>,
    /// `--hmark-rnd`: the hash's seed.
    pub seed: Option<u32>,
    /// `--hmark-mod`, at least 1.
    pub modulus: u32,
    /// `--hmark-offset`.
    pub offset: Option<u32>,
    /// `--hmark-tuple ct`: the connection's tuple instead of the packet's.
    pub use_conntrack: bool,
}

impl Hmark {
    fn write_hex(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (option, value, width) in [
            ("sport-mask", self.source_port_mask.map(u32::from), 6),
            ("dport-mask", self.destination_port_mask.map(u32::from), 6),
            ("spi-mask", self.spi_mask, 10),
            ("sport", self.source_port.map(u32::from), 6),
            ("dport", self.destination_port.map(u32::from), 6),
            ("spi", self.spi, 10),
            ("proto-mask", self.protocol_mask.map(u32::from), 4),
            ("rnd", self.seed, 10),
        ] {
            if let Some(value) = value {
                write!(f, " --hmark-{option} {value:#0width$x}")?;
            }
        }
        Ok(())
    }
}

impl fmt::Display for Hmark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(len) = self.source_prefix_len {
            write!(f, " --hmark-src-prefix {len}")?;
        }
        if let Some(len) = self.destination_prefix_len {
            write!(f, " --hmark-dst-prefix {len}")?;
        }
        self.write_hex(f)?;
        write!(f, " --hmark-mod {}", self.modulus)?;
        if let Some(offset) = self.offset {
            write!(f, " --hmark-offset {offset}")?;
        }
        f.write_str(if self.use_conntrack {
            " --hmark-tuple ct"
        } else {
            ""
        })
    }
}
