//! TPROXY (xt_TPROXY.c).

use std::net::IpAddr;

use netverdict_ruleset::targets::Tproxy;

use super::mark;
use crate::context::{Action, TargetCx};
use crate::{About, Reason, TproxyFact, ends};

/// With a transparent socket the packet is marked and the table accepts it; without one it is dropped. Which sockets
/// there are, no dump tells; facts may.
pub(super) fn apply(target: Tproxy, cx: &mut TargetCx<'_, '_>) -> Action {
    let there = match (listener(target, cx), cx.answer) {
        (Some(there), _) => there,
        (None, Some(answer)) => answer != 0,
        (None, None) => {
            return Action::Ask {
                ways: 2,
                why: "TPROXY: no socket is known",
            };
        }
    };
    if !there {
        return Action::Drop(Some(Reason::NoTransparentSocket));
    }
    mark::set((cx.skb.mark & !target.mark_mask) ^ target.mark, cx);
    Action::Accept
}

/// Whether a socket waits where the rule redirects to, as far as that is told.
fn listener(target: Tproxy, cx: &TargetCx<'_, '_>) -> Option<bool> {
    let ends = ends::of(&cx.skb.packet);
    let port = match target.port {
        0 => ends.destination_port,
        port => port,
    };
    cx.fact(|about| match about {
        About::Tproxy(TproxyFact::None) => Some(false),
        About::Tproxy(TproxyFact::Listener { address, port: on }) if *on == port => {
            let meant = address.is_none_or(|address| is_meant(target.address, address, cx));
            meant.then_some(true)
        }
        _ => None,
    })
}

/// Without `--on-ip` the kernel looks for a socket of the in-device's own address (`nf_tproxy_laddr4`).
fn is_meant(asked: IpAddr, listens: IpAddr, cx: &TargetCx<'_, '_>) -> bool {
    if !asked.is_unspecified() {
        return asked == listens;
    }
    let device = cx.skb.in_device.name();
    let interface = device.and_then(|name| cx.host.interface(name));
    let mut own = interface.into_iter().flat_map(|i| i.addresses.iter());
    own.any(|address| address.local == listens) || ends::of(&cx.skb.packet).destination == listens
}
