//! The description of a host, and the commands that build it.

use std::fmt::Write;
use std::net::IpAddr;

use netverdict_net::{Family, InterfaceName, MacAddr};

/// A host to build.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HostSpec {
    /// Interfaces; `lo` is always there and needs no entry, unless it has more addresses.
    pub interfaces: Vec<InterfaceSpec>,
    /// Routes beside those that addresses bring.
    pub routes: Vec<RouteSpec>,
    /// Policy rules in the words of `ip rule add`, with their family.
    pub rules: Vec<(Family, String)>,
    /// Sysctls, named as `sysctl -a` prints them.
    pub sysctls: Vec<(String, String)>,
}

/// One interface.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InterfaceSpec {
    /// Its name.
    pub name: InterfaceName,
    /// Its Ethernet address; `None` for an interface without link headers.
    pub mac: Option<MacAddr>,
    /// Its addresses with prefix lengths, in order (the first is the primary one).
    pub addresses: Vec<(IpAddr, u8)>,
    /// Its MTU, if not the driver's 1500.
    pub mtu: Option<u32>,
    /// Whether it is up.
    pub up: bool,
}

/// One route.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RouteSpec {
    /// The family.
    pub family: Family,
    /// `unicast`, `blackhole`, `unreachable`…
    pub kind: String,
    /// The destination; `None` is the default route.
    pub destination: Option<(IpAddr, u8)>,
    /// The next hop.
    pub via: Option<IpAddr>,
    /// The device.
    pub device: Option<InterfaceName>,
    /// The preferred source address.
    pub source: Option<IpAddr>,
    /// The table; 254 is main.
    pub table: u32,
    /// The metric, if not the family's default.
    pub metric: Option<u32>,
}

impl HostSpec {
    /// The interfaces that need a device of their own.
    pub(crate) fn devices(&self) -> impl Iterator<Item = &InterfaceSpec> {
        let loopback = InterfaceName::loopback();
        self.interfaces.iter().filter(move |i| i.name != loopback)
    }

    /// The input of `ip -batch`.
    pub(crate) fn batch(&self) -> String {
        let mut text = String::from("link set lo up\n");
        for interface in &self.interfaces {
            interface.write(&mut text);
        }
        for route in &self.routes {
            route.write(&mut text);
        }
        text
    }

    /// The input of `ip -4 -batch` or `ip -6 -batch`: only a rule's options do not tell its family.
    pub(crate) fn rule_batch(&self, family: Family) -> String {
        let mut text = String::new();
        for (_, words) in self.rules.iter().filter(|(f, _)| *f == family) {
            let _ = writeln!(text, "rule add {words}");
        }
        text
    }
}

impl InterfaceSpec {
    /// `noarp`: every next hop resolves at once, so a forwarded frame leaves whatever its destination.
    fn write(&self, text: &mut String) {
        let Self { name, .. } = self;
        let real = *name != InterfaceName::loopback();
        if let (true, Some(mac)) = (real, self.mac) {
            let _ = writeln!(text, "link set {name} address {mac}");
            let _ = writeln!(text, "link set {name} arp off");
        }
        if let Some(mtu) = self.mtu {
            let _ = writeln!(text, "link set {name} mtu {mtu}");
        }
        if real {
            let _ = writeln!(text, "link set {name} addrgenmode none");
        }
        if self.up && real {
            let _ = writeln!(text, "link set {name} up");
        }
        for (address, len) in &self.addresses {
            if !real && address.is_loopback() {
                continue;
            }
            let nodad = if address.is_ipv6() { " nodad" } else { "" };
            let _ = writeln!(text, "addr add {address}/{len} dev {name}{nodad}");
        }
    }
}

impl RouteSpec {
    fn write(&self, text: &mut String) {
        // "default" would not tell the family.
        let any = match self.family {
            Family::V4 => (IpAddr::from([0; 4]), 0),
            Family::V6 => (IpAddr::from([0; 16]), 0),
        };
        let (address, len) = self.destination.unwrap_or(any);
        let _ = write!(text, "route replace {} {address}/{len}", self.kind);
        if let Some(via) = self.via {
            let _ = write!(text, " via {via}");
        }
        if let Some(device) = self.device {
            let _ = write!(text, " dev {device}");
        }
        if self.via.is_some() && self.device.is_some() {
            // The gateway may be reachable by a route that the description names later.
            text.push_str(" onlink");
        }
        if let Some(source) = self.source {
            let _ = write!(text, " src {source}");
        }
        let _ = write!(text, " table {}", self.table);
        if let Some(metric) = self.metric {
            let _ = write!(text, " metric {metric}");
        }
        text.push('\n');
    }
}

/// What must hold before interfaces come up: kernel defaults instead of what this machine hands down to its
/// namespaces, and no rate limit on answers.
pub(crate) fn quiet(spec: &HostSpec) -> Vec<(String, String)> {
    let names = spec.devices().map(|i| i.name.as_str().replace('.', "/"));
    let confs = ["all".to_owned(), "default".to_owned()]
        .into_iter()
        .chain(names);
    let mut settings = vec![
        ("net.ipv4.icmp_ratemask".to_owned(), "0".to_owned()),
        (
            "net.ipv4.icmp_msgs_per_sec".to_owned(),
            "1000000".to_owned(),
        ),
        ("net.ipv4.icmp_msgs_burst".to_owned(), "1000000".to_owned()),
        ("net.ipv6.icmp.ratelimit".to_owned(), "0".to_owned()),
    ];
    for conf in confs {
        for (key, value) in [
            ("ipv4.conf.{}.rp_filter", "0"),
            ("ipv4.conf.{}.log_martians", "0"),
            ("ipv6.conf.{}.disable_ipv6", "0"),
            ("ipv6.conf.{}.accept_ra", "0"),
            ("ipv6.conf.{}.accept_dad", "0"),
            ("ipv6.conf.{}.router_solicitations", "0"),
        ] {
            settings.push((
                format!("net.{}", key.replace("{}", &conf)),
                value.to_owned(),
            ));
        }
    }
    settings
}

/// The order in which settings hold: `ip_forward` and `conf.all.forwarding` overwrite every device's.
pub(crate) fn in_order(settings: &[(String, String)]) -> Vec<(String, String)> {
    let rank = |key: &str| match key {
        "net.ipv4.ip_forward" => 0,
        key if key.contains(".conf.all.") => 1,
        key if key.contains(".conf.default.") => 2,
        _ => 3,
    };
    let mut ordered = settings.to_vec();
    ordered.sort_by_key(|(key, _)| rank(key));
    ordered
}
