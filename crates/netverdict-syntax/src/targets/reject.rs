//! `-j REJECT`: two extensions of one name, for IPv4 and IPv6.

use netverdict_net::{Family, Protocol};
use netverdict_ruleset::targets::{Icmp6Reject, IcmpReject, Reject, RejectWith};
use netverdict_ruleset::{TableKind, Target};

use crate::problem::Parsed;
use crate::spec::{Arg, Given, Opt, Place, Spec};

const PLACE: Place = Place::ANY.tables(&[TableKind::Filter]);

pub(crate) const SPEC: Spec<Target> = Spec {
    name: "REJECT",
    family: Some(Family::V4),
    options: &[Opt::value("reject-with")],
    place: PLACE,
    build,
};

pub(crate) const SPEC6: Spec<Target> = Spec {
    name: "REJECT",
    family: Some(Family::V6),
    options: &[Opt::value("reject-with")],
    place: PLACE,
    build,
};

fn build(given: &Given<'_>) -> Parsed<Target> {
    let default = match given.family {
        Family::V4 => RejectWith::Icmp(IcmpReject::PortUnreachable),
        Family::V6 => RejectWith::Icmp6(Icmp6Reject::PortUnreachable),
    };
    let with = given.read("reject-with", answer)?.unwrap_or(default);
    if with == RejectWith::TcpReset {
        given.needs_protocol(&[Protocol::TCP], "a TCP reset")?;
    }
    Ok(Target::Reject(Reject { with }))
}

/// The answer whose long or short name begins with the text.
fn answer(arg: Arg<'_>) -> Parsed<RejectWith> {
    let begins = |name: &str| {
        let head = name.get(..arg.text.len());
        head.is_some_and(|head| head.eq_ignore_ascii_case(arg.text))
    };
    let found = match arg.family {
        Family::V4 => IcmpReject::NAMES
            .iter()
            .find(|(_, long, short, _)| begins(long) || begins(short))
            .map(|(kind, ..)| RejectWith::Icmp(*kind)),
        Family::V6 => Icmp6Reject::NAMES
            .iter()
            .find(|(_, long, short, _)| begins(long) || begins(short))
            .map(|(kind, ..)| RejectWith::Icmp6(*kind)),
    };
    let reset = || (begins("tcp-reset") || begins("tcp-rst")).then_some(RejectWith::TcpReset);
    found
        .or_else(reset)
        .ok_or_else(|| arg.bad("an ICMP destination-unreachable code or `tcp-reset`"))
}
