//! `-j REJECT`: drops with an answer.

use std::fmt;

/// Drops the packet and answers its sender. filter table only.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reject {
    /// `--reject-with`.
    pub with: RejectWith,
}

/// The answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RejectWith {
    /// An ICMP destination-unreachable message (iptables).
    Icmp(IcmpReject),
    /// An ICMPv6 destination-unreachable message (ip6tables).
    Icmp6(Icmp6Reject),
    /// A TCP reset. Needs `-p tcp`.
    TcpReset,
}

/// ICMP codes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum IcmpReject {
    NetUnreachable,
    HostUnreachable,
    ProtoUnreachable,
    PortUnreachable,
    NetProhibited,
    HostProhibited,
    AdminProhibited,
}

impl IcmpReject {
    /// Each code's long name, the short name that is read too, and the ICMP code.
    pub const NAMES: [(Self, &'static str, &'static str, u8); 7] = [
        (
            Self::NetUnreachable,
            "icmp-net-unreachable",
            "net-unreach",
            0,
        ),
        (
            Self::HostUnreachable,
            "icmp-host-unreachable",
            "host-unreach",
            1,
        ),
        (
            Self::ProtoUnreachable,
            "icmp-proto-unreachable",
            "proto-unreach",
            2,
        ),
        (
            Self::PortUnreachable,
            "icmp-port-unreachable",
            "port-unreach",
            3,
        ),
        (Self::NetProhibited, "icmp-net-prohibited", "net-prohib", 9),
        (
            Self::HostProhibited,
            "icmp-host-prohibited",
            "host-prohib",
            10,
        ),
        (
            Self::AdminProhibited,
            "icmp-admin-prohibited",
            "admin-prohib",
            13,
        ),
    ];

    /// The code of the destination-unreachable message.
    pub fn code(self) -> u8 {
        Self::NAMES
            .iter()
            .find(|(kind, ..)| *kind == self)
            .map_or(3, |(.., code)| *code)
    }
}

/// ICMPv6 codes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Icmp6Reject {
    NoRoute,
    AdmProhibited,
    AddrUnreachable,
    PortUnreachable,
    PolicyFail,
    RejectRoute,
}

impl Icmp6Reject {
    /// Each code's long name, the short name that is read too, and the ICMPv6 code.
    pub const NAMES: [(Self, &'static str, &'static str, u8); 6] = [
        (Self::NoRoute, "icmp6-no-route", "no-route", 0),
        (
            Self::AdmProhibited,
            "icmp6-adm-prohibited",
            "adm-prohibited",
            1,
        ),
        (
            Self::AddrUnreachable,
            "icmp6-addr-unreachable",
            "addr-unreach",
            3,
        ),
        (
            Self::PortUnreachable,
            "icmp6-port-unreachable",
            "port-unreach",
            4,
        ),
        (Self::PolicyFail, "icmp6-policy-fail", "policy-fail", 5),
        (Self::RejectRoute, "icmp6-reject-route", "reject-route", 6),
    ];

    /// The code of the destination-unreachable message.
    pub fn code(self) -> u8 {
        Self::NAMES
            .iter()
            .find(|(kind, ..)| *kind == self)
            .map_or(4, |(.., code)| *code)
    }
}

impl fmt::Display for RejectWith {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = match self {
            Self::Icmp(kind) => IcmpReject::NAMES
                .iter()
                .find(|(k, ..)| k == kind)
                .map(|(_, name, ..)| *name),
            Self::Icmp6(kind) => Icmp6Reject::NAMES
                .iter()
                .find(|(k, ..)| k == kind)
                .map(|(_, name, ..)| *name),
            Self::TcpReset => Some("tcp-reset"),
        };
        f.write_str(name.unwrap_or("?"))
    }
}

impl fmt::Display for Reject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, " --reject-with {}", self.with)
    }
}
