//! The kernel's own TRACE lines, as legacy iptables logs them through nf_log_syslog.
//!
//! One line for each rule that matched, each end of a user chain and each policy (ip_tables.c, `trace_packet`). A rule
//! without any test whose target is a bare verdict looks to the kernel like a chain's tail and is called so
//! (`get_chainname_rulenum`).

use std::fmt::{self, Write as _};
use std::io::{self, Write};
use std::net::IpAddr;

use netverdict_engine::{RuleNumber, RuleRef};
use netverdict_net::{Family, LinkKind, Packet, Protocol, header};
use netverdict_ruleset::{Chain, ChainId, Rule, Ruleset, Target};

use super::{Seen, Step, Trace};

/// Writes the lines.
///
/// # Errors
/// The writer's.
pub fn write(trace: &Trace<'_>, out: &mut dyn Write) -> io::Result<()> {
    let mut place = None;
    for step in trace.steps() {
        match step {
            Step::Table { table, .. } => place = Some((*table, trace_family(trace))),
            Step::Matched { rule, seen } => line(trace, *rule, seen, out)?,
            Step::Policy { rule, seen } => line(trace, *rule, seen, out)?,
            Step::Return {
                chain,
                rule: None,
                seen: Some(seen),
            } => {
                if let Some((table, family)) = place {
                    let end = RuleRef {
                        family,
                        table,
                        chain: *chain,
                        number: RuleNumber::Policy,
                    };
                    line(trace, end, seen, out)?;
                }
            }
            _ => {}
        }
    }
    Ok(())
}

fn trace_family(trace: &Trace<'_>) -> Family {
    trace.packet.as_ref().map_or(Family::V4, Packet::family)
}

fn line(trace: &Trace<'_>, place: RuleRef, seen: &Seen, out: &mut dyn Write) -> io::Result<()> {
    let ruleset = trace.setup.ruleset(place.family);
    let Some(chain) = ruleset.and_then(|r| chain(r, place)) else {
        return Ok(());
    };
    let is_base = chain.hook().is_some();
    let tail = if is_base { "policy" } else { "return" };
    let (comment, number) = match place.number {
        RuleNumber::Policy => (tail, chain.rules.len() + 1),
        RuleNumber::Rule(number) => {
            let rule = chain.rules.get((number as usize).wrapping_sub(1));
            (
                if rule.is_some_and(looks_like_a_tail) {
                    tail
                } else {
                    "rule"
                },
                number as usize,
            )
        }
    };
    let text = format!(
        "TRACE: {}:{}:{comment}:{number} {}",
        place.table,
        chain.name,
        Log { seen }
    );
    writeln!(out, "{}", text.trim_end())
}

fn chain(ruleset: &Ruleset, place: RuleRef) -> Option<&Chain> {
    ruleset.table(place.table)?.chain(ChainId(place.chain))
}

fn looks_like_a_tail(rule: &Rule) -> bool {
    let has_no_test = rule.source.is_none()
        && rule.destination.is_none()
        && rule.in_interface.is_none()
        && rule.out_interface.is_none()
        && rule.protocol.is_none()
        && rule.fragment.is_none()
        && rule.matches.is_empty();
    has_no_test
        && matches!(
            rule.target,
            Some(Target::Accept | Target::Drop | Target::Return)
        )
}

/// A packet as nf_log_syslog prints it.
struct Log<'s> {
    seen: &'s Seen,
}

impl fmt::Display for Log<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = |device: netverdict_net::Device| {
            device.name().map(ToString::to_string).unwrap_or_default()
        };
        write!(
            f,
            "IN={} OUT={} ",
            name(self.seen.in_device),
            name(self.seen.out_device)
        )?;
        if self.seen.in_device != netverdict_net::Device::Absent {
            write!(f, "MAC={} ", mac(&self.seen.packet))?;
        }
        packet(f, &self.seen.packet, true)?;
        if self.seen.mark != 0 {
            write!(f, "MARK={:#x} ", self.seen.mark)?;
        }
        Ok(())
    }
}

/// The link header's bytes: destination, source, EtherType.
fn mac(packet: &Packet<'_>) -> String {
    let link = &packet.link;
    let (LinkKind::Ethernet, Some(source), Some(destination)) =
        (link.kind, link.source, link.destination)
    else {
        return String::new();
    };
    let ether_type = match packet.family() {
        Family::V4 => "08:00",
        Family::V6 => "86:dd",
    };
    format!("{destination}:{source}:{ether_type}")
}

fn packet(f: &mut fmt::Formatter<'_>, packet: &Packet<'_>, is_outer: bool) -> fmt::Result {
    match packet.family() {
        Family::V4 => ipv4(f, packet, is_outer),
        Family::V6 => ipv6(f, packet, is_outer),
    }
}

