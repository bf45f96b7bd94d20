//! What a run of random cases is about more than chance would have it.

use std::str::FromStr;

/// A subject that a run can be aimed at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Focus {
    /// States, marks, zones and counts of connections.
    Conntrack,
    /// Translation.
    Nat,
    /// Datagrams in pieces.
    Fragments,
    /// ipsets.
    Sets,
    /// The nft backend; the rules are what they always are.
    Nft,
    /// Conversations that announce others.
    Helpers,
}

impl Focus {
    /// Every subject with its name.
    pub const ALL: [(&'static str, Self); 6] = [
        ("conntrack", Self::Conntrack),
        ("nat", Self::Nat),
        ("fragments", Self::Fragments),
        ("sets", Self::Sets),
        ("nft", Self::Nft),
        ("helpers", Self::Helpers),
    ];

    /// The extensions that rules have often; none for no preference.
    pub(super) const fn extensions(self) -> &'static [&'static str] {
        match self {
            Self::Conntrack => &[
                "conntrack",
                "state",
                "connmark",
                "connbytes",
                "CONNMARK",
                "CT",
            ],
            Self::Nat => &[
                "SNAT",
                "DNAT",
                "MASQUERADE",
                "REDIRECT",
                "NETMAP",
                "SNPT",
                "DNPT",
            ],
            Self::Fragments => &["frag", "ipv6header", "length", "tcp", "udp"],
            Self::Sets => &["set", "SET"],
            Self::Helpers => &["helper", "CT"],
            Self::Nft => &[],
        }
    }

    /// Whether connections are tracked in every case.
    pub(super) const fn tracks(self) -> bool {
        matches!(self, Self::Conntrack | Self::Nat | Self::Helpers)
    }
}

/// No subject has that name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is none of conntrack, nat, fragments, sets, nft, helpers")]
pub struct UnknownFocus(String);

impl FromStr for Focus {
    type Err = UnknownFocus;

    fn from_str(text: &str) -> Result<Self, UnknownFocus> {
        let named = Self::ALL.into_iter().find(|(name, _)| *name == text);
        named
            .map(|(_, focus)| focus)
            .ok_or_else(|| UnknownFocus(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_subject_has_a_name() {
        for (name, focus) in Focus::ALL {
            assert_eq!(name.parse(), Ok(focus));
        }
        assert!("weather".parse::<Focus>().is_err());
    }
}
