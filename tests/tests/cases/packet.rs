//! A packet line of a case: the text of `--send`, and edits behind a `|` for what no honest sender makes.

use std::net::IpAddr;

use netverdict::send::{Send, Way};
use netverdict_host::{HostFacts, Interface};
use netverdict_net::{
    Device, InterfaceName, Link, LinkKind, MacAddr, Packet, PacketType, Protocol, Timestamp,
    checksum,
};

/// Who sends what arrives.
const PEER: MacAddr = MacAddr([2, 0, 0, 0, 0, 0x99]);

/// One packet of a case.
#[derive(Debug, Clone)]
pub(crate) struct CasePacket {
    pub(crate) way: Way,
    /// The device that it is put into, or that sends it.
    pub(crate) device: Device,
    /// The bridge above that device.
    pub(crate) bridge: Option<InterfaceName>,
    pub(crate) time: Timestamp,
    /// From the IP header to the frame's end, padding included.
    pub(crate) bytes: Vec<u8>,
    pub(crate) link: Link,
}

impl CasePacket {
    /// Reads a packet line, given the packet before.
    pub(crate) fn parse(
        text: &str,
        before: Option<&Self>,
        facts: &HostFacts,
    ) -> Result<Self, String> {
        let (send, edits) = text.split_once(" | ").unwrap_or((text, ""));
        let send = read(send)?;
        let mut bytes = send.packet().captured().to_vec();
        name(&mut bytes);
        for edit in edits.split(';').map(str::trim).filter(|e| !e.is_empty()) {
            apply(&mut bytes, edit).map_err(|why| format!("edit `{edit}`: {why}"))?;
        }
        Ok(Self {
            way: send.way,
            device: send.device,
            bridge: bridge(&send, facts).map(|bridge| bridge.name),
            time: send.time(before.map(|p| p.time)),
            link: link(&send, facts),
            bytes,
        })
    }

    /// The frame as a device delivers it.
    pub(crate) fn frame(&self) -> Vec<u8> {
        let kind: [u8; 2] = match self.bytes.first().map(|b| b >> 4) {
            Some(6) => [0x86, 0xdd],
            _ => [0x08, 0x00],
        };
        let mac = |mac: Option<MacAddr>| mac.unwrap_or_default().0;
        [
            &mac(self.link.destination)[..],
            &mac(self.link.source),
            &kind,
            &self.bytes,
        ]
        .concat()
    }

    /// Puts more into the payload.
    pub(crate) fn say(&mut self, more: &[u8]) {
        self.bytes.extend(more);
        seal(&mut self.bytes);
    }

    /// The packet as the model takes it; an error is one that `ip_rcv` drops.
    pub(crate) fn packet(&self) -> Result<Packet<'_>, netverdict_net::PacketError> {
        Packet::new(&self.bytes, self.bytes.len(), self.link)
    }
}

fn read(text: &str) -> Result<Send, String> {
    Send::parse(text).map_err(|e| {
        let at = e.span.start;
        format!(
            "`{}` at {at}: found {}, expected {}",
            text.trim(),
            e.found,
            e.expected
        )
    })
}

/// Raw sockets put an id where a packet has none; so every packet has one.
fn name(bytes: &mut [u8]) {
    if bytes.first().is_some_and(|b| b >> 4 == 4) && bytes.get(4..6) == Some(&[0, 0]) {
        put(bytes, 4, &[0, 1]);
        seal_header(bytes);
    }
}

fn device<'f>(send: &Send, facts: &'f HostFacts) -> Option<&'f Interface> {
    let name = send.device.name()?;
    facts.interfaces.iter().find(|i| i.name == *name)
}

fn bridge<'f>(send: &Send, facts: &'f HostFacts) -> Option<&'f Interface> {
    let master = device(send, facts)?.master?;
    facts.interfaces.iter().find(|i| i.name == master)
}

fn link(send: &Send, facts: &HostFacts) -> Link {
    let (own, bridge) = (device(send, facts), bridge(send, facts));
    let destination = send.words.destination_mac.or_else(|| match send.way {
        Way::In => group_mac(send.destination.address).or(own.and_then(|i| i.mac)),
        Way::Out => None,
    });
    let packet_type = match (send.way, destination) {
        (Way::Out, _) => PacketType::Outgoing,
        (_, Some(MacAddr::BROADCAST)) => PacketType::Broadcast,
        (_, Some(mac)) if mac.is_multicast() => PacketType::Multicast,
        (_, mac) if mac == own.and_then(|i| i.mac) => PacketType::Host,
        (_, Some(mac)) if bridge.and_then(|i| i.mac) == Some(mac) => PacketType::Host,
        _ => PacketType::OtherHost,
    };
    let received = send.way == Way::In;
    Link {
        kind: if received {
            LinkKind::Ethernet
        } else {
            LinkKind::Bare
        },
        source: received.then(|| send.words.source_mac.unwrap_or(PEER)),
        destination,
        packet_type,
        port: bridge.and(own).map(|port| port.name),
    }
}

