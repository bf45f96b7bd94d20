//! Random rulesets: legal by construction, realistic in half of the chains and absurd in the rest.

mod matches;
mod targets;

use std::fmt::Write;
use std::net::IpAddr;

use netverdict_net::{Family, InterfaceName, Protocol};

use super::Focus;
use super::network::{Network, SERVICES};
use super::rng::Rng;
use super::sets::NamedSet;

/// The extensions that a ruleset may draw from, by the names that `-m` and `-j` take.
#[derive(Debug, Clone)]
pub struct Vocabulary {
    matches: Vec<&'static str>,
    targets: Vec<&'static str>,
    focus: Option<Focus>,
}

impl Vocabulary {
    /// Everything this generator can write.
    pub fn all() -> Self {
        Self {
            matches: matches::ALL.iter().map(|m| m.name).collect(),
            targets: targets::ALL.iter().map(|t| t.name).collect(),
            focus: None,
        }
    }

    /// Aims its cases at a subject.
    #[must_use]
    pub const fn about(mut self, focus: Focus) -> Self {
        self.focus = Some(focus);
        self
    }

    /// The subject that its cases are aimed at.
    pub const fn focus(&self) -> Option<Focus> {
        self.focus
    }

    /// Leaves out what `keep(is_target, name)` refuses.
    #[must_use]
    pub fn only(mut self, keep: impl Fn(bool, &str) -> bool) -> Self {
        self.matches.retain(|name| keep(false, name));
        self.targets.retain(|name| keep(true, name));
        self
    }

    /// What the case of this seed is about: a few extensions that its rules have often and its traffic has headers for.
    pub(super) fn aims(&self, seed: u64) -> Vec<&'static str> {
        let mut rng = Rng::new(seed, 2);
        let mut aims = Vec::new();
        let wanted = self.focus.map_or(&[][..], Focus::extensions);
        let mut wanted = wanted.to_vec();
        wanted.retain(|name| self.matches.contains(name) || self.targets.contains(name));
        if !wanted.is_empty() {
            return (0..3).map(|_| *rng.pick(&wanted)).collect();
        }
        for _ in 0..2 {
            if !self.matches.is_empty() {
                aims.push(*rng.pick(&self.matches));
            }
        }
        if !self.targets.is_empty() {
            aims.push(*rng.pick(&self.targets));
        }
        aims
    }

    /// The matches left.
    pub fn matches(&self) -> &[&'static str] {
        &self.matches
    }

    /// The targets left.
    pub fn targets(&self) -> &[&'static str] {
        &self.targets
    }
}

/// A hook, as one bit of a set.
pub(super) mod hook {
    pub(in super::super) const PRE: u8 = 1;
    pub(in super::super) const IN: u8 = 2;
    pub(in super::super) const FWD: u8 = 4;
    pub(in super::super) const OUT: u8 = 8;
    pub(in super::super) const POST: u8 = 16;
}
use hook::{FWD, IN, OUT, POST, PRE};

const HOOKS: [(u8, &str); 5] = [
    (PRE, "PREROUTING"),
    (IN, "INPUT"),
    (FWD, "FORWARD"),
    (OUT, "OUTPUT"),
    (POST, "POSTROUTING"),
];

/// The tables, the hooks they sit at, and in how many of a hundred rulesets they are.
const TABLES: [(&str, u8, u64); 5] = [
    ("raw", PRE | OUT, 35),
    ("mangle", PRE | IN | FWD | OUT | POST, 45),
    ("nat", PRE | IN | OUT | POST, 55),
    ("filter", IN | FWD | OUT, 95),
    ("security", IN | FWD | OUT, 8),
];

/// What makes the kernel track connections.
const TRACKING: [&str; 14] = [
    "conntrack",
    "state",
    "connmark",
    "connbytes",
    "connlimit",
    "helper",
    "cluster",
    "CONNMARK",
    "CT",
    "SNAT",
    "DNAT",
    "MASQUERADE",
    "REDIRECT",
    "NETMAP",
];

const CHAIN_NAMES: [&str; 12] = [
    "in-tcp", "LOG_DROP", "ufw-user", "KUBE-SVC", "a", "b-A", "x_p", "fail2ban", "DOCKER", "in~1",
    "c.d", "R",
];

