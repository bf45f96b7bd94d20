//! One packet as its connection's helper sees it, and what the helper may do (nf_nat_helper.c).

use netverdict_net::{Beyond, Device, Family, InterfaceName, Packet, Protocol, checksum};

use super::{HelperCx, fixed_header};
use crate::conntrack::expect::{Expectation, ExpectationId, Refused};
use crate::conntrack::{Addr, Conntrack, Direction, Status, Tuple, ip};
use crate::{CtId, CtInfo, Skb, rewrite};

/// Ports tried where the announced one is taken (`nf_nat_exp_find_port`).
const MAX_ATTEMPTS: u32 = 128;

/// A packet and its connection.
pub(super) struct Talk<'t, 'p, 'c> {
    pub(super) conntrack: &'t mut Conntrack,
    skb: &'t mut Skb<'p>,
    pub(super) cx: &'t mut HelperCx<'c>,
    pub(super) id: CtId,
    info: CtInfo,
    pub(super) direction: Direction,
    tuples: [Tuple; 2],
    pub(super) status: Status,
    /// Where layer 4 begins.
    header: usize,
    /// Where the payload begins.
    data: usize,
    rewritten: bool,
}

impl<'t, 'p, 'c> Talk<'t, 'p, 'c> {
    /// `None` where the header was not captured or is too short.
    pub(super) fn new(
        conntrack: &'t mut Conntrack,
        skb: &'t mut Skb<'p>,
        id: CtId,
        info: CtInfo,
        header: usize,
        cx: &'t mut HelperCx<'c>,
    ) -> Option<Self> {
        let entry = conntrack.table.get(id)?;
        let len = match fixed_header(entry.protocol()) {
            Some(len) => len,
            None => usize::from(skb.packet.array::<20>(header).ok()?[12] >> 4) * 4,
        };
        Some(Self {
            id,
            info,
            direction: super::direction(info),
            tuples: [*entry.original(), *entry.reply()],
            status: entry.status,
            header,
            data: header + len,
            rewritten: false,
            conntrack,
            skb,
            cx,
        })
    }

    /// The connection's tuple in one direction.
    pub(super) const fn tuple(&self, direction: Direction) -> &Tuple {
        let [original, reply] = &self.tuples;
        match direction {
            Direction::Original => original,
            Direction::Reply => reply,
        }
    }

    /// The connection's tuple in the packet's direction.
    pub(super) const fn own(&self) -> &Tuple {
        self.tuple(self.direction)
    }

    /// The tuple of the other direction.
    pub(super) const fn other(&self) -> &Tuple {
        self.tuple(self.direction.other())
    }

    pub(super) const fn family(&self) -> Family {
        self.own().family
    }

    pub(super) const fn protocol(&self) -> Protocol {
        self.own().protocol
    }

    /// Whether packets have flowed both ways.
    pub(super) const fn is_established(&self) -> bool {
        matches!(self.info, CtInfo::Established | CtInfo::EstablishedReply)
    }

    /// Whether the connection is translated.
    pub(super) const fn is_translated(&self) -> bool {
        self.status.intersects(Status::NAT)
    }

    /// Whether a socket of this host sends it as a broadcast.
    pub(super) fn is_own_broadcast(&self) -> bool {
        self.skb.has_socket && self.skb.kind == Some(netverdict_host::RouteKind::Broadcast)
    }

