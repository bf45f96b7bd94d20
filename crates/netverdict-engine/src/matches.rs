//! Evaluation of matches, one file each, and the state they are given when rules are loaded.
//!
//! Every file has `evaluate(m, cx)`; [`evaluate`] is the dispatch. [`prepare`] gives a match its state at load time.

use netverdict_ruleset::{Backend, Match, PortTests};

use crate::About;
use crate::compile::Load;
use crate::context::{Eval, MatchCx};
use crate::state::Slot;

mod addrtype;
mod ah;
mod bpf;
mod calendar;
mod cgroup;
mod cluster;
mod comment;
mod connbytes;
mod connlabel;
mod connlimit;
mod connmark;
mod conntrack;
mod cpu;
mod dccp;
mod devgroup;
mod dscp;
mod dst;
mod ecn;
mod esp;
mod eui64;
mod extension;
#[cfg(test)]
pub(crate) mod fixture;
mod frag;
mod hashlimit;
mod hbh;
mod helper;
mod hl;
mod icmp;
mod icmp6;
mod ipcomp;
mod iprange;
mod ipv6header;
mod ipvs;
mod length;
mod limit;
pub(crate) mod link;
mod mac;
mod mark;
mod mh;
mod multiport;
mod nfacct;
mod osf;
mod owner;
mod physdev;
mod pkttype;
mod policy;
mod quota;
mod rateest;
mod realm;
mod recent;
mod rpfilter;
mod rt;
mod sctp;
mod set;
mod socket;
mod srh;
mod statistic;
mod string;
mod tcp;
mod tcpmss;
mod text;
mod time;
mod tos;
mod tri;
mod ttl;
mod u32;
mod udp;
mod unsupported;

/// Asks a match; what the inputs do not decide, the user's facts may.
pub(crate) fn evaluate(test: &Match, cx: &mut MatchCx<'_, '_>) -> Eval {
    match ask(test, cx) {
        Eval::Unknown(why) => stated(test, cx).unwrap_or(Eval::Unknown(why)),
        eval => eval,
    }
}

/// What the user says of an undecided match.
fn stated(test: &Match, cx: &MatchCx<'_, '_>) -> Option<Eval> {
    let subject = match test {
        Match::Set(m) => Some(m.reference.name.as_str()),
        _ => None,
    };
    let holds = cx.fact(|about| match about {
        About::Match {
            name,
            subject: of,
            holds,
        } if name == test.name() && (of.is_none() || of.as_deref() == subject) => Some(*holds),
        _ => None,
    })?;
    Some(Eval::of(holds, false))
}

