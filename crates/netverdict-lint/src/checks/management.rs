//! NV203: management ports that everybody can reach.

use std::net::IpAddr;

use netverdict_net::{Family, Protocol};
use netverdict_ruleset::{ChainId, Hook, TableKind, Target};

use crate::algebra::{Field, Full, Set};
use crate::catalogue::MANAGEMENT_OPEN;
use crate::checks::{Context, Examined};
use crate::reach::Reach;
use crate::{Finding, Severity};

/// A service that is run for few.
struct Service {
    port: u16,
    protocol: Protocol,
    name: &'static str,
    severity: Severity,
}

const fn tcp(port: u16, name: &'static str, severity: Severity) -> Service {
    Service {
        port,
        protocol: Protocol::TCP,
        name,
        severity,
    }
}

/// Errors are services that ask for no password, or send it in clear.
const SERVICES: [Service; 24] = [
    tcp(22, "SSH", Severity::Warning),
    tcp(23, "Telnet", Severity::Error),
    tcp(135, "Windows RPC", Severity::Error),
    tcp(139, "NetBIOS", Severity::Error),
    tcp(445, "SMB", Severity::Error),
    tcp(512, "rexec", Severity::Error),
    tcp(513, "rlogin", Severity::Error),
    tcp(514, "rsh", Severity::Error),
    tcp(873, "rsync", Severity::Error),
    tcp(2049, "NFS", Severity::Error),
    tcp(2375, "the Docker API without TLS", Severity::Error),
    tcp(2379, "etcd", Severity::Error),
    tcp(3306, "MySQL", Severity::Warning),
    tcp(3389, "Remote Desktop", Severity::Warning),
    tcp(5432, "PostgreSQL", Severity::Warning),
    tcp(5900, "VNC", Severity::Error),
    tcp(5985, "WinRM", Severity::Warning),
    tcp(6379, "Redis", Severity::Error),
    tcp(9200, "Elasticsearch", Severity::Error),
    tcp(10000, "Webmin", Severity::Warning),
    tcp(10250, "the kubelet API", Severity::Warning),
    tcp(11211, "memcached", Severity::Error),
    tcp(27017, "MongoDB", Severity::Error),
    Service {
        port: 161,
        protocol: Protocol::UDP,
        name: "SNMP",
        severity: Severity::Warning,
    },
];

/// Public addresses with nothing in common: a rule that takes all of them does not look at the source.
const EVERYBODY_V4: [[u8; 4]; 4] = [
    [1, 2, 3, 4],
    [93, 184, 216, 34],
    [151, 101, 1, 69],
    [210, 5, 77, 8],
];
const EVERYBODY_V6: [&str; 4] = [
    "2001:4860:4860::8888",
    "2400:cb00::1",
    "2606:4700::1",
    "2a00:1450::5",
];

pub(super) fn check(context: &Context<'_>, findings: &mut Vec<Finding>) {
    for filter in context.of_kind(TableKind::Filter) {
        if let Some(reach) = &filter.reach {
            // Without room for these sets nothing is said.
            let _ = look(filter, reach, findings);
        }
    }
}

/// A rule that lets anybody's first packets in, and which.
struct Opener {
    chain: ChainId,
    index: usize,
    hits: Set,
    services: Vec<&'static Service>,
}

fn look(filter: &Examined<'_>, reach: &Reach, findings: &mut Vec<Finding>) -> Result<(), Full> {
    let Some(accepted) = filter.accepted_at(Hook::Input) else {
        return Ok(());
    };
    let accepted = accepted?;
    let mut openers = openers(filter, reach)?;
    for service in &SERVICES {
        let asked = asked(reach, service.protocol, service.port)?;
        if !accepted.meets(&asked)? {
            continue;
        }
        for opener in &mut openers {
            let hits = opener.hits.and(&asked)?;
            if !hits.is_empty() && is_open(reach, &hits)? {
                opener.services.push(service);
                break;
            }
        }
    }
    for opener in openers.iter().filter(|o| !o.services.is_empty()) {
        findings.extend(finding(filter, reach, opener)?);
    }
    Ok(())
}

/// Rules that accept first packets on a device that strangers may be behind, in the order of chains.
fn openers(filter: &Examined<'_>, reach: &Reach) -> Result<Vec<Opener>, Full> {
    let first = first(reach)?;
    let mut openers = Vec::new();
    for chain in filter.chains_from(Hook::Input) {
        let own = filter.table.chain(chain).map_or(&[][..], |c| &c.rules);
        let reached = reach.chain(chain).map_or(&[][..], |c| &c.rules);
        for (index, (rule, here)) in own.iter().zip(reached).enumerate() {
            // A device of a bare name is behind a rule for everybody only where nothing else is asked of the source.
            let is_named = rule
                .in_interface
                .is_some_and(|i| !i.inverted && !i.value.is_any());
            if rule.target != Some(Target::Accept) || is_named || here.is_dead() {
                continue;
            }
            let hits = here.hits.and(&first)?;
            if !hits.is_empty() {
                openers.push(Opener {
                    chain,
                    index,
                    hits,
                    services: Vec::new(),
                });
            }
        }
    }
    Ok(openers)
}

