//! What a captured packet asks or answers: the part of it that tells whether two packets belong together.

use std::net::IpAddr;

use netverdict_capture::Frame;
use netverdict_engine::Transport;
use netverdict_net::header::{self, icmp::Icmp, ipv6, tcp::Tcp};
use netverdict_net::{Family, Link, Packet, Protocol};
use netverdict_replay::has_ports;

/// Two ends of a conversation, seen from the one that sent this packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Ends {
    pub(crate) protocol: Protocol,
    pub(crate) source: IpAddr,
    pub(crate) destination: IpAddr,
    /// An ICMP query's id stands for both ports.
    pub(crate) source_port: u16,
    pub(crate) destination_port: u16,
}

impl Ends {
    /// Seen from the other end.
    pub(crate) const fn turned(self) -> Self {
        Self {
            protocol: self.protocol,
            source: self.destination,
            destination: self.source,
            source_port: self.destination_port,
            destination_port: self.source_port,
        }
    }
}

/// What a packet does in a conversation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Act {
    /// A SYN, with its sequence number.
    Syn(u32),
    /// SYN and ACK, with the acknowledged number.
    SynAck(u32),
    /// An RST that acknowledges.
    Reset(u32),
    /// An echo request.
    Ping,
    /// An echo reply.
    Pong,
    /// A UDP datagram.
    Datagram,
    /// An ICMP error: how it refuses, if it does.
    Error(Refusal),
    Other,
}

/// How an ICMP error refuses what it is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Refusal {
    /// Nobody listens there, or a rule says so.
    Port,
    /// Only a filter says so.
    Prohibited,
    /// Something else.
    None,
}

/// A packet in a conversation, as the auditor sees it.
#[derive(Debug, Clone, Copy)]
pub struct Look {
    /// Of an ICMP error, the ends of the packet that it is about.
    pub(crate) ends: Ends,
    pub(crate) act: Act,
}

/// Looks at a frame's packet.
pub(crate) fn look(frame: &Frame<'_>, transport: &Transport) -> Option<Look> {
    let packet = frame.packet()?.ok()?;
    let offset = offset(&packet)?;
    let plain = ends(transport);
    let look = |act| Some(Look { ends: plain, act });
    match transport.protocol {
        Protocol::TCP => look(tcp(&packet, offset)?),
        Protocol::UDP => look(Act::Datagram),
        Protocol::ICMP | Protocol::ICMPV6 => {
            let (kind, code) = Icmp::at(&packet, offset)?.type_code().ok()?;
            let v4 = packet.family() == Family::V4;
            match (v4, kind) {
                (true, 8) | (false, 128) => look(Act::Ping),
                (true, 0) | (false, 129) => look(Act::Pong),
                (true, 3) | (false, 1) => {
                    let ends = about(&packet, offset + 8)?;
                    Some(Look {
                        ends,
                        act: Act::Error(refusal(v4, code)),
                    })
                }
                _ => look(Act::Other),
            }
        }
        _ => look(Act::Other),
    }
}

/// Ports where the protocol has them; of ICMP the id, as both.
fn ends(transport: &Transport) -> Ends {
    let ports = if has_ports(transport.protocol) {
        (transport.source_port, transport.destination_port)
    } else {
        (transport.source_port, transport.source_port)
    };
    Ends {
        protocol: transport.protocol,
        source: transport.source,
        destination: transport.destination,
        source_port: ports.0,
        destination_port: ports.1,
    }
}

fn offset(packet: &Packet<'_>) -> Option<usize> {
    match packet.family() {
        Family::V4 => {
            (header::ipv4_fragment(packet).0 == 0).then(|| header::network_header_len(packet))
        }
        Family::V6 => {
            let found = ipv6::find(packet, None).ok()?;
            (found.fragment_offset == 0).then_some(found.offset)
        }
    }
}

fn tcp(packet: &Packet<'_>, offset: usize) -> Option<Act> {
    const SYN: u8 = 0x02;
    const RST: u8 = 0x04;
    const ACK: u8 = 0x10;
    let header = Tcp::at(packet, offset)?;
    let acknowledged = || header.acknowledgement().ok();
    Some(match header.flags().ok()? & (SYN | RST | ACK | 0x01) {
        SYN => Act::Syn(header.sequence().ok()?),
        flags if flags == SYN | ACK => Act::SynAck(acknowledged()?),
        flags if flags == RST | ACK => Act::Reset(acknowledged()?),
        _ => Act::Other,
    })
}

/// The ends of the packet inside an ICMP error.
fn about(packet: &Packet<'_>, at: usize) -> Option<Ends> {
    let bytes = packet.captured().get(at..)?;
    let total = match bytes.first()? >> 4 {
        4 => usize::from(u16::from_be_bytes([*bytes.get(2)?, *bytes.get(3)?])),
        6 => 40 + usize::from(u16::from_be_bytes([*bytes.get(4)?, *bytes.get(5)?])),
        _ => return None,
    };
    let inner = Packet::new(bytes, total.max(bytes.len()), Link::default()).ok()?;
    let offset = offset(&inner)?;
    let protocol = match inner.family() {
        Family::V4 => header::next_protocol(&inner),
        Family::V6 => ipv6::find(&inner, None).ok()?.protocol,
    };
    let (source_port, destination_port) = if has_ports(protocol) {
        (inner.u16(offset).ok()?, inner.u16(offset + 2).ok()?)
    } else {
        let id = inner.u16(offset + 4).ok()?;
        (id, id)
    };
    Some(Ends {
        protocol,
        source: inner.source(),
        destination: inner.destination(),
        source_port,
        destination_port,
    })
}

const fn refusal(v4: bool, code: u8) -> Refusal {
    match (v4, code) {
        (true, 9 | 10 | 13) | (false, 1 | 5) => Refusal::Prohibited,
        (true, 3) | (false, 4) => Refusal::Port,
        _ => Refusal::None,
    }
}
