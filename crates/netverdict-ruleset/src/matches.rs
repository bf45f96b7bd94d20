//! What a rule can test: one type per match, gathered in one closed enum.
//!
//! `Display` of a match type writes its options as iptables-save prints them, each with a blank before it; `Display` of
//! [`Match`] writes `-m name` and the options.

use std::fmt;

use netverdict_net::PortRange;

use crate::Invertible;

mod addrtype;
mod ah;
mod bpf;
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
mod rate;
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
mod time;
mod tos;
mod ttl;
mod u32;
mod udp;
mod unsupported;

pub use self::addrtype::{AddrTypes, Addrtype, AddrtypeLimit};
pub use self::ah::Ah;
pub use self::bpf::{Bpf, BpfInstruction};
pub use self::cgroup::Cgroup;
pub use self::cluster::Cluster;
pub use self::comment::Comment;
pub use self::connbytes::{Connbytes, ConnbytesDirection, ConnbytesMode};
pub use self::connlabel::Connlabel;
pub use self::connlimit::Connlimit;
pub use self::connmark::Connmark;
pub use self::conntrack::{Conntrack, CtDirection, CtStates, CtStatuses};
pub use self::cpu::Cpu;
pub use self::dccp::{Dccp, DccpTypes};
pub use self::devgroup::Devgroup;
pub use self::dscp::Dscp;
pub use self::dst::Dst;
pub use self::ecn::Ecn;
pub use self::esp::Esp;
pub use self::eui64::Eui64;
pub use self::frag::Frag;
pub use self::hashlimit::{Hashlimit, HashlimitMode, HashlimitRate};
pub use self::hbh::{ExtensionOption, Hbh};
pub use self::helper::Helper;
pub use self::hl::Hl;
pub use self::icmp::{Icmp, IcmpTest};
pub use self::icmp6::Icmp6;
pub use self::ipcomp::Ipcomp;
pub use self::iprange::Iprange;
pub use self::ipv6header::{Ipv6Headers, Ipv6header};
pub use self::ipvs::{Ipvs, IpvsMethod};
pub use self::length::Length;
pub use self::limit::Limit;
pub use self::mac::Mac;
pub use self::mark::Mark;
pub use self::mh::Mh;
pub use self::multiport::{Multiport, PortEntry, PortSide};
pub use self::nfacct::Nfacct;
pub use self::osf::Osf;
pub use self::owner::Owner;
pub use self::physdev::Physdev;
pub use self::pkttype::{PacketKind, Pkttype};
pub use self::policy::{Policy, PolicyDirection, PolicyElement, PolicyMode};
pub use self::quota::Quota;
pub use self::rateest::{Rateest, RateestComparison};
pub use self::realm::Realm;
pub use self::recent::{Recent, RecentAction};
pub use self::rpfilter::Rpfilter;
pub use self::rt::Rt;
pub use self::sctp::{Sctp, SctpChunk, SctpChunks, SctpScope, SctpTypes};
pub use self::set::{Set, SetCounterTest, SetReference, SetSide};
pub use self::socket::Socket;
pub use self::srh::{Srh, SrhNumber, SrhPrefix};
pub use self::statistic::{Statistic, StatisticMode};
pub use self::string::{StringAlgorithm, StringMatch};
pub use self::tcp::{Tcp, TcpFlags};
pub use self::tcpmss::Tcpmss;
pub use self::time::Time;
pub use self::tos::{Tos, TosMask};
pub use self::ttl::{HopTest, Ttl};
pub use self::u32::{U32, U32Op, U32Test};
pub use self::udp::Udp;
pub use self::unsupported::Unsupported;

/// One `-m` of a rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Match {
    Addrtype(Addrtype),
    Ah(Ah),
    Bpf(Bpf),
    Cgroup(Cgroup),
    Cluster(Cluster),
    Comment(Comment),
    Connbytes(Connbytes),
    Connlabel(Connlabel),
    Connlimit(Connlimit),
    Connmark(Connmark),
    Conntrack(Box<Conntrack>),
    Cpu(Cpu),
    Dccp(Dccp),
    Devgroup(Devgroup),
    Dscp(Dscp),
    Dst(Dst),
    Ecn(Ecn),
    Esp(Esp),
    Eui64(Eui64),
    Frag(Frag),
    Hashlimit(Hashlimit),
    Hbh(Hbh),
    Helper(Helper),
    Hl(Hl),
    Icmp(Icmp),
    Icmp6(Icmp6),
    Ipcomp(Ipcomp),
    Iprange(Iprange),
    Ipv6header(Ipv6header),
    Ipvs(Ipvs),
    Length(Length),
    Limit(Limit),
    Mac(Mac),
    Mark(Mark),
    Mh(Mh),
    Multiport(Multiport),
    Nfacct(Nfacct),
    Osf(Osf),
    Owner(Owner),
    Physdev(Physdev),
    Pkttype(Pkttype),
    Policy(Policy),
    Quota(Quota),
    Rateest(Rateest),
    Realm(Realm),
    Recent(Recent),
    Rpfilter(Rpfilter),
    Rt(Rt),
    Sctp(Sctp),
    Set(Set),
    Socket(Socket),
    Srh(Srh),
    Statistic(Statistic),
    String(StringMatch),
    Tcp(Tcp),
    Tcpmss(Tcpmss),
    Time(Time),
    Tos(Tos),
    Ttl(Ttl),
    U32(U32),
    Udp(Udp),
    /// A match nobody models.
    Unsupported(Unsupported),
}

