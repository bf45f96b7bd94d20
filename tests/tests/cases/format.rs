//! The case file: sections under bare keywords, described in `fixtures/cases/README.md`.

use std::fmt::Write;
use std::net::IpAddr;
use std::path::{Path, PathBuf};

use netverdict_conform::rig::{Backend, Pace};
use netverdict_host::{Address, HostFacts, Interface, PolicyRule, Role, Route, RouteType, TableId};
use netverdict_net::{AddrMask, Family, InterfaceName, MacAddr};

use super::expect::Expect;
use super::packet::CasePacket;
use super::payload;

/// A case as its file tells it.
#[derive(Debug)]
pub(crate) struct Case {
    pub(crate) path: PathBuf,
    /// The whole text up to and with the line `packets`.
    head: String,
    /// Why the model cannot do it yet.
    pub(crate) pending: Option<String>,
    /// Whether the tools take the dump at all.
    pub(crate) refused: bool,
    pub(crate) backend: Backend,
    pub(crate) pace: Pace,
    pub(crate) facts: HostFacts,
    pub(crate) v4: Option<String>,
    pub(crate) v6: Option<String>,
    pub(crate) ipset: Option<String>,
    pub(crate) timeouts: Option<String>,
    pub(crate) steps: Vec<Step>,
    /// `iptables-save -c` and `ip6tables-save -c` at the end.
    pub(crate) counters: [Option<String>; 2],
    /// The connection table at the end, if the case asks for it.
    pub(crate) connections: Option<Vec<String>>,
}

/// One packet and what is expected of it.
#[derive(Debug)]
pub(crate) struct Step {
    /// The line's number, from 1.
    pub(crate) line: usize,
    /// Comments before it, and its own text.
    pub(crate) text: Vec<String>,
    pub(crate) packet: CasePacket,
    pub(crate) expect: Option<Expect>,
}

/// What a run has to say for a case to be rewritten.
pub(crate) struct Rewrite {
    pub(crate) expects: Vec<Expect>,
    pub(crate) counters: [Option<String>; 2],
    pub(crate) connections: Vec<String>,
}

const SECTIONS: [&str; 9] = [
    "host",
    "iptables",
    "ip6tables",
    "ipset",
    "nfct",
    "packets",
    "counters",
    "counters6",
    "connections",
];

impl Case {
    pub(crate) fn read(path: &Path) -> Result<Self, String> {
        let text = std::fs::read_to_string(path).map_err(|e| e.to_string())?;
        Self::parse(path, &text)
    }

    fn parse(path: &Path, text: &str) -> Result<Self, String> {
        let mut case = Self {
            path: path.to_owned(),
            head: String::new(),
            pending: None,
            refused: false,
            backend: Backend::Legacy,
            pace: Pace::Fast,
            facts: HostFacts::default(),
            v4: None,
            v6: None,
            ipset: None,
            timeouts: None,
            steps: Vec::new(),
            counters: [None, None],
            connections: None,
        };
        let mut host = Vec::new();
        let mut packets = Vec::new();
        let mut section = "";
        let mut in_head = true;
        for (line, number) in text.lines().zip(1..) {
            if in_head {
                case.head.push_str(line);
                case.head.push('\n');
            }
            if SECTIONS.contains(&line) {
                section = line;
                in_head &= line != "packets";
                match line {
                    "connections" => case.connections = Some(Vec::new()),
                    "packets" | "host" => {}
                    _ => *case.section(line) = Some(String::new()),
                }
                continue;
            }
            match section {
                "" => case
                    .setting(line)
                    .map_err(|e| format!("line {number}: {e}"))?,
                "host" => host.push((number, line)),
                "packets" => packets.push((number, line)),
                "connections" => {
                    if let Some(all) = case.connections.as_mut().filter(|_| !line.is_empty()) {
                        all.push(line.to_owned());
                    }
                }
                other => {
                    if let Some(body) = case.section(other).as_mut().filter(|_| !line.is_empty()) {
                        body.push_str(line);
                        body.push('\n');
                    }
                }
            }
        }
        case.facts = host_facts(&host)?;
        case.read_packets(&packets)?;
        Ok(case)
    }

    fn section(&mut self, name: &str) -> &mut Option<String> {
        match name {
            "iptables" => &mut self.v4,
            "ip6tables" => &mut self.v6,
            "ipset" => &mut self.ipset,
            "nfct" => &mut self.timeouts,
            "counters6" => &mut self.counters[1],
            _ => &mut self.counters[0],
        }
    }

    fn setting(&mut self, line: &str) -> Result<(), String> {
        match line.split_once(' ') {
            Some(("backend", "nft")) => self.backend = Backend::Nft,
            Some(("pace", "real")) => self.pace = Pace::Real,
            None if line == "refused" => self.refused = true,
            Some(("pending", why)) => self.pending = Some(why.to_owned()),
            Some(("backend" | "pace", other)) => return Err(format!("`{other}` is none")),
            // The story.
            _ => {}
        }
        Ok(())
    }

