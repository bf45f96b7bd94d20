//! REJECT (ipt_REJECT.c, ip6t_REJECT.c): the packet is dropped, whether an answer can be sent or not.

use netverdict_ruleset::targets::{Reject, RejectWith};

use crate::answer::{self, Asked};
use crate::context::{Action, Note, TargetCx};
use crate::{Connection, Emission, EmissionKind, Fate};

const ICMP_UNREACHABLE: u8 = 3;
const ICMPV6_UNREACHABLE: u8 = 1;

pub(super) fn apply(target: Reject, cx: &mut TargetCx<'_, '_>) -> Action {
    let asked = Asked {
        skb: cx.skb,
        host: cx.host,
    };
    let answer = match target.with {
        RejectWith::Icmp(kind) => answer::checked_icmp(asked, ICMP_UNREACHABLE, kind.code()),
        RejectWith::Icmp6(kind) => answer::checked_icmp(asked, ICMPV6_UNREACHABLE, kind.code()),
        RejectWith::TcpReset => answer::reset(asked),
    };
    let mark = answer::reply_mark(asked);
    let kind = match target.with {
        RejectWith::TcpReset => EmissionKind::Reset,
        RejectWith::Icmp(_) | RejectWith::Icmp6(_) => EmissionKind::Icmp,
    };
    let answer = answer.and_then(|packet| {
        let peers = &mut cx.state.peers;
        answer::within_limits(packet, kind, cx.host, peers, cx.now.jiffies)
    });
    match answer {
        Ok(packet) => {
            close(target, cx);
            cx.notes.push(Note::Emitted(Emission {
                why: format!("REJECT {}", target.with),
                kind,
                packet,
                mark,
                toward: None,
                fate: Fate::Sent,
                left: None,
            }));
        }
        Err(why) => cx.did("REJECT", || format!("nothing sent: {why}")),
    }
    Action::Reject
}

/// A reset ends the connection that it resets (`nf_ct_set_closing`).
fn close(target: Reject, cx: &mut TargetCx<'_, '_>) {
    if let (RejectWith::TcpReset, Connection::Tracked { id, .. }) = (target.with, cx.skb.connection)
    {
        cx.state.conntrack.set_closing(id, cx.now.jiffies);
    }
}
