//! Packets looked at beforehand, and the short way that most take: one look at the table, the connection's next state,
//! and the counters of a remembered path. No packet, walk or outcome is made for them.

use netverdict_net::{Family, Packet, PacketType, Protocol, Timestamp, checksum};

use crate::conntrack::tcp::{self, Segment};
use crate::conntrack::{Entry as Known, Link, Pretracked, Status, Tuple, udp};
use crate::engine::Engine;
use crate::remember::{Arrived, Arriving, PathId, Plain};
use crate::{Entry, Fate, FlowId, Outcome, Sum, Transport};

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
    /// Where its transport header is.
    offset: u8,
    /// TCP's flag byte; 0 of UDP.
    flags: u8,
    dont_fragment: bool,
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

/// By what an engine will look a packet up, and what it will probably find.
#[derive(Debug, Clone, Copy, Default)]
pub struct Foreseen {
    pub(crate) hash: u64,
    pub(crate) link: Option<Link>,
}

/// A packet at the end of a remembered path.
#[derive(Debug, Clone, Copy)]
pub struct Passed(pub(crate) Arrived);

impl Passed {
    /// The path that it took.
    pub const fn path(&self) -> PathId {
        self.0.path
    }
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
            offset: plain.at.offset as u8,
            flags: plain.flags,
            dont_fragment: plain.dont_fragment,
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

    /// Looks at the IPv4 packet behind a link header, of which `captured` was kept and `on_wire` was there, in one go: what
    /// [`Packet::new`] and [`Self::of`] tell. `None` where only those can tell.
    #[expect(
        clippy::inline_always,
        reason = "what was looked at is written once, where it stays"
    )]
    #[inline(always)]
    pub fn of_v4(captured: &[u8], on_wire: usize) -> Option<Self> {
        let header: &[u8; 20] = captured.first_chunk()?;
        let total = usize::from(u16::from_be_bytes([header[2], header[3]]));
        // Options, fragments, and what has no hop left.
        let odd = header[0] != 0x45 || header[6] & 0x3f != 0 || header[7] != 0 || header[8] <= 1;
        if odd || total > on_wire {
            return None;
        }
        let body = captured.get(20..total)?;
        let address = |at: usize| {
            let bytes = [header[at], header[at + 1], header[at + 2], header[at + 3]];
            u128::from(u32::from_be_bytes(bytes))
        };
        let protocol = Protocol(header[9]);
        let ports: &[u8; 4] = body.first_chunk()?;
        let segment = match protocol {
            Protocol::TCP => {
                let segment = tcp::of_header(body.first_chunk()?, body.len())?;
                segment.check_flags().ok()?;
                segment
            }
            Protocol::UDP => {
                let header: &[u8; 8] = body.first_chunk()?;
                let len = usize::from(u16::from_be_bytes([header[4], header[5]]));
                if len < 8 || len > body.len() {
                    return None;
                }
                Segment::NONE
            }
            _ => return None,
        };
        let options = match protocol {
            Protocol::TCP => u16::from(body.get(12)? >> 4) * 4 - 20,
            _ => 0,
        };
        Some(Self {
            tuple: Tuple {
                source: address(12),
                destination: address(16),
                source_port: u16::from_be_bytes([ports[0], ports[1]]),
                destination_port: u16::from_be_bytes([ports[2], ports[3]]),
                protocol,
                family: Family::V4,
            },
            sequence: segment.sequence,
            ack: segment.ack,
            end: segment.end,
            len: total as u32,
            window: segment.window,
            options,
            tos: header[1],
            offset: 20,
            flags: segment.flags,
            dont_fragment: header[6] & 0x40 != 0,
            sum: if checksum::is_right_v4(header, body) {
                Sum::Right
            } else {
                Sum::Unknown
            },
            is_sealed: checksum::is_sealed_v4(header),
        })
    }

    /// Its header.
    pub const fn transport(&self) -> Transport {
        self.tuple.transport()
    }

    /// The packet's length, as counters count it.
    pub const fn packet_len(&self) -> u32 {
        self.len
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
        self.tuple.protocol
    }

    /// Where its transport header is.
    pub const fn offset(&self) -> usize {
        self.offset as usize
    }

    pub(crate) const fn segment<'p>(&self, options: &'p [u8]) -> Segment<'p> {
        Segment {
            sequence: self.sequence,
            ack: self.ack,
            window: self.window,
            flags: self.flags,
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
            flags: self.flags,
            dont_fragment: self.dont_fragment,
        }
    }

    /// Whether it may end the connection that it belongs to, or open another in its place.
    pub(crate) const fn may_end(&self, entry: &Known) -> bool {
        const SYN: u8 = 0x02;
        const RST: u8 = 0x04;
        const ACK: u8 = 0x10;
        let opens = self.flags & (SYN | ACK) == SYN;
        let resets = self.flags & RST != 0;
        opens || resets && !entry.status.contains(Status::SEEN_REPLY)
    }

    /// Its TTL or hop limit, from its bytes.
    pub fn hops(&self, packet: &[u8]) -> u8 {
        let at = match self.tuple.family {
            Family::V4 => 8,
            Family::V6 => 7,
        };
        packet.get(at).copied().unwrap_or_default()
    }

    /// Whether it has options that tracking may read.
    pub const fn has_options(&self) -> bool {
        self.options != 0
    }

    /// TCP's options in the packet's bytes.
    pub(crate) fn options<'p>(&self, packet: &'p [u8]) -> &'p [u8] {
        let start = self.offset() + 20;
        let end = start + usize::from(self.options);
        packet.get(start..end).unwrap_or_default()
    }
}