    fn read_packets(&mut self, lines: &[(usize, &str)]) -> Result<(), String> {
        let mut text = Vec::new();
        for (number, line) in lines {
            let at = |e: String| format!("line {number}: {e}");
            let trimmed = line.trim();
            if let Some(expect) = trimmed.strip_prefix("-> ") {
                let step = self
                    .steps
                    .last_mut()
                    .ok_or_else(|| at("no packet yet".to_owned()))?;
                step.expect = Some(Expect::parse(expect).map_err(at)?);
            } else if let Some(said) = payload::behind(trimmed, "says") {
                let step = self.steps.last_mut();
                let expect = step.and_then(|step| step.expect.as_mut());
                let expect = expect.ok_or_else(|| at("no expectation yet".to_owned()))?;
                expect.says.push(said.to_owned());
            } else if let Some(said) = payload::behind(trimmed, "say") {
                let step = self.steps.last_mut();
                let step = step.ok_or_else(|| at("no packet yet".to_owned()))?;
                step.text.push((*line).to_owned());
                step.packet.say(&payload::read(said).map_err(at)?);
            } else if trimmed.starts_with("in ") || trimmed.starts_with("out ") {
                text.push((*line).to_owned());
                let before = self.steps.last().map(|s| &s.packet);
                let packet = CasePacket::parse(trimmed, before, &self.facts).map_err(at)?;
                self.steps.push(Step {
                    line: *number,
                    text: std::mem::take(&mut text),
                    packet,
                    expect: None,
                });
            } else if trimmed.starts_with('#') {
                text.push((*line).to_owned());
            } else if !trimmed.is_empty() {
                return Err(at(format!("`{trimmed}` is no packet")));
            }
        }
        Ok(())
    }

    /// The dump of a family.
    pub(crate) fn dump(&self, family: Family) -> Option<&str> {
        match family {
            Family::V4 => self.v4.as_deref(),
            Family::V6 => self.v6.as_deref(),
        }
    }

    /// The area and name: `nat/port-clash`.
    pub(crate) fn name(&self) -> String {
        let area = self.path.parent().and_then(Path::file_name);
        let area = area.unwrap_or_default().to_string_lossy();
        let name = self.path.file_stem().unwrap_or_default().to_string_lossy();
        format!("{area}/{name}")
    }

    /// The file with the expectations of a run.
    pub(crate) fn rewritten(&self, run: &Rewrite) -> String {
        let mut text = self.head.clone();
        for (step, expect) in self.steps.iter().zip(&run.expects) {
            for line in &step.text {
                let _ = writeln!(text, "{line}");
            }
            let _ = writeln!(text, "    -> {expect}");
            for said in &expect.says {
                let line = format!("    says {said}");
                let _ = writeln!(text, "{}", line.trim_end());
            }
        }
        for (name, counters) in ["counters", "counters6"].iter().zip(&run.counters) {
            if let Some(counters) = counters {
                let _ = write!(text, "\n{name}\n{counters}");
            }
        }
        if self.connections.is_some() {
            text.push_str("\nconnections\n");
            for line in &run.connections {
                let _ = writeln!(text, "{line}");
            }
        }
        text
    }
}

/// `eth0 203.0.113.1/24 mtu=1400`, `route [TYPE] PREFIX [via ADDRESS] [dev NAME]`, `rule ...`, `sysctl KEY=VALUE`.
fn host_facts(lines: &[(usize, &str)]) -> Result<HostFacts, String> {
    let mut facts = HostFacts {
        addresses_known: true,
        ..HostFacts::default()
    };
    facts.interfaces.push(Interface::loopback());
    for setting in ["net.ipv4.ip_forward=1", "net.ipv6.conf.all.forwarding=1"] {
        facts.sysctls.set(setting).map_err(|e| e.to_string())?;
    }
    for (number, line) in lines {
        host_line(&mut facts, line.trim()).map_err(|e| format!("line {number}: {e}"))?;
    }
    let is_bare = facts.interfaces.len() == 1;
    if is_bare {
        for line in DEFAULT_HOST {
            host_line(&mut facts, line)?;
        }
    }
    // Answers are not limited, unless the case is about that.
    let given = facts.sysctls.clone();
    let mut facts = netverdict_conform::rig::without_limits(facts);
    for (path, value) in given.iter() {
        facts
            .sysctls
            .set(&format!("{path}={value}"))
            .map_err(|e| e.to_string())?;
    }
    Ok(facts)
}

/// A router: the outside on eth0, the inside on eth1.
const DEFAULT_HOST: [&str; 4] = [
    "eth0 203.0.113.1/24 2001:db8::1/64",
    "eth1 10.0.0.1/24 fd00::1/64",
    "route 0.0.0.0/0 via 203.0.113.254 dev eth0",
    "route ::/0 via 2001:db8::fe dev eth0",
];

