//! Packets looked at beforehand, and the short way that most take: one look at the table, the connection's next state,
//! and the counters of a remembered path. No packet, walk or outcome is made for them.

use netverdict_net::{Packet, PacketType, Protocol, Timestamp, checksum};

use crate::conntrack::tcp::{self, Segment};
use crate::conntrack::{Pretracked, Tuple, udp};
use crate::engine::Engine;
use crate::remember::{Arrived, PathId, Plain};
use crate::{Checksums, Entry, Fate, Outcome, Sum, Transport, Zone};

/// What a remembered path asks about a packet: whole, TCP or UDP, nothing odd about its headers. A function of its bytes
/// alone.
#[derive(Debug, Clone, Copy)]
pub struct Glance {
    tuple: Tuple,
    sequence: u32,
    ack: u32,
    /// The sequence number after its data.
    end: u32,
    pub(crate) len: u32,
    window: u16,
    options: u16,
    tos: u8,
    plain: Plain,
    /// What was found of its layer-4 checksum.
    sum: Sum,
    /// Whether its IPv4 header's checksum is right.
    is_sealed: bool,
}

/// Where and how a packet was captured.
#[derive(Debug, Clone, Copy)]
pub struct Vantage {
    /// Where it enters.
    pub entry: Entry,
    /// Whom its frame is for.
    pub packet_type: PacketType,
}

/// How a packet looked at beforehand fared.
#[derive(Debug, Clone, Copy)]
pub enum Glimpsed {
    /// It took a remembered path to its end.
    Passed(Passed),
    /// It must walk; [`Engine::step_tried`] wants to know what was tried.
    Walks(Tried),
}

/// A packet at the end of a remembered path.
#[derive(Debug, Clone, Copy)]
pub struct Passed {
    /// The path that it took.
    pub path: PathId,
    /// Where it ended.
    pub fate: Fate,
    /// Its header as it leaves, where that is not as it came.
    pub after: Option<Transport>,
}

/// What became of the attempt to take a remembered path.
#[derive(Debug, Clone, Copy, Default)]
pub struct Tried(pub(crate) Option<Pretracked>);

impl Glance {
    /// Looks at a packet; `None` if it is not plain, or opens or resets a connection, or its lengths are wrong.
    pub fn of(packet: &Packet<'_>) -> Option<Self> {
        const SYN_OR_RST: u8 = 0x06;
        let plain = Plain::of(packet)?;
        let tuple = Tuple::of_packet(packet, packet.family(), 0, plain.at).ok()?;
        let mut glance = Self {
            tuple,
            sequence: 0,
            ack: 0,
            end: 0,
            len: packet.len() as u32,
            window: 0,
            options: 0,
            tos: packet.tos(),
            plain,
            sum: if checksum::is_right(packet, plain.at.protocol, plain.at.offset) {
                Sum::Right
            } else {
                Sum::Unknown
            },
            is_sealed: Plain::is_sealed(packet),
        };
        if plain.at.protocol == Protocol::TCP {
            let segment = tcp::parse(packet, plain.at.offset).ok()?;
            segment.check_flags().ok()?;
            if segment.flags & SYN_OR_RST != 0 {
                return None;
            }
            (glance.sequence, glance.ack) = (segment.sequence, segment.ack);
            (glance.end, glance.window) = (segment.end, segment.window);
            glance.options = segment.options.len() as u16;
        } else {
            udp::parse(packet, plain.at.offset).ok()?;
        }
        Some(glance)
    }

    /// Its header.
    pub const fn transport(&self) -> Transport {
        self.tuple.transport()
    }

    /// Whether its layer-4 checksum was found right.
    pub fn is_right(&self) -> bool {
        self.sum == Sum::Right
    }

    /// A device is yet to fill in its layer-4 checksum.
    pub const fn believe(&mut self) {
        self.sum = Sum::Pending;
    }

    pub(crate) const fn tuple(&self) -> &Tuple {
        &self.tuple
    }

    /// Its transport protocol.
    pub const fn protocol(&self) -> Protocol {
        self.plain.at.protocol
    }

    /// Where its transport header is.
    pub const fn offset(&self) -> usize {
        self.plain.at.offset
    }

    pub(crate) const fn segment<'p>(&self, options: &'p [u8]) -> Segment<'p> {
        Segment {
            sequence: self.sequence,
            ack: self.ack,
            window: self.window,
            flags: self.plain.flags,
            end: self.end,
            options,
        }
    }

    /// TCP's options in the packet's bytes.
    fn options<'p>(&self, packet: &'p [u8]) -> &'p [u8] {
        let start = self.offset() + 20;
        let end = start + usize::from(self.options);
        packet.get(start..end).unwrap_or_default()
    }
}

impl Engine {
    /// Takes a packet the short way, if its connection remembers one: the same counters and connections as
    /// [`Engine::step`] gives. `packet` is its bytes from the IP header on.
    pub fn glimpse(
        &mut self,
        glance: &Glance,
        packet: &[u8],
        time: Timestamp,
        at: &Vantage,
    ) -> Glimpsed {
        let now = self.begin(time);
        let walks = Glimpsed::Walks(Tried::default());
        let trusted = self.trusts(at.entry) || glance.sum == Sum::Pending;
        let sound = self.config.checksums == Checksums::Trust || glance.is_sealed;
        if self.config.plain || !(trusted || glance.is_right()) || !sound {
            return walks;
        }
        let conntrack = &mut self.state.conntrack;
        let Some(found) = conntrack.find(&glance.tuple, Zone::default(), now.jiffies) else {
            return walks;
        };
        let memo = conntrack.entry(found.0).map(|entry| entry.memo);
        let Some(number) = memo.and_then(|memo| memo.paths[found.1.index()]) else {
            return walks;
        };
        let is_admitted = self.paths.get(number).is_some_and(|path| {
            let met = path.terms.admit(at, glance.len, glance.tos, glance.plain);
            met && !(path.rewrites && self.config.keep_egress)
        });
        if !is_admitted {
            return walks;
        }
        let options = glance.options(packet);
        let tracked = conntrack.track_glance(glance, options, found, !trusted, now.jiffies);
        match self.arrive(tracked, number, found.1, glance.len as usize) {
            Some(Arrived { fate, nat, .. }) => Glimpsed::Passed(Passed {
                path: number,
                fate,
                after: nat.map(|nat| nat.after),
            }),
            None => Glimpsed::Walks(Tried(Some(tracked))),
        }
    }

    /// What is said of every packet that took a remembered path, but for its own header, length and flow.
    pub fn outcome_of(&self, passed: &Passed) -> Option<Outcome> {
        let path = self.paths.get(passed.path)?;
        Some(path.outcome())
    }
}
