//! Link types: the numbers that captures give to the first header of their frames.

use std::fmt;

/// A LINKTYPE_ number of the tcpdump group's registry, without the FCS bits that a pcap header may keep beside it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct LinkType(pub u32);

impl LinkType {
    /// BSD loopback: a 4-byte address family in the byte order of the capturing host.
    pub const NULL: Self = Self(0);
    /// Ethernet.
    pub const ETHERNET: Self = Self(1);
    /// Raw IP, the number that most systems use in memory and some write to files.
    pub const RAW_12: Self = Self(12);
    /// Raw IP, OpenBSD's number.
    pub const RAW_14: Self = Self(14);
    /// Raw IP.
    pub const RAW: Self = Self(101);
    /// OpenBSD loopback: a 4-byte address family, big endian.
    pub const LOOP: Self = Self(108);
    /// Linux cooked, version 1.
    pub const SLL: Self = Self(113);
    /// Endace ERF records.
    pub const ERF: Self = Self(197);
    /// Raw IPv4.
    pub const IPV4: Self = Self(228);
    /// Raw IPv6.
    pub const IPV6: Self = Self(229);
    /// Linux cooked, version 2.
    pub const SLL2: Self = Self(276);
    /// Of an interface that the capture does not describe; no registered number.
    pub const UNKNOWN: Self = Self(u32::MAX);

    /// Whether frames of it are decoded; others are counted and skipped.
    pub const fn is_read(self) -> bool {
        matches!(
            self,
            Self::NULL
                | Self::ETHERNET
                | Self::RAW_12
                | Self::RAW_14
                | Self::RAW
                | Self::LOOP
                | Self::SLL
                | Self::IPV4
                | Self::IPV6
                | Self::SLL2
        )
    }

    /// The registry's name for the numbers that come up in practice.
    pub const fn name(self) -> Option<&'static str> {
        Some(match self.0 {
            0 => "NULL",
            1 => "Ethernet",
            6 => "Token Ring",
            8 => "SLIP",
            9 => "PPP",
            10 => "FDDI",
            12 | 14 | 101 => "raw IP",
            50 => "PPP over HDLC",
            51 => "PPPoE",
            104 => "Cisco HDLC",
            105 => "IEEE 802.11",
            107 => "Frame Relay",
            108 => "LOOP",
            113 => "Linux cooked",
            117 => "PF log",
            119 => "IEEE 802.11 with Prism header",
            127 => "IEEE 802.11 with radiotap header",
            147..=162 => "user-defined",
            189 | 220 => "USB",
            192 => "PPI",
            197 => "ERF",
            226 => "Solaris IPNET",
            227 => "CAN",
            228 => "raw IPv4",
            229 => "raw IPv6",
            239 => "NFLOG",
            253 => "netlink",
            276 => "Linux cooked 2",
            u32::MAX => "unknown",
            _ => return None,
        })
    }
}

/// `Ethernet (1)`.
impl fmt::Display for LinkType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) if *self == Self::UNKNOWN => f.write_str(name),
            Some(name) => write!(f, "{name} ({})", self.0),
            None => write!(f, "{}", self.0),
        }
    }
}
