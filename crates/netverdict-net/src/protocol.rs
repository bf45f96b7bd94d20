//! IP protocol numbers and the names iptables prints and reads for them.

use std::fmt;

/// An IP protocol number (IPv4 `protocol`, IPv6 last next-header).
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Protocol(pub u8);

impl Protocol {
    pub const HOPOPTS: Self = Self(0);
    pub const ICMP: Self = Self(1);
    pub const IGMP: Self = Self(2);
    pub const IPIP: Self = Self(4);
    pub const TCP: Self = Self(6);
    pub const UDP: Self = Self(17);
    pub const DCCP: Self = Self(33);
    pub const IPV6: Self = Self(41);
    pub const ROUTING: Self = Self(43);
    pub const FRAGMENT: Self = Self(44);
    pub const GRE: Self = Self(47);
    pub const ESP: Self = Self(50);
    pub const AH: Self = Self(51);
    pub const ICMPV6: Self = Self(58);
    pub const NONE: Self = Self(59);
    pub const DSTOPTS: Self = Self(60);
    pub const IPCOMP: Self = Self(108);
    pub const L2TP: Self = Self(115);
    pub const SCTP: Self = Self(132);
    pub const MH: Self = Self(135);
    pub const UDPLITE: Self = Self(136);
}

impl fmt::Debug for Protocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Protocol({self})")
    }
}

/// A short name for people (`tcp`, `icmpv6`, else the number); the canonical dump form is the ruleset crate's.
impl fmt::Display for Protocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = match *self {
            Self::ICMP => "icmp",
            Self::IGMP => "igmp",
            Self::IPIP => "ipip",
            Self::TCP => "tcp",
            Self::UDP => "udp",
            Self::DCCP => "dccp",
            Self::IPV6 => "ipv6",
            Self::GRE => "gre",
            Self::ESP => "esp",
            Self::AH => "ah",
            Self::ICMPV6 => "icmpv6",
            Self::IPCOMP => "ipcomp",
            Self::SCTP => "sctp",
            Self::MH => "mh",
            Self::UDPLITE => "udplite",
            Self(number) => return write!(f, "{number}"),
        };
        f.write_str(name)
    }
}
