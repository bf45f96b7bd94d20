//! TEE (xt_TEE.c, nf_dup_ipv4.c, nf_dup_ipv6.c).

use netverdict_net::{Family, Link, Packet};
use netverdict_ruleset::Hook;
use netverdict_ruleset::targets::Tee;

use crate::context::{Action, Note, TargetCx};
use crate::rewrite;
use crate::{Emission, EmissionKind, Fate};

/// The copy leaves through OUTPUT and POSTROUTING of its own; a copy is not copied again.
pub(super) fn apply(target: Tee, cx: &mut TargetCx<'_, '_>) -> Action {
    if cx.skb.copied {
        return Action::Continue;
    }
    let mut copy = Packet::owned(
        cx.skb.packet.captured().to_vec(),
        cx.param.family,
        Link::default(),
    );
    let hop = matches!(cx.param.hook, Hook::Prerouting | Hook::Input);
    if cx.param.family == Family::V4 {
        let before = copy.array::<2>(6).copied().unwrap_or_default();
        let after = [before[0] | 0x40, before[1]];
        rewrite::put_bytes(&mut copy, 6, &after);
        rewrite::update_sum(&mut copy, 10, &before, &after);
    }
    if hop {
        let ttl = copy.ttl().wrapping_sub(1);
        rewrite::set_ttl(&mut copy, ttl);
    }
    cx.notes.push(Note::Emitted(Emission {
        why: format!("TEE to {}", target.gateway),
        kind: EmissionKind::Copy,
        packet: copy,
        mark: cx.skb.mark,
        toward: Some((target.gateway, target.out_interface)),
        fate: Fate::Sent,
        left: None,
    }));
    Action::Continue
}
