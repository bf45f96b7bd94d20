//! Random hosts and questions from small pools, so that prefixes nest and rules are hit. A command that the kernel
//! refuses is no matter: what it took is read back.

use std::fmt::Write as _;
use std::net::IpAddr;

pub(crate) struct Scenario {
    setup: Vec<String>,
    pub(crate) queries: Vec<Query>,
}

pub(crate) struct Query {
    pub(crate) to: IpAddr,
    pub(crate) from: Option<IpAddr>,
    pub(crate) iif: Option<&'static str>,
    pub(crate) oif: Option<&'static str>,
    pub(crate) mark: u32,
    pub(crate) tos: u8,
    pub(crate) protocol: Option<u8>,
    pub(crate) ports: Option<(u16, u16)>,
}

const DEVICES: [&str; 6] = ["eth0", "eth1", "eth2", "peer0", "peer1", "peer2"];

struct Random(u64);

impl Random {
    fn below(&mut self, n: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % n
    }

    fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.below(from.len() as u64) as usize]
    }

    fn one_in(&mut self, n: u64) -> bool {
        self.below(n) == 0
    }

    fn v4(&mut self) -> String {
        match self.below(12) {
            0 => self
                .pick(&[
                    "127.0.0.1",
                    "127.1.2.3",
                    "0.0.0.0",
                    "0.1.2.3",
                    "255.255.255.255",
                ])
                .to_owned(),
            1 => self
                .pick(&["224.0.0.1", "224.0.0.251", "239.1.1.1", "8.8.8.8"])
                .to_owned(),
            2 => format!("192.168.{}.{}", self.below(2), self.pick(&[0, 1, 255])),
            _ => format!(
                "10.0.{}.{}",
                self.below(4),
                self.pick(&[0, 1, 2, 3, 127, 255])
            ),
        }
    }

    fn v6(&mut self) -> String {
        match self.below(10) {
            0 => self
                .pick(&["::1", "ff02::1", "2001:db9::1", "fd00::1"])
                .to_owned(),
            1 => format!("fe80::{}", self.below(3)),
            _ => format!(
                "2001:db8:{}::{}",
                self.below(4),
                self.pick(&["", "1", "2", "3"])
            ),
        }
    }

    fn address(&mut self, six: bool) -> String {
        if six { self.v6() } else { self.v4() }
    }

    fn prefix(&mut self, six: bool) -> String {
        match (self.below(6), six) {
            (0, _) => "default".to_owned(),
            (1, false) => "10.0.0.0/8".to_owned(),
            (1, true) => "2001:db8::/32".to_owned(),
            (2, false) => format!("10.0.{}.0/24", self.below(4)),
            (2, true) => format!("2001:db8:{}::/64", self.below(4)),
            (3, false) => format!("10.0.{}.0/23", self.pick(&[0, 2])),
            (3, true) => format!("2001:db8:{}::/48", self.below(4)),
            (4, false) => format!("10.0.{}.128/25", self.below(4)),
            _ => self.address(six),
        }
    }
}

impl Scenario {
    pub(crate) fn new(seed: u64) -> Self {
        let mut r = Random(seed.wrapping_mul(1_000_003));
        let mut setup = vec![
            "ip link set lo up".to_owned(),
            "sysctl -qw net.ipv6.conf.default.accept_dad=0".to_owned(),
        ];
        for i in 0..3 {
            setup.push(format!("ip link add eth{i} type veth peer name peer{i}"));
        }
        for device in DEVICES {
            setup.push(format!("ip link set {device} up"));
        }
        for _ in 0..=r.below(8) {
            setup.push(address(&mut r));
        }
        for _ in 0..r.below(12) {
            setup.push(sysctl(&mut r));
        }
        setup.push("sysctl -qw net.ipv6.conf.all.forwarding=1".to_owned());
        for _ in 0..r.below(14) {
            setup.push(route(&mut r));
        }
        // Every other host keeps the kernel's own rules: its local and main table are one then.
        if r.one_in(2) {
            for _ in 0..=r.below(6) {
                setup.push(rule(&mut r));
            }
        }
        let queries = (0..120).map(|_| query(&mut r)).collect();
        Self { setup, queries }
    }

