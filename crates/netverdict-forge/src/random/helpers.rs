//! Random conversations of the protocols that conntrack helpers read, through a router that translates them or not. What
//! one end says next follows from what it saw last: the payload rewritten, the numbers shifted.

mod h323;
mod payload;
mod per;

use std::fmt::Write;
use std::net::IpAddr;

use netverdict_net::{Family, InterfaceName, MacAddr, Protocol, Timestamp};

use super::packet::{self, Ip, Tcp, flag};
use super::{Direction, Rng, TimedFrame};

/// The router's MAC addresses, outside and inside.
pub const MACS: [MacAddr; 2] = [MacAddr([2, 0, 0, 0, 0, 1]), MacAddr([2, 0, 0, 0, 0, 2])];
const NEIGHBOUR: MacAddr = MacAddr([2, 0, 0, 0, 0, 0x99]);
/// The router's outer address.
const ROUTER: [&str; 2] = ["203.0.113.1", "2001:db8::1"];
const INSIDE: [&str; 2] = ["10.0.0.2", "fd00::2"];
const OUTSIDE: [&str; 2] = ["198.51.100.7", "2001:db8:1::7"];
const STRANGER: [&str; 2] = ["198.51.100.9", "2001:db8:1::9"];

/// What is talked, and how the router treats it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Helper {
    Ftp,
    Tftp,
    Irc,
    Amanda,
    Sane,
    Sip,
    SipTcp,
    Pptp,
    Q931,
    Ras,
}

const HELPERS: [Helper; 12] = [
    Helper::Ftp,
    Helper::Tftp,
    Helper::Irc,
    Helper::Amanda,
    Helper::Sane,
    Helper::Sip,
    Helper::SipTcp,
    Helper::Pptp,
    // With more to say than the others.
    Helper::Q931,
    Helper::Q931,
    Helper::Ras,
    Helper::Ras,
];

impl Helper {
    const fn name(self) -> &'static str {
        match self {
            Self::Ftp => "ftp",
            Self::Tftp => "tftp",
            Self::Irc => "irc",
            Self::Amanda => "amanda",
            Self::Sane => "sane",
            Self::Sip | Self::SipTcp => "sip",
            Self::Pptp => "pptp",
            Self::Q931 => "Q.931",
            Self::Ras => "RAS",
        }
    }

    const fn port(self) -> u16 {
        match self {
            Self::Ftp => 21,
            Self::Tftp => 69,
            Self::Irc => 6667,
            Self::Amanda => 10_080,
            Self::Sane => 6566,
            Self::Sip | Self::SipTcp => 5060,
            Self::Pptp => 1723,
            Self::Q931 => 1720,
            Self::Ras => 1719,
        }
    }

    const fn protocol(self) -> Protocol {
        match self {
            Self::Tftp | Self::Amanda | Self::Sip | Self::Ras => Protocol::UDP,
            _ => Protocol::TCP,
        }
    }

    /// Of which protocol what it announces is.
    const fn data(self) -> Protocol {
        match self {
            Self::Tftp | Self::Sip | Self::SipTcp => Protocol::UDP,
            Self::Pptp => Protocol::GRE,
            _ => Protocol::TCP,
        }
    }

    const fn has_v6(self) -> bool {
        !matches!(self, Self::Irc | Self::Pptp)
    }
}

/// One end of the conversation.
#[derive(Debug, Clone)]
pub(crate) struct End {
    /// Its own address, and whom it talks to, as it sees them.
    pub(crate) own: (IpAddr, u16),
    pub(crate) peer: (IpAddr, u16),
    /// What it says and acknowledges next.
    sequence: u32,
    ack: u32,
    nic: usize,
    last: Option<Vec<u8>>,
}

/// A source of frames that learns from what became of the last one.
#[derive(Debug)]
pub struct HelperTalk {
    rng: Rng,
    helper: Helper,
    family: Family,
    translated: bool,
    /// Client and server.
    ends: [End; 2],
    left: u64,
    step: u64,
    clock: Timestamp,
    /// Who gets what was sent last, if it was of the control connection.
    listener: Option<usize>,
}

fn address(all: [&str; 2], family: Family) -> IpAddr {
    let text = match family {
        Family::V4 => all[0],
        Family::V6 => all[1],
    };
    text.parse().unwrap_or(IpAddr::V4([0, 0, 0, 0].into()))
}

