//! Tuples: what a connection is looked up by, read from packets and turned round.

use std::hash::{Hash, Hasher};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use netverdict_net::{Beyond, Family, Packet, Protocol};

use crate::Transport;

use super::icmp;
use super::icmpv6;
use super::layer4::{self, Fault, Layer4};

/// Which way a packet flows: as the connection's first packet did, or back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Direction {
    /// As the first packet.
    Original,
    /// Against it.
    Reply,
}

impl Direction {
    /// The other one.
    pub const fn other(self) -> Self {
        match self {
            Self::Original => Self::Reply,
            Self::Reply => Self::Original,
        }
    }

    /// 0 for original, 1 for reply.
    pub const fn index(self) -> usize {
        self as usize
    }
}

/// An address as a number, IPv4 in the low 32 bits. The family is the tuple's.
pub(crate) type Addr = u128;

/// The number of an address.
pub(crate) const fn addr(address: IpAddr) -> Addr {
    match address {
        IpAddr::V4(a) => a.to_bits() as u128,
        IpAddr::V6(a) => a.to_bits(),
    }
}

/// The address of a number.
pub(crate) const fn ip(family: Family, address: Addr) -> IpAddr {
    match family {
        Family::V4 => IpAddr::V4(Ipv4Addr::from_bits(address as u32)),
        Family::V6 => IpAddr::V6(Ipv6Addr::from_bits(address)),
    }
}

/// `struct nf_conntrack_tuple` without its direction: addresses, protocol and the two words of layer 4.
///
/// For TCP, UDP, UDP-Lite and SCTP the words are the ports; for ICMP the identifier and type << 8 | code; for PPTP's
/// GRE the call ids; for all others zero.
///
/// Packed, for two of them are in each entry of the table, of whose lines of memory none is to be wasted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(Rust, packed(8))]
pub struct Tuple {
    pub(crate) source: Addr,
    pub(crate) destination: Addr,
    /// Source port or ICMP identifier.
    pub source_port: u16,
    /// Destination port, or ICMP type << 8 | code.
    pub destination_port: u16,
    /// The layer-4 protocol.
    pub protocol: Protocol,
    /// The address family.
    pub family: Family,
}

impl Tuple {
    /// The source address.
    pub const fn source(&self) -> IpAddr {
        ip(self.family, self.source)
    }

    /// The destination address.
    pub const fn destination(&self) -> IpAddr {
        ip(self.family, self.destination)
    }

    /// The tuple with typed addresses.
    pub const fn transport(&self) -> Transport {
        Transport {
            source: self.source(),
            destination: self.destination(),
            protocol: self.protocol,
            source_port: self.source_port,
            destination_port: self.destination_port,
        }
    }

    /// The tuple of typed addresses.
    pub const fn of(transport: &Transport) -> Self {
        Self {
            source: addr(transport.source),
            destination: addr(transport.destination),
            source_port: transport.source_port,
            destination_port: transport.destination_port,
            protocol: transport.protocol,
            family: Family::of(transport.source),
        }
    }

    /// The ICMP type in the destination word.
    pub(crate) const fn icmp_type(&self) -> u8 {
        (self.destination_port >> 8) as u8
    }

    /// The tuple of the answer (`nf_ct_invert_tuple`); `None` for an ICMP type that has no answer.
    pub fn invert(&self) -> Option<Self> {
        let (source_port, destination_port) = match self.protocol {
            Protocol::ICMP => (
                self.source_port,
                self.answer(icmp::inverse(self.icmp_type())?),
            ),
            Protocol::ICMPV6 => (
                self.source_port,
                self.answer(icmpv6::inverse(self.icmp_type())?),
            ),
            _ => (self.destination_port, self.source_port),
        };
        Some(Self {
            source: self.destination,
            destination: self.source,
            source_port,
            destination_port,
            protocol: self.protocol,
            family: self.family,
        })
    }

    const fn answer(&self, icmp_type: u8) -> u16 {
        (icmp_type as u16) << 8 | self.destination_port & 0xff
    }

    /// Reads the tuple of the IP header at `network` (`nf_ct_get_tuplepr`): the outer one at 0, one quoted by an ICMP
    /// error further in.
    pub(crate) fn read(packet: &Packet<'_>, family: Family, network: usize) -> Result<Self, Fault> {
        let at = layer4::find(packet, family, network)?;
        Self::of_packet(packet, family, network, at)
    }

