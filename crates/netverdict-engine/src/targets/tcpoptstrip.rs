//! TCPOPTSTRIP (xt_TCPOPTSTRIP.c).

use netverdict_net::Beyond;
use netverdict_ruleset::targets::Tcpoptstrip;

use super::tcpmss::{option_len, tcp_offset};
use crate::Reason;
use crate::context::{Action, TargetCx};
use crate::rewrite;

const NOP: u8 = 1;

pub(super) fn apply(target: Tcpoptstrip, cx: &mut TargetCx<'_, '_>) -> Action {
    let drop = Action::Drop(Some(Reason::TargetFailed));
    let Some(at) = tcp_offset(cx) else {
        return drop;
    };
    if cx.param.fragment_offset != 0 {
        return Action::Continue;
    }
    let len = match cx.skb.packet.read(at, 20) {
        Ok(header) => usize::from(header.get(12).copied().unwrap_or(0) >> 4) * 4,
        Err(Beyond::PacketEnd) => return drop,
        Err(Beyond::Captured) => return Action::Continue,
    };
    if len < 20 {
        return drop;
    }
    match cx.skb.packet.read(at, len).map(<[u8]>::to_vec) {
        Ok(header) => strip(target, at, &header, cx),
        Err(Beyond::PacketEnd) => return drop,
        Err(Beyond::Captured) => {}
    }
    Action::Continue
}

fn strip(target: Tcpoptstrip, at: usize, header: &[u8], cx: &mut TargetCx<'_, '_>) {
    let mut i = 20;
    while i + 1 < header.len() {
        let size = option_len(header, i);
        let Some(option) = header.get(i..i + size) else {
            return;
        };
        if option
            .first()
            .is_some_and(|kind| target.options.contains(*kind))
        {
            for (j, old) in option.iter().enumerate() {
                let pair = |byte| {
                    if (i + j) % 2 == 0 {
                        [byte, 0]
                    } else {
                        [0, byte]
                    }
                };
                rewrite::update_sum(&mut cx.skb.packet, at + 16, &pair(*old), &pair(NOP));
                rewrite::put_byte(&mut cx.skb.packet, at + i + j, NOP);
            }
            let kind = option.first().copied().unwrap_or(0);
            cx.did("TCPOPTSTRIP", || format!("option {kind} stripped"));
        }
        i += size;
    }
}
