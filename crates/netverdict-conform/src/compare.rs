//! Model and kernel side by side: what has to be equal, and what no dump and capture determine.

mod answers;
mod connections;
mod reassemble;

use std::fmt;

use netverdict_engine::{ConnectionView, Fate as ModelFate, Outcome};
use netverdict_forge::random::network::SERVICES;
use netverdict_net::header::ipv6;
use netverdict_net::{Family, Link, Packet};

use crate::model::ModelRun;
use crate::rig::{Counter, Counters, Direction, Emitted, Fate, Observation};
use crate::{Case, Frame, KernelRun};

/// One thing on which the two do not agree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Difference {
    /// A counter.
    Counter {
        /// Whose ruleset.
        family: Family,
        /// Table and chain.
        place: String,
        /// The rule's number from 1 and its text; `None` for the policy.
        rule: Option<(usize, String)>,
        /// What the kernel counted.
        kernel: Counter,
        /// What the model counted.
        model: Counter,
    },
    /// The two print different rules or chains.
    Shape {
        /// Whose ruleset.
        family: Family,
        /// What is there on one side only.
        what: String,
    },
    /// Where a packet ended.
    Fate {
        /// The frame, counted from 1.
        frame: usize,
        /// Where the kernel had it.
        kernel: Fate,
        /// Where the model has it, and why.
        model: String,
    },
    /// By which interface a packet left.
    Interface {
        /// The frame, counted from 1.
        frame: usize,
        /// The kernel's.
        kernel: String,
        /// The model's.
        model: String,
    },
    /// The packet that left or was delivered.
    Packet {
        /// The frame, counted from 1.
        frame: usize,
        /// The kernel's packets, fragments put together.
        kernel: Vec<Vec<u8>>,
        /// The model's.
        model: Vec<u8>,
    },
    /// What the host itself said to a packet: resets, ICMP errors, copies.
    Answer {
        /// The frame, counted from 1.
        frame: usize,
        /// The kernel's packets, in order of their bytes.
        kernel: Vec<Vec<u8>>,
        /// The model's.
        model: Vec<Vec<u8>>,
    },
    /// An entry of the connection table.
    Connection {
        /// The kernel's, if it has one.
        kernel: Option<Box<ConnectionView>>,
        /// The model's, if it has one.
        model: Option<Box<ConnectionView>>,
    },
}

pub use connections::TOLERANCE;

/// Every difference, counters first.
pub fn differences(case: &Case, kernel: &KernelRun, model: &ModelRun) -> Vec<Difference> {
    let mut found = Vec::new();
    for ((family, ours), (_, theirs)) in model.counters.iter().zip(&kernel.counters) {
        counters(*family, theirs, ours, &mut found);
    }
    let outcomes = kernel.seen.iter().zip(&model.outcomes);
    for ((frame, sent), (seen, outcome)) in (1..).zip(&case.frames).zip(outcomes) {
        packet(frame, sent, seen, outcome.as_ref(), &mut found);
        answers::compare(frame, seen, outcome.as_ref(), &mut found);
    }
    connections::compare(&kernel.connections, &model.connections, &mut found);
    found
}

/// Why a case cannot be compared: the kernel drew a number that nothing determines. Rules of random cases name ports of
/// services only, so that a source port that is neither the packet's own nor one of those was drawn.
pub fn undetermined(case: &Case, kernel: &KernelRun, found: &[Difference]) -> Option<&'static str> {
    if !found.is_empty() && searches_pieces(case) {
        return Some("a Boyer-Moore search does not look across the kernel's buffers");
    }
    let with_ports = |c: &&crate::kernel::Connection| matches!(c.protocol.0, 6 | 17 | 132 | 136);
    let mut entries = kernel.connections.iter().filter(with_ports);
    let in_table = entries.any(|c| drawn(c.original.source_port, c.reply.destination_port));
    // No rule of random cases names an ICMP id.
    let mut pings = kernel.connections.iter();
    let pinged = pings
        .any(|c| matches!(c.protocol.0, 1 | 58) && c.original.source_port != c.reply.source_port);
    let mut packets = found.iter().filter_map(|difference| match difference {
        Difference::Packet { kernel, model, .. } => Some((kernel.first()?, model)),
        _ => None,
    });
    let in_packet = packets.any(|(kernel, model)| {
        let ports = source_port(kernel).zip(source_port(model));
        ports.is_some_and(|(theirs, ours)| drawn(ours, theirs) && drawn(theirs, ours))
    });
    (in_table || pinged || in_packet).then_some(DRAWN)
}

