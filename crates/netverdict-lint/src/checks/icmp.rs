//! NV213, NV214: ICMP that the network cannot do without.

use netverdict_net::{Family, Protocol};
use netverdict_ruleset::{Hook, TableKind};

use crate::Finding;
use crate::algebra::{Field, Full, Set};
use crate::catalogue::{ICMP_ERRORS_BLOCKED, NEIGHBOURS_BLOCKED};
use crate::checks::{Context, Examined};
use crate::reach::Reach;

pub(super) fn check(context: &Context<'_>, findings: &mut Vec<Finding>) {
    for filter in context.of_kind(TableKind::Filter) {
        let Some(reach) = &filter.reach else {
            continue;
        };
        let Some(Ok(accepted)) = filter.accepted_at(Hook::Input) else {
            continue;
        };
        // A chain that accepts nothing at all is not one that someone forgot ICMP in.
        if accepted.is_empty() {
            continue;
        }
        let blocked = |kind| matches!(is_blocked(reach, &accepted, kind), Ok(true));
        match filter.dump.ruleset.family {
            Family::V6 if blocked(135) || blocked(136) => findings.push(neighbours(filter)),
            Family::V6 if blocked(2) => {
                findings.push(errors(filter, "packet too big (ICMPv6 type 2)"));
            }
            Family::V4 if blocked(3) => {
                findings.push(errors(filter, "destination unreachable (ICMP type 3)"));
            }
            Family::V4 | Family::V6 => {}
        }
    }
}

/// Whether no ICMP message of a type is accepted from outside.
fn is_blocked(reach: &Reach, accepted: &Set, kind: u8) -> Result<bool, Full> {
    let space = &reach.space;
    let protocol = match reach.family {
        Family::V4 => Protocol::ICMP,
        Family::V6 => Protocol::ICMPV6,
    };
    let first = u128::from(kind) << 8;
    let message = space
        .equals(Field::Protocol, protocol.0.into())?
        .and(&space.between(Field::SourcePort, first, first | 0xff)?)?
        .and(&space.comes_from_outside()?)?;
    Ok(!accepted.meets(&message)?)
}

fn neighbours(filter: &Examined<'_>) -> Finding {
    Finding::new(
        NEIGHBOURS_BLOCKED,
        filter.policy_place(Hook::Input),
        "filter INPUT drops IPv6 neighbour discovery",
    )
    .label("neighbour solicitations and advertisements end here")
    .because(
        "ICMPv6 types 135 and 136 are to IPv6 what ARP is to IPv4: without them nobody on the link finds this host, nor it them.",
    )
    .suggest("Accept ICMPv6 (`-p ipv6-icmp -j ACCEPT`), or at least types 1 to 4 and 133 to 136 (RFC 4890).")
}

fn errors(filter: &Examined<'_>, what: &str) -> Finding {
    Finding::new(
        ICMP_ERRORS_BLOCKED,
        filter.policy_place(Hook::Input),
        format!("filter INPUT drops {what}"),
    )
    .label("ICMP errors end here")
    .because(
        "Routers say with these messages that a packet was too big. Without them connections stall as soon as they send much, \
         on paths with a smaller MTU.",
    )
    .suggest("Accept state RELATED, which such errors have, or the ICMP types themselves.")
}