impl Match {
    /// The name behind `-m` in a dump.
    pub fn name(&self) -> &str {
        match self {
            Self::Addrtype(_) => "addrtype",
            Self::Ah(_) => "ah",
            Self::Bpf(_) => "bpf",
            Self::Cgroup(_) => "cgroup",
            Self::Cluster(_) => "cluster",
            Self::Comment(_) => "comment",
            Self::Connbytes(_) => "connbytes",
            Self::Connlabel(_) => "connlabel",
            Self::Connlimit(_) => "connlimit",
            Self::Connmark(_) => "connmark",
            Self::Conntrack(m) if m.is_state => "state",
            Self::Conntrack(_) => "conntrack",
            Self::Cpu(_) => "cpu",
            Self::Dccp(_) => "dccp",
            Self::Devgroup(_) => "devgroup",
            Self::Dscp(_) => "dscp",
            Self::Dst(_) => "dst",
            Self::Ecn(_) => "ecn",
            Self::Esp(_) => "esp",
            Self::Eui64(_) => "eui64",
            Self::Frag(_) => "frag",
            Self::Hashlimit(_) => "hashlimit",
            Self::Hbh(_) => "hbh",
            Self::Helper(_) => "helper",
            Self::Hl(_) => "hl",
            Self::Icmp(_) => "icmp",
            Self::Icmp6(_) => "icmp6",
            Self::Ipcomp(_) => "ipcomp",
            Self::Iprange(_) => "iprange",
            Self::Ipv6header(_) => "ipv6header",
            Self::Ipvs(_) => "ipvs",
            Self::Length(_) => "length",
            Self::Limit(_) => "limit",
            Self::Mac(_) => "mac",
            Self::Mark(_) => "mark",
            Self::Mh(_) => "mh",
            Self::Multiport(_) => "multiport",
            Self::Nfacct(_) => "nfacct",
            Self::Osf(_) => "osf",
            Self::Owner(_) => "owner",
            Self::Physdev(_) => "physdev",
            Self::Pkttype(_) => "pkttype",
            Self::Policy(_) => "policy",
            Self::Quota(_) => "quota",
            Self::Rateest(_) => "rateest",
            Self::Realm(_) => "realm",
            Self::Recent(_) => "recent",
            Self::Rpfilter(_) => "rpfilter",
            Self::Rt(_) => "rt",
            Self::Sctp(_) => "sctp",
            Self::Set(_) => "set",
            Self::Socket(_) => "socket",
            Self::Srh(_) => "srh",
            Self::Statistic(_) => "statistic",
            Self::String(_) => "string",
            Self::Tcp(_) => "tcp",
            Self::Tcpmss(_) => "tcpmss",
            Self::Time(_) => "time",
            Self::Tos(_) => "tos",
            Self::Ttl(_) => "ttl",
            Self::U32(_) => "u32",
            Self::Udp(_) => "udp",
            Self::Unsupported(m) => &m.name,
        }
    }

    /// The options as iptables-save prints them, each with a blank before it.
    pub fn options(&self) -> &dyn fmt::Display {
        match self {
            Self::Addrtype(m) => m,
            Self::Ah(m) => m,
            Self::Bpf(m) => m,
            Self::Cgroup(m) => m,
            Self::Cluster(m) => m,
            Self::Comment(m) => m,
            Self::Connbytes(m) => m,
            Self::Connlabel(m) => m,
            Self::Connlimit(m) => m,
            Self::Connmark(m) => m,
            Self::Conntrack(m) => m,
            Self::Cpu(m) => m,
            Self::Dccp(m) => m,
            Self::Devgroup(m) => m,
            Self::Dscp(m) => m,
            Self::Dst(m) => m,
            Self::Ecn(m) => m,
            Self::Esp(m) => m,
            Self::Eui64(m) => m,
            Self::Frag(m) => m,
            Self::Hashlimit(m) => m,
            Self::Hbh(m) => m,
            Self::Helper(m) => m,
            Self::Hl(m) => m,
            Self::Icmp(m) => m,
            Self::Icmp6(m) => m,
            Self::Ipcomp(m) => m,
            Self::Iprange(m) => m,
            Self::Ipv6header(m) => m,
            Self::Ipvs(m) => m,
            Self::Length(m) => m,
            Self::Limit(m) => m,
            Self::Mac(m) => m,
            Self::Mark(m) => m,
            Self::Mh(m) => m,
            Self::Multiport(m) => m,
            Self::Nfacct(m) => m,
            Self::Osf(m) => m,
            Self::Owner(m) => m,
            Self::Physdev(m) => m,
            Self::Pkttype(m) => m,
            Self::Policy(m) => m,
            Self::Quota(m) => m,
            Self::Rateest(m) => m,
            Self::Realm(m) => m,
            Self::Recent(m) => m,
            Self::Rpfilter(m) => m,
            Self::Rt(m) => m,
            Self::Sctp(m) => m,
            Self::Set(m) => m,
            Self::Socket(m) => m,
            Self::Srh(m) => m,
            Self::Statistic(m) => m,
            Self::String(m) => m,
            Self::Tcp(m) => m,
            Self::Tcpmss(m) => m,
            Self::Time(m) => m,
            Self::Tos(m) => m,
            Self::Ttl(m) => m,
            Self::U32(m) => m,
            Self::Udp(m) => m,
            Self::Unsupported(m) => m,
        }
    }
}

/// `-m tcp --dport 22`.
impl fmt::Display for Match {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "-m {}{}", self.name(), self.options())
    }
}

/// Writes port options that are printed whenever they were given (sctp and dccp).
pub(crate) fn write_given_ports(
    f: &mut fmt::Formatter<'_>,
    source: Option<&Invertible<PortRange>>,
    destination: Option<&Invertible<PortRange>>,
) -> fmt::Result {
    for (option, ports) in [("--sport", source), ("--dport", destination)] {
        if let Some(ports) = ports {
            write!(f, "{} {option} {}", ports.bang(), ports.value)?;
        }
    }
    Ok(())
}
