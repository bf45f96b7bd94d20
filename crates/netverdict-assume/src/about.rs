//! What a fact says: a name, then words of its own.

use std::net::{IpAddr, SocketAddr};

use netverdict_engine::{
    About, CgroupFact, ExtensionKind, IpsecState, IpvsFact, NfacctQuota, OwnerFact, PhysdevFact,
    PolicyFact, SocketFact, TargetDoes, TproxyFact, extensions,
};
use netverdict_net::{InterfaceName, Protocol};
use netverdict_ruleset::matches::{CtDirection, IpvsMethod, PolicyMode};

use super::AssumeError;
use super::flow::protocol;
use super::words::{Words, nearest, wrong};

const NAME: &str = "the name of a match or target, as `netverdict extensions` lists them";
const INTERFACE: &str = "an interface name of at most 15 bytes";

pub(super) fn read(words: &mut Words<'_>) -> Result<About, AssumeError> {
    let name = words.take(NAME)?;
    if let Some(next @ ("match" | "no-match")) = words.peek() {
        words.take(next)?;
        return any_match(name, next == "match");
    }
    match name {
        "cgroup" => cgroup(words),
        "conntrack" => words.one_of(&[("on", ())]).map(|()| About::ConntrackOn),
        "cpu" => words.number("the processor's number").map(About::Cpu),
        "devgroup" => Ok(About::Devgroup {
            device: interface(words)?,
            group: words.number("the device group's number")?,
        }),
        "ipvs" => ipvs(words),
        "nfacct" => nfacct(words),
        "owner" => owner(words),
        "physdev" => physdev(words),
        "policy" => policy(words),
        "rateest" => rateest(words),
        "realm" => words.number("the realm's number").map(About::Realm),
        "set" => set(words),
        "socket" => socket(words),
        "SYNPROXY" => {
            words.one_of(&[("cookie", ())])?;
            let valid = words.one_of(&[("valid", true), ("invalid", false)])?;
            Ok(About::SynproxyCookie(valid))
        }
        "TPROXY" => tproxy(words),
        name => other(name, words),
    }
}

/// `NAME match` or `NAME no-match`, of any match.
fn any_match(name: &str, holds: bool) -> Result<About, AssumeError> {
    let known: Vec<&str> = extensions()
        .filter(|e| e.kind == ExtensionKind::Match)
        .map(|e| e.name)
        .collect();
    if known.contains(&name) {
        return Ok(About::Match {
            name: name.to_owned(),
            subject: None,
            holds,
        });
    }
    Err(AssumeError {
        meant: nearest(name, &known),
        ..wrong(name, "the name of a match")
    })
}

/// A target that nobody models, or a name that is none.
fn other(name: &str, words: &mut Words<'_>) -> Result<About, AssumeError> {
    let known: Vec<_> = extensions().collect();
    match known.iter().find(|e| e.name == name).map(|e| e.kind) {
        Some(ExtensionKind::Target) => Ok(About::Target {
            name: name.to_owned(),
            does: words.one_of(&[
                ("continue", TargetDoes::Continue),
                ("accept", TargetDoes::Accept),
                ("drop", TargetDoes::Drop),
            ])?,
        }),
        Some(ExtensionKind::Match) => {
            words.one_of(&[("match", ()), ("no-match", ())])?;
            any_match(name, true)
        }
        None => Err(AssumeError {
            meant: nearest(name, &known.iter().map(|e| e.name).collect::<Vec<_>>()),
            ..wrong(name, NAME)
        }),
    }
}

fn interface(words: &mut Words<'_>) -> Result<InterfaceName, AssumeError> {
    let word = words.take(INTERFACE)?;
    InterfaceName::new(word).map_err(|_| wrong(word, INTERFACE))
}

fn cgroup(words: &mut Words<'_>) -> Result<About, AssumeError> {
    let fact = match words.one_of(&[("path", 0), ("class", 1), ("none", 2)])? {
        0 => {
            let path = words.take("a path below the v2 root")?;
            CgroupFact::Path(path.trim_matches('/').to_owned())
        }
        1 => CgroupFact::Class(words.number("the net_cls class")?),
        _ => CgroupFact::None,
    };
    Ok(About::Cgroup(fact))
}

fn ipvs(words: &mut Words<'_>) -> Result<About, AssumeError> {
    const SERVICE: &str = "the virtual service: tcp 203.0.113.1:80";
    if !words.one_of(&[("service", true), ("none", false)])? {
        return Ok(About::Ipvs(None));
    }
    let word = words.take(SERVICE)?;
    let protocol = protocol(word).ok_or_else(|| wrong(word, SERVICE))?;
    let service: SocketAddr = words.value(SERVICE)?;
    let mut fact = IpvsFact {
        protocol,
        address: service.ip(),
        port: service.port(),
        method: None,
        direction: None,
        control_port: None,
    };
    while !words.is_over() {
        match words.one_of(&[("method", 0), ("dir", 1), ("vportctl", 2)])? {
            0 => {
                fact.method = Some(words.one_of(&[
                    ("gate", IpvsMethod::Gate),
                    ("ipip", IpvsMethod::Ipip),
                    ("masq", IpvsMethod::Masq),
                ])?);
            }
            1 => {
                fact.direction = Some(words.one_of(&[
                    ("original", CtDirection::Original),
                    ("reply", CtDirection::Reply),
                ])?);
            }
            _ => fact.control_port = Some(words.value("the controlling connection's port")?),
        }
    }
    Ok(About::Ipvs(Some(fact)))
}