/// Where a rule stands, and what has been said about its packets so far.
struct Place<'a> {
    rng: &'a mut Rng,
    network: &'a Network,
    words: &'a Vocabulary,
    family: Family,
    table: &'static str,
    /// The hooks from which the chain can be reached.
    hooks: u8,
    /// Whether the chain is a built-in one.
    builtin: bool,
    /// The protocol, when the rule has named one without `!`.
    protocol: Option<Protocol>,
    /// Whether the rule asks for SYN as TCPMSS wants.
    syn: bool,
    /// User chains that this one may call.
    callees: Vec<&'static str>,
    /// Extensions that the case is about.
    aims: &'a [&'static str],
    /// The ipsets there are.
    sets: &'a [NamedSet],
}

/// The protocol that a rule with this extension has to name.
fn protocol_of(extension: &str, family: Family) -> Option<Protocol> {
    Some(match extension {
        "tcp" | "tcpmss" | "multiport" | "TCPMSS" | "TCPOPTSTRIP" | "ECN" | "TPROXY" => {
            Protocol::TCP
        }
        "udp" => Protocol::UDP,
        "icmp" => Protocol::ICMP,
        "icmp6" => Protocol::ICMPV6,
        "sctp" => Protocol::SCTP,
        "dccp" => Protocol::DCCP,
        "esp" => Protocol::ESP,
        "ah" if family == Family::V4 => Protocol::AH,
        "ipcomp" => Protocol::IPCOMP,
        "mh" => Protocol(135),
        _ => return None,
    })
}

/// A random dump for one family: text that `iptables-restore` takes.
pub fn ruleset(seed: u64, family: Family, network: &Network, words: &Vocabulary) -> String {
    let stream = match family {
        Family::V4 => 4,
        Family::V6 => 6,
    };
    let mut rng = Rng::new(seed, stream);
    let aims = words.aims(seed);
    // Tracking reassembles and sorts out: some cases are without it, in both families or in one.
    let stateless = rng.chance(if aims.contains(&"frag") { 60 } else { 12 })
        && !words.focus.is_some_and(Focus::tracks);
    let words = if stateless {
        words.clone().only(|_, name| !TRACKING.contains(&name))
    } else {
        words.clone()
    };
    // A class hides from the kernel's observer which of two equal packets is TEE's copy.
    let without = if rng.chance(50) { "TEE" } else { "CLASSIFY" };
    let words = words.only(|_, name| name != without);
    let (mut sets, _) = super::sets::sets(seed, network);
    // The tools refuse a set of the other family.
    sets.retain(|set| set.family.is_none_or(|of| of == family));
    let mut text = String::new();
    for (table, hooks, percent) in TABLES {
        let sure = match words.focus {
            Some(Focus::Nat) => table == "nat",
            Some(Focus::Helpers) => table == "raw",
            _ => false,
        };
        if rng.chance(percent) || sure {
            let scene = Scene {
                network,
                words: &words,
                family,
                table,
                aims: &aims,
                sets: &sets,
            };
            scene.write(&mut rng, hooks, &mut text);
        }
    }
    text
}

/// What all chains of a table share.
#[derive(Clone, Copy)]
struct Scene<'a> {
    network: &'a Network,
    words: &'a Vocabulary,
    family: Family,
    table: &'static str,
    aims: &'a [&'static str],
    sets: &'a [NamedSet],
}

