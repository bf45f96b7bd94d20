//! What one injected frame led to.

use netverdict_net::{InterfaceName, Timestamp};

/// A frame that left the host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Emitted {
    /// By which interface.
    pub interface: InterfaceName,
    /// Whether the interface has no link header.
    pub bare: bool,
    /// The whole frame.
    pub frame: Vec<u8>,
}

impl Emitted {
    /// The bytes from the IP header on.
    pub fn packet(&self) -> &[u8] {
        const ETHERNET: usize = 14;
        let start = if self.bare { 0 } else { ETHERNET };
        self.frame.get(start..).unwrap_or_default()
    }
}

/// A packet that passed the last INPUT chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivered {
    /// The device it came in by.
    pub interface: Option<InterfaceName>,
    /// `skb->mark` at the end.
    pub mark: u32,
    /// The packet as a socket would have seen it, from the IP header on.
    pub packet: Vec<u8>,
}

/// Where a packet ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Fate {
    /// Delivered to this host.
    Local,
    /// Left by an interface.
    Emitted,
    /// Neither: dropped, or held (a fragment, a queue).
    Gone,
}

/// All that the kernel did on account of one frame.
#[derive(Debug, Default)]
pub struct Observation {
    /// The kernel's wall clock when it was injected.
    pub at: Timestamp,
    /// Why it never reached a hook: the driver or the socket refused it.
    pub refused: Option<std::io::Error>,
    /// What left, in order for each interface.
    pub emitted: Vec<Emitted>,
    /// What was delivered.
    pub delivered: Vec<Delivered>,
    /// Packets the kernel made in answer (RSTs, ICMP errors), stopped before any table saw them.
    pub answers: Vec<Vec<u8>>,
    /// What connection tracking took it for, each time it looked; empty unless [`super::Rig::watch_states`].
    pub states: Vec<&'static str>,
}

impl Observation {
    /// Where the packet ended. Delivery wins: a packet sent over the loopback device is both.
    pub fn fate(&self) -> Fate {
        if !self.delivered.is_empty() {
            Fate::Local
        } else if !self.emitted.is_empty() {
            Fate::Emitted
        } else {
            Fate::Gone
        }
    }
}
