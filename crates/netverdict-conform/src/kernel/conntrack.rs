//! The kernel's connection table, read through ctnetlink.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use netverdict_engine::{Zone, ZoneDirection};
use netverdict_net::Protocol;

use super::Namespace;
use super::netlink::{Attributes, NLM_F_DUMP, Request, Socket};
use crate::RigError;

const CT_GET: u16 = 1 << 8 | 1;

/// One direction of a connection. For ICMP, `source_port` is the id and `destination_port` is type << 8 | code, as the
/// conntrack match compares them; protocols without ports have zeros.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Tuple {
    /// Source address.
    pub source: IpAddr,
    /// Destination address.
    pub destination: IpAddr,
    /// Source port or ICMP id.
    pub source_port: u16,
    /// Destination port or ICMP type and code.
    pub destination_port: u16,
}

/// One entry of the table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Connection {
    /// Layer-4 protocol.
    pub protocol: Protocol,
    /// As the first packet had it.
    pub original: Tuple,
    /// As answers arrive.
    pub reply: Tuple,
    /// `IPS_*` bits.
    pub status: u32,
    /// Seconds left.
    pub timeout: u32,
    /// The connection mark.
    pub mark: u32,
    /// The zone and where it applies.
    pub zone: Zone,
    /// TCP or SCTP state number.
    pub state: Option<u8>,
    /// Packets and bytes, original direction; absent without accounting.
    pub original_counters: Option<(u64, u64)>,
    /// Packets and bytes, reply direction.
    pub reply_counters: Option<(u64, u64)>,
    /// The assigned helper's name.
    pub helper: Option<String>,
}

impl Connection {
    /// `IPS_EXPECTED`.
    pub const EXPECTED: u32 = 1;
    /// `IPS_SEEN_REPLY`.
    pub const SEEN_REPLY: u32 = 1 << 1;
    /// `IPS_ASSURED`.
    pub const ASSURED: u32 = 1 << 2;
    /// `IPS_CONFIRMED`.
    pub const CONFIRMED: u32 = 1 << 3;
    /// `IPS_SRC_NAT`.
    pub const SRC_NAT: u32 = 1 << 4;
    /// `IPS_DST_NAT`.
    pub const DST_NAT: u32 = 1 << 5;
}

/// Every entry of this namespace's table, ordered by protocol and tuple.
pub fn table(_inside: &Namespace) -> Result<Vec<Connection>, RigError> {
    let socket = Socket::open()?;
    socket.send(Request::new(CT_GET, NLM_F_DUMP, 0, 0))?;
    let mut entries = Vec::new();
    socket.answers(|_, body| entries.extend(connection(&Attributes(body))))?;
    entries.sort_by_key(|e: &Connection| (e.protocol, e.original, e.zone.id));
    Ok(entries)
}

fn connection(entry: &Attributes<'_>) -> Option<Connection> {
    const TUPLE_ORIGINAL: u16 = 1;
    const TUPLE_REPLY: u16 = 2;
    const STATUS: u16 = 3;
    const PROTOCOL_INFO: u16 = 4;
    const HELPER: u16 = 5;
    const HELPER_NAME: u16 = 1;
    const TIMEOUT: u16 = 7;
    const MARK: u16 = 8;
    const COUNTERS_ORIGINAL: u16 = 9;
    const COUNTERS_REPLY: u16 = 10;
    const ZONE: u16 = 18;
    const TUPLE_ZONE: u16 = 3;
    let (original, reply) = (entry.nested(TUPLE_ORIGINAL)?, entry.nested(TUPLE_REPLY)?);
    let zone = zone([
        entry.number(ZONE),
        original.number(TUPLE_ZONE),
        reply.number(TUPLE_ZONE),
    ]);
    let (protocol, original) = tuple(&original)?;
    let (_, reply) = tuple(&reply)?;
    let number = |kind| entry.number(kind).unwrap_or(0);
    Some(Connection {
        protocol,
        original,
        reply,
        status: number(STATUS) as u32,
        timeout: number(TIMEOUT) as u32,
        mark: number(MARK) as u32,
        zone,
        state: entry
            .nested(PROTOCOL_INFO)
            .and_then(|info| state(info, protocol)),
        original_counters: entry.nested(COUNTERS_ORIGINAL).and_then(counters),
        reply_counters: entry.nested(COUNTERS_REPLY).and_then(counters),
        helper: entry
            .nested(HELPER)
            .and_then(|h| h.get(HELPER_NAME))
            .map(|n| String::from_utf8_lossy(n.strip_suffix(&[0]).unwrap_or(n)).into_owned()),
    })
}

/// The zone of both directions, of the original one or of the reply's: the kernel names the one that is not 0.
fn zone(named: [Option<u64>; 3]) -> Zone {
    const PLACES: [ZoneDirection; 3] = [
        ZoneDirection::Both,
        ZoneDirection::Original,
        ZoneDirection::Reply,
    ];
    let mut places = named.into_iter().zip(PLACES);
    let found = places.find_map(|(id, direction)| {
        Some(Zone {
            id: id? as u16,
            direction,
        })
    });
    found.unwrap_or_default()
}

fn state(info: Attributes<'_>, protocol: Protocol) -> Option<u8> {
    const TCP: u16 = 1;
    const SCTP: u16 = 3;
    const STATE: u16 = 1;
    let inner = match protocol {
        Protocol::TCP => info.nested(TCP)?,
        Protocol::SCTP => info.nested(SCTP)?,
        _ => return None,
    };
    inner.number(STATE).map(|n| n as u8)
}

fn counters(attributes: Attributes<'_>) -> Option<(u64, u64)> {
    Some((attributes.number(1)?, attributes.number(2)?))
}

fn tuple(attributes: &Attributes<'_>) -> Option<(Protocol, Tuple)> {
    const IP: u16 = 1;
    const PROTOCOL: u16 = 2;
    let ip = attributes.nested(IP)?;
    let proto = attributes.nested(PROTOCOL)?;
    let protocol = Protocol(proto.number(1)? as u8);
    let port = |kind| proto.number(kind).unwrap_or(0) as u16;
    let (source_port, destination_port) = match protocol {
        Protocol::ICMP => (port(4), port(5) << 8 | port(6)),
        Protocol::ICMPV6 => (port(7), port(8) << 8 | port(9)),
        _ => (port(2), port(3)),
    };
    let tuple = Tuple {
        source: address(&ip, 1, 3)?,
        destination: address(&ip, 2, 4)?,
        source_port,
        destination_port,
    };
    Some((protocol, tuple))
}

fn address(ip: &Attributes<'_>, v4: u16, v6: u16) -> Option<IpAddr> {
    if let Some(bytes) = ip.get(v4) {
        return bytes.first_chunk::<4>().map(|b| Ipv4Addr::from(*b).into());
    }
    ip.get(v6)?
        .first_chunk::<16>()
        .map(|b| Ipv6Addr::from(*b).into())
}
