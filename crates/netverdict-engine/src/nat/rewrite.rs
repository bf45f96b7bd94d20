//! Rewriting headers (nf_nat_proto.c): addresses, ports and identifiers, with their checksums.

use netverdict_net::checksum::update;
use netverdict_net::{Family, Packet, Protocol};
use netverdict_ruleset::NatSide;

use crate::conntrack::{Layer4, Tuple, sctp_checksum, skip_extensions};

/// Gives the header at `network` the target's address and layer-4 word of one side (`nf_nat_manip_pkt`). `None` where
/// the packet is too short for it: the kernel drops it.
pub(super) fn packet(
    packet: &mut Packet<'_>,
    network: usize,
    target: &Tuple,
    side: NatSide,
) -> Option<()> {
    let at = layer4(packet, network, target.family)?;
    let span = address_span(target.family, network, side);
    let new = address_bytes(target, side);
    let new = new.get(..span.1)?;
    let old = addresses(packet, span)?;
    if let Reach::Layer4(at) = at {
        let change = Change {
            old: old.get(..span.1)?,
            new,
            target,
            side,
        };
        // The tuple's protocol decides, not the header's: an ICMP error's outer header has the tuple of ICMP.
        change.layer4(packet, at)?;
    }
    let data = packet.captured_mut();
    if target.family == Family::V4 {
        patch_checksum(data, network + 10, old.get(..span.1)?, new);
    }
    write(data, span.0, new);
    Some(())
}

/// How far into a packet translation reaches.
enum Reach {
    /// Only the IP header: what follows is a later fragment, or a broken chain of headers.
    Network,
    Layer4(Layer4),
}

/// `None` where the IP header is too short.
fn layer4(packet: &Packet<'_>, network: usize, family: Family) -> Option<Reach> {
    match family {
        Family::V4 => {
            let header = packet.array::<20>(network).ok()?;
            let offset = network + usize::from(header[0] & 15) * 4;
            let protocol = Protocol(header[9]);
            Some(Reach::Layer4(Layer4 { protocol, offset }))
        }
        Family::V6 => {
            let next = packet.array::<40>(network).ok()?[6];
            let walk = skip_extensions(packet, Protocol(next), network + 40);
            Some(match walk {
                Ok(walk) if walk.fragment_offset == 0 => Reach::Layer4(walk.layer4),
                _ => Reach::Network,
            })
        }
    }
}

/// Offset and length of one side's address.
const fn address_span(family: Family, network: usize, side: NatSide) -> (usize, usize) {
    match (family, side) {
        (Family::V4, NatSide::Source) => (network + 12, 4),
        (Family::V4, NatSide::Destination) => (network + 16, 4),
        (Family::V6, NatSide::Source) => (network + 8, 16),
        (Family::V6, NatSide::Destination) => (network + 24, 16),
    }
}

fn address_bytes(target: &Tuple, side: NatSide) -> [u8; 16] {
    let address = match side {
        NatSide::Source => target.source,
        NatSide::Destination => target.destination,
    };
    match target.family {
        Family::V4 => (address << 96).to_be_bytes(),
        Family::V6 => address.to_be_bytes(),
    }
}

fn addresses(packet: &Packet<'_>, (offset, len): (usize, usize)) -> Option<[u8; 16]> {
    let mut old = [0; 16];
    old.get_mut(..len)?
        .copy_from_slice(packet.read(offset, len).ok()?);
    Some(old)
}

/// An address change, and what it means for layer 4.
struct Change<'c> {
    old: &'c [u8],
    new: &'c [u8],
    target: &'c Tuple,
    side: NatSide,
}

