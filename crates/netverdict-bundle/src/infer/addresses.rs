//! The host's own addresses: those of `ip -j addr`, then `--local`; else what the captures and the rules give away.

use std::collections::BTreeMap;
use std::net::IpAddr;

use netverdict_host::{Address, Interface};
use netverdict_net::{Family, InterfaceName};
use netverdict_ruleset::{Hook, Rule, Target};

use super::{Work, list};
use crate::{Assumption, InterfaceSurvey, LocalAddress, Seen, Subject};

const FLAG: &str = "ip-addr.json, --local ADDR[/LEN][@IFACE]";

pub(super) fn infer(work: &mut Work<'_>) {
    for local in work.overrides.local.clone() {
        if !local.address.is_multicast() {
            add_flag(work, &local);
        }
    }
    if work.bundle.interfaces.is_some() {
        return;
    }
    for family in work.families() {
        let told = |l: &LocalAddress| Family::of(l.address) == family && !l.address.is_multicast();
        if work.overrides.local.iter().any(told) {
            work.assume(Assumption::new(
                Subject::LocalAddresses,
                format!("the host has no {family} address but those given with --local and lo's"),
                FLAG,
            ));
        } else {
            guess(work, family);
        }
    }
}

/// `--local`: on the interface named, else the one that captures come from, else any.
fn add_flag(work: &mut Work<'_>, local: &LocalAddress) {
    let bits = Family::of(local.address).bits();
    let address = Address::new(local.address, local.prefix_len.unwrap_or(bits));
    let name = local.interface.or_else(|| likely(work, local.address));
    put(work, name, address);
}

/// The interface where packets of the address were seen, if there is one and no other.
fn likely(work: &Work<'_>, address: IpAddr) -> Option<InterfaceName> {
    let mut seen = work
        .survey
        .interfaces
        .iter()
        .filter(|(_, s)| s.addresses.contains_key(&address))
        .map(|(name, _)| name.or(work.overrides.interface));
    let first = seen.next();
    match first {
        Some(name) if seen.next().is_none() => name,
        Some(_) => None,
        None => work.overrides.interface.or_else(|| only_other(work)),
    }
}

/// The only interface beside lo.
fn only_other(work: &Work<'_>) -> Option<InterfaceName> {
    let mut others = work.facts.interfaces.iter().filter(|i| !i.is_loopback());
    let first = others.next()?.name;
    others.next().is_none().then_some(first)
}

/// Adds an address to an interface, made if need be; an address of no known interface is lo's: local wherever it is.
fn put(work: &mut Work<'_>, name: Option<InterfaceName>, address: Address) {
    let name = name.unwrap_or_else(InterfaceName::loopback);
    let at = work.facts.interfaces.iter().position(|i| i.name == name);
    if let Some(interface) = at.and_then(|i| work.facts.interfaces.get_mut(i)) {
        interface.add(address);
        return;
    }
    let mut interface = Interface::new(name);
    interface.add(address);
    work.facts.interfaces.push(interface);
}

