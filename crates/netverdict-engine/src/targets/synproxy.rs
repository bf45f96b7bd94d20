//! SYNPROXY (ipt_SYNPROXY.c, nf_synproxy_core.c), as far as it decides about the client's packets.

use netverdict_ruleset::targets::Synproxy;

use super::tcpmss::tcp_offset;
use crate::answer::checksum_holds;
use crate::context::{Action, TargetCx};
use crate::{About, Reason};

const FIN: u8 = 1;
const SYN: u8 = 2;
const RST: u8 = 4;
const ACK: u8 = 16;

/// A first SYN is answered for the server; the ACK that completes the handshake is taken too if its cookie is right,
/// which only the host that made it knows.
pub(super) fn apply(_: Synproxy, cx: &mut TargetCx<'_, '_>) -> Action {
    let drop = Action::Drop(Some(Reason::TargetFailed));
    let Some(at) = tcp_offset(cx) else {
        return drop;
    };
    let Ok(&[offset, flags]) = cx.skb.packet.array::<2>(at + 12) else {
        return drop;
    };
    let whole = cx.skb.packet.read(at, usize::from(offset >> 4) * 4).is_ok();
    if !whole || !checksum_holds(cx.skb, at) {
        return drop;
    }
    match flags & (FIN | SYN | RST | ACK) {
        SYN => Action::Stolen(Reason::Synproxy),
        ACK => match cookie(cx).or(cx.answer) {
            None => Action::Ask {
                ways: 2,
                why: "SYNPROXY: whether the cookie is right is not known",
            },
            Some(0) => drop,
            Some(_) => Action::Stolen(Reason::Synproxy),
        },
        _ => Action::Continue,
    }
}

/// Whether the cookie is right, if the user tells.
fn cookie(cx: &TargetCx<'_, '_>) -> Option<u8> {
    cx.fact(|about| match about {
        About::SynproxyCookie(valid) => Some(u8::from(*valid)),
        _ => None,
    })
}