impl Change<'_> {
    fn layer4(&self, packet: &mut Packet<'_>, at: Layer4) -> Option<()> {
        let offset = at.offset;
        match self.target.protocol {
            Protocol::TCP => self.tcp(packet, offset),
            Protocol::UDP => self.udp(packet, offset, false),
            Protocol::UDPLITE => self.udp(packet, offset, true),
            Protocol::SCTP => self.sctp(packet, offset),
            Protocol::ICMP => self.icmp(packet, offset),
            Protocol::ICMPV6 => self.icmpv6(packet, offset),
            Protocol::GRE => self.gre(packet, offset),
            _ => Some(()),
        }
    }

    const fn port(&self) -> (usize, u16) {
        match self.side {
            NatSide::Source => (0, self.target.source_port),
            NatSide::Destination => (2, self.target.destination_port),
        }
    }

    /// Writes the port, and corrects the checksum at `check` by it and by the address.
    fn ports(&self, packet: &mut Packet<'_>, offset: usize, check: Option<usize>) {
        let (place, port) = self.port();
        let data = packet.captured_mut();
        if let Some(check) = check {
            patch_checksum(data, offset + check, self.old, self.new);
            patch_word_checksum(data, offset + check, offset + place, port);
        }
        write(data, offset + place, &port.to_be_bytes());
    }

    /// A header quoted by an ICMP error may end after 8 bytes, before its checksum.
    fn tcp(&self, packet: &mut Packet<'_>, offset: usize) -> Option<()> {
        let whole = packet.len() >= offset + 20;
        has(packet, offset, 8)?;
        self.ports(packet, offset, whole.then_some(16));
        Some(())
    }

    fn udp(&self, packet: &mut Packet<'_>, offset: usize, always: bool) -> Option<()> {
        has(packet, offset, 8)?;
        let check = packet.u16(offset + 6).unwrap_or(0);
        if check == 0 && !always {
            self.ports(packet, offset, None);
            return Some(());
        }
        self.ports(packet, offset, Some(6));
        if packet.u16(offset + 6) == Ok(0) {
            write(packet.captured_mut(), offset + 6, &[0xff, 0xff]);
        }
        Some(())
    }

    fn sctp(&self, packet: &mut Packet<'_>, offset: usize) -> Option<()> {
        has(packet, offset, 8)?;
        self.ports(packet, offset, None);
        if packet.len() >= offset + 12
            && let Ok(bytes) = packet.read(offset, packet.len() - offset)
        {
            let crc = sctp_checksum(bytes);
            write(packet.captured_mut(), offset + 8, &crc.to_le_bytes());
        }
        Some(())
    }

    fn icmp(&self, packet: &mut Packet<'_>, offset: usize) -> Option<()> {
        has(packet, offset, 8)?;
        let icmp_type = packet.array::<1>(offset).map_or(0, |[kind]| *kind);
        if matches!(icmp_type, 0 | 8 | 13..=18) {
            let data = packet.captured_mut();
            let id = self.target.source_port;
            patch_word_checksum(data, offset + 2, offset + 4, id);
            write(data, offset + 4, &id.to_be_bytes());
        }
        Some(())
    }

    fn icmpv6(&self, packet: &mut Packet<'_>, offset: usize) -> Option<()> {
        has(packet, offset, 8)?;
        let icmp_type = packet.array::<1>(offset).map_or(0, |[kind]| *kind);
        let data = packet.captured_mut();
        patch_checksum(data, offset + 2, self.old, self.new);
        if matches!(icmp_type, 128 | 129) {
            let id = self.target.source_port;
            patch_word_checksum(data, offset + 2, offset + 4, id);
            write(data, offset + 4, &id.to_be_bytes());
        }
        Some(())
    }

    /// Enhanced GRE carries the receiver's call id only.
    fn gre(&self, packet: &mut Packet<'_>, offset: usize) -> Option<()> {
        has(packet, offset, 8)?;
        if self.side == NatSide::Source {
            return Some(());
        }
        match packet.array::<2>(offset).map_or(0, |[_, flags]| flags & 7) {
            0 => Some(()),
            1 => {
                let id = self.target.destination_port.to_be_bytes();
                write(packet.captured_mut(), offset + 6, &id);
                Some(())
            }
            _ => None,
        }
    }
}

/// Whether the packet, captured or not, has `len` bytes at `offset`.
fn has(packet: &Packet<'_>, offset: usize, len: usize) -> Option<()> {
    (packet.len() >= offset + len).then_some(())
}

/// Writes what of `bytes` was captured.
fn write(data: &mut [u8], offset: usize, bytes: &[u8]) {
    let end = data.len().min(offset + bytes.len());
    if let Some(place) = data.get_mut(offset..end) {
        let len = place.len();
        place.copy_from_slice(&bytes[..len]);
    }
}

/// Corrects the checksum at `check` for bytes that changed. One that was wrong stays wrong.
fn patch_checksum(data: &mut [u8], check: usize, old: &[u8], new: &[u8]) {
    if let Some(place) = data.get_mut(check..check + 2) {
        let stored = u16::from_be_bytes([place[0], place[1]]);
        place.copy_from_slice(&update(stored, old, new).to_be_bytes());
    }
}

/// Corrects the checksum at `check` for the word at `place`, about to become `new`.
fn patch_word_checksum(data: &mut [u8], check: usize, place: usize, new: u16) {
    let old = match data.get(place..place + 2) {
        Some(&[high, low]) => [high, low],
        _ => return,
    };
    patch_checksum(data, check, &old, &new.to_be_bytes());
}
