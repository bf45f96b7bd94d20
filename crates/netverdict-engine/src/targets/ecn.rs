//! ECN (ipt_ECN.c).

use netverdict_net::Protocol;
use netverdict_net::header::{network_header_len, next_protocol};
use netverdict_ruleset::targets::Ecn;

use crate::Reason;
use crate::context::{Action, TargetCx};
use crate::rewrite;

const ECE: u8 = 0x40;
const CWR: u8 = 0x80;

pub(super) fn apply(target: Ecn, cx: &mut TargetCx<'_, '_>) -> Action {
    if let Some(ect) = target.ect {
        set_ip(ect, cx);
    }
    let wants_tcp = target.ece.is_some() || target.cwr.is_some();
    if wants_tcp && next_protocol(&cx.skb.packet) == Protocol::TCP {
        return set_tcp(target, cx);
    }
    Action::Continue
}

fn set_ip(ect: u8, cx: &mut TargetCx<'_, '_>) {
    let before = cx.skb.packet.tos();
    let after = before & !3 | ect & 3;
    if before != after {
        rewrite::update_sum(&mut cx.skb.packet, 10, &[0, before], &[0, after]);
        rewrite::put_byte(&mut cx.skb.packet, 1, after);
    }
    cx.changed("tos", before, after, |t| format!("{t:#04x}"));
}

/// A later fragment's bytes are taken for a TCP header too.
fn set_tcp(target: Ecn, cx: &mut TargetCx<'_, '_>) -> Action {
    let packet = &mut cx.skb.packet;
    let at = network_header_len(packet);
    if packet.len() < at + 20 {
        return Action::Drop(Some(Reason::TargetFailed));
    }
    let Ok(&[offset, before]) = packet.array::<2>(at + 12) else {
        return Action::Continue;
    };
    let with = |flags: u8, bit: u8, value: Option<bool>| match value {
        None => flags,
        Some(true) => flags | bit,
        Some(false) => flags & !bit,
    };
    let after = with(with(before, ECE, target.ece), CWR, target.cwr);
    if before != after {
        rewrite::put_byte(packet, at + 13, after);
        rewrite::update_sum(packet, at + 16, &[offset, before], &[offset, after]);
    }
    cx.changed("tcp flags", before, after, |f| format!("{f:#04x}"));
    Action::Continue
}