/// First packets to this host, of no set, no mark and no other question, from any port.
fn first(reach: &Reach) -> Result<Set, Full> {
    let space = &reach.space;
    let set = space.states(0b00001)?;
    let set = set.and(&space.equals(Field::Readable, 6)?)?;
    let set = set.and(&space.equals(Field::LaterFragment, 0)?)?;
    let set = set.and(&space.for_this_host()?)?;
    // What marks packets, and why, nobody can tell from here.
    let set = set.and(&space.equals(Field::Mark, 0)?)?;
    let set = set.and(&space.equals(Field::Connmark, 0)?)?;
    set.and(&space.entering(TableKind::Filter, Hook::Input)?)
}

/// First packets to a port: of TCP, SYN alone.
fn asked(reach: &Reach, protocol: Protocol, port: u16) -> Result<Set, Full> {
    let space = &reach.space;
    let set = space.equals(Field::Protocol, protocol.0.into())?;
    let set = set.and(&space.equals(Field::DestinationPort, port.into())?)?;
    if protocol == Protocol::TCP {
        set.and(&space.equals(Field::TcpFlags, 0x02)?)
    } else {
        Ok(set)
    }
}

/// Whether every stranger's packets are among these, on a device that strangers are behind.
fn is_open(reach: &Reach, hits: &Set) -> Result<bool, Full> {
    // Few devices only: named ones, not any other.
    let other = reach.space.equals(Field::InDevice, 1)?;
    if !hits.meets(&other)? {
        return Ok(false);
    }
    for stranger in strangers(reach.family) {
        if !hits.meets(&reach.space.equals(Field::Source, stranger)?)? {
            return Ok(false);
        }
    }
    Ok(true)
}

fn strangers(family: Family) -> Vec<u128> {
    match family {
        Family::V4 => EVERYBODY_V4
            .iter()
            .map(|a| u32::from_be_bytes(*a).into())
            .collect(),
        Family::V6 => EVERYBODY_V6
            .iter()
            .filter_map(|a| match a.parse() {
                Ok(IpAddr::V6(a)) => Some(a.to_bits()),
                _ => None,
            })
            .collect(),
    }
}

/// Ports that no service of the list has: a rule that opens them all is not about management.
const OTHERS: [u16; 4] = [7, 1021, 30003, 65533];

fn opens_all(reach: &Reach, opener: &Opener) -> Result<bool, Full> {
    for service in &opener.services {
        for port in OTHERS {
            let asked = asked(reach, service.protocol, port)?;
            if !opener.hits.meets(&asked)? {
                return Ok(false);
            }
        }
    }
    Ok(true)
}

/// Whether the packets come from chosen ports only.
fn asks_source_port(reach: &Reach, opener: &Opener) -> Result<bool, Full> {
    let usual = reach.space.equals(Field::SourcePort, 40001)?;
    Ok(!opener.hits.meets(&usual)?)
}

/// How many services a title names.
const NAMED: usize = 3;

fn finding(filter: &Examined<'_>, reach: &Reach, opener: &Opener) -> Result<Option<Finding>, Full> {
    let rule = filter.table.chain(opener.chain);
    let Some(rule) = rule.and_then(|c| c.rules.get(opener.index)) else {
        return Ok(None);
    };
    let Some(severity) = opener.services.iter().map(|s| s.severity).max() else {
        return Ok(None);
    };
    let all = opens_all(reach, opener)?;
    let what = if all {
        all_ports(&opener.services)
    } else {
        listed(&opener.services)
    };
    let mut why = format!("Packets of any source may begin connections to {what}.");
    if all {
        why = format!(
            "Packets of any source may begin connections to {what}, {} among them.",
            listed(&opener.services)
        );
    }
    if asks_source_port(reach, opener)? {
        why.push_str(" The source port that the rule asks for is the sender's choice.");
    }
    if rule.matches.iter().any(crate::algebra::is_stateful) {
        why.push_str(" The rate is limited, the sources are not.");
    }
    let place = filter.place(opener.chain, opener.index);
    Ok(Some(
        Finding::new(MANAGEMENT_OPEN, place, format!("{what} open to any source"))
        .severity(if all { Severity::Warning } else { severity })
        .label("no test of the source address")
        .because(why)
        .suggest("Name the networks that need it (`-s`, an ipset, `-i` of an inner interface), or move it behind a VPN."),
    ))
}

/// `every TCP port`.
fn all_ports(services: &[&Service]) -> String {
    let has = |protocol| services.iter().any(|s| s.protocol == protocol);
    let protocols = match (has(Protocol::TCP), has(Protocol::UDP)) {
        (true, true) => "TCP and UDP",
        (true, false) => "TCP",
        _ => "UDP",
    };
    format!("every {protocols} port")
}

/// `SSH (tcp 22), Telnet (tcp 23), SMB (tcp 445) and 4 others`.
fn listed(services: &[&Service]) -> String {
    let name = |s: &&Service| format!("{} ({} {})", s.name, s.protocol, s.port);
    let names: Vec<String> = services.iter().take(NAMED).map(name).collect();
    match services.len().saturating_sub(NAMED) {
        0 => names.join(", "),
        1 => format!("{} and 1 other", names.join(", ")),
        more => format!("{} and {more} others", names.join(", ")),
    }
}
