//! `-m multiport`.

use netverdict_net::{PortRange, Protocol};
use netverdict_ruleset::Invertible;
use netverdict_ruleset::matches::{Match, Multiport, PortEntry, PortSide};

use crate::problem::Parsed;
use crate::spec::{Arg, Given, Opt, Place, Spec, protocol_problem};

/// Most slots of a list; a range takes two.
const SLOTS: usize = 15;

const PROTOCOLS: &[Protocol] = &[
    Protocol::TCP,
    Protocol::UDP,
    Protocol::UDPLITE,
    Protocol::SCTP,
    Protocol::DCCP,
];

const ALL: &[&str] = &["sports", "dports", "ports"];

pub(crate) const SPEC: Spec<Match> = Spec {
    name: "multiport",
    family: None,
    options: &[
        Opt::value("sports").invertible().excludes(ALL),
        Opt::value("source-ports")
            .alias_of("sports")
            .invertible()
            .excludes(ALL),
        Opt::value("dports").invertible().excludes(ALL),
        Opt::value("destination-ports")
            .alias_of("dports")
            .invertible()
            .excludes(ALL),
        Opt::value("ports").invertible().excludes(ALL),
    ],
    place: Place::ANY.protocols(PROTOCOLS),
    build,
};

fn build(given: &Given<'_>) -> Parsed<Match> {
    for (id, side) in [
        ("sports", PortSide::Source),
        ("dports", PortSide::Destination),
        ("ports", PortSide::Either),
    ] {
        if let (Some(arg), Some(occurrence)) = (given.arg(id), given.occurrence(id)) {
            let ports = Invertible {
                inverted: arg.inverted,
                value: list(arg, occurrence.protocol)?,
            };
            return Ok(Match::Multiport(Multiport { side, ports }));
        }
    }
    Err(given.missing("--sports, --dports or --ports"))
}

/// The list, for the protocol that the rule had by then: `-p` must come first.
fn list(arg: Arg<'_>, protocol: Option<Invertible<Protocol>>) -> Parsed<Vec<PortEntry>> {
    let protocol = protocol.filter(|p| !p.inverted && PROTOCOLS.contains(&p.value));
    let Some(protocol) = protocol else {
        return Err(protocol_problem("multiport", PROTOCOLS)
            .at(arg.span)
            .help("`-p` must stand before the ports"));
    };
    let name = protocol.value.to_string();
    let mut entries = Vec::new();
    let mut slots = 0;
    for text in arg.text.split(',') {
        let entry = entry(arg.part(text), &name)?;
        slots += if matches!(entry, PortEntry::Range(_)) {
            2
        } else {
            1
        };
        entries.push(entry);
    }
    if slots > SLOTS {
        return Err(arg.bad(format!("at most {SLOTS} ports; a range counts as two")));
    }
    Ok(entries)
}

fn entry(arg: Arg<'_>, protocol: &str) -> Parsed<PortEntry> {
    let port = |text| arg.part(text).port(Some(protocol));
    let Some((start, end)) = arg.text.split_once(':') else {
        return port(arg.text).map(PortEntry::Port);
    };
    let range = PortRange {
        start: port(start)?,
        end: port(end)?,
    };
    if range.start >= range.end {
        return Err(arg.bad("a range from low to high"));
    }
    Ok(PortEntry::Range(range))
}