fn group_mac(address: IpAddr) -> Option<MacAddr> {
    match address {
        IpAddr::V4(a) if a.is_broadcast() => Some(MacAddr::BROADCAST),
        IpAddr::V4(a) if a.is_multicast() => {
            let [_, b, c, d] = a.octets();
            Some(MacAddr([1, 0, 0x5e, b & 0x7f, c, d]))
        }
        IpAddr::V6(a) if a.is_multicast() => {
            let [.., b, c, d, e] = a.octets();
            Some(MacAddr([0x33, 0x33, b, c, d, e]))
        }
        _ => None,
    }
}

fn apply(bytes: &mut Vec<u8>, edit: &str) -> Result<(), String> {
    let (word, rest) = edit.split_once(' ').unwrap_or((edit, ""));
    let number = |text: &str| {
        text.trim()
            .parse::<usize>()
            .map_err(|_| format!("`{text}` is no number"))
    };
    let transport = transport(bytes);
    match word {
        // Sums and lengths are left as they are by all that follow.
        "bad-checksum" => {
            let at = transport + sum_at(bytes)?;
            flip(bytes, at);
        }
        "no-checksum" => {
            let at = transport + sum_at(bytes)?;
            put(bytes, at, &[0, 0]);
        }
        "bad-header-checksum" => flip(bytes, 10),
        "pad" => bytes.resize(bytes.len() + number(rest)?, 0),
        "chop" => bytes.truncate(number(rest)?),
        "set-ip" => {
            let (at, value) = rest.split_once(' ').ok_or("an offset and bytes")?;
            put(bytes, number(at)?, &hex(value)?);
        }
        "seal-header" => seal_header(bytes),
        "set" => {
            let (at, value) = rest.split_once(' ').ok_or("an offset and bytes")?;
            put(bytes, transport + number(at)?, &hex(value)?);
            seal(bytes);
        }
        // The packet ends so many bytes behind the network header.
        "cut" => {
            bytes.truncate(transport + number(rest)?);
            seal(bytes);
        }
        "options" => {
            let options = hex(rest)?;
            bytes.splice(transport + 20..transport + 20, options);
            let words = (bytes.len() - transport) / 4;
            put(bytes, transport + 12, &[(words as u8) << 4]);
            seal(bytes);
        }
        "ip-options" => {
            let options = hex(rest)?;
            bytes.splice(20..20, options.iter().copied());
            let words = 5 + options.len() / 4;
            put(bytes, 0, &[0x40 | words as u8]);
            seal(bytes);
        }
        // An ICMP error's own bytes end with the packet it is about.
        "about" => {
            let mut inner = read(&format!("in eth0 {rest}"))?
                .packet()
                .captured()
                .to_vec();
            name(&mut inner);
            bytes.truncate(transport + 8);
            put(bytes, transport + 4, &[0; 4]);
            bytes.extend(inner);
            seal(bytes);
        }
        "ext" => {
            let (kind, value) = rest.split_once(' ').ok_or("a protocol and bytes")?;
            extend(bytes, number(kind)? as u8, &hex(value)?);
        }
        "fragment" => fragment(bytes, rest)?,
        _ => return Err("no such edit".to_owned()),
    }
    Ok(())
}

fn hex(text: &str) -> Result<Vec<u8>, String> {
    let digits: Vec<u8> = text.bytes().filter(|b| !b.is_ascii_whitespace()).collect();
    let bad = || format!("`{text}` is not hexadecimal");
    if !digits.len().is_multiple_of(2) {
        return Err(bad());
    }
    digits
        .chunks_exact(2)
        .map(|pair| {
            let pair = std::str::from_utf8(pair).map_err(|_| bad())?;
            u8::from_str_radix(pair, 16).map_err(|_| bad())
        })
        .collect()
}

/// Puts an extension header before everything behind the IPv6 header; its first byte is filled in.
fn extend(bytes: &mut Vec<u8>, kind: u8, rest: &[u8]) {
    let mut header = vec![bytes[6]];
    header.extend(rest);
    bytes.splice(40..40, header);
    bytes[6] = kind;
    seal_lengths(bytes);
}

