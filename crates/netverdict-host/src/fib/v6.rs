//! An IPv6 table's answer (`fib6_table_lookup`, `rt6_select`, `rt6_device_match`).

use netverdict_net::{AddrMask, Device, InterfaceName};

use super::prefix::PrefixTable;
use super::{Effect, Flow, Found, Hops, Mode, NoRoute};
use crate::{Hop, Route};

pub(super) fn search<'a>(
    table: &'a PrefixTable<u32>,
    routes: &'a [Route],
    flow: &Flow,
    mode: Mode,
) -> Option<Result<Found<'a>, NoRoute>> {
    let mut first = true;
    for node in table.containing(flow.destination) {
        let members = || node.values.iter().filter_map(|i| routes.get(*i as usize));
        let fits = |r: &&Route| r.source.is_none_or(|s| s.contains(flow.source));
        let of_sources = || members().filter(|r| r.source.is_some());
        // A node with source-specific routes is passed over whole where none of them fits, but for the default route's;
        // coming back from a longer prefix does take its other routes (`fib6_node_lookup_1`, `fib6_backtrack`).
        if first && node.len > 0 && of_sources().next().is_some() && !of_sources().any(|r| fits(&r))
        {
            continue;
        }
        first = false;
        // Sorted by the length of the source prefix: each length is a node of the subtree.
        let mut after = None;
        while let Some(len) = members()
            .filter(fits)
            .map(|r| source_len(r.source))
            .find(|len| after.is_none_or(|a| *len < a))
        {
            after = Some(len);
            let group = || {
                members()
                    .filter(fits)
                    .filter(move |r| source_len(r.source) == len)
            };
            if let Some((route, hops)) = select(group, flow, mode) {
                return match Effect::of(route.kind) {
                    Effect::GoesOn => None,
                    Effect::Refuses(why) => Some(Err(why)),
                    Effect::Leads => Some(Ok(Found {
                        route,
                        hops,
                        prefix_len: node.len,
                    })),
                };
            }
        }
    }
    None
}

fn source_len(source: Option<AddrMask>) -> u8 {
    source.and_then(AddrMask::prefix_len).unwrap_or(0)
}

/// The device that lookups prefer: an input lookup's is where the packet came in.
fn preferred(flow: &Flow) -> Option<InterfaceName> {
    match (flow.oif, flow.iif) {
        (Some(oif), _) => Some(oif),
        (None, Device::Named(name)) if name != InterfaceName::loopback() => Some(name),
        (None, _) => None,
    }
}

fn select<'a, I: Iterator<Item = &'a Route>>(
    group: impl Fn() -> I,
    flow: &Flow,
    mode: Mode,
) -> Option<(&'a Route, Hops<'a>)> {
    if mode.device_match {
        return device_match(group, flow.oif, mode);
    }
    let device = preferred(flow);
    let metric = group().next()?.metric;
    best(group().filter(|r| r.metric == metric), device, mode)
        .or_else(|| best(group().filter(|r| r.metric != metric), device, mode))
}

/// The highest score, the first of equals.
fn best<'a>(
    routes: impl Iterator<Item = &'a Route>,
    device: Option<InterfaceName>,
    mode: Mode,
) -> Option<(&'a Route, Hops<'a>)> {
    let mut best: Option<(u8, &Route, Hops<'_>)> = None;
    for route in routes {
        let Some((score, hops)) = score(route, device, mode) else {
            continue;
        };
        if best.is_none_or(|(b, ..)| score > b) {
            best = Some((score, route, hops));
        }
    }
    best.map(|(_, route, hops)| (route, hops))
}

/// `rt6_score_route`: the router preference first, then whether the device is the one asked for.
fn score(route: &Route, device: Option<InterfaceName>, mode: Mode) -> Option<(u8, Hops<'_>)> {
    let fits = |hop: &Hop| device.is_none() || hop.device == device;
    let base = route.preference << 2;
    let score = |hop: &Hop| match fits(hop) {
        true => Some(base | 2),
        false if mode.strict => None,
        false => Some(base),
    };
    if route.hops.is_empty() {
        return (!mode.strict || device.is_none()).then_some((base, Hops::None));
    }
    let usable: Vec<&Hop> = route
        .hops
        .iter()
        .filter(|h| mode.takes(h))
        .filter(|h| score(h).is_some())
        .collect();
    let best = usable.iter().filter_map(|h| score(h)).max()?;
    match usable.as_slice() {
        [only] => Some((best, Hops::One(only))),
        _ => Some((best, Hops::Several(&route.hops))),
    }
}

/// The first route over the device whatever its metric, else the first.
fn device_match<'a, I: Iterator<Item = &'a Route>>(
    group: impl Fn() -> I,
    device: Option<InterfaceName>,
    mode: Mode,
) -> Option<(&'a Route, Hops<'a>)> {
    let on = |route: &'a Route| {
        let hop = route.hops.iter().find(|h| !h.dead && h.device == device)?;
        Some((route, Hops::One(hop)))
    };
    if device.is_some() {
        if let Some(found) = group().find_map(on) {
            return Some(found);
        }
        if mode.strict {
            return None;
        }
    }
    let any = |route: &'a Route| match route.hops.as_slice() {
        [] => Some((route, Hops::None)),
        [hop] => (!hop.dead).then_some((route, Hops::One(hop))),
        several => Some((route, Hops::Several(several))),
    };
    group().find_map(any)
}
