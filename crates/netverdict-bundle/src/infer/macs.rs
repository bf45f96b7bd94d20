//! The host's MAC addresses: those of `ip -j addr`, else those that the captures give away.

use std::cmp::Reverse;

use netverdict_host::InterfaceKind;
use netverdict_net::{InterfaceName, MacAddr};

use super::Work;
use crate::{Assumption, InterfaceSurvey, Subject};

pub(super) fn infer(work: &mut Work<'_>) {
    if work.bundle.interfaces.is_some() {
        work.macs = work.facts.interfaces.iter().filter_map(|i| i.mac).collect();
        work.macs_complete = work
            .facts
            .interfaces
            .iter()
            .all(|i| i.mac.is_some() || i.kind != InterfaceKind::Ethernet);
        return;
    }
    let ethernet: Vec<_> = work
        .survey
        .interfaces
        .iter()
        .filter(|(_, s)| s.unicast_frames > 0)
        .collect();
    let mut found = Vec::new();
    for (interface, survey) in &ethernet {
        found.extend(own_mac(survey).map(|(mac, why)| (**interface, mac, why)));
    }
    // Frames to anybody else are told apart only where each interface's address is certain.
    work.macs_complete = found.len() == ethernet.len()
        && !found.is_empty()
        && found.iter().all(|(.., why)| *why != Why::Guess);
    for (interface, mac, why) in found {
        set(work, interface, mac);
        let place = interface.map_or_else(String::new, |i| format!(" on {i}"));
        work.assume(Assumption::new(
            Subject::OwnMac,
            format!("{mac} is the host's own MAC address{place}: {}", why.text()),
            "ip-addr.json, --direction in|out",
        ));
    }
}

fn set(work: &mut Work<'_>, name: Option<InterfaceName>, mac: MacAddr) {
    work.macs.push(mac);
    let named = name.or(work.overrides.interface);
    for interface in &mut work.facts.interfaces {
        if Some(interface.name) == named {
            interface.mac = Some(mac);
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Why {
    Hints,
    EveryFrame,
    FreshTtl,
    Guess,
}

impl Why {
    const fn text(self) -> &'static str {
        match self {
            Self::Hints => "the capture marks which frames went out",
            Self::EveryFrame => "it takes part in every unicast frame",
            Self::FreshTtl => {
                "of the two that take part in every frame, it sends packets that no router has touched"
            }
            Self::Guess => {
                "of the two that take part in every frame, it sends for the fewest addresses"
            }
        }
    }
}

fn own_mac(survey: &InterfaceSurvey) -> Option<(MacAddr, Why)> {
    let hinted = survey
        .macs
        .iter()
        .max_by_key(|(mac, f)| (f.own_hints, Reverse(**mac)))?;
    if hinted.1.own_hints > 0 {
        return Some((*hinted.0, Why::Hints));
    }
    let everywhere: Vec<_> = survey
        .macs
        .iter()
        .filter(|(_, f)| f.frames == survey.unicast_frames)
        .collect();
    match everywhere.as_slice() {
        [(mac, _)] => Some((**mac, Why::EveryFrame)),
        [(a, fa), (b, fb)] => {
            let fresh = |f: &crate::MacFacts| f.sent > 0 && f.fresh_ttl == f.sent;
            match (fresh(fa), fresh(fb)) {
                (true, false) => return Some((**a, Why::FreshTtl)),
                (false, true) => return Some((**b, Why::FreshTtl)),
                _ => {}
            }
            match fa.sources.len().cmp(&fb.sources.len()) {
                std::cmp::Ordering::Less if !fa.sources.is_empty() => Some((**a, Why::Guess)),
                std::cmp::Ordering::Greater if !fb.sources.is_empty() => Some((**b, Why::Guess)),
                _ => None,
            }
        }
        _ => None,
    }
}
