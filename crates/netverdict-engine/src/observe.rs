//! Seeing every step of a packet: what trace prints, without a cost where nobody looks.

use netverdict_net::{Device, Packet};
use netverdict_ruleset::{Hook, TableKind};

use crate::{CtState, DecidedBy, Emission, RuleRef, Skb, Transport, Verdict};

/// What a match said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    True,
    False,
    /// The header could not be read: the table drops the packet whatever its rules say.
    Hotdrop,
    /// The inputs do not decide it.
    Unknown,
}

/// What connection tracking did with a packet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tracking {
    pub state: CtState,
    /// The connection's original and reply tuples, `None` for INVALID and UNTRACKED.
    pub original: Option<Transport>,
    pub reply: Option<Transport>,
    /// The protocol's own state (`SYN_SENT`), where it has one.
    pub protocol_state: Option<&'static str>,
    /// Why it is INVALID, where it is.
    pub why: Option<&'static str>,
}

/// One step of a packet's way, in order.
#[derive(Debug)]
pub enum Event<'e> {
    /// The packet reaches a hook.
    Hook {
        hook: Hook,
        in_device: Device,
        out_device: Device,
        skb: &'e Skb<'e>,
    },
    /// Defragmentation held it or completed a datagram.
    Defrag { completed: Option<&'e Packet<'e>> },
    /// Connection tracking looked at it.
    Conntrack(&'e Tracking),
    /// A table is consulted, from its base chain.
    Table {
        table: TableKind,
        hook: Hook,
        chain: u32,
    },
    /// A table that the hook has was not consulted, and why (`nat: connection already mapped`).
    TableSkipped {
        table: TableKind,
        hook: Hook,
        why: &'static str,
    },
    /// A rule's basic tests (addresses, devices, protocol, fragment) were made. On anything but True the rule is left.
    Basics {
        rule: RuleRef,
        answer: Answer,
        failed: &'static str,
    },
    /// One match of a rule was evaluated.
    Match {
        rule: RuleRef,
        index: u32,
        answer: Answer,
        why: &'e str,
    },
    /// All of a rule matched: its counters count this packet.
    RuleMatched { rule: RuleRef, skb: &'e Skb<'e> },
    /// A chain is entered by jump or goto.
    Enter { chain: u32, goto: bool },
    /// A chain is left by RETURN (`rule` says which) or at its end.
    Return { chain: u32, rule: Option<RuleRef> },
    /// A policy decides.
    Policy { rule: RuleRef, skb: &'e Skb<'e> },
    /// A target, NAT or the IP path changed something.
    Changed {
        what: &'static str,
        before: String,
        after: String,
    },
    /// A target did something that leaves the packet as it is (LOG's prefix, the queue's number…).
    Note { what: &'static str, text: String },
    /// A packet was made: an answer, a copy.
    Emitted(&'e Emission),
    /// The routing decision.
    Route { text: String, out_device: Device },
    /// A connection was confirmed: from now on look-ups find it.
    Confirmed(&'e Tracking),
    /// The packet ends here.
    End {
        verdict: Verdict,
        decided_by: DecidedBy,
    },
}

/// Sees a packet's steps.
pub trait Observer {
    /// Whether to make events at all.
    fn enabled(&self) -> bool {
        true
    }

    /// Takes one step.
    fn event(&mut self, event: &Event<'_>);
}

/// Sees nothing.
#[derive(Debug, Clone, Copy, Default)]
pub struct NullObserver;

impl Observer for NullObserver {
    fn enabled(&self) -> bool {
        false
    }

    fn event(&mut self, _: &Event<'_>) {}
}