/// The same where the model drew, and the kernel's draw was a port that rules name or that another packet has.
pub fn drawn_otherwise(model: &ModelRun, found: &[Difference]) -> Option<&'static str> {
    let outcomes = model.outcomes.iter().flatten();
    let mut translated = outcomes.filter_map(|outcome| outcome.nat.as_ref());
    let drew = translated.any(|nat| {
        matches!(nat.before.protocol.0, 6 | 17 | 132 | 136)
            && drawn(nat.before.source_port, nat.after.source_port)
    });
    (drew && !found.is_empty()).then_some(DRAWN)
}

/// Where pieces that the host sends come back to it: whole or in pieces, as the kernel's buffers lie.
pub fn loops_pieces(case: &Case, model: &ModelRun, found: &[Difference]) -> Option<&'static str> {
    let mut sent = case.frames.iter().zip(&model.outcomes);
    let looped = sent.any(|(frame, outcome)| {
        let is_local = |o: &Outcome| o.fate == ModelFate::Local;
        frame.direction == Direction::Out
            && is_piece(frame)
            && outcome.as_ref().is_some_and(is_local)
    });
    (looped && !found.is_empty())
        .then_some("fragments that the host sends to itself come back whole or not")
}

const DRAWN: &str = "source NAT drew a port or an id at random";

/// Whether no rule of a random case can have made one port the other.
fn drawn(before: u16, after: u16) -> bool {
    before != after && !SERVICES.contains(&after)
}

/// Whether `string --algo bm` may meet a reassembled datagram: where its fragments end in memory decides.
fn searches_pieces(case: &Case) -> bool {
    let searches = |family| {
        let text = case.dump(family);
        text.is_some_and(|text| text.contains("--algo bm"))
    };
    Family::ALL.into_iter().any(searches) && case.frames.iter().any(is_piece)
}

fn is_piece(frame: &Frame) -> bool {
    let start = if frame.direction == Direction::Out {
        0
    } else {
        14
    };
    let packet = frame.bytes.get(start..).unwrap_or_default();
    match packet.first().map(|b| b >> 4) {
        Some(4) => packet
            .get(6..8)
            .is_some_and(|w| w[0] & 0x3f != 0 || w[1] != 0),
        _ => fragment_header(packet).is_some(),
    }
}

/// The source port of a TCP, UDP or SCTP packet.
fn source_port(packet: &[u8]) -> Option<u16> {
    let (protocol, at) = if packet.first()? >> 4 == 4 {
        (*packet.get(9)?, usize::from(packet.first()? & 15) * 4)
    } else {
        let packet = Packet::new(packet, packet.len(), Link::default()).ok()?;
        let found = ipv6::skip(&packet).ok()?;
        (found.protocol.0, found.offset)
    };
    let bytes = packet.get(at..)?.first_chunk()?;
    matches!(protocol, 6 | 17 | 132).then(|| u16::from_be_bytes(*bytes))
}

fn counters(family: Family, kernel: &Counters, model: &Counters, found: &mut Vec<Difference>) {
    for table in &kernel.tables {
        for chain in &table.chains {
            let place = format!("{} {}", table.name, chain.name);
            let Some(ours) = model.chain(&table.name, &chain.name) else {
                // The kernel lists tables that some rule of another one touched; they have no rules.
                if !chain.rules.is_empty() {
                    found.push(Difference::Shape {
                        family,
                        what: place,
                    });
                }
                continue;
            };
            if ours.rules.len() != chain.rules.len() {
                found.push(Difference::Shape {
                    family,
                    what: place,
                });
                continue;
            }
            let mut check = |rule: Option<(usize, String)>, kernel: Counter, model: Counter| {
                if kernel != model {
                    found.push(Difference::Counter {
                        family,
                        place: place.clone(),
                        rule,
                        kernel,
                        model,
                    });
                }
            };
            for (number, ((theirs, text), (ours, _))) in
                (1..).zip(chain.rules.iter().zip(&ours.rules))
            {
                check(Some((number, text.clone())), *theirs, *ours);
            }
            check(
                None,
                chain.policy.unwrap_or_default(),
                ours.policy.unwrap_or_default(),
            );
        }
    }
}

