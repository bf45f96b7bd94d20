//! Frames from a line of text: `in eth0 tcp 198.51.100.7:4000 > 203.0.113.1:22 syn`.
//!
//! `in IFACE` or `out`; a protocol (`tcp`, `udp`, `icmp`, `icmpv6` or a number); source and destination; then flags of
//! TCP and `key=value` words: `seq`, `ack`, `win`, `len` (bytes of data), `data`, `ttl`, `tos`, `id`, `type`, `code`,
//! `frag` (offset in bytes, a `+` behind it for more to come), `about` (an ICMP error quoting `tcp,SOURCE,DESTINATION` or an earlier frame, from 1),
//! `cut` (bytes kept behind the IP header), `mac` (link-layer destination), and the words `badsum` and
//! `nosum` (UDP without a checksum).

use std::net::IpAddr;

use netverdict_conform::Frame;
use netverdict_conform::rig::Direction;
use netverdict_forge::random::packet::{self, DF, Ip, MF, Tcp, flag};
use netverdict_net::{InterfaceName, MacAddr, Protocol, Timestamp};

/// Who sends every arriving frame.
pub(crate) const PEER: MacAddr = MacAddr([2, 0, 0, 0, 0, 0x99]);

struct Line<'t> {
    words: Vec<&'t str>,
}

impl<'t> Line<'t> {
    fn value(&self, key: &str) -> Option<&'t str> {
        let mut pairs = self.words.iter().filter_map(|w| w.split_once('='));
        pairs.find(|(k, _)| *k == key).map(|(_, v)| v)
    }

    fn number<N: std::str::FromStr>(&self, key: &str, usual: N) -> N {
        self.value(key).map_or(usual, |v| {
            v.parse().ok().unwrap_or_else(|| panic!("{key}={v}"))
        })
    }

    fn has(&self, word: &str) -> bool {
        self.words.contains(&word)
    }
}

/// The frames of a text, a line each; `mac` tells the address of an interface.
pub(crate) fn frames(text: &str, mac: impl Fn(&str) -> MacAddr) -> Vec<Frame> {
    let mut all: Vec<Frame> = Vec::new();
    for line in text.lines().map(str::trim).filter(|l| !l.is_empty()) {
        let packets: Vec<Vec<u8>> = all.iter().map(packet_of).collect();
        let (head, words) = line.split_once(' ').expect("a direction");
        let (interface, words) = if head == "in" {
            let (name, words) = words.split_once(' ').expect("an interface");
            (Some(name), words)
        } else {
            (None, words)
        };
        let line = Line {
            words: words.split(' ').collect(),
        };
        let packet = build(&line, &packets);
        let bytes = match interface {
            None => packet,
            Some(name) => {
                let own = line
                    .value("mac")
                    .map_or_else(|| mac(name), |m| m.parse().unwrap());
                packet::ethernet(own, PEER, &packet)
            }
        };
        all.push(Frame {
            time: Timestamp::new(1_700_000_000, all.len() as u32 * 1000),
            interface: interface.map(|n| InterfaceName::new(n).unwrap()),
            direction: if interface.is_some() {
                Direction::In
            } else {
                Direction::Out
            },
            bytes,
        });
    }
    all
}

fn packet_of(frame: &Frame) -> Vec<u8> {
    let start = if frame.direction == Direction::In {
        14
    } else {
        0
    };
    frame.bytes[start..].to_vec()
}

fn end(text: &str) -> (IpAddr, u16) {
    if let Ok(address) = text.parse() {
        return (address, 0);
    }
    let (address, port) = text.rsplit_once(':').expect("address:port");
    let address = address.trim_matches(['[', ']']);
    (address.parse().unwrap(), port.parse().unwrap())
}

fn build(line: &Line<'_>, earlier: &[Vec<u8>]) -> Vec<u8> {
    let [protocol, source, ">", destination] = line.words[..4] else {
        panic!("expected `protocol source > destination`: {:?}", line.words);
    };
    let (source, destination) = (end(source), end(destination));
    let mut ip = Ip::new(source.0, destination.0);
    ip.ttl = line.number("ttl", 64);
    ip.tos = line.number("tos", 0);
    ip.id = line.number("id", 1);
    ip.fragment = match line.value("frag") {
        None => DF,
        Some(text) => {
            let more = if text.ends_with('+') { MF } else { 0 };
            (text.trim_end_matches('+').parse::<u16>().unwrap() / 8) | more
        }
    };
    let data = match line.value("data") {
        Some(text) => text.as_bytes().to_vec(),
        None => vec![b'.'; line.number("len", 0)],
    };
    let (protocol, mut payload) = match protocol {
        "tcp" => {
            let flags = [
                ("fin", flag::FIN),
                ("syn", flag::SYN),
                ("rst", flag::RST),
                ("psh", flag::PSH),
                ("ack", flag::ACK),
                ("urg", flag::URG),
            ];
            let set = flags.iter().filter(|(name, _)| line.has(name));
            let tcp = Tcp {
                source: source.1,
                destination: destination.1,
                seq: line.number("seq", 1),
                ack: line.number("ack", 0),
                flags: set.fold(0, |all, (_, bit)| all | bit),
                window: line.number("win", 8000),
                data,
                ..Tcp::default()
            };
            (Protocol::TCP, tcp.segment(&ip))
        }
        "udp" => (
            Protocol::UDP,
            packet::udp(&ip, source.1, destination.1, &data),
        ),
        "icmp" | "icmpv6" => {
            let quoted = line.value("about").map(|what| quote(what, earlier));
            let rest = quoted.clone().unwrap_or(data);
            let word = line.number::<u32>("id", 1) << 16;
            let word = if quoted.is_some() { 0 } else { word };
            let echo = if protocol == "icmp" { 8 } else { 128 };
            let (kind, code) = (line.number("type", echo), line.number("code", 0));
            (
                packet::icmp_protocol(source.0),
                packet::icmp(&ip, kind, code, word, &rest),
            )
        }
        number => (Protocol(number.parse().unwrap()), data),
    };
    if line.has("nosum") {
        payload[6..8].copy_from_slice(&[0, 0]);
    }
    if line.has("badsum") {
        let last = payload.len() - 1;
        payload[last] ^= 0x55;
    }
    payload.truncate(line.number("cut", usize::MAX));
    // A later fragment is all data.
    if ip.fragment & 0x1fff != 0 && line.value("data").is_none() {
        payload = vec![b'.'; payload.len()];
    }
    ip.packet(protocol, &payload)
}

/// `tcp,SOURCE,DESTINATION`, or the number of an earlier frame.
fn quote(what: &str, earlier: &[Vec<u8>]) -> Vec<u8> {
    if let Ok(number) = what.parse::<usize>() {
        return earlier[number - 1].clone();
    }
    let text = what.replacen(',', " ", 1).replacen(',', " > ", 1);
    let words = text.split(' ').collect();
    build(&Line { words }, earlier)
}