/// Leaves `FROM..[TO]` of what follows the network header, as a fragment of it. ` id N` names the datagram.
fn fragment(bytes: &mut Vec<u8>, text: &str) -> Result<(), String> {
    let (range, id) = text.split_once(" id ").unwrap_or((text, "7"));
    let id: u16 = id.trim().parse().map_err(|_| "an id")?;
    let (from, to) = range.split_once("..").ok_or("FROM..TO")?;
    let from: usize = from.trim().parse().map_err(|_| "a start")?;
    let header = if bytes[0] >> 4 == 4 {
        usize::from(bytes[0] & 15) * 4
    } else {
        40
    };
    let total = bytes.len() - header;
    let to = match to.trim() {
        "" => total,
        to => to.parse().map_err(|_| "an end")?,
    };
    let more = u16::from(to < total);
    bytes.truncate(header + to.min(total));
    bytes.drain(header..header + from.min(total));
    if bytes[0] >> 4 == 4 {
        let flags = (from as u16 / 8) | (more << 13) | ((u16::from(bytes[6]) << 8) & 0x4000);
        put(bytes, 4, &id.to_be_bytes());
        put(bytes, 6, &flags.to_be_bytes());
        seal_lengths(bytes);
    } else {
        let mut rest = vec![0];
        rest.extend((from as u16 | more).to_be_bytes());
        rest.extend(u32::from(id).to_be_bytes());
        extend(bytes, 44, &rest);
    }
    Ok(())
}

/// Where the transport header begins: behind IPv4's options, or behind IPv6's own header and those that `ext` put.
fn transport(bytes: &[u8]) -> usize {
    match bytes[0] >> 4 {
        4 => usize::from(bytes[0] & 15) * 4,
        _ => last_header(bytes).1,
    }
}

fn last_header(bytes: &[u8]) -> (u8, usize) {
    let (mut next, mut at) = (bytes[6], 40);
    while let (0 | 43 | 44 | 51 | 60, Some([after, len])) = (next, bytes.get(at..at + 2)) {
        at += match next {
            44 => 8,
            51 => (usize::from(*len) + 2) * 4,
            _ => (usize::from(*len) + 1) * 8,
        };
        next = *after;
    }
    (next, at)
}

fn protocol(bytes: &[u8]) -> Protocol {
    Protocol(match bytes[0] >> 4 {
        4 => bytes[9],
        _ => last_header(bytes).0,
    })
}

fn sum_at(bytes: &[u8]) -> Result<usize, String> {
    match protocol(bytes) {
        Protocol::TCP => Ok(16),
        Protocol::UDP | Protocol::UDPLITE | Protocol::DCCP => Ok(6),
        Protocol::ICMP | Protocol::ICMPV6 => Ok(2),
        Protocol::SCTP => Ok(8),
        other => Err(format!("protocol {other} has no checksum")),
    }
}

/// Makes lengths and sums right again.
fn seal(bytes: &mut [u8]) {
    seal_lengths(bytes);
    let Ok(at) = sum_at(bytes) else { return };
    let start = transport(bytes);
    let protocol = protocol(bytes);
    let len = bytes.len().saturating_sub(start);
    if protocol == Protocol::UDP {
        put(bytes, start + 4, &(len as u16).to_be_bytes());
    }
    if len < at + if protocol == Protocol::SCTP { 4 } else { 2 } {
        return;
    }
    if protocol == Protocol::SCTP {
        put(bytes, start + at, &[0; 4]);
        let crc = crc32c(&bytes[start..]);
        put(bytes, start + at, &crc.to_le_bytes());
        return;
    }
    put(bytes, start + at, &[0, 0]);
    let (source, destination) = addresses(bytes);
    let pseudo = match protocol {
        Protocol::ICMP => 0,
        protocol => checksum::pseudo_header(source, destination, protocol, len as u32),
    };
    let sum = checksum::finish(checksum::sum(&bytes[start..], pseudo));
    let sum = if protocol == Protocol::UDP && sum == 0 {
        0xffff
    } else {
        sum
    };
    put(bytes, start + at, &sum.to_be_bytes());
}

fn seal_lengths(bytes: &mut [u8]) {
    let len = bytes.len();
    if bytes[0] >> 4 == 4 {
        put(bytes, 2, &(len as u16).to_be_bytes());
        seal_header(bytes);
    } else {
        put(bytes, 4, &((len - 40) as u16).to_be_bytes());
    }
}