fn packet(
    frame: usize,
    sent: &Frame,
    seen: &Observation,
    outcome: Option<&Outcome>,
    found: &mut Vec<Difference>,
) {
    let ours = outcome.map_or(Fate::Gone, |o| match o.fate {
        ModelFate::Local => Fate::Local,
        ModelFate::Forwarded | ModelFate::Sent => Fate::Emitted,
        ModelFate::Dropped | ModelFate::Queued | ModelFate::Held => Fate::Gone,
    });
    // A broadcast of our own both leaves and comes back.
    let left_too = ours == Fate::Emitted && !seen.emitted.is_empty();
    let theirs = if left_too { ours } else { seen.fate() };
    if theirs != ours {
        found.push(Difference::Fate {
            frame,
            kernel: theirs,
            model: outcome.map_or("no packet to netfilter".to_owned(), |o| {
                format!("{:?}, {:?}, {:?}", o.verdict, o.fate, o.decided_by)
            }),
        });
        return;
    }
    let Some(egress) = outcome.and_then(|o| Some((o, o.egress.as_ref()?))) else {
        return;
    };
    let packets: Vec<&[u8]> = match theirs {
        Fate::Local => seen.delivered.iter().map(|d| &d.packet[..]).collect(),
        Fate::Emitted => seen.emitted.iter().map(Emitted::packet).collect(),
        Fate::Gone => return,
    };
    let (outcome, ours) = (egress.0, egress.1.captured());
    let whole = reassemble::reassembled(&packets);
    let drawn = is_numbered_by_kernel(sent);
    let same = |p: &&Vec<u8>| same_datagram(p, ours) || drawn && same_but_for_id(p, ours);
    let as_it_left = |p: &[u8]| same_packet(p, ours) || drawn && same_but_for_id(p, ours);
    if !whole.iter().any(|p| same(&p)) && !packets.iter().any(|p| as_it_left(p)) {
        found.push(Difference::Packet {
            frame,
            kernel: whole,
            model: ours.to_vec(),
        });
    } else if theirs == Fate::Emitted {
        let left = outcome.out_device.to_string();
        if !seen.emitted.iter().any(|e| e.interface.as_str() == left) {
            let names = seen.emitted.iter().map(|e| e.interface.to_string());
            found.push(Difference::Interface {
                frame,
                kernel: names.collect::<Vec<_>>().join(", "),
                model: left,
            });
        }
    }
}

/// Whether the kernel gives the packet its id: a sent one that has none and may be cut up (`ip_select_ident`).
fn is_numbered_by_kernel(sent: &Frame) -> bool {
    let packet = &sent.bytes;
    let v4 = packet.first().is_some_and(|b| b >> 4 == 4);
    let free = packet
        .get(4..7)
        .is_some_and(|b| b[..2] == [0, 0] && b[2] & 0x40 == 0);
    sent.direction == Direction::Out && v4 && free
}

fn same_but_for_id(whole: &[u8], model: &[u8]) -> bool {
    let plain = |packet: &[u8]| {
        let mut packet = packet.to_vec();
        for place in [4..6, 10..12] {
            if let Some(bytes) = packet.get_mut(place) {
                bytes.fill(0);
            }
        }
        packet
    };
    plain(whole) == plain(model)
}

/// Whether they are the same packet, cut up on the way or not: cutting clears IPv4's fragment word.
fn same_datagram(whole: &[u8], model: &[u8]) -> bool {
    if same_packet(whole, model) {
        return true;
    }
    let plain = |packet: &[u8]| {
        let mut packet = packet.to_vec();
        if packet.first().is_some_and(|b| b >> 4 == 4) && packet.len() >= 20 {
            packet[6..8].copy_from_slice(&[0, 0]);
            packet[10..12].copy_from_slice(&[0, 0]);
        }
        packet
    };
    whole.get(6..8) == Some(&[0, 0]) && plain(whole) == plain(model)
}