fn nfacct(words: &mut Words<'_>) -> Result<About, AssumeError> {
    let name = words.take("the accounting object's name")?.to_owned();
    let kind = words.one_of(&[
        ("none", None),
        ("packets", Some(true)),
        ("bytes", Some(false)),
    ])?;
    let Some(packets) = kind else {
        return Ok(About::Nfacct { name, quota: None });
    };
    let limit = words.value("the quota")?;
    let used = if words.take_if("used") {
        words.value("what was counted before the first packet")?
    } else {
        0
    };
    let quota = Some(NfacctQuota {
        packets,
        limit,
        used,
    });
    Ok(About::Nfacct { name, quota })
}

fn owner(words: &mut Words<'_>) -> Result<About, AssumeError> {
    let mut fact = OwnerFact {
        exists: true,
        ..OwnerFact::default()
    };
    let choices = [
        ("uid", 0),
        ("gid", 1),
        ("groups", 2),
        ("exists", 3),
        ("none", 4),
    ];
    loop {
        match words.one_of(&choices)? {
            0 => fact.uid = Some(words.number("a user's number")?),
            1 => fact.gid = Some(words.number("a group's number")?),
            2 => fact.groups = Some(groups(words)?),
            3 => {}
            _ => fact.exists = false,
        }
        if words.is_over() {
            return Ok(About::Owner(fact));
        }
    }
}

fn groups(words: &mut Words<'_>) -> Result<Vec<u32>, AssumeError> {
    const GROUPS: &str = "group numbers: 4,27";
    let word = words.take(GROUPS)?;
    let numbers = word.split(',').map(str::parse);
    numbers
        .collect::<Result<_, _>>()
        .map_err(|_| wrong(word, GROUPS))
}

fn physdev(words: &mut Words<'_>) -> Result<About, AssumeError> {
    let mut ports = PhysdevFact::default();
    loop {
        match words.one_of(&[("in", 0), ("out", 1), ("none", 2)])? {
            0 => ports.input = Some(interface(words)?),
            1 => ports.output = Some(interface(words)?),
            _ => return Ok(About::Physdev(None)),
        }
        if words.is_over() {
            return Ok(About::Physdev(Some(ports)));
        }
    }
}

fn policy(words: &mut Words<'_>) -> Result<About, AssumeError> {
    let out = match words.peek() {
        Some("in") => Some(false),
        Some("out") => Some(true),
        _ => None,
    };
    if out.is_some() {
        words.take("in or out")?;
    }
    let mut states = Vec::new();
    if !words.take_if("none") {
        states.push(state(words)?);
        while words.take_if("next") {
            states.push(state(words)?);
        }
    }
    Ok(About::Policy(PolicyFact { out, states }))
}

fn state(words: &mut Words<'_>) -> Result<IpsecState, AssumeError> {
    const ADDRESS: &str = "an address";
    let mut state = IpsecState {
        protocol: words.one_of(&[
            ("esp", Protocol::ESP),
            ("ah", Protocol::AH),
            ("ipcomp", Protocol(108)),
        ])?,
        mode: words.one_of(&[
            ("tunnel", PolicyMode::Tunnel),
            ("transport", PolicyMode::Transport),
        ])?,
        reqid: None,
        spi: None,
        source: None,
        destination: None,
    };
    while !words.is_over() && words.peek() != Some("next") {
        match words.one_of(&[("reqid", 0), ("spi", 1), ("src", 2), ("dst", 3)])? {
            0 => state.reqid = Some(words.number("the request id")?),
            1 => state.spi = Some(words.number("the SPI")?),
            2 => state.source = Some(words.value::<IpAddr>(ADDRESS)?),
            _ => state.destination = Some(words.value::<IpAddr>(ADDRESS)?),
        }
    }
    Ok(state)
}

fn rateest(words: &mut Words<'_>) -> Result<About, AssumeError> {
    let name = words.take("the estimator's name")?.to_owned();
    let (mut bytes, mut packets) = (None, None);
    loop {
        if words.one_of(&[("bps", true), ("pps", false)])? {
            bytes = Some(words.number("bytes a second")?);
        } else {
            packets = Some(words.number("packets a second")?);
        }
        if words.is_over() {
            return Ok(About::Rateest {
                name,
                bytes,
                packets,
            });
        }
    }
}

fn set(words: &mut Words<'_>) -> Result<About, AssumeError> {
    let subject = Some(words.take("the set's name")?.to_owned());
    Ok(About::Match {
        name: "set".to_owned(),
        subject,
        holds: words.one_of(&[("match", true), ("no-match", false)])?,
    })
}

fn socket(words: &mut Words<'_>) -> Result<About, AssumeError> {
    if !words.one_of(&[("found", true), ("none", false)])? {
        return Ok(About::Socket(None));
    }
    let mut socket = SocketFact::default();
    while !words.is_over() {
        match words.one_of(&[("transparent", 0), ("wildcard", 1), ("mark", 2)])? {
            0 => socket.transparent = true,
            1 => socket.wildcard = true,
            _ => socket.mark = words.number("the socket's mark")?,
        }
    }
    Ok(About::Socket(Some(socket)))
}

fn tproxy(words: &mut Words<'_>) -> Result<About, AssumeError> {
    const LISTENER: &str = "a port, or an address with a port: 3129 or 127.0.0.1:3129";
    if !words.one_of(&[("listener", true), ("none", false)])? {
        return Ok(About::Tproxy(TproxyFact::None));
    }
    let word = words.take(LISTENER)?;
    let whole = word.parse().map(|port| (None, port));
    let whole = whole.or_else(|_| {
        word.parse::<SocketAddr>()
            .map(|socket| (Some(socket.ip()), socket.port()))
    });
    let (address, port) = whole.map_err(|_| wrong(word, LISTENER))?;
    Ok(About::Tproxy(TproxyFact::Listener { address, port }))
}
