//! A scene's host, and the files that `ip -j` and `sysctl` would print on it.

use serde_json::{Value, json};

use netverdict_net::MacAddr;

/// One interface.
#[derive(Debug, Clone)]
pub struct Nic {
    pub name: &'static str,
    pub mac: MacAddr,
    /// `address/length`, IPv4 or IPv6; the first of a family is primary.
    pub addresses: Vec<&'static str>,
}

/// One route of the main table beside the connected ones.
#[derive(Debug, Clone, Copy)]
pub struct RouteSpec {
    /// `default` or `network/length`.
    pub destination: &'static str,
    /// Next hop; none for a route on the link.
    pub gateway: Option<&'static str>,
    pub device: &'static str,
    /// Table name or number, `main` by default.
    pub table: &'static str,
    /// Whether it delivers locally (`ip route add local …`).
    pub local: bool,
}

impl RouteSpec {
    /// A route of the main table through a gateway.
    pub const fn via(
        destination: &'static str,
        gateway: &'static str,
        device: &'static str,
    ) -> Self {
        Self {
            destination,
            gateway: Some(gateway),
            device,
            table: "main",
            local: false,
        }
    }
}

/// A host.
#[derive(Debug, Clone, Default)]
pub struct HostSpec {
    pub nics: Vec<Nic>,
    pub routes: Vec<RouteSpec>,
    /// Policy rules beside the three standard ones: priority, mark, table.
    pub mark_rules: Vec<(u32, u32, &'static str)>,
    pub sysctls: Vec<(&'static str, &'static str)>,
}

impl HostSpec {
    /// What `ip -j addr` prints.
    pub fn addr_json(&self) -> String {
        let mut links = vec![json!({
            "ifindex": 1, "ifname": "lo", "flags": ["LOOPBACK", "UP", "LOWER_UP"], "mtu": 65536, "qdisc": "noqueue",
            "operstate": "UNKNOWN", "group": "default", "txqlen": 1000, "link_type": "loopback",
            "address": "00:00:00:00:00:00", "broadcast": "00:00:00:00:00:00",
            "addr_info": [
                {"family": "inet", "local": "127.0.0.1", "prefixlen": 8, "scope": "host", "label": "lo",
                 "valid_life_time": u32::MAX, "preferred_life_time": u32::MAX},
                {"family": "inet6", "local": "::1", "prefixlen": 128, "scope": "host",
                 "valid_life_time": u32::MAX, "preferred_life_time": u32::MAX},
            ],
        })];
        for (index, nic) in self.nics.iter().enumerate() {
            links.push(json!({
                "ifindex": index + 2, "ifname": nic.name, "flags": ["BROADCAST", "MULTICAST", "UP", "LOWER_UP"],
                "mtu": 1500, "qdisc": "fq_codel", "operstate": "UP", "group": "default", "txqlen": 1000,
                "link_type": "ether", "address": nic.mac.to_string(), "broadcast": "ff:ff:ff:ff:ff:ff",
                "addr_info": nic.addresses.iter().map(|a| addr_info(nic.name, a)).collect::<Vec<_>>(),
            }));
        }
        pretty(&links)
    }

    /// What `ip -j route show table all` (or `ip -6 -j …`) prints.
    pub fn route_json(&self, v6: bool) -> String {
        let of_family = |text: &str| text.contains(':') == v6;
        let mut routes = Vec::new();
        for route in &self.routes {
            if !of_family(route.gateway.unwrap_or(route.destination)) {
                continue;
            }
            let mut value = json!({"dst": route.destination, "dev": route.device, "flags": []});
            if let Some(gateway) = route.gateway {
                value["gateway"] = gateway.into();
                value["protocol"] = "static".into();
            }
            if route.local {
                value["type"] = "local".into();
                value["scope"] = "host".into();
            }
            if route.table != "main" {
                value["table"] = route.table.into();
            }
            if v6 {
                value["metric"] = 1024.into();
                value["pref"] = "medium".into();
            }
            routes.push(value);
        }
        for nic in &self.nics {
            for address in nic.addresses.iter().filter(|a| of_family(a)) {
                routes.extend(connected(nic.name, address, v6));
            }
        }
        if v6 {
            routes.push(json!({"type": "local", "dst": "::1", "dev": "lo", "table": "local", "protocol": "kernel",
                "metric": 0, "flags": [], "pref": "medium"}));
        } else {
            for dst in ["127.0.0.0/8", "127.0.0.1"] {
                routes.push(json!({"type": "local", "dst": dst, "dev": "lo", "table": "local", "protocol": "kernel",
                    "scope": "host", "prefsrc": "127.0.0.1", "flags": []}));
            }
            routes.push(
                json!({"type": "broadcast", "dst": "127.255.255.255", "dev": "lo", "table": "local",
                "protocol": "kernel", "scope": "link", "prefsrc": "127.0.0.1", "flags": []}),
            );
        }
        pretty(&routes)
    }