fn ask(test: &Match, cx: &mut MatchCx<'_, '_>) -> Eval {
    // nf_tables has tcp and udp tests of its own, and a limit that differs by its slot alone.
    let nft = cx.param.ports != PortTests::Xtables;
    match test {
        Match::Addrtype(m) => addrtype::evaluate(m, cx),
        Match::Ah(m) => ah::evaluate(m, cx),
        Match::Bpf(m) => bpf::evaluate(m, cx),
        Match::Cgroup(m) => cgroup::evaluate(m, cx),
        Match::Cluster(m) => cluster::evaluate(m, cx),
        Match::Comment(m) => comment::evaluate(m, cx),
        Match::Connbytes(m) => connbytes::evaluate(m, cx),
        Match::Connlabel(m) => connlabel::evaluate(m, cx),
        Match::Connlimit(m) => connlimit::evaluate(m, cx),
        Match::Connmark(m) => connmark::evaluate(m, cx),
        Match::Conntrack(m) => conntrack::evaluate(m, cx),
        Match::Cpu(m) => cpu::evaluate(m, cx),
        Match::Dccp(m) => dccp::evaluate(m, cx),
        Match::Devgroup(m) => devgroup::evaluate(m, cx),
        Match::Dscp(m) => dscp::evaluate(m, cx),
        Match::Dst(m) => dst::evaluate(m, cx),
        Match::Ecn(m) => ecn::evaluate(m, cx),
        Match::Esp(m) => esp::evaluate(m, cx),
        Match::Eui64(m) => eui64::evaluate(m, cx),
        Match::Frag(m) => frag::evaluate(m, cx),
        Match::Hashlimit(m) => hashlimit::evaluate(m, cx),
        Match::Hbh(m) => hbh::evaluate(m, cx),
        Match::Helper(m) => helper::evaluate(m, cx),
        Match::Hl(m) => hl::evaluate(m, cx),
        Match::Icmp(m) => icmp::evaluate(m, cx),
        Match::Icmp6(m) => icmp6::evaluate(m, cx),
        Match::Ipcomp(m) => ipcomp::evaluate(m, cx),
        Match::Iprange(m) => iprange::evaluate(m, cx),
        Match::Ipv6header(m) => ipv6header::evaluate(m, cx),
        Match::Ipvs(m) => ipvs::evaluate(m, cx),
        Match::Length(m) => length::evaluate(m, cx),
        Match::Limit(m) => limit::evaluate(m, cx),
        Match::Mac(m) => mac::evaluate(m, cx),
        Match::Mark(m) => mark::evaluate(m, cx),
        Match::Mh(m) => mh::evaluate(m, cx),
        Match::Multiport(m) => multiport::evaluate(m, cx),
        Match::Nfacct(m) => nfacct::evaluate(m, cx),
        Match::Osf(m) => osf::evaluate(m, cx),
        Match::Owner(m) => owner::evaluate(m, cx),
        Match::Physdev(m) => physdev::evaluate(m, cx),
        Match::Pkttype(m) => pkttype::evaluate(m, cx),
        Match::Policy(m) => policy::evaluate(m, cx),
        Match::Quota(m) => quota::evaluate(m, cx),
        Match::Rateest(m) => rateest::evaluate(m, cx),
        Match::Realm(m) => realm::evaluate(m, cx),
        Match::Recent(m) => recent::evaluate(m, cx),
        Match::Rpfilter(m) => rpfilter::evaluate(m, cx),
        Match::Rt(m) => rt::evaluate(m, cx),
        Match::Sctp(m) => sctp::evaluate(m, cx),
        Match::Set(m) => set::evaluate(m, cx),
        Match::Socket(m) => socket::evaluate(m, cx),
        Match::Srh(m) => srh::evaluate(m, cx),
        Match::Statistic(m) => statistic::evaluate(m, cx),
        Match::String(m) => string::evaluate(m, cx),
        // A rule with --tcp-option keeps the xtables match even under nf_tables.
        Match::Tcp(m) if nft && m.option.is_none() => tcp::evaluate_nft(m, cx),
        Match::Tcp(m) => tcp::evaluate(m, cx),
        Match::Tcpmss(m) => tcpmss::evaluate(m, cx),
        Match::Time(m) => time::evaluate(m, cx),
        Match::Tos(m) => tos::evaluate(m, cx),
        Match::Ttl(m) => ttl::evaluate(m, cx),
        Match::U32(m) => u32::evaluate(m, cx),
        Match::Udp(m) if nft => udp::evaluate_nft(m, cx),
        Match::Udp(m) => udp::evaluate(m, cx),
        Match::Unsupported(m) => unsupported::evaluate(m, cx),
    }
}

/// Makes the state that a match keeps and gives its slot; 0 for a match that keeps none. To be called once for each
/// match, in the order of the dump: what is shared by name follows the first rule.
pub(crate) fn prepare(test: &Match, load: &mut Load<'_>) -> usize {
    let (rules, hz) = (&mut load.state.rules, load.config.hz);
    let slot = match test {
        Match::Connlimit(_) => connlimit::slot(rules),
        Match::Hashlimit(m) => hashlimit::slot(m, rules, load.family, hz),
        Match::Limit(m) if load.backend == Backend::Nft => limit::slot_nft(m),
        Match::Limit(m) => limit::slot(m, hz),
        Match::Nfacct(m) => nfacct::slot(m, rules),
        Match::Quota(m) => quota::slot(m),
        Match::Rateest(m) => rateest::slot(m, rules),
        Match::Recent(m) => recent::slot(m, rules),
        Match::Set(m) => set::slot(m, rules),
        Match::Statistic(m) => statistic::slot(m),
        _ => Slot::Empty,
    };
    rules.slots.add(slot)
}

/// Whether a match's answer always follows from a wholly captured packet and the inputs: then nothing needs to be
/// rewound for its sake.
pub(crate) fn is_decidable(test: &Match, _: &Load<'_>) -> bool {
    match test {
        Match::Bpf(_)
        | Match::Cgroup(_)
        | Match::Cpu(_)
        | Match::Devgroup(_)
        | Match::Eui64(_)
        | Match::Ipvs(_)
        | Match::Mac(_)
        | Match::Nfacct(_)
        | Match::Osf(_)
        | Match::Owner(_)
        | Match::Physdev(_)
        | Match::Policy(_)
        | Match::Rateest(_)
        | Match::Realm(_)
        | Match::Rpfilter(_)
        | Match::Set(_)
        | Match::Socket(_)
        | Match::Unsupported(_) => false,
        Match::Addrtype(m) => m.limit.is_none(),
        _ => true,
    }
}
