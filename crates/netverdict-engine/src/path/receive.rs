//! What ip_rcv and ip6_rcv refuse before PREROUTING sees it.

use std::net::{IpAddr, Ipv6Addr};

use netverdict_net::{Device, Family, InterfaceName, PacketType, Protocol, checksum};

use crate::walk::Walk;
use crate::{Checksums, Reason};

impl Walk<'_, '_> {
    pub(super) fn check_received(&self) -> Result<(), Reason> {
        if self.skb.packet.link.packet_type == PacketType::OtherHost {
            return Err(Reason::OtherHost);
        }
        match self.program.family {
            Family::V4 => self.check_v4(),
            Family::V6 => self.check_v6(),
        }
    }

    /// Lengths were checked when the packet was made; what is left is the header's checksum.
    pub(super) fn check_v4(&self) -> Result<(), Reason> {
        let packet = &self.skb.packet;
        let header = packet.read(0, netverdict_net::header::network_header_len(packet));
        let right = header.is_ok_and(|bytes| checksum::finish(checksum::sum(bytes, 0)) == 0);
        if right || self.config.checksums == Checksums::Trust {
            Ok(())
        } else {
            Err(Reason::BadIpHeader)
        }
    }

    fn check_v6(&self) -> Result<(), Reason> {
        let (IpAddr::V6(source), IpAddr::V6(destination)) =
            (self.skb.packet.source(), self.skb.packet.destination())
        else {
            return Err(Reason::BadIpHeader);
        };
        let lo = Device::Named(InterfaceName::loopback());
        let known_wire = self.skb.in_device != lo && self.skb.in_device != Device::Unknown;
        if self.host.settings(self.skb.in_device).disable_ipv6 {
            return Err(Reason::BadIpHeader);
        }
        if known_wire && (source.is_loopback() || destination.is_loopback()) {
            return Err(Reason::Martian);
        }
        if multicast_scope(destination).is_some_and(|scope| scope == 0 || scope == 1 && known_wire)
        {
            return Err(Reason::Martian);
        }
        if source.is_multicast() {
            return Err(Reason::Martian);
        }
        self.check_hop_by_hop()
    }

    /// `ipv6_parse_hopopts`: options that must be understood, and are not, drop the packet.
    fn check_hop_by_hop(&self) -> Result<(), Reason> {
        let packet = &self.skb.packet;
        if netverdict_net::header::next_protocol(packet) != Protocol::HOPOPTS {
            return Ok(());
        }
        let Ok(&[_, len]) = packet.array::<2>(40) else {
            return if packet.len() < 48 {
                Err(Reason::BadIpHeader)
            } else {
                Ok(())
            };
        };
        let size = (usize::from(len) + 1) * 8;
        match packet.read(42, size - 2) {
            Ok(options) => options_pass(options),
            Err(netverdict_net::Beyond::PacketEnd) => Err(Reason::BadIpHeader),
            Err(netverdict_net::Beyond::Captured) => Ok(()),
        }
    }
}

const fn multicast_scope(addr: Ipv6Addr) -> Option<u8> {
    if addr.is_multicast() {
        Some(addr.octets()[1] & 15)
    } else {
        None
    }
}

/// `ip6_parse_tlv` for the hop-by-hop header.
fn options_pass(mut options: &[u8]) -> Result<(), Reason> {
    const PAD1: u8 = 0;
    const PADN: u8 = 1;
    const ROUTER_ALERT: u8 = 5;
    const IOAM: u8 = 49;
    const CALIPSO: u8 = 7;
    let bad = Err(Reason::BadIpHeader);
    let mut padding = 0;
    while let Some((&kind, rest)) = options.split_first() {
        if kind == PAD1 {
            padding += 1;
            if padding > 7 {
                return bad;
            }
            options = rest;
            continue;
        }
        let Some((&len, rest)) = rest.split_first() else {
            return bad;
        };
        let Some((value, rest)) = rest.split_at_checked(usize::from(len)) else {
            return bad;
        };
        if kind == PADN {
            // Padding of more than 7 bytes, or that is not zero, is refused.
            padding += 2 + value.len();
            if padding > 7 || value.iter().any(|b| *b != 0) {
                return bad;
            }
        } else {
            let taken = match kind {
                ROUTER_ALERT => value.len() == 2,
                IOAM | CALIPSO => true,
                // The two highest bits say what to do with an option nobody knows: 00 is skip.
                _ => kind >> 6 == 0,
            };
            if !taken {
                return bad;
            }
            padding = 0;
        }
        options = rest;
    }
    Ok(())
}
