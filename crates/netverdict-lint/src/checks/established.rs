//! NV204: answers to the host's own connections do not come in.

use netverdict_net::Protocol;
use netverdict_ruleset::{Hook, TableKind};

use crate::Finding;
use crate::algebra::{Field, Full};
use crate::catalogue::NO_ESTABLISHED;
use crate::checks::{Context, Examined};

pub(super) fn check(context: &Context<'_>, findings: &mut Vec<Finding>) {
    for filter in context.of_kind(TableKind::Filter) {
        if matches!(drops_answers(filter), Some(Ok(true))) {
            findings.push(finding(filter));
        }
    }
}

/// Whether no TCP answer to a port that the kernel picks for a connection is accepted, while something else is, and while
/// the host may begin connections at all.
fn drops_answers(filter: &Examined<'_>) -> Option<Result<bool, Full>> {
    let reach = filter.reach.as_ref()?;
    let accepted = filter.accepted_at(Hook::Input)?;
    let sent = filter.accepted_at(Hook::Output);
    Some(accepted.and_then(|accepted| {
        let space = &reach.space;
        let tcp = space.equals(Field::Protocol, Protocol::TCP.0.into())?;
        let first = tcp
            .and(&space.states(0b00001)?)?
            .and(&space.goes_outside()?)?;
        let may_begin = match sent {
            Some(sent) => sent?.meets(&first)?,
            None => true,
        };
        let answer = tcp
            .and(&space.states(0b00010)?)?
            .and(&space.between(Field::DestinationPort, 49152, 60999)?)?
            .and(&space.comes_from_outside()?)?;
        Ok(may_begin && !accepted.is_empty() && !accepted.meets(&answer)?)
    }))
}

fn finding(filter: &Examined<'_>) -> Finding {
    Finding::new(
        NO_ESTABLISHED,
        filter.policy_place(Hook::Input),
        "filter INPUT drops answers to the host's own connections",
    )
    .label("TCP answers end here")
    .because(
        "No rule accepts a packet of state ESTABLISHED to the ports that the kernel picks for outgoing connections, on any \
         interface but the loopback's: name service, updates and everything else that the host asks for gets no answer.",
    )
    .suggest("Begin the chain with `-A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT`.")
}