    pub(super) const fn skb(&self) -> &Skb<'p> {
        self.skb
    }

    /// TCP's sequence number.
    pub(super) fn sequence(&self) -> u32 {
        self.skb.packet.u32(self.header + 4).unwrap_or(0)
    }

    /// How long the payload is, captured or not.
    pub(super) fn len(&self) -> usize {
        self.skb.packet.len().saturating_sub(self.data)
    }

    /// The payload; empty where there is none.
    pub(super) fn payload(&self) -> Result<&[u8], Beyond> {
        match self.len() {
            0 => Ok(&[]),
            len => self.skb.packet.read(self.data, len),
        }
    }

    /// The first bytes of the payload.
    pub(super) fn start<const N: usize>(&self) -> Result<&[u8; N], Beyond> {
        self.skb.packet.array(self.data)
    }

    /// Whether a helper changed the packet.
    pub(super) const fn is_rewritten(&self) -> bool {
        self.rewritten
    }

    /// A connection to one end, from a source or anybody.
    pub(super) fn expectation(
        &self,
        protocol: Protocol,
        source: Option<Addr>,
        destination: (Addr, u16),
    ) -> Expectation {
        Expectation::new(self.family(), protocol, source, destination)
    }

    /// Announces a connection (`nf_ct_expect_related`).
    pub(super) fn expect(&mut self, new: Expectation) -> Result<ExpectationId, Refused> {
        let text = self.cx.notes.is_some().then(|| describe(&new));
        let id = self.conntrack.expect(self.id, new, self.cx.now.jiffies)?;
        if let (Some(notes), Some(text)) = (&mut self.cx.notes, text) {
            notes.push(text);
        }
        Ok(id)
    }

    /// Announces a connection to the announced port or, if that is taken, to one drawn at random; the port
    /// (`nf_nat_exp_find_port`).
    pub(super) fn expect_anywhere(&mut self, mut new: Expectation) -> Option<(ExpectationId, u16)> {
        let first = new.tuple.destination_port;
        let range = u32::from(u16::MAX - first);
        let mut attempts = range.min(MAX_ATTEMPTS);
        loop {
            let port = new.tuple.destination_port;
            match self.expect(new.clone()) {
                Ok(id) => return Some((id, port)),
                Err(Refused::Full | Refused::Already) => return None,
                Err(Refused::Busy) => {}
            }
            attempts = attempts.checked_sub(1)?;
            let drawn = self.cx.random.draw(self.cx.now.time, &self.skb.packet);
            if let Some(notes) = &mut self.cx.notes {
                notes.push("the kernel would have drawn this port at random".to_owned());
            }
            new.tuple.destination_port = first.wrapping_add((drawn % range.max(1)) as u16);
        }
    }

    /// Puts other bytes in place of `len` bytes of the payload at `at`; the numbers of later segments are shifted
    /// (`nf_nat_mangle_tcp_packet`, `nf_nat_mangle_udp_packet`). False where the packet would be too long.
    pub(super) fn replace(&mut self, at: usize, len: usize, with: &[u8]) -> bool {
        let sequence = self.sequence();
        if !self.splice(at, len, with) {
            return false;
        }
        if self.protocol() == Protocol::TCP {
            self.shift(sequence, with.len() as i32 - len as i32);
        }
        true
    }

    /// Notes that the payload changed its length.
    pub(super) fn shift(&mut self, sequence: u32, by: i32) {
        if by != 0
            && let Some(entry) = self.conntrack.table.get_mut(self.id)
        {
            entry.note_shift(self.direction, sequence, by);
        }
    }

    /// Like [`Self::replace`], without shifting later segments.
    pub(super) fn splice(&mut self, at: usize, len: usize, with: &[u8]) -> bool {
        let packet = &mut self.skb.packet;
        let start = self.data + at;
        let Some(old) = packet.captured().get(start..start + len) else {
            return false;
        };
        if packet.len() + with.len() - len > usize::from(u16::MAX) {
            return false;
        }
        if let Some(notes) = &mut self.cx.notes {
            let (old, new) = (String::from_utf8_lossy(old), String::from_utf8_lossy(with));
            notes.push(format!("payload rewritten: {old:?} to {new:?}"));
        }
        let mut bytes = packet.captured().to_vec();
        bytes.splice(start..start + len, with.iter().copied());
        packet.replace(bytes);
        let total = packet.len();
        match packet.family() {
            Family::V4 => {
                rewrite::put(packet, 2, total as u16);
                rewrite::seal_ipv4(packet);
            }
            Family::V6 => rewrite::put(packet, 4, (total - 40) as u16),
        }
        if self.tuples[0].protocol == Protocol::UDP {
            rewrite::put(packet, self.header + 4, (total - self.header) as u16);
        }
        self.rewritten = true;
        true
    }

    /// Whether UDP's length is the packet's.
    pub(super) fn is_whole_datagram(&self) -> bool {
        let len = self.skb.packet.len() - self.header;
        self.skb.packet.u16(self.header + 4).map(usize::from) == Ok(len)
    }

    /// Puts an IPv4 address in place of another, the checksum following, if there is one.
    pub(super) fn patch(&mut self, at: usize, from: [u8; 4], to: [u8; 4]) {
        let packet = &mut self.skb.packet;
        let place = self.header + 6;
        match packet.u16(place) {
            Ok(0) | Err(_) => {}
            Ok(check) => rewrite::put(packet, place, super::snmp::patched(check, at, from, to)),
        }
        rewrite::put_bytes(packet, self.data + at, &to);
    }

    /// Sends the packet to another port.
    pub(super) fn set_destination_port(&mut self, port: u16) {
        rewrite::put(&mut self.skb.packet, self.header + 2, port);
        self.rewritten = true;
    }

    /// Lets the connection live so many seconds from now, without counting the packet (`nf_ct_refresh`).
    pub(super) fn lengthen(&mut self, seconds: i64) {
        self.live(seconds * self.conntrack.settings.hz);
    }

    /// Likewise, for a number of seconds that somebody says: in the kernel's 32 bits.
    pub(super) fn lengthen_wrapping(&mut self, seconds: u32) {
        let ticks = seconds.wrapping_mul(self.conntrack.settings.hz as u32);
        self.live(i64::from(ticks as i32));
    }

    fn live(&mut self, ticks: i64) {
        let now = self.cx.now.jiffies;
        if let Some(entry) = self.conntrack.table.get_mut(self.id) {
            entry.set_timeout(ticks, now);
        }
    }
}

/// Makes the checksum of a rewritten packet anew: the kernel leaves that to its way out. UDP without one keeps none.
pub(super) fn seal(packet: &mut Packet<'_>, header: usize, protocol: Protocol) {
    let at = match protocol {
        Protocol::TCP => header + 16,
        Protocol::UDP if packet.u16(header + 6) == Ok(0) => return,
        Protocol::UDP => header + 6,
        _ => return,
    };
    rewrite::put(packet, at, 0);
    let (source, destination) = (packet.source(), packet.destination());
    let len = packet.len().saturating_sub(header);
    let Ok(bytes) = packet.read(header, len) else {
        return;
    };
    let start = checksum::pseudo_header(source, destination, protocol, len as u32);
    let sum = match checksum::finish(checksum::sum(bytes, start)) {
        0 => 0xffff,
        sum => sum,
    };
    rewrite::put(packet, at, sum);
}

fn describe(new: &Expectation) -> String {
    let tuple = &new.tuple;
    let source = match new.source_mask {
        0 => "anybody".to_owned(),
        _ => tuple.source().to_string(),
    };
    let destination =
        crate::ends::text(ip(tuple.family, tuple.destination), tuple.destination_port);
    format!("expects {} from {source} to {destination}", tuple.protocol)
}

impl Skb<'_> {
    /// Whether it came by the loopback device (`nf_is_loopback_packet`).
    pub(in crate::conntrack) fn came_by_loopback(&self) -> bool {
        self.in_device == Device::Named(InterfaceName::loopback())
    }
}
