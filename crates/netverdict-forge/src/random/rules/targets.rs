//! How each target may be written: when it is legal, and its options in their variety.

use std::fmt::Write;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use netverdict_net::{Family, Protocol};

use super::super::sets::NamedSet;
use super::super::timeouts;
use super::Place;
use super::hook::{FWD, IN, OUT, POST, PRE};
use super::matches::sides;

/// One target of the vocabulary.
pub(super) struct Target {
    /// The name that `-j` takes.
    pub(super) name: &'static str,
    /// Whether it may stand here.
    pub(super) legal: fn(&Place<'_>) -> bool,
    /// Its options, each with a blank before it.
    pub(super) write: fn(&mut Place<'_>) -> String,
}

const fn target(
    name: &'static str,
    legal: fn(&Place<'_>) -> bool,
    write: fn(&mut Place<'_>) -> String,
) -> Target {
    Target { name, legal, write }
}

fn mangle(place: &Place<'_>) -> bool {
    place.table == "mangle"
}

fn raw(place: &Place<'_>) -> bool {
    place.table == "raw"
}

fn nat_at(place: &Place<'_>, hooks: u8) -> bool {
    place.table == "nat" && place.reaches(hooks)
}

fn tcp(place: &Place<'_>) -> bool {
    place.protocol == Some(Protocol::TCP)
}

fn with_ports(place: &Place<'_>) -> bool {
    matches!(place.protocol, Some(Protocol::TCP | Protocol::UDP))
}

/// Every target that can be drawn, beside the verdicts.
pub(super) const ALL: &[Target] = &[
    target("REJECT", |p| p.table == "filter", reject),
    target("LOG", |_| true, log),
    target("NFLOG", |_| true, nflog),
    target("MARK", |_| true, mark),
    target("CONNMARK", |_| true, connmark),
    target("CLASSIFY", |p| p.reaches(OUT | FWD | POST), classify),
    target("NFQUEUE", |_| true, nfqueue),
    target("TOS", mangle, tos),
    target("DSCP", mangle, dscp),
    target("TTL", |p| mangle(p) && p.family == Family::V4, ttl),
    target("HL", |p| mangle(p) && p.family == Family::V6, hl),
    target("ECN", ecn_legal, |_| " --ecn-tcp-remove".to_owned()),
    target("CHECKSUM", mangle, |_| " --checksum-fill".to_owned()),
    target("TCPMSS", |p| tcp(p) && p.syn, tcpmss),
    target("TCPOPTSTRIP", |p| mangle(p) && tcp(p), tcpoptstrip),
    target("CT", raw, ct),
    target("NOTRACK", raw, |_| String::new()),
    target("TRACE", raw, |_| String::new()),
    target("HMARK", |_| true, hmark),
    target("SNAT", |p| nat_at(p, POST | IN), snat),
    target("DNAT", |p| nat_at(p, PRE | OUT), dnat),
    target("MASQUERADE", |p| nat_at(p, POST), |_| String::new()),
    target("REDIRECT", |p| nat_at(p, PRE | OUT), redirect),
    target("NETMAP", |p| p.table == "nat", netmap),
    target(
        "TPROXY",
        |p| mangle(p) && p.hooks == PRE && with_ports(p),
        tproxy,
    ),
    // A copy of a looped-back packet is looped back, and copied.
    target("TEE", |p| p.reaches(FWD) && p.network.nics.len() > 1, tee),
    target("SET", |p| p.sets.iter().any(|s| s.grows), set),
    target("AUDIT", |_| true, audit),
    target("IDLETIMER", |_| true, idletimer),
    target("RATEEST", |_| true, rateest),
    target("SNPT", |p| npt_legal(p, IN | POST), snpt),
    target("DNPT", |p| npt_legal(p, PRE | OUT), dnpt),
];

fn pick(place: &mut Place<'_>, all: &[&str]) -> String {
    (*place.rng.pick(all)).to_owned()
}

fn reject(place: &mut Place<'_>) -> String {
    if tcp(place) && place.rng.chance(60) {
        return " --reject-with tcp-reset".to_owned();
    }
    let kinds = match place.family {
        Family::V4 => [
            "",
            " --reject-with icmp-host-prohibited",
            " --reject-with icmp-admin-prohibited",
            " --reject-with icmp-net-unreachable",
        ],
        Family::V6 => [
            "",
            " --reject-with icmp6-adm-prohibited",
            " --reject-with icmp6-no-route",
            " --reject-with icmp6-addr-unreachable",
        ],
    };
    pick(place, &kinds)
}

fn log(place: &mut Place<'_>) -> String {
    const OPTIONS: [&str; 5] = [
        "",
        " --log-prefix \"seen: \"",
        " --log-prefix x --log-level 7",
        " --log-tcp-options --log-ip-options",
        " --log-uid",
    ];
    pick(place, &OPTIONS)
}

fn nflog(place: &mut Place<'_>) -> String {
    let options = [
        "",
        " --nflog-group 1",
        " --nflog-group 2 --nflog-prefix \"seen\"",
    ];
    pick(place, &options)
}

fn audit(place: &mut Place<'_>) -> String {
    pick(place, &[" --type accept", " --type drop", " --type reject"])
}

fn idletimer(place: &mut Place<'_>) -> String {
    pick(
        place,
        &[
            " --timeout 600 --label idle",
            " --timeout 900 --label quiet",
        ],
    )
}

fn rateest(place: &mut Place<'_>) -> String {
    const OPTIONS: &str = " --rateest-interval 250ms --rateest-ewmalog 500ms";
    format!(
        " --rateest-name {}{OPTIONS}",
        pick(place, &["seen", "kept"])
    )
}

fn mark(place: &mut Place<'_>) -> String {
    const OPTIONS: [&str; 7] = [
        " --set-mark 0x1",
        " --set-mark 0x2/0x3",
        " --set-xmark 0x1/0x0",
        " --set-xmark 0x0/0xffffffff",
        " --or-mark 0x2",
        " --and-mark 0x1",
        " --xor-mark 0x3",
    ];
    pick(place, &OPTIONS)
}

fn connmark(place: &mut Place<'_>) -> String {
    const OPTIONS: [&str; 9] = [
        " --set-mark 0x1",
        " --set-mark 0x2/0x2",
        " --set-xmark 0x1/0x0",
        " --save-mark",
        " --restore-mark",
        " --save-mark --nfmask 0x1 --ctmask 0x3",
        " --restore-mark --nfmask 0xff --ctmask 0x2",
        " --or-mark 0x2",
        " --and-mark 0x1",
    ];
    pick(place, &OPTIONS)
}

fn classify(_: &mut Place<'_>) -> String {
    " --set-class 1:2".to_owned()
}

fn nfqueue(place: &mut Place<'_>) -> String {
    const OPTIONS: [&str; 4] = [
        " --queue-num 0",
        " --queue-num 5 --queue-bypass",
        " --queue-balance 1:3",
        " --queue-num 2 --queue-bypass",
    ];
    pick(place, &OPTIONS)
}

fn tos(place: &mut Place<'_>) -> String {
    const OPTIONS: [&str; 5] = [
        " --set-tos 0x10/0x3f",
        " --set-tos 0x04/0xff",
        " --and-tos 0xfc",
        " --xor-tos 0x03",
        " --set-tos 0xb8",
    ];
    pick(place, &OPTIONS)
}

fn dscp(place: &mut Place<'_>) -> String {
    let options = [
        " --set-dscp 0x2e",
        " --set-dscp-class AF11",
        " --set-dscp 0",
    ];
    pick(place, &options)
}

fn ttl(place: &mut Place<'_>) -> String {
    const OPTIONS: [&str; 5] = [
        " --ttl-set 64",
        " --ttl-set 1",
        " --ttl-inc 1",
        " --ttl-dec 1",
        " --ttl-set 255",
    ];
    pick(place, &OPTIONS)
}

fn hl(place: &mut Place<'_>) -> String {
    let options = [" --hl-set 64", " --hl-set 1", " --hl-inc 1", " --hl-dec 1"];
    pick(place, &options)
}

fn ecn_legal(place: &Place<'_>) -> bool {
    mangle(place) && place.family == Family::V4 && tcp(place)
}

fn tcpmss(place: &mut Place<'_>) -> String {
    if place.reaches(FWD | OUT | POST) && place.rng.chance(50) {
        return " --clamp-mss-to-pmtu".to_owned();
    }
    pick(
        place,
        &[" --set-mss 1400", " --set-mss 536", " --set-mss 9000"],
    )
}

fn tcpoptstrip(place: &mut Place<'_>) -> String {
    let options = ["mss", "wscale", "sack-permitted", "timestamp", "19"];
    format!(" --strip-options {}", place.some_of(&options, ","))
}

fn ct(place: &mut Place<'_>) -> String {
    const OPTIONS: [&str; 7] = [
        " --notrack",
        " --notrack",
        " --zone 1",
        " --zone-orig 2",
        " --zone-reply 3",
        " --ctevents new,destroy",
        " --zone mark",
    ];
    let policy = place
        .protocol
        .and_then(|protocol| timeouts::policy(place.family, protocol));
    match place.protocol {
        Some(Protocol::TCP) if place.rng.chance(30) => " --helper ftp".to_owned(),
        Some(Protocol::UDP) if place.rng.chance(30) => " --helper tftp".to_owned(),
        _ => match policy.filter(|_| place.rng.chance(30)) {
            Some(name) => format!(" --timeout {name}"),
            None => pick(place, &OPTIONS),
        },
    }
}

fn hmark(place: &mut Place<'_>) -> String {
    const OPTIONS: [&str; 3] = [
        " --hmark-tuple src,dst,sport,dport --hmark-mod 4 --hmark-offset 1 --hmark-rnd 0xcafe",
        " --hmark-tuple src --hmark-mod 3 --hmark-rnd 0x1",
        " --hmark-tuple ct,src,dst,proto --hmark-mod 2 --hmark-rnd 0x7",
    ];
    pick(place, &OPTIONS)
}

fn snat(place: &mut Place<'_>) -> String {
    let own = place.network.own(place.family);
    let address = *place.rng.pick(&own);
    // A range of source ports would have the kernel draw at random.
    format!(" --to-source {}", mapping(place, address, false))
}

fn dnat(place: &mut Place<'_>) -> String {
    let address = place.address();
    format!(" --to-destination {}", mapping(place, address, true))
}

/// An address or a range of addresses, with ports where the rule's protocol has them.
fn mapping(place: &mut Place<'_>, address: IpAddr, port_range: bool) -> String {
    let port = with_ports(place) && place.rng.chance(70);
    let range = place.rng.chance(20);
    let mut text = address.to_string();
    if range {
        let _ = write!(text, "-{}", next(address, 3));
    }
    if port && address.is_ipv6() {
        text = format!("[{text}]");
    }
    if port {
        let first = place.port().max(1);
        let _ = write!(text, ":{first}");
        if port_range && place.rng.chance(20) {
            let _ = write!(text, "-{}", first.saturating_add(5));
        }
    }
    if range && place.rng.chance(30) {
        text.push_str(" --persistent");
    }
    text
}

fn next(address: IpAddr, by: u32) -> IpAddr {
    match address {
        IpAddr::V4(a) => Ipv4Addr::from_bits(a.to_bits().saturating_add(by)).into(),
        IpAddr::V6(a) => Ipv6Addr::from_bits(a.to_bits().saturating_add(u128::from(by))).into(),
    }
}

fn redirect(place: &mut Place<'_>) -> String {
    if !with_ports(place) || place.rng.chance(20) {
        return String::new();
    }
    let port = place.port().max(1);
    if place.rng.chance(20) {
        return format!(" --to-ports {port}-{}", port.saturating_add(3));
    }
    format!(" --to-ports {port}")
}

fn netmap(place: &mut Place<'_>) -> String {
    match place.family {
        Family::V4 => pick(
            place,
            &[
                " --to 10.99.0.0/16",
                " --to 192.168.1.0/24",
                " --to 203.0.113.64/26",
            ],
        ),
        Family::V6 => pick(place, &[" --to 2001:db8:99::/48", " --to 2001:db8:2::/64"]),
    }
}

fn tproxy(place: &mut Place<'_>) -> String {
    format!(" --on-port {} --tproxy-mark 0x1/0x1", place.port())
}

fn tee(place: &mut Place<'_>) -> String {
    let family = place.family;
    let inner = place.network.nics.last().into_iter().flat_map(|n| &n.peers);
    let gateway = inner.copied().find(|a| Family::of(*a) == family);
    let gateway = gateway.unwrap_or_else(|| place.any_address());
    format!(" --gateway {gateway}")
}

fn npt_legal(place: &Place<'_>, hooks: u8) -> bool {
    mangle(place) && place.family == Family::V6 && place.reaches(hooks)
}

const INSIDE: &str = "2001:db8:2::";
const OUTSIDE: &str = "2001:db8:1::";

fn snpt(place: &mut Place<'_>) -> String {
    let len = *place.rng.pick(&[48, 64]);
    format!(" --src-pfx {INSIDE}/{len} --dst-pfx {OUTSIDE}/{len}")
}

fn dnpt(place: &mut Place<'_>) -> String {
    let len = *place.rng.pick(&[48, 64]);
    format!(" --src-pfx {OUTSIDE}/{len} --dst-pfx {INSIDE}/{len}")
}

fn set(place: &mut Place<'_>) -> String {
    let growing: Vec<&NamedSet> = place.sets.iter().filter(|s| s.grows).collect();
    let set = *place.rng.pick(&growing);
    let sides = sides(place, set.dimensions);
    let name = &set.name;
    match place.rng.below(6) {
        0 => format!(" --del-set {name} {sides}"),
        1 if mangle(place) && set.skbinfo => format!(" --map-set {name} {sides} --map-mark"),
        2 => format!(" --add-set {name} {sides} --exist"),
        3 if set.timeout => format!(" --add-set {name} {sides} --exist --timeout 4000"),
        _ => format!(" --add-set {name} {sides}"),
    }
}
