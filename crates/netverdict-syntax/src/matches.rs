//! Matches: one file each, with its options and what they make.

use netverdict_net::Family;
use netverdict_ruleset::Match;

use crate::spec::Spec;

pub(crate) mod addrtype;
pub(crate) mod ah;
pub(crate) mod bpf;
pub(crate) mod cgroup;
pub(crate) mod cluster;
pub(crate) mod comment;
pub(crate) mod connbytes;
pub(crate) mod connlabel;
pub(crate) mod connlimit;
pub(crate) mod connmark;
pub(crate) mod conntrack;
pub(crate) mod cpu;
pub(crate) mod dccp;
pub(crate) mod devgroup;
pub(crate) mod dscp;
pub(crate) mod dst;
pub(crate) mod ecn;
pub(crate) mod esp;
pub(crate) mod eui64;
pub(crate) mod frag;
pub(crate) mod hashlimit;
pub(crate) mod hbh;
pub(crate) mod helper;
pub(crate) mod hl;
pub(crate) mod icmp;
pub(crate) mod icmp6;
pub(crate) mod ipcomp;
pub(crate) mod iprange;
pub(crate) mod ipv6header;
pub(crate) mod ipvs;
pub(crate) mod length;
pub(crate) mod limit;
pub(crate) mod mac;
pub(crate) mod mark;
pub(crate) mod mh;
pub(crate) mod multiport;
pub(crate) mod nfacct;
pub(crate) mod osf;
pub(crate) mod owner;
pub(crate) mod physdev;
pub(crate) mod pkttype;
pub(crate) mod policy;
pub(crate) mod quota;
pub(crate) mod rateest;
pub(crate) mod realm;
pub(crate) mod recent;
pub(crate) mod rpfilter;
pub(crate) mod rt;
pub(crate) mod sctp;
pub(crate) mod set;
pub(crate) mod socket;
pub(crate) mod srh;
pub(crate) mod statistic;
pub(crate) mod string;
pub(crate) mod tcp;
pub(crate) mod tcpmss;
pub(crate) mod time;
pub(crate) mod tos;
pub(crate) mod ttl;
pub(crate) mod u32;
pub(crate) mod udp;

/// Every match that is read.
pub(crate) const SPECS: &[&Spec<Match>] = &[
    &addrtype::SPEC,
    &ah::SPEC,
    &ah::SPEC6,
    &bpf::SPEC,
    &cgroup::SPEC,
    &cluster::SPEC,
    &comment::SPEC,
    &connbytes::SPEC,
    &connlabel::SPEC,
    &connlimit::SPEC,
    &connmark::SPEC,
    &conntrack::SPEC,
    &conntrack::STATE,
    &cpu::SPEC,
    &dccp::SPEC,
    &devgroup::SPEC,
    &dscp::SPEC,
    &dst::SPEC,
    &ecn::SPEC,
    &esp::SPEC,
    &eui64::SPEC,
    &frag::SPEC,
    &hashlimit::SPEC,
    &hbh::SPEC,
    &helper::SPEC,
    &hl::SPEC,
    &icmp::SPEC,
    &icmp6::SPEC,
    &ipcomp::SPEC,
    &iprange::SPEC,
    &ipv6header::SPEC,
    &ipvs::SPEC,
    &length::SPEC,
    &limit::SPEC,
    &mac::SPEC,
    &mark::SPEC,
    &mh::SPEC,
    &multiport::SPEC,
    &nfacct::SPEC,
    &osf::SPEC,
    &owner::SPEC,
    &physdev::SPEC,
    &pkttype::SPEC,
    &policy::SPEC,
    &quota::SPEC,
    &rateest::SPEC,
    &realm::SPEC,
    &recent::SPEC,
    &rpfilter::SPEC,
    &rt::SPEC,
    &sctp::SPEC,
    &set::SPEC,
    &socket::SPEC,
    &srh::SPEC,
    &statistic::SPEC,
    &string::SPEC,
    &tcp::SPEC,
    &tcpmss::SPEC,
    &time::SPEC,
    &tos::SPEC,
    &ttl::SPEC,
    &u32::SPEC,
    &udp::SPEC,
];

/// The names of all matches of a family.
pub(crate) fn names(family: Family) -> impl Iterator<Item = &'static str> {
    let of_family = SPECS
        .iter()
        .filter(move |spec| spec.family.is_none_or(|f| f == family));
    of_family.map(|spec| spec.name)
}

/// The match of this name for a family. ICMPv6 has three names.
pub(crate) fn find(name: &str, family: Family) -> Option<&'static Spec<Match>> {
    let name = match name {
        "icmpv6" | "ipv6-icmp" => "icmp6",
        name => name,
    };
    SPECS
        .iter()
        .find(|spec| spec.name == name && spec.family.is_none_or(|f| f == family))
        .copied()
}