    pub(crate) fn script(&self) -> String {
        let mut script = "exec 2>/dev/null\n".to_owned();
        for command in &self.setup {
            writeln!(script, "{command}").unwrap();
        }
        // Duplicate address detection of link-local addresses.
        script.push_str("n=0; while ip -6 addr | grep -q tentative && [ $n -lt 40 ]; do sleep 0.1; n=$((n+1)); done\n");
        for command in [
            "ip -j -d addr",
            "ip -j route show table all",
            "ip -6 -j route show table all",
            "ip -j rule",
            "ip -6 -j rule",
            r"sysctl -a -r '^net\.(ipv4|ipv6|netfilter)\.'",
        ] {
            writeln!(script, "echo '##'; {command}; echo").unwrap();
        }
        for query in &self.queries {
            writeln!(script, "echo '##'; {} 2>&1; echo", query.command()).unwrap();
        }
        script
    }
}

fn address(r: &mut Random) -> String {
    let device = if r.one_in(6) { "lo" } else { r.pick(&DEVICES) };
    if r.one_in(3) {
        let len = r.pick(&[64, 64, 48, 128]);
        let extra = r.pick(&["", "", "noprefixroute", "preferred_lft 0"]);
        return format!(
            "ip -6 addr add 2001:db8:{}::{}/{len} dev {device} nodad {extra}",
            r.below(4),
            r.below(3) + 1
        );
    }
    let host = format!("10.0.{}.{}", r.below(4), r.below(3) + 1);
    match r.below(8) {
        0 => format!(
            "ip addr add {host} peer 10.0.{}.3/32 dev {device}",
            r.below(4)
        ),
        1 => format!("ip addr add 192.168.0.1/31 dev {device}"),
        2 => format!("ip addr add {host}/32 dev {device}"),
        3 => format!("ip addr add {host}/16 dev {device} scope link"),
        4 => format!("ip addr add {host}/25 brd + dev {device}"),
        _ => format!("ip addr add {host}/24 brd + dev {device}"),
    }
}

fn sysctl(r: &mut Random) -> String {
    let device = if r.one_in(4) { "all" } else { r.pick(&DEVICES) };
    let (name, value) = match r.below(8) {
        0 | 1 => ("rp_filter", r.below(3)),
        2 => ("accept_local", 1),
        3 => ("route_localnet", 1),
        4 => ("send_redirects", 0),
        5 => ("src_valid_mark", 1),
        6 => return format!("sysctl -qw net.ipv4.ip_forward={}", r.below(4).min(1)),
        _ => ("forwarding", r.below(4).min(1)),
    };
    format!("sysctl -qw net.ipv4.conf.{device}.{name}={value}")
}

fn route(r: &mut Random) -> String {
    let six = r.one_in(3);
    let ip = if six { "ip -6" } else { "ip" };
    let mut command = format!("{ip} route {} ", r.pick(&["add", "append", "add"]));
    let kind = r.below(12);
    match kind {
        0 => command.push_str("blackhole "),
        1 => command.push_str("unreachable "),
        2 => command.push_str("prohibit "),
        3 => command.push_str("throw "),
        4 => command.push_str("local "),
        _ => {}
    }
    command.push_str(&r.prefix(six));
    match kind {
        0..=3 => {}
        4 => command.push_str(" dev lo"),
        5 => {
            let hop = |r: &mut Random| {
                format!(
                    " nexthop via {} dev {} onlink",
                    gateway(r, six),
                    r.pick(&DEVICES)
                )
            };
            let (a, b) = (hop(r), hop(r));
            if r.one_in(2) {
                write!(command, " metric {}", r.below(3) * 10 + 5).unwrap();
            }
            command.push_str(&a);
            command.push_str(&b);
            return command;
        }
        6 => write!(command, " dev {}", r.pick(&DEVICES)).unwrap(),
        _ => write!(
            command,
            " via {} dev {} onlink",
            gateway(r, six),
            r.pick(&DEVICES)
        )
        .unwrap(),
    }
    if r.one_in(3) {
        write!(
            command,
            " table {}",
            r.pick(&["100", "101", "default", "local"])
        )
        .unwrap();
    }
    if r.one_in(3) {
        write!(command, " metric {}", r.below(3) * 10 + 5).unwrap();
    }
    if !six && r.one_in(4) {
        write!(command, " tos {}", r.pick(&["0x10", "0x08", "0x04"])).unwrap();
    }
    if six && r.one_in(5) {
        write!(command, " from 2001:db8:{}::/48", r.below(4)).unwrap();
    }
    if !six && r.one_in(8) {
        write!(command, " src 10.0.{}.{}", r.below(4), r.below(3) + 1).unwrap();
    }
    command
}

fn gateway(r: &mut Random, six: bool) -> String {
    if six {
        format!("2001:db8:{}::9", r.below(4))
    } else {
        format!("10.0.{}.9", r.below(4))
    }
}

