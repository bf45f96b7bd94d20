//! What of a packet a set type looks at (`*_kadt` of net/netfilter/ipset/ip_set_*.c, ip_set_getport.c).

use std::net::IpAddr;

use netverdict_net::header::icmp::Icmp;
use netverdict_net::header::ipv6::{self, WalkError};
use netverdict_net::header::{ipv4_fragment, network_header_len, next_protocol};
use netverdict_net::{Beyond, Device, Family, InterfaceName, LinkKind, MacAddr, Packet, Protocol};
use netverdict_ruleset::matches::{SetCounterTest, SetSide};
use netverdict_ruleset::sets::{SetKind, SetOptions, SetRange};

use crate::Skb;

/// What a rule asks of a set.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Query<'a> {
    pub(crate) sides: &'a [SetSide],
    pub(crate) return_nomatch: bool,
    pub(crate) update_counters: bool,
    pub(crate) update_subcounters: bool,
    pub(crate) packets: Option<SetCounterTest>,
    pub(crate) bytes: Option<SetCounterTest>,
    /// `skb->len`.
    pub(crate) len: u64,
    /// Whether the packet's device has Ethernet's headers.
    pub(crate) ethernet: bool,
}

/// The packet as a set sees it; what its type leaves out is 0.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Ask {
    pub(super) first: u128,
    pub(super) second: u128,
    pub(super) protocol: u8,
    pub(super) port: u16,
    /// MAC address or mark.
    pub(super) other: u64,
    pub(super) device: Option<InterfaceName>,
}

/// Why a packet has no key for a set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Missing {
    /// The kernel finds none: no match.
    NotThere,
    /// The inputs do not tell.
    Unknown(&'static str),
}

impl Ask {
    pub(super) fn of(
        kind: SetKind,
        options: &SetOptions,
        query: &Query<'_>,
        skb: &Skb<'_>,
    ) -> Result<Self, Missing> {
        let side = |dimension: usize| query.sides.get(dimension).copied();
        let ip = |dimension| address(&skb.packet, side(dimension));
        let mut ask = Self::default();
        match kind {
            SetKind::BitmapIp | SetKind::BitmapIpMac => {
                ask.first = in_range(ip(0), options)?;
            }
            SetKind::HashIp | SetKind::HashIpPort => {
                ask.first = cut(ip(0), options);
                if ask.first == 0 {
                    return Err(Missing::NotThere);
                }
            }
            SetKind::HashNetNet => ask.first = cut(ip(0), options),
            SetKind::BitmapPort | SetKind::HashMac | SetKind::ListSet => {}
            _ => ask.first = ip(0),
        }
        match kind {
            SetKind::HashMac => ask.other = mac(skb, side(0), query.ethernet)?,
            SetKind::BitmapIpMac | SetKind::HashIpMac => {
                ask.other = mac(skb, side(1), query.ethernet)?;
            }
            SetKind::HashIpMark => {
                ask.other = u64::from(skb.mark & options.mark_mask.unwrap_or(u32::MAX));
            }
            SetKind::HashNetNet => ask.second = cut(ip(1), options),
            SetKind::HashNetIface => ask.device = Some(device(skb, side(1))?),
            SetKind::BitmapPort => ask.take_plain_port(&skb.packet, side(0), options)?,
            SetKind::HashIpPort | SetKind::HashNetPort => ask.take_port(&skb.packet, side(1))?,
            SetKind::HashIpPortIp | SetKind::HashIpPortNet | SetKind::HashNetPortNet => {
                ask.take_port(&skb.packet, side(1))?;
                ask.second = ip(2);
            }
            _ => {}
        }
        Ok(ask)
    }

    fn take_port(&mut self, packet: &Packet<'_>, side: Option<SetSide>) -> Result<(), Missing> {
        let (protocol, port) = port(packet, side)?;
        (self.protocol, self.port) = (protocol.0, port);
        Ok(())
    }

    /// A bitmap's ports are those of TCP and UDP, without telling which.
    fn take_plain_port(
        &mut self,
        packet: &Packet<'_>,
        side: Option<SetSide>,
        options: &SetOptions,
    ) -> Result<(), Missing> {
        let (protocol, port) = port(packet, side)?;
        let within = match options.range {
            Some(SetRange::Ports(first, last)) => first <= port && port <= last,
            _ => false,
        };
        if !within || !matches!(protocol, Protocol::TCP | Protocol::UDP) {
            return Err(Missing::NotThere);
        }
        self.port = port;
        Ok(())
    }
}

/// An address as a number, IPv4 in the low 32 bits.
pub(super) const fn number(addr: IpAddr) -> u128 {
    match addr {
        IpAddr::V4(addr) => addr.to_bits() as u128,
        IpAddr::V6(addr) => addr.to_bits(),
    }
}