impl Scene<'_> {
    fn write(self, rng: &mut Rng, hooks: u8, text: &mut String) {
        let chains = user_chains(rng, hooks);
        let builtin = || HOOKS.iter().filter(|(bit, _)| hooks & bit != 0);
        let _ = writeln!(text, "*{}", self.table);
        for (_, name) in builtin() {
            let drop = if self.table == "filter" { 35 } else { 4 };
            let policy = if rng.chance(drop) { "DROP" } else { "ACCEPT" };
            let _ = writeln!(text, ":{name} {policy} [0:0]");
        }
        for (name, _) in &chains {
            let _ = writeln!(text, ":{name} - [0:0]");
        }
        for (bit, name) in builtin() {
            self.chain(rng, (name, *bit, true), &chains, text);
        }
        for (at, (name, hooks)) in chains.iter().enumerate() {
            let later = chains.get(at + 1..).unwrap_or_default();
            self.chain(rng, (name, *hooks, false), later, text);
        }
        text.push_str("COMMIT\n");
    }

    fn chain(
        self,
        rng: &mut Rng,
        (name, hooks, builtin): (&str, u8, bool),
        callees: &[(&'static str, u8)],
        text: &mut String,
    ) {
        let callees = callees.iter().filter(|(_, may)| hooks & !may == 0);
        let mut place = Place {
            rng,
            network: self.network,
            words: self.words,
            family: self.family,
            table: self.table,
            hooks,
            builtin,
            protocol: None,
            syn: false,
            callees: callees.map(|(name, _)| *name).collect(),
            aims: self.aims,
            sets: self.sets,
        };
        for rule in place.rules() {
            let _ = writeln!(text, "-A {name}{rule}");
        }
    }
}

/// User chains with the hooks each may be reached from. A chain calls only later ones: no loops.
fn user_chains(rng: &mut Rng, hooks: u8) -> Vec<(&'static str, u8)> {
    let mut names = CHAIN_NAMES;
    rng.shuffle(&mut names);
    let count = [0, 1, 2, 2, 3, 4][rng.below(6) as usize];
    let bits: Vec<u8> = HOOKS.iter().map(|(bit, _)| *bit).collect();
    let bits: Vec<u8> = bits.into_iter().filter(|bit| hooks & bit != 0).collect();
    let any = |rng: &mut Rng| {
        if rng.chance(33) {
            return hooks;
        }
        *rng.pick(&bits) | *rng.pick(&bits)
    };
    names
        .into_iter()
        .take(count)
        .map(|name| (name, any(rng)))
        .collect()
}

impl Place<'_> {
    fn rules(&mut self) -> Vec<String> {
        let mut rules = Vec::new();
        if self.builtin && self.table == "filter" && self.rng.chance(50) {
            self.usual(&mut rules);
        }
        if self.words.focus == Some(Focus::Helpers) && self.table == "raw" && self.builtin {
            let rule = " -p tcp -m tcp --dport 21 -j CT --helper ftp";
            rules.push(rule.to_owned());
        }
        let count = match (self.table, self.builtin) {
            ("filter", _) => self.rng.between(1, 7),
            (_, true) => self.rng.below(4),
            _ => self.rng.between(1, 4),
        };
        for _ in 0..count {
            if self.rng.chance(40) && !self.aims.is_empty() {
                let aim = *self.rng.pick(self.aims);
                let rule = self.rule_about(aim);
                let at = if self.rng.chance(60) { 0 } else { rules.len() };
                rules.insert(at, rule);
                continue;
            }
            let rule = self.rule();
            let at = if self.rng.chance(80) {
                rules.len()
            } else {
                self.rng.below(rules.len() as u64 + 1) as usize
            };
            rules.insert(at, rule);
        }
        rules
    }

    /// How firewalls begin.
    fn usual(&mut self, rules: &mut Vec<String>) {
        let knows = |name: &str| self.words.matches.contains(&name);
        let states = [
            "RELATED,ESTABLISHED",
            "ESTABLISHED",
            "ESTABLISHED,RELATED,UNTRACKED",
        ];
        let states = *self.rng.pick(&states);
        let old = knows("state") && self.rng.chance(30);
        if old {
            rules.push(format!(" -m state --state {states} -j ACCEPT"));
        } else if knows("conntrack") {
            rules.push(format!(" -m conntrack --ctstate {states} -j ACCEPT"));
            if self.rng.chance(60) {
                rules.push(" -m conntrack --ctstate INVALID -j DROP".to_owned());
            }
        }
        if self.hooks == IN && self.rng.chance(70) {
            rules.push(" -i lo -j ACCEPT".to_owned());
        }
        for port in [22, 80, 53] {
            if self.rng.chance(40) {
                let protocol = if port == 53 { "udp" } else { "tcp" };
                rules.push(format!(
                    " -p {protocol} -m {protocol} --dport {port} -j ACCEPT"
                ));
            }
        }
    }

    fn rule(&mut self) -> String {
        self.protocol = None;
        self.syn = false;
        let mut text = String::new();
        self.addresses(&mut text);
        self.interfaces(&mut text);
        self.protocol(&mut text);
        if self.family == Family::V4 && self.rng.chance(3) {
            let negation = self.not();
            let _ = write!(text, " {negation}-f");
        }
        for part in self.matches() {
            text.push(' ');
            text.push_str(&part);
        }
        let target = self.target();
        text.push_str(&target);
        text
    }

    /// A rule around one extension, with little else to keep packets from it.
    fn rule_about(&mut self, aim: &str) -> String {
        self.protocol = protocol_of(aim, self.family);
        self.syn = false;
        let mut text = String::new();
        if self.rng.chance(20) {
            self.addresses(&mut text);
            self.interfaces(&mut text);
        }
        match self.protocol {
            Some(protocol) => {
                let _ = write!(text, " -p {}", protocol.0);
            }
            None => self.protocol(&mut text),
        }
        if aim == "TCPMSS" && self.words.matches.contains(&"tcp") {
            self.syn = true;
            text.push_str(" -m tcp --tcp-flags SYN,RST SYN");
        }
        let all = matches::ALL.iter();
        let known = self.words.matches.contains(&aim);
        let legal = |m: &&matches::Match| m.name == aim && known && (m.legal)(self);
        if let Some(found) = all.into_iter().find(legal) {
            let _ = write!(text, " {}", (found.write)(self));
        }
        let all = targets::ALL.iter();
        let known = self.words.targets.contains(&aim);
        let legal = |t: &&targets::Target| t.name == aim && known && (t.legal)(self);
        if let Some(found) = all.into_iter().find(legal) {
            let _ = write!(text, " -j {}{}", found.name, (found.write)(self));
        } else if self.rng.chance(45) {
            let target = self.target();
            text.push_str(&target);
        }
        text
    }

    fn addresses(&mut self, text: &mut String) {
        for option in ["-s", "-d"] {
            if self.rng.chance(18) {
                let negation = self.not();
                let net = self.net();
                let _ = write!(text, " {negation}{option} {net}");
            }
        }
    }

    fn interfaces(&mut self, text: &mut String) {
        for (option, refused) in [("-i", OUT | POST), ("-o", PRE | IN)] {
            if self.builtin && self.hooks & refused != 0 || !self.rng.chance(18) {
                continue;
            }
            let negation = self.not();
            let name = self.interface();
            let _ = write!(text, " {negation}{option} {name}");
        }
    }

    fn protocol(&mut self, text: &mut String) {
        if !self.rng.chance(60) {
            return;
        }
        let icmp = super::packet::icmp_protocol(self.any_address());
        let protocol = match self.rng.below(20) {
            0..=8 => Protocol::TCP,
            9..=12 => Protocol::UDP,
            13..=15 => icmp,
            16 => Protocol::SCTP,
            17 => *self.rng.pick(&[Protocol::GRE, Protocol::ESP, Protocol::AH]),
            18 => *self
                .rng
                .pick(&[Protocol::UDPLITE, Protocol::DCCP, Protocol::IPCOMP]),
            _ => *self
                .rng
                .pick(&[Protocol(89), Protocol::IGMP, Protocol::IPIP, Protocol(253)]),
        };
        let negation = if self.rng.chance(10) { "! " } else { "" };
        let _ = write!(text, " {negation}-p {}", protocol.0);
        if negation.is_empty() {
            self.protocol = Some(protocol);
        }
    }

    fn matches(&mut self) -> Vec<String> {
        let wanted = [0, 1, 1, 1, 1, 2, 2, 3][self.rng.below(8) as usize];
        let mut possible: Vec<&matches::Match> = matches::ALL
            .iter()
            .filter(|m| self.words.matches.contains(&m.name) && (m.legal)(self))
            .collect();
        self.rng.shuffle(&mut possible);
        // A rule with a protocol mostly asks about its header.
        possible.sort_by_key(|m| !(m.of_protocol && self.protocol.is_some()));
        if self.rng.chance(35) {
            self.rng.shuffle(&mut possible);
        }
        possible
            .into_iter()
            .take(wanted)
            .map(|m| (m.write)(self))
            .collect()
    }

    fn target(&mut self) -> String {
        if !self.callees.is_empty() && self.rng.chance(if self.builtin { 35 } else { 20 }) {
            let name = *self.rng.pick(&self.callees);
            let option = if self.rng.chance(20) { "-g" } else { "-j" };
            return format!(" {option} {name}");
        }
        let possible: Vec<&targets::Target> = targets::ALL
            .iter()
            .filter(|t| self.words.targets.contains(&t.name) && (t.legal)(self))
            .collect();
        let plain = match self.table {
            "filter" => 60,
            "security" => 70,
            _ => 20,
        };
        if possible.is_empty() || self.rng.chance(plain) {
            // iptables refuses to filter in nat.
            let verdicts = ["ACCEPT", "ACCEPT", "RETURN", "", "DROP", "DROP"];
            let legal = if self.table == "nat" { 4 } else { 6 };
            return match *self.rng.pick(&verdicts[..legal]) {
                "" => String::new(),
                verdict => format!(" -j {verdict}"),
            };
        }
        let target = *self.rng.pick(&possible);
        format!(" -j {}{}", target.name, (target.write)(self))
    }

    /// The text in so many of a hundred draws.
    fn maybe(&mut self, percent: u64, text: &'static str) -> &'static str {
        if self.rng.chance(percent) { text } else { "" }
    }

    /// `! ` in some draws.
    fn not(&mut self) -> &'static str {
        if self.rng.chance(25) { "! " } else { "" }
    }

    fn reaches(&self, hooks: u8) -> bool {
        self.hooks & !hooks == 0
    }

    fn has(&self, hook: u8) -> bool {
        self.hooks & hook != 0
    }

    fn any_address(&self) -> IpAddr {
        match self.family {
            Family::V4 => IpAddr::from([0; 4]),
            Family::V6 => IpAddr::from([0; 16]),
        }
    }

    /// An address that traffic may have.
    fn address(&mut self) -> IpAddr {
        let mut all = self.network.everybody(self.family);
        if self.rng.chance(15) {
            all = self.network.groups(self.family);
        }
        *self.rng.pick(&all)
    }

    /// An address, a prefix around one, or (IPv4) one under a mask with holes.
    fn net(&mut self) -> String {
        let address = self.address();
        match self.family {
            Family::V4 => match self.rng.below(8) {
                0..=2 => format!("{address}"),
                3..=5 => format!("{address}/{}", self.rng.pick(&[24, 16, 25, 8, 1])),
                6 => format!(
                    "{address}/{}",
                    self.rng.pick(&["255.0.255.0", "0.0.0.3", "255.255.0.255"])
                ),
                _ => "0.0.0.0/0".to_owned(),
            },
            Family::V6 => match self.rng.below(6) {
                0..=2 => format!("{address}"),
                3..=4 => format!("{address}/{}", self.rng.pick(&[64, 48, 32, 127, 1])),
                _ => format!("{address}/{}", self.rng.pick(&["ffff::ffff", "::3"])),
            },
        }
    }

    fn interface(&mut self) -> InterfaceName {
        if self.rng.chance(25) {
            let odd = *self.rng.pick(&["lo", "eth+", "+", "wlan0", "e+", "ppp+"]);
            return InterfaceName::new(odd).unwrap_or_else(|_| InterfaceName::loopback());
        }
        let network = self.network;
        self.rng.pick(&network.nics).name
    }

    fn port(&mut self) -> u16 {
        match self.rng.below(10) {
            0 => *self.rng.pick(&[0, 1024, 65535]),
            _ => *self.rng.pick(&SERVICES),
        }
    }

    /// A port or a range of ports, with the given separator.
    fn ports(&mut self, separator: &str) -> String {
        let port = self.port();
        let last = match self.rng.below(8) {
            0 => self.rng.between(0, 65535) as u16,
            1 => 65535,
            _ => 0,
        };
        // multiport refuses a range of one.
        if last > port {
            format!("{port}{separator}{last}")
        } else {
            port.to_string()
        }
    }

    /// `name1,name2` of some of these.
    fn some_of(&mut self, all: &[&str], separator: &str) -> String {
        let mut chosen: Vec<&str> = all
            .iter()
            .copied()
            .filter(|_| self.rng.chance(35))
            .collect();
        if chosen.is_empty() {
            chosen.push(*self.rng.pick(all));
        }
        chosen.join(separator)
    }
}
