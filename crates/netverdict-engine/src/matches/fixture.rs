//! What the tests of matches are evaluated in.

use netverdict_host::Host;
use netverdict_net::{Family, Jiffies, Link, Packet, Protocol, Timestamp};
use netverdict_ruleset::{Hook, PortTests};

use crate::context::{MatchCx, Now, Param};
use crate::state::State;
use crate::{About, Config, Fact, Facts, Skb};

/// A packet at filter FORWARD with everything a match may ask.
pub(crate) struct Scene {
    pub(crate) skb: Skb<'static>,
    pub(crate) param: Param,
    pub(crate) now: Now,
    pub(crate) host: Host,
    pub(crate) config: Config,
    pub(crate) state: State,
    pub(crate) slot: usize,
}

impl Scene {
    /// An IPv4 packet from 192.0.2.1 to 198.51.100.2 around a transport header.
    pub(crate) fn new(transport: Vec<u8>) -> Self {
        let mut bytes = vec![
            0x45, 0, 0, 0, 0, 0, 0, 0, 64, 6, 0, 0, 192, 0, 2, 1, 198, 51, 100, 2,
        ];
        bytes.extend(transport);
        let [high, low] = (bytes.len() as u16).to_be_bytes();
        (bytes[2], bytes[3]) = (high, low);
        Self::of(bytes, Family::V4, 20)
    }

    /// An IPv6 packet from 2001:db8::1 to 2001:db8::2 whose first header after IPv6's is of this protocol.
    pub(crate) fn v6(next: u8, payload: Vec<u8>) -> Self {
        let mut bytes = vec![0; 40];
        (bytes[0], bytes[6], bytes[7]) = (0x60, next, 64);
        bytes[8..12].copy_from_slice(&[0x20, 1, 0x0d, 0xb8]);
        bytes[24..28].copy_from_slice(&[0x20, 1, 0x0d, 0xb8]);
        (bytes[23], bytes[39]) = (1, 2);
        let [high, low] = (payload.len() as u16).to_be_bytes();
        (bytes[4], bytes[5]) = (high, low);
        bytes.extend(payload);
        Self::of(bytes, Family::V6, 40)
    }

    fn of(bytes: Vec<u8>, family: Family, transport_offset: usize) -> Self {
        let protocol = Protocol(bytes[if family == Family::V4 { 9 } else { 6 }]);
        Self {
            skb: Skb {
                in_device: device("eth0"),
                out_device: device("eth1"),
                checksum_trusted: true,
                ..Skb::new(Packet::owned(bytes, family, Link::default()))
            },
            param: Param {
                family,
                hook: Hook::Forward,
                ports: PortTests::Xtables,
                fragment_offset: 0,
                transport_offset,
                protocol: Some(protocol),
            },
            now: Now {
                time: Timestamp(0),
                jiffies: Jiffies(0),
            },
            host: Host::default(),
            config: Config::default(),
            state: State::default(),
            slot: 0,
        }
    }

    /// Sets the time in milliseconds since the first packet.
    pub(crate) fn at(&mut self, milliseconds: i64) {
        let time = Timestamp(milliseconds * 1_000_000);
        self.now = Now {
            time,
            jiffies: time.jiffies_since(Timestamp(0), self.config.hz),
        };
    }

    /// States a fact.
    pub(crate) fn fact(&mut self, about: About) {
        let mut facts: Vec<Fact> = self.config.facts.iter().cloned().collect();
        facts.push(Fact {
            about,
            flow: None,
            text: String::new(),
        });
        self.config.facts = Facts::new(facts);
    }

    /// Lets connection tracking see the packet.
    pub(crate) fn track(&mut self) {
        let now = self.now.jiffies;
        let hook = Hook::Prerouting;
        self.state.conntrack.track(&mut self.skb, hook, now);
    }

    /// Takes the packet's connection into the table.
    pub(crate) fn confirm(&mut self) {
        let mut cx = crate::conntrack::HelperCx {
            now: self.now,
            host: &self.host,
            random: &mut self.state.random,
            notes: None,
            unknown: None,
        };
        self.state.conntrack.confirm(&mut self.skb, &mut cx);
    }

    /// Forgets all captured bytes from `len` on.
    pub(crate) fn cut(&mut self, len: usize) {
        let wire = self.skb.packet.len();
        let kept: &'static [u8] = self.skb.packet.captured()[..len].to_vec().leak();
        self.skb.packet = Packet::new(kept, wire, self.skb.packet.link).unwrap();
    }

    /// Evaluates a match here.
    pub(crate) fn with<T>(&mut self, evaluate: impl FnOnce(&mut MatchCx<'_, '_>) -> T) -> T {
        evaluate(&mut MatchCx {
            skb: &mut self.skb,
            param: self.param,
            now: self.now,
            host: &self.host,
            config: &self.config,
            state: &mut self.state,
            slot: self.slot,
        })
    }
}

/// A device of that name.
pub(crate) fn device(name: &str) -> netverdict_net::Device {
    netverdict_net::Device::Named(netverdict_net::InterfaceName::new(name).unwrap())
}

/// A TCP header with options.
pub(crate) fn tcp(source: u16, destination: u16, flags: u8, options: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0; 20];
    bytes[..2].copy_from_slice(&source.to_be_bytes());
    bytes[2..4].copy_from_slice(&destination.to_be_bytes());
    bytes[12] = ((20 + options.len()) as u8 / 4) << 4;
    bytes[13] = flags;
    bytes.extend_from_slice(options);
    bytes
}

/// A UDP header.
pub(crate) fn udp(source: u16, destination: u16) -> Vec<u8> {
    let mut bytes = vec![0, 0, 0, 0, 0, 8, 0, 0];
    bytes[..2].copy_from_slice(&source.to_be_bytes());
    bytes[2..4].copy_from_slice(&destination.to_be_bytes());
    bytes
}