fn guess(work: &mut Work<'_>, family: Family) {
    let mut found: BTreeMap<IpAddr, (Option<InterfaceName>, &'static str)> = BTreeMap::new();
    for (name, survey) in &work.survey.interfaces {
        for (address, why) in of_capture(work, survey, family) {
            found.entry(address).or_insert((*name, why));
        }
    }
    for (address, why) in of_rules(work, family) {
        found.entry(address).or_insert((None, why));
    }
    if found.is_empty() {
        work.assume(Assumption::new(
            Subject::LocalAddresses,
            format!("no {family} address but lo's is known to be the host's own: packets to all others are forwarded"),
            FLAG,
        ));
        return;
    }
    let mut by_reason: BTreeMap<&str, Vec<IpAddr>> = BTreeMap::new();
    for (address, (name, why)) in found {
        by_reason.entry(why).or_default().push(address);
        let name = name.or_else(|| likely(work, address));
        put(work, name, Address::new(address, family.bits()));
    }
    for (why, addresses) in by_reason {
        let verb = if addresses.len() == 1 {
            "is an address"
        } else {
            "are addresses"
        };
        work.assume(Assumption::new(
            Subject::LocalAddresses,
            format!("{} {verb} of the host: {why}", list(&addresses)),
            FLAG,
        ));
    }
}

/// Addresses that the capture gives away.
fn of_capture(
    work: &Work<'_>,
    survey: &InterfaceSurvey,
    family: Family,
) -> Vec<(IpAddr, &'static str)> {
    let of_family = |a: &IpAddr| Family::of(*a) == family;
    if survey.has_directions() {
        let own = |s: &Seen| {
            (s.out_source > 0 || s.in_destination > 0) && s.in_source == 0 && s.out_destination == 0
        };
        // What was only ever sent to, or has lost a hop, may be a host behind this one.
        let stays = |s: &Seen| s.sent > 0 && s.fresh_ttl == s.sent;
        return survey
            .addresses
            .iter()
            .filter(|(a, s)| of_family(a) && own(s) && stays(s))
            .map(|(a, _)| {
                (
                    *a,
                    "by the directions in the capture, it sends and receives here",
                )
            })
            .collect();
    }
    let of_macs: Vec<_> = survey
        .macs
        .iter()
        .filter(|(mac, _)| work.macs.contains(mac))
        .flat_map(|(_, facts)| &facts.sources)
        .filter(|(a, s)| of_family(a) && s.fresh_ttl == s.sent && !a.is_unspecified())
        .map(|(a, _)| {
            (
                *a,
                "an own MAC address sends for it and no router has touched its packets",
            )
        })
        .collect();
    if !of_macs.is_empty() {
        return of_macs;
    }
    in_every_packet(survey, family)
}

/// In a host's own capture one of its addresses is in every packet.
fn in_every_packet(survey: &InterfaceSurvey, family: Family) -> Vec<(IpAddr, &'static str)> {
    let everywhere: Vec<_> = survey
        .addresses
        .iter()
        .filter(|(_, s)| s.packets == survey.packets)
        .collect();
    let chosen = match everywhere.as_slice() {
        [(address, _)] => Some((**address, "it is in every packet")),
        [(a, sa), (b, sb)] => {
            let fresh = |s: &Seen| s.sent > 0 && s.fresh_ttl == s.sent;
            match (fresh(sa), fresh(sb)) {
                (true, false) => Some((**a, TTL)),
                (false, true) => Some((**b, TTL)),
                _ => survey
                    .first
                    .map(|(_, to)| (to, "the first packet is for it")),
            }
        }
        _ => None,
    };
    chosen
        .filter(|(a, _)| Family::of(*a) == family)
        .into_iter()
        .collect()
}

const TTL: &str = "of the two in every packet, it sends packets that no router has touched";

/// Addresses that rules treat as the host's: where DNAT picks packets up, what SNAT gives, what INPUT is asked for and
/// what OUTPUT sends.
fn of_rules(work: &Work<'_>, family: Family) -> Vec<(IpAddr, &'static str)> {
    let of_family = work.rulesets.iter().filter(|r| r.family == family);
    of_family
        .flat_map(|r| &r.tables)
        .flat_map(|t| &t.chains)
        .flat_map(|chain| chain.rules.iter().map(|rule| (chain.hook(), rule)))
        .flat_map(|(hook, rule)| [asked_for(hook, rule), given(rule)])
        .flatten()
        .collect()
}

fn asked_for(hook: Option<Hook>, rule: &Rule) -> Option<(IpAddr, &'static str)> {
    let (side, why) = match (hook, &rule.target) {
        (_, Some(Target::Dnat(_) | Target::Redirect(_))) => {
            (&rule.destination, "rules translate its destination")
        }
        (Some(Hook::Input), _) => (&rule.destination, "rules of INPUT name it as destination"),
        (Some(Hook::Output), _) => (&rule.source, "rules of OUTPUT name it as source"),
        _ => return None,
    };
    let test = side.as_ref().filter(|t| !t.inverted)?;
    let address = test.value.addr();
    let whole = test.value.prefix_len() == Some(Family::of(address).bits());
    (whole && may_be_own(address)).then_some((address, why))
}

fn given(rule: &Rule) -> Option<(IpAddr, &'static str)> {
    let Some(Target::Snat(snat)) = &rule.target else {
        return None;
    };
    let address = snat.to.addresses?.start;
    may_be_own(address).then_some((address, "rules translate sources to it"))
}

fn may_be_own(address: IpAddr) -> bool {
    let broadcast = matches!(address, IpAddr::V4(a) if a.is_broadcast());
    !(broadcast || address.is_multicast() || address.is_unspecified() || address.is_loopback())
}
