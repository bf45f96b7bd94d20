//! Directions: whether the captures tell, or what stands in for it.

use netverdict_host::InterfaceKind;

use super::Work;
use crate::{Assumption, DirectionMode, Subject};

pub(super) fn infer(work: &mut Work<'_>) {
    if work.overrides.direction != DirectionMode::Auto || work.survey.interfaces.is_empty() {
        return;
    }
    let untold = |s: &&crate::InterfaceSurvey| !s.has_directions() && s.packets > 0;
    let open = work.survey.interfaces.values().filter(untold).count();
    if open == 0 {
        return;
    }
    let own = work
        .facts
        .interfaces
        .iter()
        .any(|i| i.kind != InterfaceKind::Loopback && !i.addresses.is_empty());
    let text = match (work.macs.is_empty(), own) {
        (false, _) => "frames from an own MAC address went out, all others came in",
        (true, true) => "packets from an own address went out, all others came in",
        (true, false) => "every packet came in",
    };
    work.assume(Assumption::new(
        Subject::Direction,
        text,
        "--direction in|out",
    ));
}
