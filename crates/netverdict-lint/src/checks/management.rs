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

/// Devices that no stranger is behind.
const INSIDE: [&str; 12] = [
    "lo", "docker", "br-", "virbr", "veth", "cni", "cali", "flannel", "lxc", "wg", "tun", "tap",
];

pub(super) fn check(context: &Context<'_>, findings: &mut Vec<Finding>) {
    for filter in context.of_kind(TableKind::Filter) {
        if let Some(reach) = &filter.reach {
            // Without room for these sets nothing is said.
            let _ = look(filter, reach, findings);
        }
    }
}

fn look(filter: &Examined<'_>, reach: &Reach, findings: &mut Vec<Finding>) -> Result<(), Full> {
    let Some(accepted) = filter.accepted_at(Hook::Input) else {
        return Ok(());
    };
    let accepted = accepted?;
    let strangers = strangers(reach)?;
    let chains = filter.chains_from(Hook::Input);
    let mut by_rule: Vec<(ChainId, usize, Vec<&Service>)> = Vec::new();
    for service in &SERVICES {
        let asked = asked(reach, service)?;
        if !accepted.meets(&asked)? {
            continue;
        }
        if let Some((id, index)) = opener(filter, reach, &chains, &asked, &strangers)? {
            match by_rule.iter_mut().find(|(c, i, _)| (*c, *i) == (id, index)) {
                Some((_, _, services)) => services.push(service),
                None => by_rule.push((id, index, vec![service])),
            }
        }
    }
    findings.extend(
        by_rule
            .into_iter()
            .filter_map(|(id, index, services)| finding(filter, id, index, &services)),
    );
    Ok(())
}

/// First packets to a service's port, of no set, no mark and no other question.
fn asked(reach: &Reach, service: &Service) -> Result<Set, Full> {
    let space = &reach.space;
    let protocol = space.equals(Field::Protocol, service.protocol.0.into())?;
    let port = space.equals(Field::DestinationPort, service.port.into())?;
    let first = space.states(0b00001)?;
    let set = protocol.and(&port)?.and(&first)?;
    let set = set.and(&space.equals(Field::Readable, 6)?)?;
    let set = set.and(&space.equals(Field::LaterFragment, 0)?)?;
    let set = set.and(&space.equals(Field::Question, 0)?)?;
    // What marks packets, and why, nobody can tell from here.
    let set = set.and(&space.equals(Field::Mark, 0)?)?;
    let set = set.and(&space.equals(Field::Connmark, 0)?)?;
    // SYN alone.
    let set = if service.protocol == Protocol::TCP {
        set.and(&space.equals(Field::TcpFlags, 0x02)?)?
    } else {
        set
    };
    set.and(&space.entering(TableKind::Filter, Hook::Input)?)
}

fn strangers(reach: &Reach) -> Result<Vec<Set>, Full> {
    let addresses: Vec<u128> = match reach.family {
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
    };
    let set = |address: u128| reach.space.equals(Field::Source, address);
    addresses.into_iter().map(set).collect()
}

/// The rule that lets every stranger's packets in, on a device that strangers are behind.
fn opener(
    filter: &Examined<'_>,
    reach: &Reach,
    chains: &[ChainId],
    asked: &Set,
    strangers: &[Set],
) -> Result<Option<(ChainId, usize)>, Full> {
    for id in chains {
        let (Some(chain), Some(reached)) = (filter.table.chain(*id), reach.chain(*id)) else {
            continue;
        };
        for (index, (rule, here)) in chain.rules.iter().zip(&reached.rules).enumerate() {
            let named = rule
                .in_interface
                .filter(|i| !i.inverted && !i.value.is_any());
            let inside = |i: &netverdict_net::InterfacePattern| {
                INSIDE.iter().any(|inside| i.as_str().starts_with(inside))
            };
            let is_plain =
                rule.target == Some(Target::Accept) && named.is_none_or(|i| !inside(&i.value));
            if !is_plain || here.is_dead() {
                continue;
            }
            let hits = here.hits.and(asked)?;
            if hits.is_empty() || only_inside(reach, &hits)? {
                continue;
            }
            let mut everybody = true;
            for stranger in strangers {
                everybody &= hits.meets(stranger)?;
            }
            // A device of a bare name is behind a rule for everybody only where nothing else is asked of the source.
            if everybody && named.is_none() {
                return Ok(Some((*id, index)));
            }
        }
    }
    Ok(None)
}

/// Whether the packets come by few devices only: named ones, not any other.
fn only_inside(reach: &Reach, hits: &Set) -> Result<bool, Full> {
    let other = reach.space.equals(Field::InDevice, 1)?;
    Ok(!hits.meets(&other)?)
}

fn finding(
    filter: &Examined<'_>,
    id: ChainId,
    index: usize,
    services: &[&Service],
) -> Option<Finding> {
    let rule = filter.table.chain(id)?.rules.get(index)?;
    // A rule that opens everything is not about management ports.
    let all = services.len() > SERVICES.len() / 2;
    let severity = services.iter().map(|s| s.severity).max()?;
    let names: Vec<String> = services
        .iter()
        .map(|s| format!("{} ({} {})", s.name, s.protocol, s.port))
        .collect();
    let what = if all {
        "management ports and all others".to_owned()
    } else {
        names.join(", ")
    };
    let limited = rule.matches.iter().any(crate::algebra::is_stateful);
    let mut why = format!("Packets of any source may begin connections to {what}.");
    if limited {
        why.push_str(" The rate is limited, the sources are not.");
    }
    Some(
        Finding::new(
            MANAGEMENT_OPEN,
            filter.place(id, index),
            format!("{what} open to any source"),
        )
        .severity(if all { Severity::Warning } else { severity })
        .label("no test of the source")
        .because(why)
        .suggest("Name the networks that need it (`-s`, an ipset, `-i` of an inner interface), or move it behind a VPN."),
    )
}
