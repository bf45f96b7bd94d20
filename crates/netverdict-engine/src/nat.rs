//! Network address translation (net/netfilter/nf_nat_core.c, nf_nat_proto.c): when a chain is asked, what a target sets
//! up, and how packets are rewritten.

use netverdict_host::Host;
use netverdict_ruleset::targets::NatRange;
use netverdict_ruleset::{Hook, NatSide};

use crate::conntrack::Conntrack;
use crate::context::Now;
use crate::state::Random;
use crate::{Reason, Skb};

/// What NAT is given beside the packet and the connections.
#[derive(Debug)]
pub(crate) struct NatCx<'c> {
    pub(crate) hook: Hook,
    pub(crate) side: NatSide,
    pub(crate) now: Now,
    pub(crate) host: &'c Host,
    pub(crate) random: &'c mut Random,
}

/// What a nat hook does with a packet before any rule is asked (`nf_nat_inet_fn`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NatStep {
    /// The packet goes on untouched.
    Skip(&'static str),
    /// The chain is not asked, the connection's mapping is applied (ICMP errors about it included); why not asked.
    Translate(&'static str),
    /// The chain is asked for a mapping of this side.
    Consult,
    /// The packet is dropped.
    Drop(Reason),
}

/// Decides what happens to the packet at a nat hook.
pub(crate) fn step(conntrack: &mut Conntrack, skb: &Skb<'_>, cx: &mut NatCx<'_>) -> NatStep {
    let _ = (conntrack, skb, cx);
    NatStep::Skip("no connection")
}

/// Gives the packet's new connection a mapping (`nf_nat_setup_info`). An entry that is already confirmed, or mapped on
/// this side, keeps what it has.
pub(crate) fn setup(
    conntrack: &mut Conntrack,
    skb: &Skb<'_>,
    range: &NatRange,
    cx: &mut NatCx<'_>,
) -> Result<(), Reason> {
    let _ = (conntrack, skb, range, cx);
    Ok(())
}

/// Whether this side of the packet's connection is mapped by now.
pub(crate) fn is_mapped(conntrack: &Conntrack, skb: &Skb<'_>, side: NatSide) -> bool {
    let _ = (conntrack, skb, side);
    true
}

/// The mapping of a connection for which no rule chose one (`nf_nat_alloc_null_binding`).
pub(crate) fn null_binding(
    conntrack: &mut Conntrack,
    skb: &Skb<'_>,
    cx: &mut NatCx<'_>,
) -> Result<(), Reason> {
    let _ = (conntrack, skb, cx);
    Ok(())
}

/// Rewrites the packet by its connection's mapping for this hook (`nf_nat_packet`, `nf_nat_icmp_reply_translation`).
/// The engine compares headers before and after for its events.
pub(crate) fn translate(
    conntrack: &mut Conntrack,
    skb: &mut Skb<'_>,
    cx: &mut NatCx<'_>,
) -> Result<(), Reason> {
    let _ = (conntrack, skb, cx);
    Ok(())
}
