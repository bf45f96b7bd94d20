//! An IPv4 table's answer (`fib_table_lookup`).

use super::policy::TOS_MASK;
use super::prefix::PrefixTable;
use super::{Effect, Flow, Found, Hops, Mode, NoRoute};
use crate::{Hop, Route};

pub(super) fn search<'a>(
    table: &'a PrefixTable<u32>,
    routes: &'a [Route],
    flow: &Flow,
    mode: Mode,
) -> Option<Result<Found<'a>, NoRoute>> {
    for node in table.containing(flow.destination) {
        for route in node.values.iter().filter_map(|i| routes.get(*i as usize)) {
            if route.tos != 0 && route.tos != flow.tos & TOS_MASK {
                continue;
            }
            match Effect::of(route.kind) {
                Effect::Leads => {}
                Effect::GoesOn => return None,
                Effect::Refuses(why) => return Some(Err(why)),
            }
            if let Some(hops) = usable(route, flow, mode) {
                return Some(Ok(Found {
                    route,
                    hops,
                    prefix_len: node.len,
                }));
            }
        }
    }
    None
}

/// The hops that `fib_lookup_good_nhc` would take; `None` makes the lookup go on.
fn usable<'a>(route: &'a Route, flow: &Flow, mode: Mode) -> Option<Hops<'a>> {
    let good = |hop: &&Hop| mode.takes(hop) && flow.oif.is_none_or(|oif| hop.device == Some(oif));
    if route.hops.is_empty() {
        return flow.oif.is_none().then_some(Hops::None);
    }
    let first = route.hops.iter().find(good)?;
    // With a device asked for, the choice stays within what matches it.
    let alive = route.hops.iter().filter(good).count();
    Some(if alive == 1 || flow.oif.is_some() {
        Hops::One(first)
    } else {
        Hops::Several(&route.hops)
    })
}