impl Engine {
    /// What a packet that comes soon will be looked up by. The place is fetched from memory meanwhile.
    #[inline]
    pub fn foresee(&self, glance: &Glance) -> Foreseen {
        let table = &self.state.conntrack.table;
        let hash = table.hash(&glance.tuple);
        table.fetch_place(hash);
        Foreseen { hash, link: None }
    }

    /// The same, nearer: what it will find there is fetched.
    #[inline]
    pub fn approach(&self, foreseen: &mut Foreseen) {
        foreseen.link = self.state.conntrack.table.fetch_entry(foreseen.hash);
    }

    /// Takes a packet the short way, if its connection or one like it remembers one: the same counters and connections as
    /// [`Engine::step`] gives. `packet` is its bytes from the IP header on, which may be missing if it has no options;
    /// `foreseen` is what this engine [foresaw](Self::foresee) of it. One that takes none must walk;
    /// [`Engine::step_tried`] wants to know what was `tried`.
    #[inline]
    pub fn glimpse(
        &mut self,
        glance: &Glance,
        foreseen: Foreseen,
        packet: &[u8],
        time: Timestamp,
        at: &Vantage,
        tried: &mut Tried,
    ) -> Option<Passed> {
        let now = self.begin(time);
        self.lead(glance, foreseen, (packet, at), now, tried)
            .map(Passed)
    }

    /// What is said of every packet that took a remembered path, but for its own header, length and flow.
    pub fn outcome_of(&self, passed: &Passed) -> Option<Outcome> {
        let path = self.paths.get(passed.path())?;
        Some(path.outcome())
    }

    /// Where a packet ended that took a remembered path.
    pub fn fate_of(&self, passed: &Passed) -> Option<Fate> {
        Some(self.paths.get(passed.path())?.end.fate)
    }

    /// The number of the flow of a packet that took a remembered path just now, where flows are numbered.
    #[inline]
    pub fn flow_of_passed(&mut self, passed: &Passed, glance: &Glance) -> Option<FlowId> {
        self.flow_at(passed.0, glance)
    }

    /// The header with which a packet leaves that took a remembered path just now, where that is not as it came.
    pub fn left_as(&self, passed: &Passed) -> Option<Transport> {
        self.translation(passed.0).map(|nat| nat.after)
    }
}

#[cfg(test)]
mod tests {
    use netverdict_net::Link;
    use proptest::prelude::*;

    use super::*;
    use crate::testing::{seal_v4, tcp_packet, udp_packet};

    proptest! {
        /// One look tells what the readers tell, of packets that are right and of any that they are broken into.
        #[test]
        fn one_look_tells_what_the_readers_tell(
            is_tcp: bool,
            changes in prop::collection::vec((0..40_usize, any::<u8>()), 0..3),
            cut in 0..4_usize,
            added in 0..9_usize,
            seals: bool,
        ) {
            let (from, to) = ("192.0.2.1", "198.51.100.9");
            let mut bytes = if is_tcp {
                tcp_packet(from, to, (4000, 80), 0x10)
            } else {
                udp_packet(from, to, (4000, 53), b"seven")
            };
            for (at, value) in changes {
                if let Some(byte) = bytes.get_mut(at) {
                    *byte = value;
                }
            }
            if seals {
                seal_v4(&mut bytes);
            }
            let on_wire = bytes.len() + added;
            bytes.resize(on_wire, 0);
            bytes.truncate(on_wire - cut);
            let Some(seen) = Glance::of_v4(&bytes, on_wire) else {
                return Ok(());
            };
            let packet = Packet::new(&bytes, on_wire, Link::default()).ok();
            let read = packet.and_then(|packet| Glance::of(&packet));
            prop_assert_eq!(format!("{:?}", Some(seen)), format!("{read:?}"));
        }
    }
}