    /// What `ip -j rule` prints.
    pub fn rule_json(&self) -> String {
        let mut rules = vec![json!({"priority": 0, "src": "all", "table": "local"})];
        for (priority, mark, table) in &self.mark_rules {
            rules.push(json!({"priority": priority, "src": "all", "fwmark": format!("{mark:#x}"), "table": table}));
        }
        rules.push(json!({"priority": 32766, "src": "all", "table": "main"}));
        rules.push(json!({"priority": 32767, "src": "all", "table": "default"}));
        pretty(&rules)
    }

    /// What `sysctl -a` prints of the keys that matter here.
    pub fn sysctl_text(&self) -> String {
        let lines = self.sysctls.iter().map(|(key, value)| {
            [
                key, " = ", value, "
",
            ]
            .concat()
        });
        lines.collect()
    }
}

fn addr_info(label: &str, address: &str) -> Value {
    let (local, len) = split(address);
    if local.contains(':') {
        let scope = if local.starts_with("fe80") {
            "link"
        } else {
            "global"
        };
        return json!({"family": "inet6", "local": local, "prefixlen": len, "scope": scope,
            "valid_life_time": u32::MAX, "preferred_life_time": u32::MAX});
    }
    json!({"family": "inet", "local": local, "prefixlen": len, "broadcast": broadcast(local, len), "scope": "global",
        "label": label, "valid_life_time": u32::MAX, "preferred_life_time": u32::MAX})
}

fn connected(device: &str, address: &str, v6: bool) -> Vec<Value> {
    let (local, len) = split(address);
    let network = network(local, len);
    if v6 {
        return vec![
            json!({"dst": network, "dev": device, "protocol": "kernel", "metric": 256, "flags": [], "pref": "medium"}),
            json!({"type": "local", "dst": local, "dev": device, "table": "local", "protocol": "kernel", "metric": 0,
                "flags": [], "pref": "medium"}),
            json!({"type": "multicast", "dst": "ff00::/8", "dev": device, "table": "local", "protocol": "kernel",
                "metric": 256, "flags": [], "pref": "medium"}),
        ];
    }
    vec![
        json!({"dst": network, "dev": device, "protocol": "kernel", "scope": "link", "prefsrc": local, "flags": []}),
        json!({"type": "local", "dst": local, "dev": device, "table": "local", "protocol": "kernel", "scope": "host",
            "prefsrc": local, "flags": []}),
        json!({"type": "broadcast", "dst": broadcast(local, len), "dev": device, "table": "local", "protocol": "kernel",
            "scope": "link", "prefsrc": local, "flags": []}),
    ]
}

fn split(address: &str) -> (&str, u8) {
    let (local, len) = address
        .split_once('/')
        .expect("scenes write addresses with a length");
    (local, len.parse().expect("scenes write valid lengths"))
}

fn network(local: &str, len: u8) -> String {
    netverdict_net::AddrMask::prefix(super::ip(local), len).to_string()
}

fn broadcast(local: &str, len: u8) -> String {
    let std::net::IpAddr::V4(addr) = super::ip(local) else {
        return String::new();
    };
    let host_bits = u32::MAX.checked_shr(u32::from(len)).unwrap_or(0);
    std::net::Ipv4Addr::from_bits(addr.to_bits() | host_bits).to_string()
}

fn pretty(values: &[Value]) -> String {
    let lines: Vec<String> = values.iter().map(ToString::to_string).collect();
    format!("[{}]\n", lines.join(",\n"))
}
