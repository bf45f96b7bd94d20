//! The connection table, as `conntrack -L -o extended` prints it.

use std::fmt;
use std::io::{self, Write};

use netverdict_engine::{ConnectionView, Counter, Status, Tuple, ZoneDirection};
use netverdict_net::{Family, Protocol};

/// Writes a line for each connection.
///
/// # Errors
/// The writer's.
pub fn write(connections: &[ConnectionView], out: &mut dyn Write) -> io::Result<()> {
    connections
        .iter()
        .try_for_each(|connection| writeln!(out, "{}", Line(connection)))
}

/// One connection's line.
#[derive(Debug, Clone, Copy)]
struct Line<'c>(&'c ConnectionView);

impl fmt::Display for Line<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let c = self.0;
        let (family, number) = match c.family {
            Family::V4 => ("ipv4", 2),
            Family::V6 => ("ipv6", 10),
        };
        write!(
            f,
            "{family:8} {number} {:8} {} {} ",
            protocol(c.protocol),
            c.protocol.0,
            c.expires
        )?;
        match c.state {
            Some(netverdict_engine::ProtocolState::Tcp(state)) => write!(f, "{state} ")?,
            Some(netverdict_engine::ProtocolState::Sctp(state)) => write!(f, "{state} ")?,
            None => {}
        }
        let [original, reply] = c
            .counters
            .map_or([None; 2], |[original, reply]| [Some(original), Some(reply)]);
        tuple(f, &c.original)?;
        zone(f, c, ZoneDirection::Original, "zone-orig")?;
        counters(f, original)?;
        if !c.status.contains(Status::SEEN_REPLY) {
            f.write_str("[UNREPLIED] ")?;
        }
        tuple(f, &c.reply)?;
        zone(f, c, ZoneDirection::Reply, "zone-reply")?;
        counters(f, reply)?;
        if c.status.contains(Status::ASSURED) {
            f.write_str("[ASSURED] ")?;
        }
        write!(f, "mark={} ", c.mark)?;
        zone(f, c, ZoneDirection::Both, "zone")?;
        if let Some(age) = c.age {
            write!(f, "delta-time={age} ")?;
        }
        if let Some(helper) = c.helper {
            write!(f, "helper={helper} ")?;
        }
        f.write_str("use=1")
    }
}

/// The names of nfct; a protocol without a tracker of its own is unknown.
const fn protocol(protocol: Protocol) -> &'static str {
    match protocol {
        Protocol::TCP => "tcp",
        Protocol::UDP => "udp",
        Protocol::UDPLITE => "udplite",
        Protocol::ICMP => "icmp",
        Protocol::ICMPV6 => "icmpv6",
        Protocol::SCTP => "sctp",
        Protocol::GRE => "gre",
        Protocol::DCCP => "dccp",
        _ => "unknown",
    }
}

fn tuple(f: &mut fmt::Formatter<'_>, tuple: &Tuple) -> fmt::Result {
    write!(f, "src={} dst={} ", tuple.source(), tuple.destination())?;
    let (source, destination) = (tuple.source_port, tuple.destination_port);
    match tuple.protocol {
        Protocol::TCP | Protocol::UDP | Protocol::UDPLITE | Protocol::SCTP | Protocol::DCCP => {
            write!(f, "sport={source} dport={destination} ")
        }
        Protocol::ICMP | Protocol::ICMPV6 => {
            write!(
                f,
                "type={} code={} id={source} ",
                destination >> 8,
                destination & 0xff
            )
        }
        Protocol::GRE => write!(f, "srckey={source:#x} dstkey={destination:#x} "),
        _ => Ok(()),
    }
}

fn zone(
    f: &mut fmt::Formatter<'_>,
    c: &ConnectionView,
    at: ZoneDirection,
    name: &str,
) -> fmt::Result {
    if c.zone.id != 0 && c.zone.direction == at {
        write!(f, "{name}={} ", c.zone.id)?;
    }
    Ok(())
}

fn counters(f: &mut fmt::Formatter<'_>, counter: Option<Counter>) -> fmt::Result {
    match counter {
        Some(Counter { packets, bytes }) => write!(f, "packets={packets} bytes={bytes} "),
        None => Ok(()),
    }
}