fn host_line(facts: &mut HostFacts, line: &str) -> Result<(), String> {
    let mut words = line.split_whitespace();
    match words.next() {
        None => Ok(()),
        Some(comment) if comment.starts_with('#') => Ok(()),
        Some("sysctl") => {
            let setting = words.next().unwrap_or_default();
            facts
                .sysctls
                .set(setting)
                .map(|_| ())
                .map_err(|e| e.to_string())
        }
        Some("route") => {
            facts.assumed_routes.push(route(words)?);
            Ok(())
        }
        Some("rule") => {
            let rules = facts
                .rules_v4
                .get_or_insert_with(|| PolicyRule::defaults(Family::V4));
            rules.push(policy_rule(words)?);
            rules.sort_by_key(|r| r.priority);
            Ok(())
        }
        Some(name) => {
            let place = facts.interfaces.len() as u8;
            facts.interfaces.push(interface(name, place, words)?);
            Ok(())
        }
    }
}

fn interface<'t>(
    name: &str,
    place: u8,
    words: impl Iterator<Item = &'t str>,
) -> Result<Interface, String> {
    let mut interface = Interface::new(device(name)?);
    interface.mac = Some(MacAddr([2, 0, 0, 0, 0, place]));
    for word in words {
        match word.split_once('=') {
            Some(("mtu", mtu)) => interface.mtu = mtu.parse().map_err(|_| "a number")?,
            None if word == "bridge" => interface.role = Role::Bridge,
            Some(("port-of", bridge)) => interface.master = Some(device(bridge)?),
            None if word == "brd" => {
                for address in &mut interface.addresses {
                    address.broadcast = broadcast(address);
                }
            }
            Some(("mac", mac)) => interface.mac = Some(mac.parse().map_err(|_| "a MAC address")?),
            _ => {
                let (local, len) = word.split_once('/').ok_or_else(|| format!("`{word}`"))?;
                let local: IpAddr = local.parse().map_err(|_| format!("`{local}`"))?;
                let len = len.parse().map_err(|_| format!("`{len}`"))?;
                interface.add(Address::new(local, len));
            }
        }
    }
    Ok(interface)
}

/// The last address of an IPv4 address's net, as `ip addr add ... brd +` sets it.
fn broadcast(address: &Address) -> Option<std::net::Ipv4Addr> {
    match (address.local, address.prefix()) {
        (IpAddr::V4(local), AddrMask::V4 { mask, .. }) => {
            Some(std::net::Ipv4Addr::from_bits(local.to_bits() | !mask))
        }
        _ => None,
    }
}

fn route<'t>(mut words: impl Iterator<Item = &'t str>) -> Result<Route, String> {
    let mut next = || words.next().ok_or("a word is missing");
    let first = next()?;
    let (kind, prefix) = match first {
        "blackhole" => (RouteType::Blackhole, next()?),
        "unreachable" => (RouteType::Unreachable, next()?),
        "prohibit" => (RouteType::Prohibit, next()?),
        prefix => (RouteType::Unicast, prefix),
    };
    let (address, len) = prefix.split_once('/').ok_or("a prefix")?;
    let address: IpAddr = address.parse().map_err(|_| format!("`{address}`"))?;
    let len = len.parse().map_err(|_| format!("`{len}`"))?;
    let mut route = Route::new(AddrMask::prefix(address, len));
    route.kind = kind;
    let (mut gateway, mut through, mut mtu) = (None, None, None);
    let mut table = TableId::MAIN;
    while let Some(word) = words.next() {
        let value = words.next().ok_or("a value is missing")?;
        match word {
            "via" => gateway = Some(value.parse::<IpAddr>().map_err(|_| format!("`{value}`"))?),
            "dev" => through = Some(device(value)?),
            "table" => table = TableId::parse(value),
            "mtu" => mtu = Some(value.parse().map_err(|_| format!("`{value}`"))?),
            _ => return Err(format!("`{word}`")),
        }
    }
    if let Some(through) = through {
        route = route.via(through, gateway);
    }
    route.mtu = mtu;
    route.table = table;
    Ok(route)
}

/// `PRIORITY fwmark MARK table TABLE`.
fn policy_rule<'t>(words: impl Iterator<Item = &'t str>) -> Result<PolicyRule, String> {
    let words: Vec<&str> = words.collect();
    let [priority, "fwmark", mark, "table", table] = words[..] else {
        return Err("expected `rule PRIORITY fwmark MARK table TABLE`".to_owned());
    };
    let number = |text: &str| match text.strip_prefix("0x") {
        Some(hex) => u32::from_str_radix(hex, 16).map_err(|_| format!("`{text}`")),
        None => text.parse().map_err(|_| format!("`{text}`")),
    };
    let mut rule = PolicyRule::lookup(number(priority)?, TableId::parse(table));
    (rule.mark, rule.mark_mask) = (number(mark)?, u32::MAX);
    Ok(rule)
}

fn device(name: &str) -> Result<InterfaceName, String> {
    InterfaceName::new(name).map_err(|_| format!("`{name}` is no interface name"))
}