impl HelperTalk {
    /// The conversation of a seed.
    pub fn new(seed: u64) -> Self {
        let mut rng = Rng::new(seed, 21);
        let helper = *rng.pick(&HELPERS);
        let family = if helper.has_v6() && rng.chance(30) {
            Family::V6
        } else {
            Family::V4
        };
        let translated = rng.chance(65);
        let inside_calls = rng.chance(60);
        let (inside, outside) = (address(INSIDE, family), address(OUTSIDE, family));
        let port = helper.port();
        let client_port = match helper {
            Helper::Sip | Helper::SipTcp => 5060,
            _ => 1000 + rng.below(3) as u16,
        };
        let (client, server, dialled) = if inside_calls {
            (inside, outside, outside)
        } else {
            let dialled = if translated {
                address(ROUTER, family)
            } else {
                inside
            };
            (outside, inside, dialled)
        };
        let end = |own, peer, nic, sequence| End {
            own,
            peer,
            sequence,
            ack: 0,
            nic,
            last: None,
        };
        let (near, far) = if inside_calls { (1, 0) } else { (0, 1) };
        Self {
            ends: [
                end((client, client_port), (dialled, port), near, 100),
                // Where the client is, the first packet tells.
                end((server, port), (client, client_port), far, 0xffff_ff00),
            ],
            left: rng.between(6, 26),
            helper,
            family,
            translated,
            step: 0,
            clock: Timestamp::new(1_700_000_000, 0),
            listener: None,
            rng,
        }
    }

    /// The family that it is of.
    pub fn family(&self) -> Family {
        self.family
    }

    /// `iptables-save` or `ip6tables-save` text: the helper given, the translation, and every state counted.
    pub fn rules(&self) -> String {
        let (name, port) = (self.helper.name(), self.helper.port());
        let protocol = self.helper.protocol();
        let mut text = format!(
            "*raw\n:PREROUTING ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\n\
             -A PREROUTING -p {protocol} -m {protocol} --dport {port} -j CT --helper {name}\nCOMMIT\n"
        );
        if self.translated {
            text += "*nat\n:PREROUTING ACCEPT [0:0]\n:INPUT ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\n";
            text += ":POSTROUTING ACCEPT [0:0]\n";
            let router = address(ROUTER, self.family);
            let inside = address(INSIDE, self.family);
            let _ = write!(
                text,
                "-A PREROUTING -i eth0 -p {protocol} -m {protocol} --dport {port} -j DNAT --to-destination {inside}\n\
                 -A POSTROUTING -o eth0 -j SNAT --to-source {router}\nCOMMIT\n"
            );
        }
        text += "*filter\n:INPUT ACCEPT [0:0]\n:FORWARD ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\n";
        for rule in [
            "-m conntrack --ctstate INVALID",
            "-m conntrack --ctstate NEW",
            "-m conntrack --ctstate ESTABLISHED",
            "-m conntrack --ctstate RELATED",
            "-m conntrack --ctstatus EXPECTED",
        ] {
            let _ = writeln!(text, "-A FORWARD {rule}");
        }
        let _ = write!(text, "-A FORWARD -m helper --helper {name}\nCOMMIT\n");
        text
    }

    /// The next frame; `None` when all has been said.
    pub fn next_frame(&mut self) -> Option<TimedFrame> {
        self.left = self.left.checked_sub(1)?;
        let step = self.step;
        self.step += 1;
        let (side, bytes) = match (self.helper.protocol(), step) {
            (Protocol::TCP, 0) => self.segment(0, flag::SYN, Vec::new()),
            (Protocol::TCP, 1) => self.segment(1, flag::SYN | flag::ACK, Vec::new()),
            (Protocol::TCP, 2) => self.segment(0, flag::ACK, Vec::new()),
            _ => self.talk(),
        };
        self.clock = self.clock + 5_000_000;
        let nic = self.ends[side].nic;
        let name = ["eth0", "eth1"][nic];
        Some(TimedFrame {
            time: self.clock,
            interface: InterfaceName::new(name).ok(),
            direction: Direction::In,
            bytes: packet::ethernet(MACS[nic], NEIGHBOUR, &bytes),
        })
    }

    fn talk(&mut self) -> (usize, Vec<u8>) {
        match self.rng.below(20) {
            0..5 => self.data(),
            5 => {
                let side = self.rng.below(2) as usize;
                match self.ends[side].last.clone() {
                    Some(last) => {
                        self.listener = None;
                        (side, last)
                    }
                    None => self.say(side),
                }
            }
            6 if self.helper.protocol() == Protocol::TCP => {
                let side = self.rng.below(2) as usize;
                self.segment(side, flag::ACK, Vec::new())
            }
            _ => {
                let side = self.rng.below(2) as usize;
                self.say(side)
            }
        }
    }

    fn say(&mut self, side: usize) -> (usize, Vec<u8>) {
        let end = self.ends[side].clone();
        let text = payload::draw(&mut self.rng, self.helper, side, &end);
        if self.helper.protocol() == Protocol::TCP {
            return self.segment(side, flag::ACK | flag::PSH, text);
        }
        let ip = Ip::new(end.own.0, end.peer.0);
        let datagram = packet::udp(&ip, end.own.1, end.peer.1, &text);
        let bytes = ip.packet(Protocol::UDP, &datagram);
        self.listener = Some(1 - side);
        self.ends[side].last = Some(bytes.clone());
        (side, bytes)
    }

