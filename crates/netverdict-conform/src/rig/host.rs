//! The commands that make a namespace into the described host.

use std::fmt::Write;
use std::net::{IpAddr, Ipv6Addr};

use netverdict_host::{
    Address, Hop, HostFacts, Interface, InterfaceKind, PolicyRule, Role, Route, RouteType,
    RuleAction, TableId,
};
use netverdict_net::{Family, InterfaceName, MacAddr};

/// The interfaces that need a device of their own.
pub(super) fn devices(facts: &HostFacts) -> impl Iterator<Item = &Interface> {
    facts.interfaces.iter().filter(|i| !i.is_loopback())
}

/// The host as it is built for frames of these interfaces: a bridge is one only where frames come by its ports, and a
/// device like others where they come by itself.
pub(crate) fn seen_from(
    facts: &HostFacts,
    frames: impl IntoIterator<Item = InterfaceName>,
) -> HostFacts {
    let mut facts = facts.clone();
    let master = |name: InterfaceName| {
        let port = facts.interfaces.iter().find(|i| i.name == name)?;
        let bridge = facts
            .interfaces
            .iter()
            .find(|i| Some(i.name) == port.master)?;
        is_bridge(bridge).then_some(bridge.name)
    };
    let bridges: Vec<InterfaceName> = frames.into_iter().filter_map(master).collect();
    for interface in &mut facts.interfaces {
        if !bridges.contains(&interface.name) && is_bridge(interface) {
            interface.role = Role::Plain;
        }
        interface.master = interface.master.filter(|master| bridges.contains(master));
    }
    facts
}

/// Whether the kernel itself makes it.
pub(super) fn is_bridge(interface: &Interface) -> bool {
    interface.role == Role::Bridge
}

/// Whether frames on it have no link header.
pub(super) fn is_bare(interface: &Interface) -> bool {
    matches!(interface.kind, InterfaceKind::Other(_))
}

/// The Ethernet address of an interface; one of our own making if nobody told, by its place among the interfaces.
pub(crate) fn mac(interface: &Interface, place: usize) -> Option<MacAddr> {
    let made = MacAddr([2, 0x6e, 0x76, 0, (place >> 8) as u8, place as u8]);
    (!is_bare(interface)).then(|| interface.mac.unwrap_or(made))
}

/// The input of `ip -batch`: links, addresses and routes.
pub(super) fn batch(facts: &HostFacts) -> String {
    let mut text = String::from("link set lo up\n");
    for bridge in devices(facts).filter(|interface| is_bridge(interface)) {
        let _ = writeln!(
            text,
            "link add name {} type bridge mcast_snooping 0",
            bridge.name
        );
    }
    for (place, interface) in facts.interfaces.iter().enumerate() {
        if !interface.is_loopback() {
            link(&mut text, interface, place);
        }
        for address in in_order(interface) {
            address_of(&mut text, interface, address);
        }
    }
    let given = [&facts.routes_v4, &facts.routes_v6];
    let given = given.into_iter().flatten().flatten();
    for route in given.chain(&facts.assumed_routes) {
        if !route.by_kernel && route.table != TableId::LOCAL {
            write_route(&mut text, route);
        }
    }
    text
}

/// The input of `ip -batch` once the addresses are there. Without ARP every next hop resolves at once, so a forwarded
/// frame leaves whatever its destination; had it been off before, no solicited-node group would have been joined.
pub(super) fn arp_off(facts: &HostFacts) -> String {
    let mut text = String::new();
    for interface in devices(facts).filter(|i| !is_bare(i)) {
        let _ = writeln!(text, "link set {} arp off", interface.name);
    }
    text
}

fn link(text: &mut String, interface: &Interface, place: usize) {
    let name = &interface.name;
    if let Some(mac) = mac(interface, place) {
        let _ = writeln!(text, "link set {name} address {mac}");
    }
    let _ = writeln!(text, "link set {name} mtu {}", interface.mtu);
    if let Some(group @ 1..) = interface.group {
        let _ = writeln!(text, "link set {name} group {group}");
    }
    let _ = writeln!(text, "link set {name} addrgenmode none");
    if let Some(bridge) = &interface.master {
        let _ = writeln!(text, "link set {name} master {bridge}");
    }
    if interface.up {
        let _ = writeln!(text, "link set {name} up");
    }
}

/// The order of adding that gives the order of listing: the kernel puts the newest IPv6 address of a scope first.
fn in_order(interface: &Interface) -> impl Iterator<Item = &Address> {
    let v6: Vec<_> = interface.addresses_of(Family::V6).collect();
    interface
        .addresses_of(Family::V4)
        .chain(v6.into_iter().rev())
        .filter(|a| !(interface.is_loopback() && a.local.is_loopback()))
}

