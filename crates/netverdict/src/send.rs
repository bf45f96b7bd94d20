//! Packets that nobody captured: the text of `trace --send` into a packet and where it enters.

mod build;
mod grammar;

use std::net::IpAddr;
use std::ops::Range;

use netverdict_net::{Device, MacAddr, Packet, Protocol, Timestamp};

/// A packet to send through the model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Send {
    pub(crate) way: Way,
    pub(crate) device: Device,
    pub(crate) protocol: Protocol,
    pub(crate) source: Endpoint,
    pub(crate) destination: Endpoint,
    pub(crate) words: Words,
}

/// Whether it comes in or goes out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Way {
    In,
    Out,
}

/// An address with a port where the protocol has one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Endpoint {
    pub(crate) address: IpAddr,
    pub(crate) port: Option<u16>,
}

/// When a packet is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum When {
    /// At this time.
    At(Timestamp),
    /// So many nanoseconds after the packet before.
    After(i64),
}

/// What the words behind the addresses say; `None` leaves it to the default.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Words {
    pub(crate) tcp_flags: Option<u8>,
    pub(crate) seq: Option<u32>,
    pub(crate) ack_seq: Option<u32>,
    pub(crate) window: Option<u16>,
    pub(crate) mss: Option<u16>,
    pub(crate) icmp_type: Option<u8>,
    pub(crate) icmp_code: Option<u8>,
    pub(crate) id: Option<u16>,
    pub(crate) chunk: Option<u8>,
    pub(crate) spi: Option<u32>,
    pub(crate) ttl: Option<u8>,
    pub(crate) tos: Option<u8>,
    pub(crate) len: Option<u16>,
    pub(crate) payload: Option<Vec<u8>>,
    pub(crate) ip_id: Option<u16>,
    pub(crate) dont_fragment: bool,
    pub(crate) more_fragments: bool,
    pub(crate) fragment: Option<u16>,
    pub(crate) source_mac: Option<MacAddr>,
    pub(crate) destination_mac: Option<MacAddr>,
    pub(crate) when: Option<When>,
}

/// Why a text is no packet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SendError {
    /// Bytes of the text at fault.
    pub(crate) span: Range<usize>,
    /// What is wrong there.
    pub(crate) found: String,
    /// What was expected.
    pub(crate) expected: String,
}

impl Send {
    /// Reads the text of one `--send`.
    pub(crate) fn parse(text: &str) -> Result<Self, SendError> {
        grammar::parse(text)
    }

    /// The packet, checksums filled in.
    pub(crate) fn packet(&self) -> Packet<'static> {
        build::packet(self)
    }

    /// Its time, given that of the packet before.
    pub(crate) fn time(&self, before: Option<Timestamp>) -> Timestamp {
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
