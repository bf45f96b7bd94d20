//! What each target does to a packet: one file a target, dispatched over the closed enum.

mod checksum;
mod classify;
mod connmark;
mod ct;
mod dscp;
mod ecn;
mod hmark;
mod log;
mod mark;
mod nat;
mod nfqueue;
mod npt;
mod rateest;
mod reject;
mod set;
mod synproxy;
mod tcpmss;
mod tcpoptstrip;
mod tee;
mod tos;
mod tproxy;
mod ttl;
mod unsupported;

use netverdict_ruleset::Target;

use crate::compile::Load;
use crate::context::{Action, TargetCx};

/// Makes the state that a target keeps and gives its slot; 0 for a target that keeps none.
pub(crate) fn prepare(target: &Target, load: &mut Load<'_>) -> usize {
    match target {
        Target::Ct(ct) => load.state.conntrack.add_ct_rule(ct) as usize,
        Target::Rateest(t) => rateest::prepare(t, load),
        Target::Set(t) => set::prepare(t, load),
        _ => 0,
    }
}

/// Whether a target's verdict always follows from the inputs.
pub(crate) const fn is_decidable(target: &Target) -> bool {
    !matches!(
        target,
        Target::Tproxy(_)
            | Target::Synproxy(_)
            | Target::Set(_)
            | Target::Snpt(_)
            | Target::Dnpt(_)
            | Target::Unsupported(_)
    )
}

/// Lets a target work.
pub(crate) fn apply(target: &Target, cx: &mut TargetCx<'_, '_>) -> Action {
    match target {
        Target::Accept => Action::Accept,
        Target::Drop => Action::Drop(None),
        Target::Queue => Action::Queue { bypass: false },
        // The traversal does these itself.
        Target::Return | Target::Jump(_) | Target::Goto(_) => Action::Continue,
        Target::Audit(t) => log::audit(*t, cx),
        Target::Checksum(_) => checksum::apply(cx),
        Target::Classify(t) => classify::apply(*t, cx),
        Target::Connmark(t) => connmark::apply(*t, cx),
        Target::Ct(t) => ct::apply(t, cx),
        Target::Notrack => ct::untrack(cx),
        Target::Dnat(t) => nat::destination(t, cx),
        Target::Dnpt(t) => npt::destination(*t, cx),
        Target::Dscp(t) => dscp::apply(*t, cx),
        Target::Ecn(t) => ecn::apply(*t, cx),
        Target::Hl(t) => ttl::apply(t.change, cx),
        Target::Hmark(t) => hmark::apply(*t, cx),
        Target::Log(t) => log::log(t, cx),
        Target::Mark(t) => mark::apply(*t, cx),
        Target::Masquerade(t) => nat::masquerade(t, cx),
        Target::Netmap(t) => nat::netmap(t, cx),
        Target::Nflog(t) => log::nflog(t, cx),
        Target::Nfqueue(t) => nfqueue::apply(*t, cx),
        Target::Redirect(t) => nat::redirect(t, cx),
        Target::Reject(t) => reject::apply(*t, cx),
        Target::Snat(t) => nat::source(t, cx),
        Target::Synproxy(t) => synproxy::apply(*t, cx),
        Target::Snpt(t) => npt::source(*t, cx),
        Target::Tcpmss(t) => tcpmss::apply(*t, cx),
        Target::Tcpoptstrip(t) => tcpoptstrip::apply(*t, cx),
        Target::Tee(t) => tee::apply(*t, cx),
        Target::Tos(t) => tos::apply(*t, cx),
        Target::Tproxy(t) => tproxy::apply(*t, cx),
        Target::Trace => log::trace(cx),
        Target::Ttl(t) => ttl::apply(t.change, cx),
        Target::Rateest(t) => rateest::apply(t, cx),
        // Nothing of what these do is seen by a rule, nor does it change a packet's way: a security module's labels,
        // timers and lights.
        Target::Connsecmark(_) | Target::Secmark(_) | Target::Idletimer(_) | Target::Led(_) => {
            Action::Continue
        }
        Target::Set(t) => set::apply(t, cx),
        Target::Unsupported(_) => unsupported::apply(target, cx),
    }
}