/// `dump_ipv4_packet`.
fn ipv4(f: &mut fmt::Formatter<'_>, packet: &Packet<'_>, is_outer: bool) -> fmt::Result {
    let tos = packet.tos();
    write!(f, "SRC={} DST={} ", packet.source(), packet.destination())?;
    let (len, id) = (packet.u16(2).unwrap_or(0), packet.u16(4).unwrap_or(0));
    write!(
        f,
        "LEN={len} TOS=0x{:02X} PREC=0x{:02X} TTL={} ID={id} ",
        tos & 0x1e,
        tos & 0xe0,
        packet.ttl()
    )?;
    let word = packet.u16(6).unwrap_or(0);
    for (bit, name) in [(0x8000, "CE "), (0x4000, "DF "), (0x2000, "MF ")] {
        if word & bit != 0 {
            f.write_str(name)?;
        }
    }
    let offset = word & 0x1fff;
    if offset != 0 {
        write!(f, "FRAG:{offset} ")?;
    }
    let at = header::network_header_len(packet);
    if at > 20 {
        options(f, packet.read(20, at - 20).unwrap_or_default())?;
    }
    transport(
        f,
        packet,
        header::next_protocol(packet),
        at,
        offset != 0,
        is_outer,
    )
}

fn options(f: &mut fmt::Formatter<'_>, bytes: &[u8]) -> fmt::Result {
    f.write_str("OPT (")?;
    for byte in bytes {
        write!(f, "{byte:02X}")?;
    }
    f.write_str(") ")
}

/// `dump_ipv6_packet`, extension headers included.
fn ipv6(f: &mut fmt::Formatter<'_>, packet: &Packet<'_>, is_outer: bool) -> fmt::Result {
    write!(
        f,
        "SRC={} DST={} ",
        long(packet.source()),
        long(packet.destination())
    )?;
    let word = packet.u32(0).unwrap_or(0);
    let len = 40 + u32::from(packet.u16(4).unwrap_or(0));
    write!(
        f,
        "LEN={len} TC={} HOPLIMIT={} FLOWLBL={} ",
        word >> 20 & 0xff,
        packet.ttl(),
        word & 0x000f_ffff
    )?;
    let mut protocol = header::next_protocol(packet);
    let mut at = 40;
    while header::ipv6::is_extension(protocol) && protocol != Protocol::NONE {
        let Ok(&[next, units]) = packet.array::<2>(at) else {
            return f.write_str("INCOMPLETE ");
        };
        if protocol == Protocol::FRAGMENT {
            let word = packet.u16(at + 2).unwrap_or(0);
            write!(f, "FRAG:{} ", word & 0xfff8)?;
            if word & 1 != 0 {
                f.write_str("INCOMPLETE ")?;
            }
            write!(f, "ID:{:08x} ", packet.u32(at + 4).unwrap_or(0))?;
            if word >> 3 != 0 {
                return transport(f, packet, Protocol(next), at + 8, true, is_outer);
            }
            at += 8;
        } else {
            f.write_str("OPT ( ) ")?;
            at += if protocol == Protocol::AH {
                (usize::from(units) + 2) * 4
            } else {
                (usize::from(units) + 1) * 8
            };
        }
        protocol = Protocol(next);
    }
    transport(f, packet, protocol, at, false, is_outer)
}

/// All eight groups with all their digits.
fn long(address: IpAddr) -> String {
    match address {
        IpAddr::V4(address) => address.to_string(),
        IpAddr::V6(address) => {
            let groups: Vec<_> = address
                .segments()
                .iter()
                .map(|group| format!("{group:04x}"))
                .collect();
            groups.join(":")
        }
    }
}

fn transport(
    f: &mut fmt::Formatter<'_>,
    packet: &Packet<'_>,
    protocol: Protocol,
    at: usize,
    is_later: bool,
    is_outer: bool,
) -> fmt::Result {
    let name = match protocol {
        Protocol::TCP => "TCP",
        Protocol::UDP => "UDP",
        Protocol::UDPLITE => "UDPLITE",
        Protocol::ICMP if packet.family() == Family::V4 => "ICMP",
        Protocol::ICMPV6 if packet.family() == Family::V6 => "ICMPv6",
        Protocol::AH => "AH",
        Protocol::ESP => "ESP",
        Protocol(number) => return write!(f, "PROTO={number} "),
    };
    write!(f, "PROTO={name} ")?;
    if is_later {
        return Ok(());
    }
    let need = match protocol {
        Protocol::TCP => 20,
        Protocol::AH => 12,
        _ => 8,
    };
    if packet.read(at, need).is_err() {
        return write!(f, "INCOMPLETE [{} bytes] ", packet.len().saturating_sub(at));
    }
    match protocol {
        Protocol::TCP => tcp(f, packet, at),
        Protocol::UDP | Protocol::UDPLITE => {
            let word = |offset| packet.u16(at + offset).unwrap_or(0);
            write!(f, "SPT={} DPT={} LEN={} ", word(0), word(2), word(4))
        }
        Protocol::ICMP => icmp(f, packet, at, is_outer),
        Protocol::ICMPV6 => icmpv6(f, packet, at, is_outer),
        Protocol::AH => write!(f, "SPI={:#x} ", packet.u32(at + 4).unwrap_or(0)),
        _ => write!(f, "SPI={:#x} ", packet.u32(at).unwrap_or(0)),
    }
}