fn rule(r: &mut Random) -> String {
    let six = r.one_in(4);
    let ip = if six { "ip -6" } else { "ip" };
    let priority = r.pick(&[5, 10, 20, 30, 40, 32_800]);
    let mut command = format!("{ip} rule add pref {priority} ");
    if r.one_in(6) {
        command.push_str("not ");
    }
    if r.one_in(2) {
        let from = r.prefix(six).replace("default", "all");
        write!(command, "from {from} ").unwrap();
    }
    if r.one_in(4) {
        let to = r.prefix(six).replace("default", "all");
        write!(command, "to {to} ").unwrap();
    }
    if r.one_in(3) {
        command.push_str(r.pick(&["fwmark 1 ", "fwmark 0x2/0x3 ", "fwmark 0/1 "]));
    }
    if r.one_in(4) {
        let iif = if r.one_in(3) { "lo" } else { r.pick(&DEVICES) };
        write!(command, "iif {iif} ").unwrap();
    }
    if r.one_in(10) {
        write!(command, "oif {} ", r.pick(&DEVICES)).unwrap();
    }
    if r.one_in(6) {
        command.push_str(r.pick(&["tos 0x10 ", "tos 0x08 "]));
    }
    if r.one_in(6) {
        command.push_str(r.pick(&[
            "ipproto tcp ",
            "ipproto udp dport 53 ",
            "ipproto tcp sport 1000-2000 ",
        ]));
    }
    if r.one_in(8) {
        command.push_str("uidrange 0-100 ");
    }
    command.push_str(r.pick(&[
        "lookup 100",
        "lookup 101",
        "lookup main",
        "lookup local",
        "blackhole",
        "unreachable",
        "prohibit",
        "goto 30",
        "lookup main suppress_prefixlength 0",
        "lookup 100 suppress_prefixlength 23",
        "lookup main suppress_ifgroup 0",
        "nop",
    ]));
    command
}

fn query(r: &mut Random) -> Query {
    let six = r.one_in(3);
    let address = |r: &mut Random| loop {
        let text = r.address(six);
        if let Ok(address) = text.parse::<IpAddr>() {
            return address;
        }
    };
    let input = !r.one_in(3);
    let to = address(r);
    let mut from = input.then(|| address(r));
    // A locally made packet of a foreign source is refused by `ip route get`, and an IPv6 scope is the path's to check.
    if six
        && let Some(IpAddr::V6(a)) = from
        && (a.is_multicast() || a.is_unspecified() || a.is_loopback() || a.is_unicast_link_local())
    {
        from = "2001:db8:7::7".parse().ok();
    }
    // `ip route get` takes 0.0.0.0 for no source at all.
    if from.is_some_and(|f| f.is_unspecified()) {
        from = "10.0.1.77".parse().ok();
    }
    let protocol = r.one_in(3).then(|| r.pick(&[6, 17]));
    Query {
        to: if to.is_multicast() && six {
            "2001:db8:1::5".parse().unwrap()
        } else {
            to
        },
        from,
        iif: input.then(|| r.pick(&DEVICES)),
        oif: (!input && r.one_in(4)).then(|| r.pick(&DEVICES)),
        mark: r.pick(&[0, 0, 1, 2, 3]),
        tos: r.pick(&[0, 0, 0x10, 0x08]),
        protocol,
        ports: protocol.map(|_| (r.pick(&[1500, 40000]), r.pick(&[53, 80]))),
    }
}

impl Query {
    pub(crate) fn command(&self) -> String {
        let ip = if self.to.is_ipv6() {
            "ip -6 -j"
        } else {
            "ip -j"
        };
        let mut command = format!("{ip} route get {}", self.to);
        if let Some(from) = self.from {
            write!(command, " from {from}").unwrap();
        }
        if let Some(iif) = self.iif {
            write!(command, " iif {iif}").unwrap();
        }
        if let Some(oif) = self.oif {
            write!(command, " oif {oif}").unwrap();
        }
        if self.mark != 0 {
            write!(command, " mark {}", self.mark).unwrap();
        }
        if self.tos != 0 {
            write!(command, " tos {:#x}", self.tos).unwrap();
        }
        if let (Some(protocol), Some((sport, dport))) = (self.protocol, self.ports) {
            let name = if protocol == 6 { "tcp" } else { "udp" };
            write!(command, " ipproto {name} sport {sport} dport {dport}").unwrap();
        }
        command
    }
}
