//! What one injected frame led to.

use netverdict_net::header::ipv6;
use netverdict_net::{Family, InterfaceName, Link, Packet, Timestamp};

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
    /// Packets the kernel made in answer (RSTs, ICMP errors, copies), before OUTPUT.
    pub answers: Vec<Vec<u8>>,
    /// The device that each of them was to leave by then.
    pub ways: Vec<Option<InterfaceName>>,
    /// Those of them that left or came back to this host, as they were then.
    pub answers_left: Vec<Vec<u8>>,
    /// What connection tracking took it for, each time it looked; empty unless [`super::Rig::watch_states`].
    pub states: Vec<&'static str>,
}

impl Observation {
    /// Takes answers out of what left or was delivered: CLASSIFY gives a packet a priority of its own, and so takes away
    /// what the rig knows answers by. A copy that TEE made of `injected` may equal it: it is taken for one of two that left
    /// alike.
    pub(super) fn recognise_answers(&mut self, injected: &[u8]) {
        let missing = self.answers.iter().zip(&self.ways).filter(|(answer, _)| {
            let mut left = self.answers_left.iter();
            !left.any(|left| same_but_sums(left, answer))
        });
        let mut found = Vec::new();
        for (answer, way) in missing {
            let same = |e: &Emitted| same_but_sums(e.packet(), answer);
            let left = self.emitted.iter().filter(|e| same(e)).count();
            let there = |e: &Emitted| same(e) && Some(e.interface) == *way;
            let at = self.emitted.iter().position(there);
            let at = at.or_else(|| self.emitted.iter().position(same));
            let reply = is_reply(answer, injected);
            if reply || left > 1 {
                found.extend(at.map(|at| self.emitted.remove(at).packet().to_vec()));
            }
            let mut delivered = self.delivered.iter();
            let at = delivered.position(|d| reply && same_but_sums(&d.packet, answer));
            found.extend(at.map(|at| self.delivered.remove(at).packet));
        }
        self.answers_left.append(&mut found);
    }

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

/// Whether it answers what was injected, and so is no copy of it: an ICMP error or a reset, which nothing answers.
fn is_reply(packet: &[u8], injected: &[u8]) -> bool {
    let is = |kind: fn(&[u8]) -> bool| kind(packet) && !kind(injected);
    is(is_error) || is(is_reset)
}

fn protocol(packet: &[u8]) -> (Option<u8>, usize) {
    let Ok(read) = Packet::new(packet, packet.len(), Link::default()) else {
        return (None, 0);
    };
    match read.family() {
        Family::V4 => (
            packet.get(9).copied(),
            usize::from(packet.first().map_or(0, |first| first & 15)) * 4,
        ),
        Family::V6 => ipv6::find(&read, None)
            .map_or((None, 0), |found| (Some(found.protocol.0), found.offset)),
    }
}

fn is_error(packet: &[u8]) -> bool {
    let (protocol, at) = protocol(packet);
    let kind = packet.get(at);
    match protocol {
        Some(1) => matches!(kind, Some(3 | 4 | 5 | 11 | 12)),
        Some(58) => matches!(kind, Some(1..=4)),
        _ => false,
    }
}

fn is_reset(packet: &[u8]) -> bool {
    const RST: u8 = 4;
    let (protocol, at) = protocol(packet);
    protocol == Some(6) && packet.get(at + 13).is_some_and(|flags| flags & RST != 0)
}

/// Equal but for the checksums of IPv4's header and of TCP, which are filled in at the end.
fn same_but_sums(one: &[u8], other: &[u8]) -> bool {
    let bare = |packet: &[u8]| {
        let mut packet = packet.to_vec();
        let tcp = match packet.first().map(|b| b >> 4) {
            Some(4) => {
                if let Some(sum) = packet.get_mut(10..12) {
                    sum.fill(0);
                }
                (packet.get(9) == Some(&6)).then_some(20)
            }
            Some(6) => (packet.get(6) == Some(&6)).then_some(40),
            _ => None,
        };
        if let Some(sum) = tcp.and_then(|at| packet.get_mut(at + 16..at + 18)) {
            sum.fill(0);
        }
        packet
    };
    bare(one) == bare(other)
}
