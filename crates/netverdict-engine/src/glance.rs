//! Packets looked at beforehand, and the short way that most take: one look at the table, the connection's next state,
//! and the counters of a remembered path. No packet, walk or outcome is made for them.

use netverdict_net::{Packet, PacketType, Protocol, Timestamp, checksum};

use crate::conntrack::tcp::{self, Segment};
use crate::conntrack::{Entry as Known, Pretracked, Status, Tuple, udp};
use crate::engine::Engine;
use crate::remember::{Arriving, Led, PathId, Plain};
use crate::{Entry, Fate, Outcome, Sum, Transport};

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
    pub(crate) sum: Sum,
    /// Whether its IPv4 header's checksum is right.
    pub(crate) is_sealed: bool,
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
    /// Looks at a packet; `None` if it is not plain, or its lengths are wrong.
    pub fn of(packet: &Packet<'_>) -> Option<Self> {
        Self::with(packet, Sum::Unknown)
    }

    /// The same, with what is known of its layer-4 checksum; if nothing is, the checksum is summed.
    pub(crate) fn with(packet: &Packet<'_>, sum: Sum) -> Option<Self> {
        let plain = Plain::of(packet)?;
        let tuple = Tuple::of_packet(packet, packet.family(), 0, plain.at).ok()?;
        let is_right = || checksum::is_right(packet, plain.at.protocol, plain.at.offset);
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
            sum: match sum {
                Sum::Unknown if is_right() => Sum::Right,
                known => known,
            },
            is_sealed: Plain::is_sealed(packet),
        };
        if plain.at.protocol == Protocol::TCP {
            let segment = tcp::parse(packet, plain.at.offset).ok()?;
            segment.check_flags().ok()?;
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

    /// What remembered paths ask of it beside its connection.
    pub(crate) const fn arriving<'a>(&self, at: &'a Vantage) -> Arriving<'a> {
        Arriving {
            at,
            len: self.len,
            tos: self.tos,
            plain: self.plain,
        }
    }

    /// Whether it may end the connection that it belongs to, or open another in its place.
    pub(crate) const fn may_end(&self, entry: &Known) -> bool {
        const SYN: u8 = 0x02;
        const RST: u8 = 0x04;
        const ACK: u8 = 0x10;
        let opens = self.plain.flags & (SYN | ACK) == SYN;
        let resets = self.plain.flags & RST != 0;
        opens || resets && !entry.status.contains(Status::SEEN_REPLY)
    }

    /// TCP's options in the packet's bytes.
    pub(crate) fn options<'p>(&self, packet: &'p [u8]) -> &'p [u8] {
        let start = self.offset() + 20;
        let end = start + usize::from(self.options);
        packet.get(start..end).unwrap_or_default()
    }
}

impl Engine {
    /// Takes a packet the short way, if its connection or one like it remembers one: the same counters and connections as
    /// [`Engine::step`] gives. `packet` is its bytes from the IP header on.
    pub fn glimpse(
        &mut self,
        glance: &Glance,
        packet: &[u8],
        time: Timestamp,
        at: &Vantage,
    ) -> Glimpsed {
        let now = self.begin(time);
        match self.lead(glance, packet, at, now) {
            Led::Arrived(arrived) => Glimpsed::Passed(Passed {
                path: arrived.path,
                fate: arrived.fate,
                after: arrived.nat.map(|nat| nat.after),
            }),
            Led::Tracked(tracked) => Glimpsed::Walks(Tried(Some(tracked))),
            Led::Nowhere => Glimpsed::Walks(Tried::default()),
        }
    }

    /// What is said of every packet that took a remembered path, but for its own header, length and flow.
    pub fn outcome_of(&self, passed: &Passed) -> Option<Outcome> {
        let path = self.paths.get(passed.path)?;
        Some(path.outcome())
    }
}
