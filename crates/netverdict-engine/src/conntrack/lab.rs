//! A forwarding path for tests: tracking, NAT and confirmation, without rules.

use std::net::IpAddr;

use netverdict_host::Host;
use netverdict_net::checksum::{finish, pseudo_header, sum};
use netverdict_net::{AddrRange, Family, Jiffies, Link, Packet, Protocol, Timestamp};
use netverdict_ruleset::targets::{NatPorts, NatRange};
use netverdict_ruleset::{Hook, NatSide};

use super::{Confirm, Conntrack, Settings, Tracked};
use crate::context::Now;
use crate::nat::{self, NatCx, NatStep};
use crate::state::Random;
use crate::{CtState, Reason, Skb};

pub(crate) const FIN: u8 = 0x01;
pub(crate) const SYN: u8 = 0x02;
pub(crate) const RST: u8 = 0x04;
pub(crate) const ACK: u8 = 0x10;

pub(crate) const CLIENT: [u8; 4] = [10, 0, 0, 2];
pub(crate) const SERVER: [u8; 4] = [10, 1, 0, 2];

/// What became of a packet.
#[derive(Debug)]
pub(crate) struct Passed {
    pub(crate) state: CtState,
    pub(crate) why: Option<&'static str>,
    /// The packet as it left, or the reason it was dropped for.
    pub(crate) out: Result<Packet<'static>, Reason>,
    /// Whether the nat chains of PREROUTING and POSTROUTING were asked.
    pub(crate) asked: [bool; 2],
}

/// A host that forwards everything.
#[derive(Debug, Default)]
pub(crate) struct Lab {
    pub(crate) conntrack: Conntrack,
    pub(crate) random: Random,
    host: Host,
    milliseconds: i64,
    /// What the nat chains would choose.
    pub(crate) dnat: Option<NatRange>,
    pub(crate) snat: Option<NatRange>,
    /// Whether a rule drops every packet in FORWARD.
    pub(crate) dropping: bool,
    /// The helper that a rule gives to every new connection.
    pub(crate) helper: Option<super::Helper>,
}

impl Lab {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    pub(crate) fn with(sysctl: &str, value: i64) -> Self {
        let path = format!("net/netfilter/nf_conntrack_{sysctl}");
        let settings = Settings::new(250, |asked| (asked == path).then_some(value));
        Self {
            conntrack: Conntrack {
                settings,
                ..Conntrack::default()
            },
            ..Self::default()
        }
    }

    /// Lets time pass.
    pub(crate) const fn wait(&mut self, milliseconds: i64) {
        self.milliseconds += milliseconds;
    }

    pub(crate) const fn now(&self) -> Now {
        let time = Timestamp(self.milliseconds * 1_000_000);
        Now {
            time,
            jiffies: time.jiffies_since(Timestamp(0), 250),
        }
    }

    /// Takes a packet through PREROUTING and POSTROUTING.
    pub(crate) fn pass(&mut self, bytes: Vec<u8>) -> Passed {
        let family = if bytes[0] >> 4 == 4 {
            Family::V4
        } else {
            Family::V6
        };
        let mut skb = Skb::new(Packet::owned(bytes, family, Link::default()));
        let (now, mut asked) = (self.now(), [false; 2]);
        if let Some(helper) = self.helper {
            self.conntrack.templates = vec![super::Template {
                zone: None,
                helper: Some(helper),
                ..super::Template::default()
            }];
            skb.template = Some(0);
        }
        let why = match self
            .conntrack
            .track(&mut skb, Hook::Prerouting, now.jiffies)
        {
            Tracked::Accept { why } => why,
            other => panic!("{other:?}"),
        };
        let state = skb.connection.state();
        nat::follow(
            &mut self.conntrack,
            &skb,
            &mut NatCx {
                hook: Hook::Prerouting,
                side: NatSide::Destination,
                now,
                host: &self.host,
                random: &mut self.random,
            },
        );
        let out = self.translate(&mut skb, &mut asked).and_then(|()| {
            if self.dropping {
                return Err(Reason::NoTable);
            }
            match self.confirm(&mut skb) {
                Confirm::Drop(reason) => Err(reason),
                _ => Ok(()),
            }
        });
        self.conntrack.release(skb.connection);
        Passed {
            state,
            why,
            out: out.map(|()| skb.packet.into_owned()),
            asked,
        }
    }