/// `nf_log_dump_tcp_header`.
fn tcp(f: &mut fmt::Formatter<'_>, packet: &Packet<'_>, at: usize) -> fmt::Result {
    let word = |offset| packet.u16(at + offset).unwrap_or(0);
    let long = |offset| packet.u32(at + offset).unwrap_or(0);
    write!(
        f,
        "SPT={} DPT={} SEQ={} ACK={} WINDOW={} ",
        word(0),
        word(2),
        long(4),
        long(8),
        word(14)
    )?;
    let (reserved, flags) = (word(12) >> 8 & 0x0f, word(12) & 0xff);
    write!(f, "RES=0x{:02x} ", reserved << 2)?;
    for (bit, name) in [
        (0x80, "CWR "),
        (0x40, "ECE "),
        (0x20, "URG "),
        (0x10, "ACK "),
        (0x08, "PSH "),
        (0x04, "RST "),
        (0x02, "SYN "),
        (0x01, "FIN "),
    ] {
        if flags & bit != 0 {
            f.write_str(name)?;
        }
    }
    write!(f, "URGP={} ", word(18))?;
    let len = usize::from(word(12) >> 12) * 4;
    match packet.read(at + 20, len.saturating_sub(20)) {
        Ok(bytes) if !bytes.is_empty() => options(f, bytes),
        _ => Ok(()),
    }
}

fn icmp(f: &mut fmt::Formatter<'_>, packet: &Packet<'_>, at: usize, is_outer: bool) -> fmt::Result {
    let word = |offset| packet.u16(at + offset).unwrap_or(0);
    let [kind, code] = word(0).to_be_bytes();
    write!(f, "TYPE={kind} CODE={code} ")?;
    match kind {
        0 | 8 => return write!(f, "ID={} SEQ={} ", word(4), word(6)),
        12 => write!(f, "PARAMETER={} ", word(4) >> 8)?,
        5 => {
            let gateway = packet.array::<4>(at + 4).map(|b| IpAddr::from(*b));
            write!(
                f,
                "GATEWAY={} ",
                gateway.map(|g| g.to_string()).unwrap_or_default()
            )?;
        }
        3 | 4 | 11 => {}
        _ => return Ok(()),
    }
    if is_outer && kind != 12 {
        inner(f, packet, at + 8)?;
    }
    if kind == 3 && code == 4 {
        write!(f, "MTU={} ", word(6))?;
    }
    Ok(())
}

fn icmpv6(
    f: &mut fmt::Formatter<'_>,
    packet: &Packet<'_>,
    at: usize,
    is_outer: bool,
) -> fmt::Result {
    let word = |offset| packet.u16(at + offset).unwrap_or(0);
    let [kind, code] = word(0).to_be_bytes();
    write!(f, "TYPE={kind} CODE={code} ")?;
    match kind {
        128 | 129 => write!(f, "ID={} SEQ={} ", word(4), word(6)),
        4 => write!(f, "POINTER={:08x} ", packet.u32(at + 4).unwrap_or(0)),
        1..=3 => {
            if is_outer {
                inner(f, packet, at + 8)?;
            }
            if kind == 2 {
                write!(f, "MTU={} ", packet.u32(at + 4).unwrap_or(0))?;
            }
            Ok(())
        }
        _ => Ok(()),
    }
}

/// The packet an error is about.
fn inner(f: &mut fmt::Formatter<'_>, outer: &Packet<'_>, at: usize) -> fmt::Result {
    let bytes = outer.captured().get(at..).unwrap_or_default();
    f.write_char('[')?;
    match Packet::new(bytes, usize::MAX, outer.link) {
        Ok(inner) if inner.family() == outer.family() => packet(f, &inner, false)?,
        _ => f.write_str("INCOMPLETE ")?,
    }
    f.write_str("] ")
}