/// Whether two packets are the same but for what the kernel draws at random: the id by which IPv6 fragments of a
/// datagram that it cut itself belong together (`ipv6_select_ident`).
pub fn same_packet(one: &[u8], two: &[u8]) -> bool {
    if is_unnumbered(two) && !is_unnumbered(one) {
        return numbered_as_nothing(one) == numbered_as_nothing(two);
    }
    match (fragment_id(one), fragment_id(two)) {
        (Some(a), Some(b)) if a == b => {
            let (start, end) = (a, a + 4);
            one.len() == two.len()
                && one.get(..start) == two.get(..start)
                && one.get(end..) == two.get(end..)
        }
        _ => one == two,
    }
}

/// Whether it is an IPv4 packet with id 0, which a raw socket gives one of its own.
fn is_unnumbered(packet: &[u8]) -> bool {
    packet.first().is_some_and(|b| b >> 4 == 4) && packet.get(4..6) == Some(&[0, 0])
}

/// An IPv4 packet without its id and the checksum that covers it.
fn numbered_as_nothing(packet: &[u8]) -> Vec<u8> {
    let mut packet = packet.to_vec();
    for part in [4..6, 10..12] {
        if let Some(bytes) = packet.get_mut(part) {
            bytes.fill(0);
        }
    }
    packet
}

/// Where an IPv6 packet's fragment header has its id.
fn fragment_id(packet: &[u8]) -> Option<usize> {
    fragment_header(packet).map(|at| at + 4)
}

/// Where an IPv6 packet has its fragment header.
fn fragment_header(packet: &[u8]) -> Option<usize> {
    const FRAGMENT: u8 = 44;
    const WALKED: [u8; 3] = [0, 43, 60];
    if packet.first()? >> 4 != 6 {
        return None;
    }
    let (mut next, mut at) = (*packet.get(6)?, 40);
    while WALKED.contains(&next) {
        next = *packet.get(at)?;
        at += (usize::from(*packet.get(at + 1)?) + 1) * 8;
    }
    (next == FRAGMENT && packet.len() >= at + 8).then_some(at)
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Counter {
                family,
                place,
                rule,
                kernel,
                model,
            } => {
                write!(f, "{family} {place} ")?;
                match rule {
                    Some((number, text)) => write!(f, "rule {number}: {text}")?,
                    None => write!(f, "policy")?,
                }
                let Counter { packets, bytes } = kernel;
                write!(f, ": kernel [{packets}:{bytes}], ")?;
                write!(f, "model [{}:{}]", model.packets, model.bytes)
            }
            Self::Shape { family, what } => write!(f, "{family} {what}: not the same rules"),
            Self::Fate {
                frame,
                kernel,
                model,
            } => write!(f, "frame {frame}: kernel {kernel:?}, model {model}"),
            Self::Interface {
                frame,
                kernel,
                model,
            } => write!(f, "frame {frame}: left by {kernel}, model by {model}"),
            Self::Packet {
                frame,
                kernel,
                model,
            } => {
                write!(f, "frame {frame}: kernel let out")?;
                all_hex(f, kernel)?;
                write!(f, ", model {}", hex(model))
            }
            Self::Answer {
                frame,
                kernel,
                model,
            } => {
                write!(f, "frame {frame}: kernel answered")?;
                all_hex(f, kernel)?;
                write!(f, ", model")?;
                all_hex(f, model)
            }
            Self::Connection { kernel, model } => {
                write!(f, "connection: kernel ")?;
                connections::write(f, kernel.as_deref())?;
                write!(f, ", model ")?;
                connections::write(f, model.as_deref())
            }
        }
    }
}

/// Each packet's bytes behind a blank; `nothing` for none.
fn all_hex(f: &mut fmt::Formatter<'_>, packets: &[Vec<u8>]) -> fmt::Result {
    if packets.is_empty() {
        return f.write_str(" nothing");
    }
    packets
        .iter()
        .try_for_each(|packet| write!(f, " {}", hex(packet)))
}

/// Bytes as hexadecimal digits.
pub fn hex(bytes: &[u8]) -> String {
    use fmt::Write;
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_id_of_an_ipv6_fragment_may_differ() {
        let mut packet = vec![0; 56];
        packet[0] = 0x60;
        packet[6] = 44;
        let mut other = packet.clone();
        other[47] = 9;
        assert!(same_packet(&packet, &other));
        other[50] = 1;
        assert!(!same_packet(&packet, &other));
        packet[6] = 17;
        let mut other = packet.clone();
        other[47] = 9;
        assert!(!same_packet(&packet, &other));
    }
}