/// The IPv6 addresses that will have local routes.
pub(super) fn awaited(facts: &HostFacts) -> Vec<Ipv6Addr> {
    let up = facts.interfaces.iter().filter(|i| i.up);
    let all = up.flat_map(|i| i.addresses_of(Family::V6));
    all.filter_map(|a| match a.local {
        IpAddr::V6(address) => Some(address),
        IpAddr::V4(_) => None,
    })
    .collect()
}

fn address_of(text: &mut String, interface: &Interface, address: &Address) {
    let _ = write!(text, "addr add {}", address.local);
    if let Some(peer) = address.peer {
        let _ = write!(text, " peer {peer}");
    }
    let _ = write!(text, "/{} dev {}", address.prefix_len, interface.name);
    match address.local {
        IpAddr::V4(_) => {
            if let Some(broadcast) = address.broadcast {
                let _ = write!(text, " broadcast {broadcast}");
            }
            let _ = write!(text, " scope {}", address.scope.0);
        }
        IpAddr::V6(_) => text.push_str(" nodad"),
    }
    if address.no_prefix_route {
        text.push_str(" noprefixroute");
    }
    if address.deprecated {
        text.push_str(" valid_lft forever preferred_lft 0");
    }
    text.push('\n');
}

fn write_route(text: &mut String, route: &Route) {
    let _ = write!(
        text,
        "route replace {} {}",
        kind(route.kind),
        route.destination
    );
    if let Some(source) = route.source {
        let _ = write!(text, " from {source}");
    }
    if route.tos != 0 {
        let _ = write!(text, " tos {:#x}", route.tos);
    }
    let _ = write!(text, " table {}", route.table);
    let v4 = route.family() == Family::V4;
    if route.metric != 0 {
        let _ = write!(text, " metric {}", route.metric);
    }
    if v4 && route.kind == RouteType::Unicast {
        let _ = write!(text, " scope {}", route.scope.0);
    }
    if let Some(source) = route.preferred_source {
        let _ = write!(text, " src {source}");
    }
    if let Some(mtu) = route.mtu {
        let _ = write!(text, " mtu {mtu}");
    }
    if let Some(realm) = route.realm {
        let _ = write!(text, " realm {}/{}", realm >> 16, realm & 0xffff);
    }
    match &route.hops[..] {
        [] => {}
        [only] => hop(text, only),
        several => {
            for one in several {
                text.push_str(" nexthop");
                hop(text, one);
                let _ = write!(text, " weight {}", one.weight.max(1));
            }
        }
    }
    text.push('\n');
}

fn hop(text: &mut String, hop: &Hop) {
    if let Some(gateway) = hop.gateway {
        let _ = write!(text, " via {gateway}");
    }
    if let Some(device) = hop.device {
        let _ = write!(text, " dev {device}");
        if hop.gateway.is_some() {
            // The gateway may be reachable by a route that comes later.
            text.push_str(" onlink");
        }
    }
}

fn kind(kind: RouteType) -> &'static str {
    match kind {
        RouteType::Unicast => "unicast",
        RouteType::Local => "local",
        RouteType::Broadcast => "broadcast",
        RouteType::Multicast => "multicast",
        RouteType::Anycast => "anycast",
        RouteType::Blackhole => "blackhole",
        RouteType::Unreachable => "unreachable",
        RouteType::Prohibit => "prohibit",
        RouteType::Throw => "throw",
    }
}

/// The input of `ip -4 -batch` or `ip -6 -batch`: only the option tells a rule's family.
pub(super) fn rule_batch(facts: &HostFacts, family: Family) -> String {
    let given = match family {
        Family::V4 => &facts.rules_v4,
        Family::V6 => &facts.rules_v6,
    };
    let mut text = String::new();
    let Some(given) = given else {
        return text;
    };
    let defaults = PolicyRule::defaults(family);
    for rule in given.iter().filter(|r| !defaults.contains(r)) {
        write_rule(&mut text, rule);
    }
    for rule in defaults.iter().filter(|r| !given.contains(r)) {
        let _ = writeln!(text, "rule del pref {}", rule.priority);
    }
    text
}

