//! A set: its type, how it was made, and its entries.

use std::fmt;
use std::net::IpAddr;

use netverdict_net::Family;

use super::{SetElement, SetEntry, SetKind};

/// A named set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SetDefinition {
    /// The name, at most 31 bytes.
    pub name: String,
    /// The type.
    pub kind: SetKind,
    /// How it was made.
    pub options: SetOptions,
    /// The entries, in dump order. For a list of sets, in list order.
    pub entries: Vec<SetEntry>,
    /// Line of the text that creates it, counted from 1.
    pub line: u32,
}

/// The address family of a set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SetFamily {
    /// One family: packets of the other one are never in it.
    Only(Family),
    /// Both: bitmap:port, hash:mac, list:set.
    Any,
}

/// What a bitmap covers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SetRange {
    /// Addresses, both ends included.
    Addresses(IpAddr, IpAddr),
    /// Ports, both ends included.
    Ports(u16, u16),
}

/// How a set was made. What a text leaves out is `None` or the default that ipset takes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SetOptions {
    /// `family`.
    pub family: SetFamily,
    /// `range` of a bitmap.
    pub range: Option<SetRange>,
    /// `markmask` of hash:ip,mark.
    pub mark_mask: Option<u32>,
    /// `hashsize`.
    pub hash_size: Option<u32>,
    /// `maxelem`: most entries of a hash.
    pub max_elements: Option<u32>,
    /// `size`: most members of a list.
    pub list_size: Option<u32>,
    /// `netmask`: prefix length that entries and packets are cut to.
    pub netmask: Option<u8>,
    /// `bitmask`: mask of any shape that entries and packets are cut to.
    pub bitmask: Option<IpAddr>,
    /// `timeout`: seconds that a new entry lives by default, 0 for ever. `None`: entries have no timeouts.
    pub timeout: Option<u32>,
    /// `counters`: entries count packets and bytes.
    pub counters: bool,
    /// `comment`: entries may have comments.
    pub comment: bool,
    /// `skbinfo`: entries may have marks, priorities and queues.
    pub skbinfo: bool,
    /// `forceadd`: a full hash makes room by itself.
    pub force_add: bool,
    /// `bucketsize`.
    pub bucket_size: Option<u8>,
    /// `initval`: seed of the hash.
    pub init_value: Option<u32>,
}

impl SetOptions {
    /// What a `create` line without options means.
    pub const fn new(kind: SetKind) -> Self {
        Self {
            family: if kind.has_family() {
                SetFamily::Only(Family::V4)
            } else {
                SetFamily::Any
            },
            range: None,
            mark_mask: None,
            hash_size: None,
            max_elements: None,
            list_size: None,
            netmask: None,
            bitmask: None,
            timeout: None,
            counters: false,
            comment: false,
            skbinfo: false,
            force_add: false,
            bucket_size: None,
            init_value: None,
        }
    }
}

impl SetDefinition {
    /// Whether a packet of `family` can be in the set.
    pub fn takes(&self, family: Family) -> bool {
        match self.options.family {
            SetFamily::Only(only) => only == family,
            SetFamily::Any => true,
        }
    }

    /// An entry of this set ready to be printed as an `add` line.
    pub const fn entry_text<'a>(&'a self, entry: &'a SetEntry) -> EntryText<'a> {
        EntryText { set: self, entry }
    }
}

/// An entry with its set: prints as `add SET …`.
#[derive(Debug, Clone, Copy)]
pub struct EntryText<'a> {
    set: &'a SetDefinition,
    entry: &'a SetEntry,
}

impl fmt::Display for EntryText<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "add {} {}", self.set.name, self.entry.element)?;
        if let Some(extras) = &self.entry.extras {
            extras.fmt(f)?;
        }
        if matches!(
            self.entry.element,
            SetElement::NetIface { wildcard: true, .. }
        ) {
            f.write_str(" wildcard")?;
        }
        f.write_str(if self.entry.nomatch { " nomatch" } else { "" })
    }
}

impl fmt::Display for SetRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Addresses(first, last) => write!(f, "{first}-{last}"),
            Self::Ports(first, last) => write!(f, "{first}-{last}"),
        }
    }
}

impl SetOptions {
    fn write_sizes(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (option, value) in [
            ("hashsize", self.hash_size),
            ("maxelem", self.max_elements),
            ("size", self.list_size),
        ] {
            if let Some(value) = value {
                write!(f, " {option} {value}")?;
            }
        }
        Ok(())
    }

    fn write_flags(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (option, on) in [
            (" counters", self.counters),
            (" comment", self.comment),
            (" skbinfo", self.skbinfo),
            (" forceadd", self.force_add),
        ] {
            f.write_str(if on { option } else { "" })?;
        }
        Ok(())
    }
}

/// `create NAME TYPE …`.
impl fmt::Display for SetDefinition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let options = &self.options;
        write!(f, "create {} {}", self.name, self.kind)?;
        match (self.kind.is_hash(), options.family) {
            (true, SetFamily::Only(Family::V4)) => f.write_str(" family inet")?,
            (true, SetFamily::Only(Family::V6)) => f.write_str(" family inet6")?,
            _ => {}
        }
        if let Some(mask) = options.mark_mask {
            write!(f, " markmask 0x{mask:08x}")?;
        }
        if let Some(range) = options.range {
            write!(f, " range {range}")?;
        }
        options.write_sizes(f)?;
        if let Some(len) = options.netmask {
            write!(f, " netmask {len}")?;
        }
        if let Some(mask) = options.bitmask {
            write!(f, " bitmask {mask}")?;
        }
        if let Some(timeout) = options.timeout {
            write!(f, " timeout {timeout}")?;
        }
        options.write_flags(f)?;
        if let Some(size) = options.bucket_size {
            write!(f, " bucketsize {size}")?;
        }
        match options.init_value {
            Some(value) => write!(f, " initval 0x{value:08x}"),
            None => Ok(()),
        }
    }
}
