//! Random ipsets, with elements from the pools that traffic has.

use std::fmt::Write;
use std::net::IpAddr;

use netverdict_net::Family;

use super::Rng;
use super::network::{NEIGHBOURS, Network, SERVICES};

/// A set that rules may name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamedSet {
    /// Its name.
    pub name: String,
    /// The family of its addresses; `None` for a type without.
    pub family: Option<Family>,
    /// How many dimensions it has.
    pub dimensions: usize,
    /// Whether entries have counters.
    pub counters: bool,
    /// Whether entries may time out.
    pub timeout: bool,
    /// Whether entries carry marks.
    pub skbinfo: bool,
    /// Whether packets can be added to it.
    pub grows: bool,
}

/// The parts of a type's elements.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    Ip,
    Net,
    /// An address of the bitmap's range.
    Near,
    Port,
    BarePort,
    Mac,
    Interface,
}
use Part::{BarePort, Interface, Ip, Mac, Near, Net, Port};

/// The types that a kernel of this project's machines has: `hash:mac`, `hash:ip,mac`, `hash:net,net`, `hash:ip,mark` and
/// `hash:net,port,net` are left out.
const TYPES: [(&str, &[Part]); 11] = [
    ("bitmap:ip", &[Near]),
    ("bitmap:ip,mac", &[Near, Mac]),
    ("bitmap:port", &[BarePort]),
    ("hash:ip", &[Ip]),
    ("hash:net", &[Net]),
    ("hash:ip,port", &[Ip, Port]),
    ("hash:net,port", &[Net, Port]),
    ("hash:ip,port,ip", &[Ip, Port, Ip]),
    ("hash:ip,port,net", &[Ip, Port, Net]),
    ("hash:net,iface", &[Net, Interface]),
    ("list:set", &[]),
];

/// The sets of a seed, and the text that `ipset restore` takes.
pub fn sets(seed: u64, network: &Network) -> (Vec<NamedSet>, String) {
    const STREAM: u64 = 11;
    let mut rng = Rng::new(seed, STREAM);
    let (mut all, mut text) = (Vec::new(), String::new());
    for number in 0..rng.between(3, 6) {
        let (kind, parts) = *rng.pick(&TYPES);
        let set = create(&mut rng, number, kind, parts, &mut text);
        let mut seen = Vec::new();
        for _ in 0..rng.between(1, 12) {
            let Some(element) = element(&mut rng, network, &set, parts, &all) else {
                continue;
            };
            // One address has one link-layer address.
            let key = match parts {
                [Near, Mac] => element.split(',').next().unwrap_or_default().to_owned(),
                _ => element.clone(),
            };
            if !seen.contains(&key) {
                let more = extras(&mut rng, &set, parts);
                let _ = writeln!(text, "add {} {element}{more}", set.name);
                seen.push(key);
            }
        }
        all.push(set);
    }
    (all, text)
}

fn create(
    rng: &mut Rng,
    number: u64,
    kind: &'static str,
    parts: &[Part],
    text: &mut String,
) -> NamedSet {
    let name = format!("set{number}");
    let family = *rng.pick(&Family::ALL);
    let with_family = kind.starts_with("hash:");
    let family = match kind {
        "bitmap:ip" | "bitmap:ip,mac" => Some(Family::V4),
        _ => with_family.then_some(family),
    };
    let _ = write!(text, "create {name} {kind}");
    match kind {
        "bitmap:ip" | "bitmap:ip,mac" => text.push_str(" range 192.168.1.0/24"),
        "bitmap:port" => text.push_str(" range 0-9000"),
        "list:set" => text.push_str(" size 8"),
        _ => {}
    }
    if with_family {
        let word = if family == Some(Family::V6) {
            "inet6"
        } else {
            "inet"
        };
        let _ = write!(text, " family {word}");
    }
    let set = NamedSet {
        name,
        family,
        dimensions: parts.len().max(1),
        counters: rng.chance(30),
        timeout: rng.chance(30),
        skbinfo: rng.chance(30),
        grows: kind != "list:set",
    };
    // So long that no run sees it pass.
    text.push_str(if set.timeout { " timeout 5000" } else { "" });
    text.push_str(if set.counters { " counters" } else { "" });
    text.push_str(if set.skbinfo { " skbinfo" } else { "" });
    text.push('\n');
    set
}

fn element(
    rng: &mut Rng,
    network: &Network,
    set: &NamedSet,
    parts: &[Part],
    before: &[NamedSet],
) -> Option<String> {
    if parts.is_empty() {
        let simple: Vec<&NamedSet> = before.iter().filter(|s| s.grows).collect();
        return (!simple.is_empty()).then(|| rng.pick(&simple).name.clone());
    }
    let family = set.family.unwrap_or(Family::V4);
    let words: Vec<String> = parts
        .iter()
        .map(|part| word(rng, network, family, *part))
        .collect();
    Some(words.join(","))
}

fn word(rng: &mut Rng, network: &Network, family: Family, part: Part) -> String {
    let address = |rng: &mut Rng| *rng.pick(&network.everybody(family));
    match part {
        Ip => address(rng).to_string(),
        Near => format!("192.168.1.{}", rng.pick(&[1, 7, 8, 130])),
        Net => {
            let lengths: &[u8] = match family {
                Family::V4 => &[32, 24, 25, 16, 8, 1],
                Family::V6 => &[128, 64, 48, 32, 1],
            };
            masked(address(rng), *rng.pick(lengths))
        }
        Port => {
            let protocol = *rng.pick(&["tcp", "udp", "sctp", "udplite"]);
            match (rng.below(8), family) {
                (0, Family::V4) => "icmp:echo-request".to_owned(),
                (0, Family::V6) => "icmpv6:echo-request".to_owned(),
                (1, _) => "gre:0".to_owned(),
                _ => format!("{protocol}:{}", rng.pick(&SERVICES)),
            }
        }
        BarePort => rng.pick(&SERVICES).to_string(),
        Mac => rng.pick(&NEIGHBOURS).to_string(),
        Interface => rng.pick(&network.nics).name.to_string(),
    }
}

/// `address/length` with the host's bits cleared, so that one network is written in one way.
fn masked(address: IpAddr, length: u8) -> String {
    netverdict_net::AddrMask::prefix(address, length).to_string()
}

fn extras(rng: &mut Rng, set: &NamedSet, parts: &[Part]) -> String {
    let mut text = String::new();
    if set.timeout && rng.chance(40) {
        text.push_str(" timeout 9000");
    }
    if set.counters && rng.chance(40) {
        text.push_str(" packets 3 bytes 180");
    }
    if set.skbinfo && rng.chance(70) {
        let _ = write!(text, " skbmark 0x{:x}/0xff", rng.below(4));
    }
    if parts.contains(&Net) && rng.chance(15) {
        text.push_str(" nomatch");
    }
    text
}