    fn translate(&mut self, skb: &mut Skb<'_>, asked: &mut [bool; 2]) -> Result<(), Reason> {
        let hooks = [
            (Hook::Prerouting, NatSide::Destination, self.dnat),
            (Hook::Postrouting, NatSide::Source, self.snat),
        ];
        for (index, (hook, side, range)) in hooks.into_iter().enumerate() {
            let cx = &mut NatCx {
                hook,
                side,
                now: Now {
                    time: Timestamp(self.milliseconds * 1_000_000),
                    jiffies: Jiffies(self.milliseconds / 4),
                },
                host: &self.host,
                random: &mut self.random,
            };
            let conntrack = &mut self.conntrack;
            match nat::step(conntrack, skb, cx) {
                NatStep::Skip(_) => continue,
                NatStep::Drop(reason) => return Err(reason),
                NatStep::Translate(_) => {}
                NatStep::Consult => {
                    asked[index] = true;
                    if let Some(range) = &range {
                        nat::setup(conntrack, skb, range, cx)?;
                    }
                    if !nat::is_mapped(conntrack, skb, side) {
                        nat::null_binding(conntrack, skb, cx)?;
                    }
                }
            }
            nat::translate(conntrack, skb, cx)?;
        }
        Ok(())
    }

    /// Takes a packet's connection into the table.
    pub(crate) fn confirm(&mut self, skb: &mut Skb<'_>) -> Confirm {
        let mut cx = super::HelperCx {
            now: self.now(),
            host: &self.host,
            random: &mut self.random,
            notes: None,
            unknown: None,
        };
        self.conntrack.confirm(skb, &mut cx)
    }

    /// The state of a packet, for tests that ask for nothing else.
    pub(crate) fn state(&mut self, bytes: Vec<u8>) -> CtState {
        self.pass(bytes).state
    }

    /// How many connections there are, and the protocol state and seconds left of the first.
    pub(crate) fn first(&self) -> (usize, Option<&'static str>, u32) {
        let now = self.now().jiffies;
        let all = self.conntrack.table.confirmed();
        let alive: Vec<_> = all.iter().filter(|(_, e)| !e.is_over(now)).collect();
        alive.first().map_or((0, None, 0), |(_, entry)| {
            let left = entry.expires_seconds(now, 250);
            (alive.len(), entry.protocol_state(), left)
        })
    }
}

/// A range of one address, or of two.
pub(crate) fn range(start: [u8; 4], end: [u8; 4], ports: Option<(u16, u16)>) -> Option<NatRange> {
    Some(NatRange {
        addresses: Some(AddrRange {
            start: IpAddr::from(start),
            end: IpAddr::from(end),
        }),
        ports: ports.map(|(start, end)| NatPorts {
            range: netverdict_net::PortRange { start, end },
            base: None,
        }),
        ..NatRange::default()
    })
}

/// An IPv4 packet.
pub(crate) fn ipv4(
    source: [u8; 4],
    destination: [u8; 4],
    protocol: Protocol,
    payload: &[u8],
) -> Vec<u8> {
    let mut bytes = vec![0x45, 0, 0, 0, 0, 1, 0, 0, 64, protocol.0, 0, 0];
    bytes.extend(source);
    bytes.extend(destination);
    bytes.extend(payload);
    let len = (bytes.len() as u16).to_be_bytes();
    bytes[2..4].copy_from_slice(&len);
    let check = finish(sum(&bytes[..20], 0)).to_be_bytes();
    bytes[10..12].copy_from_slice(&check);
    bytes
}

