//! The types of sets.

use std::fmt;

/// A type of set: how it stores, and what each dimension is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SetKind {
    BitmapIp,
    BitmapIpMac,
    BitmapPort,
    HashIp,
    HashMac,
    HashIpMac,
    HashIpMark,
    HashIpPort,
    HashIpPortIp,
    HashIpPortNet,
    HashNet,
    HashNetNet,
    HashNetPort,
    HashNetPortNet,
    HashNetIface,
    ListSet,
}

impl SetKind {
    /// All types with their names.
    pub const NAMES: [(&'static str, Self); 16] = [
        ("bitmap:ip", Self::BitmapIp),
        ("bitmap:ip,mac", Self::BitmapIpMac),
        ("bitmap:port", Self::BitmapPort),
        ("hash:ip", Self::HashIp),
        ("hash:mac", Self::HashMac),
        ("hash:ip,mac", Self::HashIpMac),
        ("hash:ip,mark", Self::HashIpMark),
        ("hash:ip,port", Self::HashIpPort),
        ("hash:ip,port,ip", Self::HashIpPortIp),
        ("hash:ip,port,net", Self::HashIpPortNet),
        ("hash:net", Self::HashNet),
        ("hash:net,net", Self::HashNetNet),
        ("hash:net,port", Self::HashNetPort),
        ("hash:net,port,net", Self::HashNetPortNet),
        ("hash:net,iface", Self::HashNetIface),
        ("list:set", Self::ListSet),
    ];

    /// The name behind `create NAME`.
    pub fn name(self) -> &'static str {
        let found = Self::NAMES.iter().find(|(_, kind)| *kind == self);
        found.map_or("?", |(name, _)| name)
    }

    /// The type of this name.
    pub fn from_name(name: &str) -> Option<Self> {
        let found = Self::NAMES.iter().find(|(n, _)| *n == name);
        found.map(|(_, kind)| *kind)
    }

    /// How many `src` and `dst` words a lookup needs; for a list of sets, at least one.
    pub const fn dimensions(self) -> usize {
        match self {
            Self::BitmapIp | Self::BitmapPort | Self::HashIp | Self::HashMac | Self::HashNet => 1,
            Self::ListSet => 1,
            Self::BitmapIpMac
            | Self::HashIpMac
            | Self::HashIpMark
            | Self::HashIpPort
            | Self::HashNetNet
            | Self::HashNetPort
            | Self::HashNetIface => 2,
            Self::HashIpPortIp | Self::HashIpPortNet | Self::HashNetPortNet => 3,
        }
    }

    /// Whether a set of this type has an address family.
    pub const fn has_family(self) -> bool {
        !matches!(self, Self::BitmapPort | Self::HashMac | Self::ListSet)
    }

    /// Whether it is a hash table.
    pub const fn is_hash(self) -> bool {
        !matches!(
            self,
            Self::BitmapIp | Self::BitmapIpMac | Self::BitmapPort | Self::ListSet
        )
    }

    /// Whether the first dimension is a network.
    pub const fn has_first_net(self) -> bool {
        matches!(
            self,
            Self::HashNet
                | Self::HashNetNet
                | Self::HashNetPort
                | Self::HashNetPortNet
                | Self::HashNetIface
        )
    }

    /// Whether the last dimension is a network beside the first.
    pub const fn has_second_net(self) -> bool {
        matches!(
            self,
            Self::HashNetNet | Self::HashNetPortNet | Self::HashIpPortNet
        )
    }

    /// Whether entries may be flagged `nomatch`.
    pub const fn takes_nomatch(self) -> bool {
        matches!(
            self,
            Self::HashIpPortNet
                | Self::HashNet
                | Self::HashNetNet
                | Self::HashNetPort
                | Self::HashNetPortNet
                | Self::HashNetIface
        )
    }
}

impl fmt::Display for SetKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
