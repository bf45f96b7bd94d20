//! `ip -j addr`, with or without `-d`.

use netverdict_net::InterfaceName;
use serde::Deserialize;

use super::{At, JsonError, entries};
use crate::{Address, Interface, InterfaceKind, Role, Scope};

#[derive(Deserialize)]
struct Link {
    #[serde(default)]
    ifindex: u32,
    // A removed device's slot is `{}` in old iproute2.
    ifname: Option<String>,
    #[serde(default)]
    flags: Vec<String>,
    mtu: Option<u32>,
    master: Option<String>,
    group: Option<String>,
    link_type: Option<String>,
    address: Option<String>,
    linkinfo: Option<LinkInfo>,
    #[serde(default)]
    addr_info: Vec<AddrInfo>,
}

#[derive(Deserialize)]
struct LinkInfo {
    info_kind: Option<String>,
    info_data: Option<InfoData>,
}

#[derive(Deserialize)]
struct InfoData {
    table: Option<u32>,
}

#[derive(Deserialize)]
struct AddrInfo {
    // A filtered address is `{}`.
    local: Option<String>,
    address: Option<String>,
    #[serde(default)]
    prefixlen: u8,
    broadcast: Option<String>,
    scope: Option<String>,
    label: Option<String>,
    #[serde(default)]
    secondary: bool,
    #[serde(default)]
    tentative: bool,
    #[serde(default)]
    dadfailed: bool,
    #[serde(default)]
    optimistic: bool,
    #[serde(default)]
    deprecated: bool,
    #[serde(default)]
    temporary: bool,
    #[serde(default)]
    noprefixroute: bool,
}

/// Reads the interfaces and addresses that `ip -j addr` or `ip -j -d addr` printed, in their order.
pub fn parse_interfaces(text: &str) -> Result<Vec<Interface>, JsonError> {
    let links: Vec<Link> = entries(text, "ip -j addr")?;
    let mut interfaces = Vec::new();
    for (entry, link) in (1..).zip(links) {
        if let Some(interface) = interface(entry, link)? {
            interfaces.push(interface);
        }
    }
    Ok(interfaces)
}

fn interface(entry: usize, link: Link) -> Result<Option<Interface>, JsonError> {
    let at = |field| At { entry, field };
    let Some(name) = link.ifname else {
        return Ok(None);
    };
    let named = |field, text: &str| {
        InterfaceName::new(text).map_err(|e| at(field).bad(text, format!("is no name: {e}")))
    };
    let flag = |f: &str| link.flags.iter().any(|x| x == f);
    let mut interface = Interface::new(named("ifname", &name)?);
    interface.index = link.ifindex;
    interface.mtu = link.mtu.unwrap_or(interface.mtu);
    interface.up = flag("UP");
    interface.carrier = flag("LOWER_UP") || !flag("NO-CARRIER");
    interface.broadcast = flag("BROADCAST");
    interface.point_to_point = flag("POINTOPOINT");
    interface.group = link.group.as_deref().map_or(Some(0), group);
    interface.kind = match link.link_type.as_deref() {
        Some("loopback") => InterfaceKind::Loopback,
        Some("ether") | None => interface.kind,
        Some(other) => InterfaceKind::Other(other.into()),
    };
    if interface.kind == InterfaceKind::Ethernet {
        // Anything but six bytes is no MAC address of an Ethernet device.
        interface.mac = link.address.and_then(|a| a.parse().ok());
    }
    interface.role = role(link.linkinfo);
    interface.master = match link.master {
        Some(master) => Some(named("master", &master)?),
        None => None,
    };
    for info in link.addr_info {
        interface.addresses.extend(address(entry, &name, info)?);
    }
    Ok(Some(interface))
}

/// A group's name is known to the host's `group` file alone; `default` is 0.
pub(super) fn group(text: &str) -> Option<u32> {
    match text {
        "default" => Some(0),
        number => number.parse().ok(),
    }
}

fn role(info: Option<LinkInfo>) -> Role {
    let Some(info) = info else {
        return Role::Plain;
    };
    match info.info_kind.as_deref() {
        Some("bridge") => Role::Bridge,
        Some("bond" | "team") => Role::Bond,
        Some("vrf") => Role::Vrf {
            table: info.info_data.and_then(|d| d.table).unwrap_or(0),
        },
        _ => Role::Plain,
    }
}

fn address(entry: usize, name: &str, info: AddrInfo) -> Result<Option<Address>, JsonError> {
    let at = |field| At { entry, field };
    let Some(local) = info.local else {
        return Ok(None);
    };
    let mut address = Address::new(at("local").address(&local)?, info.prefixlen);
    address.peer = match info.address {
        Some(peer) => Some(at("address").address(&peer)?),
        None => None,
    };
    address.broadcast = match info.broadcast {
        Some(text) => {
            let parsed = text.parse();
            Some(parsed.map_err(|_| at("broadcast").bad(&text, "is not an IPv4 address"))?)
        }
        None => None,
    };
    if let Some(text) = info.scope {
        address.scope = scope(&text).ok_or_else(|| at("scope").bad(&text, "is no scope"))?;
    }
    address.secondary = info.secondary;
    address.tentative = info.tentative && !info.optimistic || info.dadfailed;
    address.deprecated = info.deprecated;
    address.temporary = info.temporary;
    address.no_prefix_route = info.noprefixroute;
    address.label = info.label.filter(|l| l != name).map(Into::into);
    Ok(Some(address))
}

/// A scope as iproute2 prints it.
pub(super) fn scope(text: &str) -> Option<Scope> {
    Some(match text {
        "global" => Scope::UNIVERSE,
        "site" => Scope::SITE,
        "link" => Scope::LINK,
        "host" => Scope::HOST,
        "nowhere" => Scope::NOWHERE,
        number => Scope(number.parse().ok()?),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_host_printed_is_read_whole() {
        let interfaces = parse_interfaces(include_str!("../../testdata/ip-addr.json")).unwrap();
        insta::assert_debug_snapshot!(interfaces);
    }

    #[test]
    fn details_add_the_role() {
        let interfaces = parse_interfaces(include_str!("../../testdata/ip-addr-d.json")).unwrap();
        let bridge = interfaces.iter().find(|i| i.name.as_str() == "br0");
        assert_eq!(bridge.map(|i| i.role), Some(Role::Bridge));
        let vrf = parse_interfaces(
            r#"[{"ifname":"v","linkinfo":{"info_kind":"vrf","info_data":{"table":10}}}]"#,
        );
        assert_eq!(vrf.unwrap()[0].role, Role::Vrf { table: 10 });
    }

    #[test]
    fn a_bad_address_is_named() {
        let error = parse_interfaces(r#"[{"ifname":"e","addr_info":[{"local":"10.0.0"}]}]"#);
        assert_eq!(
            error.unwrap_err().to_string(),
            "entry 1: local `10.0.0` is not an IP address"
        );
    }
}
