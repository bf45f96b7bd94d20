//! A host's files: what each is, told by its name or by its content.

use std::borrow::Cow;
use std::fmt;

use netverdict_net::Family;
use netverdict_ruleset::text;

pub(crate) mod recognise;

/// What a file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum SourceKind {
    /// `iptables-save` or `ip6tables-save`.
    Dump(Family),
    /// `arptables-save`.
    Arptables,
    /// `ebtables-save`.
    Ebtables,
    /// `ipset save`.
    Ipset,
    /// `ip -j addr`.
    Addresses,
    /// `ip -j route show table all` with the family whose command printed it.
    Routes(Family),
    /// `ip -j rule` with the family whose command printed it.
    Rules(Family),
    /// `conntrack -L -o extended`.
    Conntrack,
    /// `sysctl -a`.
    Sysctl,
    /// `nfct list timeout`.
    Timeouts,
    /// What `nfnl_osf -f` loads for `-m osf`.
    Fingerprints,
}

impl SourceKind {
    /// Every kind, in the order in which a bundle lists its files.
    pub const ALL: [Self; 14] = [
        Self::Dump(Family::V4),
        Self::Dump(Family::V6),
        Self::Arptables,
        Self::Ebtables,
        Self::Ipset,
        Self::Addresses,
        Self::Routes(Family::V4),
        Self::Routes(Family::V6),
        Self::Rules(Family::V4),
        Self::Rules(Family::V6),
        Self::Conntrack,
        Self::Sysctl,
        Self::Timeouts,
        Self::Fingerprints,
    ];

    /// The names that a file of this kind has in a bundle; the first is the one that `collect` writes.
    pub const fn file_names(self) -> &'static [&'static str] {
        match self {
            Self::Dump(Family::V4) => &["iptables-save", "rules.v4", "iptables.rules"],
            Self::Dump(Family::V6) => &["ip6tables-save", "rules.v6", "ip6tables.rules"],
            Self::Arptables => &["arptables-save"],
            Self::Ebtables => &["ebtables-save"],
            Self::Ipset => &["ipset-save", "ipset.conf"],
            Self::Addresses => &["ip-addr.json"],
            Self::Routes(Family::V4) => &["ip-route.json"],
            Self::Routes(Family::V6) => &["ip6-route.json"],
            Self::Rules(Family::V4) => &["ip-rule.json"],
            Self::Rules(Family::V6) => &["ip6-rule.json"],
            Self::Conntrack => &["conntrack"],
            Self::Sysctl => &["sysctl.txt", "sysctl.conf"],
            Self::Timeouts => &["nfct-timeout"],
            Self::Fingerprints => &["pf.os"],
        }
    }

    /// The kind of a bundle's file by its name.
    pub fn of_file_name(name: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|kind| kind.file_names().contains(&name))
    }

    /// The command that prints it.
    pub const fn command(self) -> &'static str {
        match self {
            Self::Dump(Family::V4) => "iptables-save -c",
            Self::Dump(Family::V6) => "ip6tables-save -c",
            Self::Arptables => "arptables-save -c",
            Self::Ebtables => "ebtables-save -c",
            Self::Ipset => "ipset save",
            Self::Addresses => "ip -j -d addr",
            Self::Routes(Family::V4) => "ip -j route show table all",
            Self::Routes(Family::V6) => "ip -6 -j route show table all",
            Self::Rules(Family::V4) => "ip -j rule",
            Self::Rules(Family::V6) => "ip -6 -j rule",
            Self::Conntrack => "conntrack -L -o extended",
            Self::Sysctl => r"sysctl -a -r '^net\.(ipv4|ipv6|netfilter)\.'",
            Self::Timeouts => "nfct list timeout",
            // The kernel does not list them: the file that they were loaded from.
            Self::Fingerprints => "cat /usr/share/xtables/pf.os",
        }
    }
}

impl fmt::Display for SourceKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.command())
    }
}

/// A file's place in [`Bundle::sources`](crate::Bundle::sources).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SourceId(pub usize);

/// One file as it was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// What the user calls it: its path, or `-`.
    pub name: String,
    /// What it is.
    pub kind: SourceKind,
    /// Its bytes, untouched.
    pub bytes: Vec<u8>,
}

impl Source {
    /// Whether its name says what it is.
    pub fn is_named(&self) -> bool {
        let file = self.name.rsplit('/').next().unwrap_or_default();
        SourceKind::of_file_name(file) == Some(self.kind)
    }

    /// Its text; bytes that are no UTF-8 are carried as [`text::decode`] does.
    pub fn text(&self) -> Cow<'_, str> {
        text::decode(&self.bytes)
    }
}