fn with_checksum(
    source: [u8; 4],
    destination: [u8; 4],
    protocol: Protocol,
    mut layer4: Vec<u8>,
    at: usize,
) -> Vec<u8> {
    let len = layer4.len() as u32;
    let start = pseudo_header(source.into(), destination.into(), protocol, len);
    let check = finish(sum(&layer4, start)).to_be_bytes();
    layer4[at..at + 2].copy_from_slice(&check);
    ipv4(source, destination, protocol, &layer4)
}

/// A TCP segment.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Tcp {
    pub(crate) flags: u8,
    pub(crate) sequence: u32,
    pub(crate) ack: u32,
    pub(crate) data: usize,
}

/// Without data.
pub(crate) const fn tcp(flags: u8, sequence: u32, ack: u32) -> Tcp {
    Tcp {
        flags,
        sequence,
        ack,
        data: 0,
    }
}

impl Tcp {
    pub(crate) fn between(self, from: ([u8; 4], u16), to: ([u8; 4], u16)) -> Vec<u8> {
        let mut bytes = from.1.to_be_bytes().to_vec();
        bytes.extend(to.1.to_be_bytes());
        bytes.extend(self.sequence.to_be_bytes());
        bytes.extend(self.ack.to_be_bytes());
        bytes.extend([0x50, self.flags, 0x20, 0, 0, 0, 0, 0]);
        bytes.resize(20 + self.data, 0);
        with_checksum(from.0, to.0, Protocol::TCP, bytes, 16)
    }

    /// Between two ends, with these bytes as data.
    pub(crate) fn saying(self, from: ([u8; 4], u16), to: ([u8; 4], u16), data: &[u8]) -> Vec<u8> {
        let mut bytes = from.1.to_be_bytes().to_vec();
        bytes.extend(to.1.to_be_bytes());
        bytes.extend(self.sequence.to_be_bytes());
        bytes.extend(self.ack.to_be_bytes());
        bytes.extend([0x50, self.flags, 0x20, 0, 0, 0, 0, 0]);
        bytes.extend(data);
        with_checksum(from.0, to.0, Protocol::TCP, bytes, 16)
    }

    /// From the client to the server.
    pub(crate) fn out(self) -> Vec<u8> {
        self.between((CLIENT, 1000), (SERVER, 80))
    }

    /// From the server to the client.
    pub(crate) fn back(self) -> Vec<u8> {
        self.between((SERVER, 80), (CLIENT, 1000))
    }
}

/// A UDP datagram.
pub(crate) fn udp(from: ([u8; 4], u16), to: ([u8; 4], u16)) -> Vec<u8> {
    udp_saying(from, to, b"data")
}

/// A UDP datagram with these bytes.
pub(crate) fn udp_saying(from: ([u8; 4], u16), to: ([u8; 4], u16), data: &[u8]) -> Vec<u8> {
    let mut bytes = from.1.to_be_bytes().to_vec();
    bytes.extend(to.1.to_be_bytes());
    bytes.extend((8 + data.len() as u16).to_be_bytes());
    bytes.extend([0, 0]);
    bytes.extend(data);
    with_checksum(from.0, to.0, Protocol::UDP, bytes, 6)
}

/// An ICMP message.
pub(crate) fn icmp(
    from: [u8; 4],
    to: [u8; 4],
    kind: u8,
    code: u8,
    word: u32,
    rest: &[u8],
) -> Vec<u8> {
    let mut bytes = vec![kind, code, 0, 0];
    bytes.extend(word.to_be_bytes());
    bytes.extend(rest);
    let check = finish(sum(&bytes, 0)).to_be_bytes();
    bytes[2..4].copy_from_slice(&check);
    ipv4(from, to, Protocol::ICMP, &bytes)
}
