//! `ip -j route show table all`, whose IPv4 form prints IPv6 routes too.

use std::net::IpAddr;

use netverdict_net::{Family, InterfaceName};
use serde::Deserialize;

use super::{At, JsonError, Number, address::scope, entries, tos};
use crate::{Hop, Route, RouteType, Scope, TableId};

#[derive(Deserialize)]
struct Entry {
    #[serde(rename = "type")]
    kind: Option<String>,
    dst: String,
    from: Option<String>,
    table: Option<String>,
    protocol: Option<String>,
    scope: Option<String>,
    prefsrc: Option<String>,
    tos: Option<Number>,
    metric: Option<u32>,
    pref: Option<String>,
    #[serde(flatten)]
    hop: NextHop,
    #[serde(default)]
    nexthops: Vec<NextHop>,
    #[serde(default)]
    metrics: Vec<Metrics>,
    flow: Option<Realms>,
}

#[derive(Deserialize)]
struct Via {
    host: String,
}

#[derive(Deserialize)]
struct NextHop {
    gateway: Option<String>,
    via: Option<Via>,
    dev: Option<String>,
    #[serde(default = "one")]
    weight: u32,
    #[serde(default)]
    flags: Vec<String>,
}

#[derive(Deserialize)]
struct Metrics {
    mtu: Option<u32>,
}

#[derive(Deserialize)]
struct Realms {
    to: Option<String>,
}

fn one() -> u32 {
    1
}

/// Reads the routes of every table in their order. `ip -j route show table all` prints both families: `hint` is the
/// family of an entry that does not tell its own (`default dev ppp0`).
pub fn parse_routes(text: &str, hint: Family) -> Result<Vec<Route>, JsonError> {
    let list: Vec<Entry> = entries(text, "ip -j route show table all")?;
    (1..)
        .zip(list)
        .map(|(entry, route)| parse(entry, route, hint))
        .collect()
}

fn parse(entry: usize, route: Entry, hint: Family) -> Result<Route, JsonError> {
    let at = |field| At { entry, field };
    let family = family(&route, hint);
    let address =
        |field, text: &Option<String>| text.as_deref().map(|t| at(field).address(t)).transpose();
    let kind = kind(route.kind.as_deref()).ok_or_else(|| {
        let text = route.kind.clone().unwrap_or_default();
        at("type").bad(text, "is no route type")
    })?;
    let source = match &route.from {
        Some(text) => Some(at("from").prefix(text, family)?).filter(|p| !p.is_any()),
        None => None,
    };
    let realm = route.flow.and_then(|f| f.to);
    Ok(Route {
        table: route.table.as_deref().map_or(TableId::MAIN, TableId::parse),
        kind,
        destination: at("dst").prefix(&route.dst, family)?,
        source,
        tos: route.tos.map_or(Ok(0), |t| tos(&t, at("tos")))?,
        metric: route.metric.unwrap_or(0),
        scope: match &route.scope {
            Some(text) => scope(text).ok_or_else(|| at("scope").bad(text, "is no scope"))?,
            None => Scope::UNIVERSE,
        },
        preferred_source: address("prefsrc", &route.prefsrc)?,
        hops: hops(entry, &route.hop, &route.nexthops)?,
        mtu: route.metrics.iter().find_map(|m| m.mtu),
        realm: match realm {
            Some(text) => Some(Number::Text(text).read(at("flow"))?),
            None => None,
        },
        preference: match route.pref.as_deref() {
            Some("low") => 1,
            Some("high") => 3,
            _ => 2,
        },
        by_kernel: route.protocol.as_deref() == Some("kernel"),
    })
}

/// Only IPv6 entries have a `pref`; `via` is a gateway of the other family.
fn family(route: &Entry, hint: Family) -> Family {
    let own = [
        Some(&route.dst),
        route.from.as_ref(),
        route.hop.gateway.as_ref(),
        route.prefsrc.as_ref(),
    ];
    let told = own.into_iter().flatten().find_map(|text| {
        let addr = text.split('/').next()?;
        addr.parse::<IpAddr>().ok().map(Family::of)
    });
    match told {
        Some(family) => family,
        None if route.pref.is_some() => Family::V6,
        None if route.hop.via.is_some() => Family::V4,
        None => hint,
    }
}

fn kind(text: Option<&str>) -> Option<RouteType> {
    Some(match text {
        None | Some("unicast") => RouteType::Unicast,
        Some("local") => RouteType::Local,
        Some("broadcast") => RouteType::Broadcast,
        Some("multicast") => RouteType::Multicast,
        Some("anycast") => RouteType::Anycast,
        Some("blackhole") => RouteType::Blackhole,
        Some("unreachable") => RouteType::Unreachable,
        Some("prohibit") => RouteType::Prohibit,
        Some("throw") => RouteType::Throw,
        Some(_) => return None,
    })
}

fn hops(entry: usize, own: &NextHop, several: &[NextHop]) -> Result<Vec<Hop>, JsonError> {
    if own.dev.is_some() || own.gateway.is_some() {
        return Ok(vec![hop(entry, own)?]);
    }
    several.iter().map(|h| hop(entry, h)).collect()
}

fn hop(entry: usize, hop: &NextHop) -> Result<Hop, JsonError> {
    let at = |field| At { entry, field };
    let device = hop
        .dev
        .as_deref()
        .map(|d| InterfaceName::new(d).map_err(|e| at("dev").bad(d, format!("is no name: {e}"))));
    let gateway = hop
        .gateway
        .as_deref()
        .or(hop.via.as_ref().map(|v| v.host.as_str()))
        .map(|g| at("gateway").address(g));
    let flag = |name: &str| hop.flags.iter().any(|f| f == name);
    Ok(Hop {
        device: device.transpose()?,
        gateway: gateway.transpose()?,
        weight: hop.weight,
        dead: flag("dead"),
        link_down: flag("linkdown"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_host_printed_is_read_whole() {
        let routes =
            parse_routes(include_str!("../../testdata/ip-route.json"), Family::V4).unwrap();
        insta::assert_debug_snapshot!(routes);
    }

    /// `table all` prints both families, whatever family was asked for.
    #[test]
    fn both_files_agree_on_ipv6() {
        let both = parse_routes(include_str!("../../testdata/ip-route.json"), Family::V4).unwrap();
        let six = parse_routes(include_str!("../../testdata/ip6-route.json"), Family::V6).unwrap();
        let of_both: Vec<_> = both
            .into_iter()
            .filter(|r| r.family() == Family::V6)
            .collect();
        assert_eq!(of_both, six);
    }

    #[test]
    fn an_entry_without_any_address_takes_the_hint() {
        let text = r#"[{"dst":"default","dev":"ppp0","scope":"link","flags":[]}]"#;
        for family in Family::ALL {
            assert_eq!(parse_routes(text, family).unwrap()[0].family(), family);
        }
        let six = r#"[{"dst":"default","dev":"ppp0","metric":1024,"flags":[],"pref":"medium"}]"#;
        assert_eq!(
            parse_routes(six, Family::V4).unwrap()[0].family(),
            Family::V6
        );
    }

    #[test]
    fn a_type_nobody_knows_is_refused() {
        let error = parse_routes(r#"[{"type":"odd","dst":"1.2.3.4"}]"#, Family::V4).unwrap_err();
        assert_eq!(error.to_string(), "entry 1: type `odd` is no route type");
    }
}
