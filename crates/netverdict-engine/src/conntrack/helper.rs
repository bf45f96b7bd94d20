//! Helpers: trackers of protocols that announce further connections in their payload. A connection has one only if a
//! `-j CT --helper` rule gave it.

use netverdict_net::Jiffies;

use super::Conntrack;
use crate::{CtId, CtInfo, Skb};

/// A helper that is modelled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Helper {
    Ftp,
    Tftp,
    Irc,
    Sane,
    Amanda,
}

/// What a helper remembers of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum HelperState {
    Stateless,
}

/// What a helper says of a packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Help {
    Accept,
    Drop,
}

impl Helper {
    /// The helper of a kernel name; `None` for those not modelled.
    pub(crate) fn from_name(name: &str) -> Option<Self> {
        [Self::Ftp, Self::Tftp, Self::Irc, Self::Sane, Self::Amanda]
            .into_iter()
            .find(|helper| helper.name() == name)
    }

    /// The kernel's name.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Ftp => "ftp",
            Self::Tftp => "tftp",
            Self::Irc => "irc",
            Self::Sane => "sane",
            Self::Amanda => "amanda",
        }
    }

    /// What it remembers of a new connection.
    pub(super) const fn state(self) -> HelperState {
        HelperState::Stateless
    }
}

impl Conntrack {
    /// Shows a packet to its connection's helper.
    pub(super) fn help(&mut self, skb: &Skb<'_>, id: CtId, info: CtInfo, now: Jiffies) -> Help {
        let _ = (skb, info, now);
        match self.table.get(id).and_then(super::Entry::helper) {
            None => Help::Accept,
            Some(_) => Help::Accept,
        }
    }
}
