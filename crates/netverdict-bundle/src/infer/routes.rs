//! Routes: the files', else the kernel's own for the addresses and a default by the only way out.

use netverdict_host::Route;
use netverdict_net::{AddrMask, Family, InterfaceName};

use super::Work;
use crate::{Assumption, Subject};

pub(super) fn infer(work: &mut Work<'_>) {
    work.facts.routes_v4.clone_from(&work.bundle.routes_v4);
    work.facts.routes_v6.clone_from(&work.bundle.routes_v6);
    for family in work.families() {
        let (known, file) = match family {
            Family::V4 => (work.facts.routes_v4.is_some(), "ip-route.json"),
            Family::V6 => (work.facts.routes_v6.is_some(), "ip6-route.json"),
        };
        if known {
            continue;
        }
        let text = match only(work) {
            Some(name) => {
                let default = Route::new(AddrMask::any(family)).via(name, None);
                work.facts.assumed_routes.push(default);
                format!(
                    "{family} packets for other hosts leave by {name}, the only interface but lo"
                )
            }
            None => format!(
                "{family} routes are not known: packets leave by the interface of a connected prefix, else by an unknown one, and no source is refused for its route"
            ),
        };
        work.assume(Assumption::new(Subject::Routes, text, file));
    }
}

fn only(work: &Work<'_>) -> Option<InterfaceName> {
    let mut others = work
        .facts
        .interfaces
        .iter()
        .filter(|i| !i.is_loopback() && i.master.is_none());
    let first = others.next()?.name;
    others.next().is_none().then_some(first)
}