fn write_rule(text: &mut String, rule: &PolicyRule) {
    let _ = write!(text, "rule add pref {}", rule.priority);
    let mut word = |name: &str, value: Option<String>| {
        if let Some(value) = value {
            let _ = write!(text, " {name} {value}");
        }
    };
    word("not", rule.not.then(String::new));
    word("from", rule.from.map(|a| a.to_string()));
    word("to", rule.to.map(|a| a.to_string()));
    word("tos", (rule.tos != 0).then(|| format!("{:#x}", rule.tos)));
    word("dscp", rule.dscp.map(|d| d.to_string()));
    let mark = rule.mark_mask != 0;
    word(
        "fwmark",
        mark.then(|| format!("{:#x}/{:#x}", rule.mark, rule.mark_mask)),
    );
    word("iif", rule.iif.map(|i| i.to_string()));
    word("oif", rule.oif.map(|i| i.to_string()));
    word("ipproto", rule.protocol.map(|p| p.0.to_string()));
    let ports = |r: netverdict_net::PortRange| format!("{}-{}", r.start, r.end);
    word("sport", rule.source_ports.map(ports));
    word("dport", rule.destination_ports.map(ports));
    word("uidrange", rule.uids.map(|(a, b)| format!("{a}-{b}")));
    word(
        "suppress_prefixlength",
        rule.suppress_prefix_len.map(|l| l.to_string()),
    );
    word(
        "suppress_ifgroup",
        rule.suppress_group.map(|g| g.to_string()),
    );
    match &rule.action {
        RuleAction::Lookup(table) => word("lookup", Some(table.to_string())),
        RuleAction::Goto(target) => word("goto", Some(target.to_string())),
        RuleAction::Nop => word("nop", Some(String::new())),
        RuleAction::Blackhole => word("blackhole", Some(String::new())),
        RuleAction::Unreachable => word("unreachable", Some(String::new())),
        RuleAction::Prohibit => word("prohibit", Some(String::new())),
        RuleAction::L3Master => word("l3mdev", Some(String::new())),
    }
    text.push('\n');
}

/// Describes a host that answers without limit: how many errors the kernel sends, and whether it tells of better ways,
/// depends on the time that passes between packets, and a kernel that is fed as fast as it goes has no use for it.
pub fn without_limits(mut facts: HostFacts) -> HostFacts {
    let devices = devices(&facts).map(|i| i.name.as_str().replace('.', "/"));
    let all = ["all".to_owned(), "default".to_owned()];
    let redirects: Vec<String> = all
        .into_iter()
        .chain(devices)
        .map(|conf| format!("net.ipv4.conf.{conf}.send_redirects=0"))
        .collect();
    let limits = [
        "net.ipv4.icmp_ratemask=0",
        "net.ipv4.icmp_msgs_per_sec=1000000",
        "net.ipv4.icmp_msgs_burst=1000000",
        "net.ipv6.icmp.ratelimit=0",
    ];
    let redirects = redirects.iter().map(String::as_str);
    for setting in limits.into_iter().chain(redirects) {
        // A device's name may be one that no sysctl has; then there is nothing to turn off.
        let _known = facts.sysctls.set(setting);
    }
    facts
}

/// What must hold before interfaces come up: kernel defaults instead of what this machine hands down to its
/// namespaces.
pub(super) fn quiet(facts: &HostFacts) -> Vec<(String, String)> {
    let mut settings: Vec<(String, String)> = Vec::new();
    let names = devices(facts).map(|i| i.name.as_str().replace('.', "/"));
    let all = ["all".to_owned(), "default".to_owned()];
    for conf in all.into_iter().chain(names) {
        for (family, key, value) in [
            ("ipv4", "rp_filter", "0"),
            ("ipv4", "log_martians", "0"),
            ("ipv6", "disable_ipv6", "0"),
            ("ipv6", "accept_ra", "0"),
            ("ipv6", "accept_dad", "0"),
            ("ipv6", "router_solicitations", "0"),
        ] {
            settings.push((format!("net.{family}.conf.{conf}.{key}"), value.to_owned()));
        }
    }
    if devices(facts).any(is_bridge) {
        for calls in ["iptables", "ip6tables"] {
            let key = format!("net.bridge.bridge-nf-call-{calls}");
            settings.push((key, "0".to_owned()));
        }
    }
    // A drawn flow label is in neither dump nor capture, and rules may ask for it.
    settings.push(("net.ipv6.auto_flowlabels".to_owned(), "0".to_owned()));
    settings
}

/// The described settings in the order in which they hold: `ip_forward` and `conf.all.forwarding` overwrite every
/// device's.
pub(super) fn settings(facts: &HostFacts) -> Vec<(String, String)> {
    let rank = |key: &str| match key {
        "net.ipv4.ip_forward" => 0,
        key if key.contains(".conf.all.") => 1,
        key if key.contains(".conf.default.") => 2,
        _ => 3,
    };
    let all = facts.sysctls.iter();
    let mut ordered: Vec<(String, String)> = all
        .map(|(path, value)| (path.to_string(), value.to_owned()))
        .filter(|(key, _)| key.starts_with("net."))
        .collect();
    ordered.sort_by_key(|(key, _)| rank(key));
    ordered
}
