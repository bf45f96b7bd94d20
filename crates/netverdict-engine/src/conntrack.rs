//! Connection tracking (net/netfilter/nf_conntrack_core.c): what the engine calls at its hooks, and what matches ask.

use netverdict_host::Host;
use netverdict_ruleset::Hook;
use netverdict_ruleset::targets::Ct;

use crate::context::Now;
use crate::observe::Tracking;
use crate::state::{Random, Rewind};
use crate::{Config, Connection, Reason, Skb};

/// What a call from a hook is given beside the packet.
#[derive(Debug)]
pub(crate) struct HookCx<'c> {
    pub(crate) hook: Hook,
    pub(crate) now: Now,
    pub(crate) host: &'c Host,
    pub(crate) config: &'c Config,
    pub(crate) random: &'c mut Random,
}

/// What tracking did with a packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tracked {
    /// `skb.connection` is set; `None` there is INVALID, for this reason.
    Seen(Option<&'static str>),
    /// The packet is dropped.
    Drop(Reason),
    /// The capture cut off what the kernel would have read; `skb.connection` is left `None`.
    Unread(&'static str),
}

/// What confirming did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Confirmed {
    /// The entry is new in the table.
    New,
    /// Nothing to confirm.
    Already,
    /// The packet is dropped.
    Drop(Reason),
}

/// The connection table of the namespace, with its expectations.
#[derive(Debug, Default)]
pub(crate) struct Conntrack {}

impl Conntrack {
    /// An empty table with the host's settings.
    pub(crate) fn new(_host: &Host, _config: &Config) -> Self {
        Self::default()
    }

    /// Keeps the template of a `-j CT` rule and gives its number for `skb.template`.
    pub(crate) fn add_template(&mut self, ct: &Ct) -> u32 {
        let _ = ct;
        0
    }

    /// A number that no other connection ever has, once the packet's connection is confirmed.
    pub(crate) fn serial(&self, connection: Connection) -> Option<u64> {
        let _ = connection;
        None
    }

    /// Finds or makes the packet's connection and advances it (`nf_conntrack_in`, PREROUTING and OUTPUT at -200).
    /// Does nothing if the packet already has a connection or is untracked. Consumes `skb.template`.
    pub(crate) fn track(&mut self, skb: &mut Skb<'_>, cx: &mut HookCx<'_>) -> Tracked {
        let _ = (skb, cx);
        Tracked::Seen(Some("not tracked"))
    }

    /// Runs helpers and puts a new connection into the table (INPUT and POSTROUTING, last).
    pub(crate) fn confirm(&mut self, skb: &mut Skb<'_>, cx: &mut HookCx<'_>) -> Confirmed {
        let _ = (skb, cx);
        Confirmed::Already
    }

    /// The packet is freed: an entry that was never confirmed goes with it.
    pub(crate) fn release(&mut self, connection: Connection) {
        let _ = connection;
    }

    /// What is known of a packet's connection, for events and outcomes.
    pub(crate) fn describe(&self, connection: Connection) -> Tracking {
        Tracking {
            state: connection.state(),
            original: None,
            reply: None,
            protocol_state: None,
            why: None,
        }
    }

    /// The connection's mark (`-m connmark`, CONNMARK); `None` without a connection.
    pub(crate) fn mark(&self, connection: Connection) -> Option<u32> {
        let _ = connection;
        None
    }

    /// Sets the connection's mark.
    pub(crate) fn set_mark(&mut self, connection: Connection, mark: u32) {
        let _ = (connection, mark);
    }

    /// A REJECT sent a reset: a confirmed TCP connection is closed (`nf_ct_set_closing`).
    pub(crate) fn close(&mut self, connection: Connection, now: Now) {
        let _ = (connection, now);
    }
}

impl Rewind for Conntrack {
    fn checkpoint(&mut self) {}
    fn rollback(&mut self) {}
    fn commit(&mut self) {}
}
