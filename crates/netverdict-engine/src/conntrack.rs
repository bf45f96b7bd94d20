//! Connection tracking (net/netfilter/nf_conntrack_core.c): a stand-in until the tracker lands.

use netverdict_host::Host;
use netverdict_net::Jiffies;
use netverdict_ruleset::Hook;
use netverdict_ruleset::targets::Ct;

use crate::observe::Tracking;
use crate::state::Rewind;
use crate::{Config, Connection, CtId, Reason, Skb};

/// What tracking made of a packet; the connection is in the packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tracked {
    /// It goes on; `why` it is INVALID or was not believed, where so.
    Accept { why: Option<&'static str> },
    /// It goes on as INVALID because its capture lacks what the kernel would have read.
    Unread(&'static str),
    /// It is dropped.
    Drop(Reason),
}

/// What confirmation did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Confirm {
    /// Nothing to do.
    Already,
    /// The connection is in the table now.
    Confirmed,
    /// Another connection had its tuples; the packet belongs to that one now.
    Adopted,
    /// The packet is dropped.
    Drop(Reason),
}

/// The connections of one network namespace.
#[derive(Debug, Default)]
pub(crate) struct Conntrack {}

impl Conntrack {
    /// An empty table with the host's settings.
    pub(crate) fn for_host(_host: &Host, _config: &Config) -> Self {
        Self::default()
    }

    /// Keeps what a `-j CT` rule attaches; the number goes to [`crate::Skb::template`].
    pub(crate) fn add_ct_rule(&mut self, _ct: &Ct) -> u32 {
        0
    }

    /// Lets connections count packets and bytes from now on, as loading connbytes does.
    pub(crate) const fn enable_accounting(&mut self) {}

    /// Finds or makes the packet's connection and advances it (`nf_conntrack_in`, PREROUTING and OUTPUT at -200).
    /// Does nothing if the packet already has a connection or is untracked. Consumes `skb.template`.
    pub(crate) fn track(&mut self, _skb: &mut Skb<'_>, _hook: Hook, _now: Jiffies) -> Tracked {
        Tracked::Accept {
            why: Some("not tracked"),
        }
    }

    /// Runs the connection's helper and puts a new connection into the table (INPUT and POSTROUTING, last).
    pub(crate) fn confirm(&mut self, _skb: &mut Skb<'_>, _now: Jiffies) -> Confirm {
        Confirm::Already
    }

    /// A packet is gone: its connection goes too if it never got into the table, or left it.
    pub(crate) fn release(&mut self, _connection: Connection) {}

    /// A number that no other connection ever has, once the packet's connection is confirmed.
    pub(crate) fn serial(&self, _connection: Connection) -> Option<u64> {
        None
    }

    /// What trace shows of a packet's connection.
    pub(crate) fn describe(&self, connection: Connection, why: Option<&'static str>) -> Tracking {
        Tracking {
            state: connection.state(),
            original: None,
            reply: None,
            protocol_state: None,
            why,
        }
    }

    /// The connection's mark; `None` without a connection.
    pub(crate) fn mark(&self, _connection: Connection) -> Option<u32> {
        None
    }

    /// Sets the connection's mark.
    pub(crate) fn set_mark(&mut self, _connection: Connection, _mark: u32) {}

    /// What a REJECT with a RST does to a TCP connection (`nf_conntrack_tcp_set_closing`).
    pub(crate) fn set_closing(&mut self, _id: CtId, _now: Jiffies) {}

    /// Frees entries whose time is over. Look-ups never see them; this keeps the table small.
    pub(crate) fn sweep(&mut self, _now: Jiffies) {}
}

impl Rewind for Conntrack {
    fn checkpoint(&mut self) {}
    fn rollback(&mut self) {}
    fn commit(&mut self) {}
}