    fn segment(&mut self, side: usize, flags: u8, data: Vec<u8>) -> (usize, Vec<u8>) {
        let end = &mut self.ends[side];
        let ip = Ip::new(end.own.0, end.peer.0);
        let syn = flags & flag::SYN != 0;
        let options = match (syn, self.rng.below(4)) {
            (true, _) => vec![4, 2],
            // What lies ahead of a gap.
            (false, 0) if flags & flag::PSH == 0 => {
                let edge = end.ack.wrapping_add(4);
                let mut options = vec![1, 1, 5, 10];
                options.extend(edge.to_be_bytes());
                options.extend(edge.wrapping_add(8).to_be_bytes());
                options
            }
            _ => Vec::new(),
        };
        let segment = Tcp {
            source: end.own.1,
            destination: end.peer.1,
            seq: end.sequence,
            ack: if flags & flag::ACK == 0 { 0 } else { end.ack },
            flags,
            window: 0x2000,
            options,
            data,
        };
        end.sequence = end
            .sequence
            .wrapping_add(segment.data.len() as u32 + u32::from(syn));
        let bytes = segment.packet(&ip);
        end.last = Some(bytes.clone());
        self.listener = Some(1 - side);
        (side, bytes)
    }

    /// A packet of what was announced, or of what was not.
    fn data(&mut self) -> (usize, Vec<u8>) {
        self.listener = None;
        let from = self.rng.below(2) as usize;
        let end = &self.ends[from];
        let source = match self.rng.below(5) {
            0 if end.nic == 0 => address(STRANGER, self.family),
            _ => end.own.0,
        };
        let (to, nic) = (end.peer.0, end.nic);
        let port = *self.rng.pick(&payload::PORTS);
        let own = match self.rng.below(3) {
            0 => self.ends[from].own.1,
            _ => 2000 + self.rng.below(4) as u16,
        };
        let ip = Ip::new(source, to);
        let data = match (self.helper, self.rng.chance(50)) {
            (Helper::Q931, true) => Protocol::UDP,
            _ => self.helper.data(),
        };
        let bytes = match data {
            Protocol::UDP => {
                let port = match (self.helper, self.rng.chance(70)) {
                    (Helper::Tftp, true) => self.ends[from].peer.1,
                    _ => port,
                };
                ip.packet(Protocol::UDP, &packet::udp(&ip, own, port, b"data"))
            }
            Protocol::GRE => {
                let id = *self.rng.pick(&payload::CALLS);
                let id = if self.rng.chance(40) {
                    self.ends[from].peer.1
                } else {
                    id
                };
                let [high, low] = id.to_be_bytes();
                let gre = [
                    0x30, 0x01, 0x88, 0x0b, 0, 4, high, low, 0, 0, 0, 1, 1, 2, 3, 4,
                ];
                ip.packet(Protocol::GRE, &gre)
            }
            _ => {
                let syn = Tcp {
                    source: own,
                    destination: port,
                    seq: 7,
                    flags: flag::SYN,
                    window: 0x2000,
                    ..Tcp::default()
                };
                syn.packet(&ip)
            }
        };
        (usize::from(nic != self.ends[0].nic), bytes)
    }

    /// Tells what of the last frame left.
    pub fn observe(&mut self, left: Option<&[u8]>) {
        let (Some(listener), Some(bytes)) = (self.listener, left) else {
            return;
        };
        let (header, addresses) = match self.family {
            Family::V4 => (20, v4_source(bytes)),
            Family::V6 => (40, v6_source(bytes)),
        };
        let word = |at: usize| bytes.get(at..at + 4).and_then(|b| b.first_chunk::<4>());
        let (Some(source), Some(ports)) = (addresses, word(header)) else {
            return;
        };
        let end = &mut self.ends[listener];
        end.peer = (source, u16::from_be_bytes([ports[0], ports[1]]));
        if self.helper.protocol() != Protocol::TCP {
            return;
        }
        let (Some(sequence), Some(flags)) = (word(header + 4), word(header + 12)) else {
            return;
        };
        let data = bytes.len() - header - usize::from(flags[0] >> 4) * 4;
        let syn = u32::from(flags[1] & flag::SYN != 0);
        let next = u32::from_be_bytes(*sequence).wrapping_add(data as u32 + syn);
        end.ack = next;
    }
}

fn v4_source(bytes: &[u8]) -> Option<IpAddr> {
    let octets: [u8; 4] = *bytes.get(12..)?.first_chunk()?;
    Some(octets.into())
}

fn v6_source(bytes: &[u8]) -> Option<IpAddr> {
    let octets: [u8; 16] = *bytes.get(8..)?.first_chunk()?;
    Some(octets.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_gives_the_same_frames() {
        for seed in 0..60 {
            let run = || {
                let mut talk = HelperTalk::new(seed);
                let rules = talk.rules();
                let frames: Vec<TimedFrame> = std::iter::from_fn(|| talk.next_frame()).collect();
                (rules, frames)
            };
            let (rules, frames) = run();
            assert_eq!((rules, frames.clone()), run());
            assert!(frames.len() >= 6);
        }
    }
}
