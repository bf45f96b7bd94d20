//! Targets: one file each, with its options and what they make.

use netverdict_net::Family;
use netverdict_ruleset::Target;

use crate::spec::Spec;

pub(crate) mod audit;
pub(crate) mod checksum;
pub(crate) mod classify;
pub(crate) mod connmark;
pub(crate) mod connsecmark;
pub(crate) mod ct;
pub(crate) mod dnat;
pub(crate) mod dscp;
pub(crate) mod ecn;
pub(crate) mod hl;
pub(crate) mod hmark;
pub(crate) mod idletimer;
pub(crate) mod led;
pub(crate) mod log;
pub(crate) mod mark;
pub(crate) mod masquerade;
pub(crate) mod nat;
pub(crate) mod netmap;
pub(crate) mod nflog;
pub(crate) mod nfqueue;
pub(crate) mod npt;
pub(crate) mod rateest;
pub(crate) mod redirect;
pub(crate) mod reject;
pub(crate) mod secmark;
pub(crate) mod set;
pub(crate) mod snat;
pub(crate) mod synproxy;
pub(crate) mod tcpmss;
pub(crate) mod tcpoptstrip;
pub(crate) mod tee;
pub(crate) mod tos;
pub(crate) mod tproxy;
pub(crate) mod ttl;
pub(crate) mod verdict;

/// Every target that is read; jumps aside.
pub(crate) const SPECS: &[&Spec<Target>] = &[
    &audit::SPEC,
    &checksum::SPEC,
    &classify::SPEC,
    &connmark::SPEC,
    &connsecmark::SPEC,
    &ct::SPEC,
    &dnat::SPEC,
    &dscp::SPEC,
    &ecn::SPEC,
    &hl::SPEC,
    &hmark::SPEC,
    &idletimer::SPEC,
    &led::SPEC,
    &log::SPEC,
    &mark::SPEC,
    &masquerade::SPEC,
    &netmap::SPEC,
    &nflog::SPEC,
    &nfqueue::SPEC,
    &npt::SNPT,
    &npt::DNPT,
    &rateest::SPEC,
    &redirect::SPEC,
    &reject::SPEC,
    &reject::SPEC6,
    &secmark::SPEC,
    &set::SPEC,
    &snat::SPEC,
    &synproxy::SPEC,
    &tcpmss::SPEC,
    &tcpoptstrip::SPEC,
    &tee::SPEC,
    &tos::SPEC,
    &tproxy::SPEC,
    &ttl::SPEC,
    &verdict::ACCEPT,
    &verdict::DROP,
    &verdict::RETURN,
    &verdict::QUEUE,
    &verdict::NOTRACK,
    &verdict::TRACE,
];

/// The names of all targets, those of one family included.
pub(crate) fn names() -> impl Iterator<Item = &'static str> {
    SPECS.iter().map(|spec| spec.name)
}

/// The target of this name for a family.
pub(crate) fn find(name: &str, family: Family) -> Option<&'static Spec<Target>> {
    SPECS
        .iter()
        .find(|spec| spec.name == name && spec.family.is_none_or(|f| f == family))
        .copied()
}
