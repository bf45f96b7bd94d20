//! ICMP errors: they belong to the connection whose packet they quote, RELATED.

use netverdict_net::{Family, Jiffies, Packet, Protocol};

use super::checksum;
use super::icmpv6::is_untracked;
use super::layer4::{Fault, Layer4};
use super::{Conntrack, Direction, Tuple, Zone, addr};
use crate::{Connection, CtInfo};

/// The highest ICMP type there is to the kernel.
const HIGHEST_TYPE: u8 = 18;
const NDISC_REDIRECT: u8 = 137;
const REDIRECTED_HEADER: u8 = 4;

impl Conntrack {
    /// Checks an ICMP packet and, if it is an error, finds the connection it is about. `None` for other messages, which
    /// have connections of their own (`nf_conntrack_handle_icmp`).
    pub(super) fn track_error(
        &mut self,
        packet: &Packet<'_>,
        at: Layer4,
        zone: Zone,
        verify: bool,
        now: Jiffies,
    ) -> Result<Connection, Fault> {
        match (packet.family(), at.protocol) {
            (Family::V4, Protocol::ICMP) => self.icmp(packet, at.offset, zone, verify, now),
            (Family::V6, Protocol::ICMPV6) => self.icmpv6(packet, at.offset, zone, verify, now),
            _ => Ok(Connection::None),
        }
    }

    fn icmp(
        &mut self,
        packet: &Packet<'_>,
        offset: usize,
        zone: Zone,
        verify: bool,
        now: Jiffies,
    ) -> Result<Connection, Fault> {
        let [icmp_type, ..] = *packet
            .array::<8>(offset)
            .map_err(Fault::reading("ICMP header beyond the packet"))?;
        if verify {
            checksum::verify(packet, offset, Protocol::ICMP, None)?;
        }
        if icmp_type > HIGHEST_TYPE {
            return Err(Fault::Invalid("unknown ICMP type"));
        }
        if !matches!(icmp_type, 3 | 4 | 5 | 11 | 12) {
            return Ok(Connection::None);
        }
        self.quoted(packet, offset + 8, zone, now)
    }

    fn icmpv6(
        &mut self,
        packet: &Packet<'_>,
        offset: usize,
        zone: Zone,
        verify: bool,
        now: Jiffies,
    ) -> Result<Connection, Fault> {
        let [icmp_type, ..] = *packet
            .array::<8>(offset)
            .map_err(Fault::reading("ICMPv6 header beyond the packet"))?;
        if verify {
            checksum::verify(packet, offset, Protocol::ICMPV6, None)?;
        }
        match icmp_type {
            _ if is_untracked(icmp_type) => Ok(Connection::Untracked),
            NDISC_REDIRECT => self.redirect(packet, offset, zone, now),
            128.. => Ok(Connection::None),
            _ => self.quoted(packet, offset + 8, zone, now),
        }
    }

    /// A neighbour-discovery redirect quotes the packet that made it (`nf_conntrack_icmpv6_redirect`).
    fn redirect(
        &mut self,
        packet: &Packet<'_>,
        offset: usize,
        zone: Zone,
        now: Jiffies,
    ) -> Result<Connection, Fault> {
        if packet.ttl() != 255 {
            return Err(Fault::Invalid("redirect with a hop limit other than 255"));
        }
        let message = packet
            .array::<40>(offset)
            .map_err(Fault::reading("redirect beyond the packet"))?;
        if message[1] != 0 {
            return Ok(Connection::None);
        }
        let source = packet
            .array::<2>(8)
            .map_err(Fault::reading("IPv6 header beyond the packet"))?;
        if u16::from_be_bytes(*source) & 0xffc0 != 0xfe80 {
            return Err(Fault::Invalid("redirect from no link-local address"));
        }
        let &[option, len] = packet
            .array::<2>(offset + 40)
            .map_err(Fault::reading("redirect without options"))?;
        if len == 0 {
            return Err(Fault::Invalid("redirect without options"));
        }
        if option != REDIRECTED_HEADER {
            return Ok(Connection::None);
        }
        self.quoted(packet, offset + 48, zone, now)
    }

    /// Finds the connection of the packet quoted at `network` (`nf_conntrack_inet_error`).
    fn quoted(
        &mut self,
        packet: &Packet<'_>,
        network: usize,
        zone: Zone,
        now: Jiffies,
    ) -> Result<Connection, Fault> {
        let inner = self.keyed(Tuple::read(packet, packet.family(), network)?);
        let sought = inner.invert().ok_or(Fault::Invalid(
            "ICMP error about a packet that has no answer",
        ))?;
        let (id, direction) = self
            .table
            .find(&sought, zone, now)
            .ok_or(Fault::Invalid("ICMP error about no known connection"))?;
        let aimed = self
            .table
            .get(id)
            .map(|entry| entry.tuple(direction).destination);
        if aimed != Some(addr(packet.destination())) {
            return Err(Fault::Invalid(
                "ICMP error to another address than its connection's",
            ));
        }
        let info = match direction {
            Direction::Original => CtInfo::Related,
            Direction::Reply => CtInfo::RelatedReply,
        };
        Ok(Connection::Tracked { id, info })
    }
}