/// An Ethernet address as a number.
pub(super) fn mac_number(mac: MacAddr) -> u64 {
    mac.0
        .into_iter()
        .fold(0, |n, byte| n << 8 | u64::from(byte))
}

/// The first `len` bits of a family's address.
pub(super) const fn prefix(addr: u128, len: u8, family: Family) -> u128 {
    let bits = family.bits();
    if len == 0 {
        0
    } else if len >= bits {
        addr
    } else {
        addr >> (bits - len) << (bits - len)
    }
}

/// An address under the set's netmask or bitmask.
pub(super) fn cut(addr: u128, options: &SetOptions) -> u128 {
    let family = match options.family {
        netverdict_ruleset::sets::SetFamily::Only(family) => family,
        netverdict_ruleset::sets::SetFamily::Any => Family::V6,
    };
    let addr = options
        .netmask
        .map_or(addr, |len| prefix(addr, len, family));
    options.bitmask.map_or(addr, |mask| addr & number(mask))
}

fn address(packet: &Packet<'_>, side: Option<SetSide>) -> u128 {
    number(match side {
        Some(SetSide::Source) => packet.source(),
        _ => packet.destination(),
    })
}

fn in_range(addr: u128, options: &SetOptions) -> Result<u128, Missing> {
    match options.range {
        Some(SetRange::Addresses(first, last)) if number(first) <= addr && addr <= number(last) => {
            Ok(cut(addr, options))
        }
        _ => Err(Missing::NotThere),
    }
}

fn mac(skb: &Skb<'_>, side: Option<SetSide>, ethernet: bool) -> Result<u64, Missing> {
    let link = &skb.packet.link;
    let found = match side {
        Some(SetSide::Source) => link.source,
        _ => link.destination,
    };
    match found {
        Some(mac) if mac != MacAddr::default() && !skb.local => Ok(mac_number(mac)),
        None if !skb.local && ethernet && link.kind != LinkKind::Ethernet => {
            Err(Missing::Unknown("MAC address not captured"))
        }
        _ => Err(Missing::NotThere),
    }
}

fn device(skb: &Skb<'_>, side: Option<SetSide>) -> Result<InterfaceName, Missing> {
    let device = match side {
        Some(SetSide::Source) => skb.in_device,
        _ => skb.out_device,
    };
    match device {
        Device::Named(name) => Ok(name),
        Device::Absent => Err(Missing::NotThere),
        Device::Unknown => Err(Missing::Unknown("the device is not known")),
    }
}

/// Protocol and port (`ip_set_get_ip4_port`, `ip_set_get_ip6_port`). ICMP's port is type and code.
fn port(packet: &Packet<'_>, side: Option<SetSide>) -> Result<(Protocol, u16), Missing> {
    let beyond = |beyond| match beyond {
        Beyond::PacketEnd => Missing::NotThere,
        Beyond::Captured => Missing::Unknown("ports not captured"),
    };
    let (protocol, at) = match packet.family() {
        Family::V4 => {
            let protocol = next_protocol(packet);
            if ipv4_fragment(packet).0 != 0 {
                return later_fragment(protocol);
            }
            (protocol, network_header_len(packet))
        }
        Family::V6 => match ipv6::skip(packet) {
            Ok(found) if found.fragment_offset == 0 => (found.protocol, found.offset),
            Err(WalkError::Beyond(why)) => return Err(beyond(why)),
            _ => return Err(Missing::NotThere),
        },
    };
    let port = match protocol {
        Protocol(0) if packet.family() == Family::V4 => return Err(Missing::NotThere),
        Protocol::TCP => word(packet, at, 20, side),
        Protocol::SCTP => word(packet, at, 12, side),
        Protocol::UDP | Protocol::UDPLITE => word(packet, at, 8, side),
        Protocol::ICMP | Protocol::ICMPV6 => match Icmp::at(packet, at) {
            Some(icmp) => icmp.type_code().map(|(t, c)| u16::from_be_bytes([t, c])),
            None => Err(Beyond::PacketEnd),
        },
        _ => Ok(0),
    };
    port.map(|port| (protocol, port)).map_err(beyond)
}

fn later_fragment(protocol: Protocol) -> Result<(Protocol, u16), Missing> {
    match protocol {
        Protocol(0)
        | Protocol::TCP
        | Protocol::SCTP
        | Protocol::UDP
        | Protocol::UDPLITE
        | Protocol::ICMP => Err(Missing::NotThere),
        _ => Ok((protocol, 0)),
    }
}

/// A port of a header of which `len` bytes must be there.
fn word(packet: &Packet<'_>, at: usize, len: usize, side: Option<SetSide>) -> Result<u16, Beyond> {
    if !packet.holds(at, len) {
        return Err(Beyond::PacketEnd);
    }
    packet.u16(if side == Some(SetSide::Source) {
        at
    } else {
        at + 2
    })
}
