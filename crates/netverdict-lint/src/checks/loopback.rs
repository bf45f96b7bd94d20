//! NV205: loopback traffic told by its address.

use std::net::{IpAddr, Ipv6Addr};

use netverdict_net::AddrMask;
use netverdict_ruleset::{Rule, TableKind, Target};

use crate::Finding;
use crate::catalogue::LOOPBACK_BY_ADDRESS;
use crate::checks::Context;

pub(super) fn check(context: &Context<'_>, findings: &mut Vec<Finding>) {
    for filter in context.of_kind(TableKind::Filter) {
        let chains = filter.chains_from(netverdict_ruleset::Hook::Input);
        for (id, index, rule) in filter.rules() {
            if !chains.contains(&id)
                || !filter.is_live(id, index)
                || rule.target != Some(Target::Accept)
            {
                continue;
            }
            if let Some(why) = is_spoofable(rule) {
                findings.push(
                    Finding::new(
                        LOOPBACK_BY_ADDRESS,
                        filter.place(id, index),
                        format!("rule {} of {} {}", index + 1, filter.name(id), why.title),
                    )
                    .label(why.label)
                    .because(why.because)
                    .suggest("Use `-i lo`."),
                );
            }
        }
    }
}

struct Why {
    title: &'static str,
    label: &'static str,
    because: &'static str,
}

fn is_spoofable(rule: &Rule) -> Option<Why> {
    let interface = rule.in_interface.filter(|i| !i.value.is_any());
    if let Some(i) = interface.filter(|i| !i.inverted)
        && matches!(i.value.as_str(), "lo+" | "l+")
    {
        return Some(Why {
            title: "accepts every interface whose name begins like the loopback's",
            label: "a prefix, not the interface",
            because: "Whoever may create an interface, or name one, gets past the rule.",
        });
    }
    let source = rule.source.filter(|s| !s.inverted && interface.is_none())?;
    is_loopback(source.value).then_some(Why {
        title: "accepts loopback addresses on every interface",
        label: "a source address can be forged",
        because: "The kernel drops such sources that come from outside as martians, but not where `route_localnet` is on \
                  (Kubernetes and Docker turn it on), and not in IPv6 on every version.",
    })
}

fn is_loopback(net: AddrMask) -> bool {
    match net {
        AddrMask::V4 { addr, mask } => mask & 0xff00_0000 == 0xff00_0000 && addr >> 24 == 127,
        AddrMask::V6 { .. } => {
            net.prefix_len() == Some(128) && net.addr() == IpAddr::V6(Ipv6Addr::LOCALHOST)
        }
    }
}
