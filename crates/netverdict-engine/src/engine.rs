//! The engine: one packet in, its outcome out, state kept between.

use netverdict_net::{Device, Packet, Timestamp};

use crate::{Observer, Outcome};

/// Where a packet enters netfilter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Entry {
    /// Received on a device: PREROUTING, then routing decides.
    Prerouting { in_device: Device },
    /// Made on this host, routed to a device: OUTPUT. `Unknown` where the capture does not tell; routing then says.
    Output { out_device: Device },
}

/// One packet to take through netfilter.
#[derive(Debug)]
pub struct Input<'a> {
    pub packet: Packet<'a>,
    /// When it was seen. Never earlier than the packet before; the engine clamps what runs backwards.
    pub time: Timestamp,
    pub entry: Entry,
}

/// Netfilter on one host: rules, routes and settings fixed, state moving.
#[derive(Debug)]
pub struct Engine {}

impl Engine {
    /// Takes one packet all its way. State and counters advance.
    pub fn step(&mut self, input: Input<'_>, observer: &mut dyn Observer) -> Outcome {
        let _ = (input, observer);
        unreachable!("the pipeline is not here yet")
    }
}