    /// Reads the tuple whose layer 4 is at a known place (`nf_ct_get_tuple`).
    pub(crate) fn of_packet(
        packet: &Packet<'_>,
        family: Family,
        network: usize,
        at: Layer4,
    ) -> Result<Self, Fault> {
        let (source, destination) = addresses(packet, family, network)
            .map_err(Fault::reading("IP header beyond the packet"))?;
        let (source_port, destination_port) = words(packet, at)?;
        Ok(Self {
            source,
            destination,
            source_port,
            destination_port,
            protocol: at.protocol,
            family,
        })
    }
}

fn addresses(packet: &Packet<'_>, family: Family, network: usize) -> Result<(Addr, Addr), Beyond> {
    match family {
        Family::V4 => {
            let bytes = packet.array::<8>(network + 12)?;
            let both = u64::from_be_bytes(*bytes);
            Ok((Addr::from(both >> 32), Addr::from(both as u32)))
        }
        Family::V6 => Ok((
            u128::from_be_bytes(*packet.array(network + 8)?),
            u128::from_be_bytes(*packet.array(network + 24)?),
        )),
    }
}

fn words(packet: &Packet<'_>, at: Layer4) -> Result<(u16, u16), Fault> {
    match at.protocol {
        Protocol::TCP | Protocol::UDP | Protocol::UDPLITE | Protocol::SCTP => {
            let word = packet
                .u32(at.offset)
                .map_err(Fault::reading("ports beyond the packet"))?;
            Ok(((word >> 16) as u16, word as u16))
        }
        Protocol::ICMP | Protocol::ICMPV6 => {
            let bytes = packet
                .array::<8>(at.offset)
                .map_err(Fault::reading("ICMP header beyond the packet"))?;
            let [kind, code, _, _, high, low, ..] = *bytes;
            Ok((
                u16::from_be_bytes([high, low]),
                u16::from_be_bytes([kind, code]),
            ))
        }
        Protocol::GRE => super::gre::words(packet, at.offset),
        _ => Ok((0, 0)),
    }
}

impl Hash for Tuple {
    /// Two words for IPv4, five for IPv6.
    #[inline]
    fn hash<H: Hasher>(&self, state: &mut H) {
        let layer4 = u64::from(self.source_port) << 32
            | u64::from(self.destination_port) << 16
            | u64::from(self.protocol.0) << 8
            | self.family as u64;
        match self.family {
            Family::V4 => {
                state.write_u64((self.source as u64) << 32 | self.destination as u64);
                state.write_u64(layer4);
            }
            Family::V6 => {
                state.write_u128(self.source);
                state.write_u128(self.destination);
                state.write_u64(layer4);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn tuple(protocol: u8, source_port: u16, destination_port: u16) -> Tuple {
        Tuple {
            source: 0x0a00_0001,
            destination: 0x0a00_0002,
            source_port,
            destination_port,
            protocol: Protocol(protocol),
            family: Family::V4,
        }
    }

    #[test]
    fn icmp_types_have_their_answers_and_no_others() {
        let echo = tuple(1, 7, 8 << 8);
        assert_eq!(echo.invert().map(|t| t.destination_port), Some(0));
        assert_eq!(
            tuple(1, 7, 13 << 8).invert().map(|t| t.destination_port),
            Some(14 << 8)
        );
        assert_eq!(tuple(1, 7, 9 << 8).invert(), None);
        assert_eq!(tuple(1, 7, 3 << 8).invert(), None);
        assert_eq!(
            tuple(58, 7, 128 << 8).invert().map(|t| t.destination_port),
            Some(129 << 8)
        );
        assert_eq!(tuple(58, 7, 137 << 8).invert(), None);
    }

    proptest! {
        #[test]
        fn the_reply_of_the_reply_is_the_original(protocol: u8, source: u16, destination: u16) {
            let original = tuple(protocol, source, destination);
            if let Some(reply) = original.invert() {
                prop_assert_eq!(reply.invert(), Some(original));
            }
        }

        #[test]
        fn transport_and_tuple_are_the_same_thing(protocol: u8, source: u16, destination: u16) {
            let original = tuple(protocol, source, destination);
            prop_assert_eq!(Tuple::of(&original.transport()), original);
        }
    }
}
