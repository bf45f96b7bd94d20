//! Packets that nobody captured: the text of `trace --send` and of cases into packets and where they enter.

mod build;
mod grammar;
mod talk;

use std::net::IpAddr;
use std::ops::Range;

pub use grammar::nanoseconds;
pub use talk::{Message, Party, Talk};

use netverdict_net::{Device, MacAddr, Packet, Protocol, Timestamp};

/// A packet to send through the model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Send {
    pub way: Way,
    pub device: Device,
    pub protocol: Protocol,
    pub source: Endpoint,
    pub destination: Endpoint,
    pub words: Words,
}

/// Whether it comes in or goes out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    In,
    Out,
}

/// An address with a port where the protocol has one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Endpoint {
    pub address: IpAddr,
    pub port: Option<u16>,
}

/// When a packet is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum When {
    /// At this time.
    At(Timestamp),
    /// So many nanoseconds after the packet before.
    After(i64),
}

/// What the words behind the addresses say; `None` leaves it to the default.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Words {
    pub tcp_flags: Option<u8>,
    pub seq: Option<u32>,
    pub ack_seq: Option<u32>,
    pub window: Option<u16>,
    pub mss: Option<u16>,
    pub icmp_type: Option<u8>,
    pub icmp_code: Option<u8>,
    pub id: Option<u16>,
    pub chunk: Option<u8>,
    pub spi: Option<u32>,
    pub ttl: Option<u8>,
    pub tos: Option<u8>,
    pub len: Option<u16>,
    pub payload: Option<Vec<u8>>,
    pub ip_id: Option<u16>,
    pub dont_fragment: bool,
    pub more_fragments: bool,
    pub fragment: Option<u16>,
    pub source_mac: Option<MacAddr>,
    pub destination_mac: Option<MacAddr>,
    pub when: Option<When>,
}

/// Why a text is no packet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SendError {
    /// Bytes of the text at fault.
    pub span: Range<usize>,
    /// What is wrong there.
    pub found: String,
    /// What was expected.
    pub expected: String,
}

impl Send {
    /// Reads the text of one `--send`.
    pub fn parse(text: &str) -> Result<Self, SendError> {
        grammar::parse(text)
    }

    /// The packet, checksums filled in.
    pub fn packet(&self) -> Packet<'static> {
        build::packet(self)
    }

    /// Its time, given that of the packet before.
    pub fn time(&self, before: Option<Timestamp>) -> Timestamp {
        /// How far packets are apart that say nothing.
        const STEP: i64 = 1_000_000;
        match (self.words.when, before) {
            (Some(When::At(time)), _) => time,
            (Some(When::After(nanoseconds)), before) => before.unwrap_or_default() + nanoseconds,
            (None, Some(before)) => before + STEP,
            (None, None) => Timestamp::default(),
        }
    }
}

#[cfg(test)]
mod tests;