fn seal_header(bytes: &mut [u8]) {
    let header = (usize::from(bytes[0] & 15) * 4).min(bytes.len());
    put(bytes, 10, &[0, 0]);
    let sum = checksum::finish(checksum::sum(&bytes[..header], 0));
    put(bytes, 10, &sum.to_be_bytes());
}

fn addresses(bytes: &[u8]) -> (IpAddr, IpAddr) {
    if bytes[0] >> 4 == 4 {
        let at = |from: usize| {
            let mut octets = [0; 4];
            octets.copy_from_slice(&bytes[from..from + 4]);
            IpAddr::from(octets)
        };
        (at(12), at(16))
    } else {
        let at = |from: usize| {
            let mut octets = [0; 16];
            octets.copy_from_slice(&bytes[from..from + 16]);
            IpAddr::from(octets)
        };
        (at(8), at(24))
    }
}

fn put(bytes: &mut [u8], at: usize, value: &[u8]) {
    if let Some(field) = bytes.get_mut(at..at + value.len()) {
        field.copy_from_slice(value);
    }
}

fn flip(bytes: &mut [u8], at: usize) {
    if let Some(byte) = bytes.get_mut(at) {
        *byte ^= 0x55;
    }
}

/// CRC32c, bit by bit.
fn crc32c(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(u32::MAX, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| {
            crc >> 1 ^ if crc & 1 == 1 { 0x82f6_3b78 } else { 0 }
        })
    })
}

/// A packet's two ends and what it carries, as text: `192.0.2.1:80 > 192.0.2.9:4000`.
pub(crate) fn ends(bytes: &[u8]) -> String {
    let (source, destination) = addresses(bytes);
    let at = transport(bytes);
    let word = |offset: usize| match bytes.get(at + offset..at + offset + 2) {
        Some([a, b]) => u16::from_be_bytes([*a, *b]),
        _ => 0,
    };
    let is_later =
        bytes[0] >> 4 == 4 && (u16::from(bytes[6] & 0x1f) << 8 | u16::from(bytes[7])) > 0;
    let end = |address: IpAddr, port: u16| match address {
        IpAddr::V4(a) => format!("{a}:{port}"),
        IpAddr::V6(a) => format!("[{a}]:{port}"),
    };
    match protocol(bytes) {
        _ if is_later => format!("{source} > {destination}"),
        Protocol::TCP | Protocol::UDP | Protocol::UDPLITE | Protocol::SCTP => {
            format!("{} > {}", end(source, word(0)), end(destination, word(2)))
        }
        // Only queries and their answers have an id.
        Protocol::ICMP if matches!(bytes.get(at), Some(0 | 8 | 13..=18)) => {
            format!("{source} > {destination} id {}", word(4))
        }
        Protocol::ICMPV6 if matches!(bytes.get(at), Some(128 | 129)) => {
            format!("{source} > {destination} id {}", word(4))
        }
        _ => format!("{source} > {destination}"),
    }
}

/// What a TCP segment or UDP datagram carries; of a fragment nothing.
pub(crate) fn payload(bytes: &[u8]) -> Option<&[u8]> {
    let is_fragment = match bytes[0] >> 4 {
        4 => bytes[6] & 0x3f != 0 || bytes[7] != 0,
        _ => bytes[6] == 44,
    };
    if is_fragment {
        return None;
    }
    let at = transport(bytes);
    let header = match protocol(bytes) {
        Protocol::TCP => usize::from(bytes.get(at + 12)? >> 4) * 4,
        Protocol::UDP => 8,
        _ => return None,
    };
    bytes.get(at + header..)
}

/// What an answer of the kernel's is, in two words: `icmp 3/3`, `tcp rst+ack`.
pub(crate) fn kind(bytes: &[u8]) -> String {
    let at = transport(bytes);
    let byte = |offset: usize| bytes.get(at + offset).copied().unwrap_or(0);
    match protocol(bytes) {
        Protocol::ICMP => format!("icmp {}/{}", byte(0), byte(1)),
        Protocol::ICMPV6 => format!("icmp6 {}/{}", byte(0), byte(1)),
        Protocol::TCP => {
            let names = ["fin", "syn", "rst", "psh", "ack", "urg", "ece", "cwr"];
            let set = names
                .iter()
                .zip(0..)
                .filter(|(_, bit)| byte(13) >> bit & 1 == 1);
            let set: Vec<&str> = set.map(|(name, _)| *name).collect();
            format!("tcp {}", set.join("+"))
        }
        other => other.to_string(),
    }
}
