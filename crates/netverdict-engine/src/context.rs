//! What a match or a target is given: the packet, where it is, what time it is, and the state it may touch.

use std::borrow::Cow;

use netverdict_host::Host;
use netverdict_net::{Family, Jiffies, Protocol, Timestamp};
use netverdict_ruleset::{Hook, PortTests};

use crate::state::State;
use crate::{About, Config, Reason, Skb};

/// The time of the packet under way.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Now {
    /// The packet's own time.
    pub(crate) time: Timestamp,
    /// Kernel ticks since the model's boot.
    pub(crate) jiffies: Jiffies,
}

/// `struct xt_action_param`: where in the packet and in netfilter a rule is evaluated.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Param {
    pub(crate) family: Family,
    pub(crate) hook: Hook,
    /// Who makes the tests of `tcp` and `udp`.
    pub(crate) ports: PortTests,
    /// The fragment offset as the kernel hands it to matches: in 8-byte units for IPv4; in bytes for IPv6, where it
    /// stays that of the table's last rule with `-p`.
    pub(crate) fragment_offset: u16,
    /// Offset of the transport header from the IP header. IPv6: 0 for rules without `-p` and for non-first fragments.
    pub(crate) transport_offset: usize,
    /// IPv4's protocol field; IPv6: where `-p` made the kernel look for it.
    pub(crate) protocol: Option<Protocol>,
}

/// What a match's evaluation is given.
#[derive(Debug)]
pub(crate) struct MatchCx<'c, 'p> {
    pub(crate) skb: &'c mut Skb<'p>,
    pub(crate) param: Param,
    pub(crate) now: Now,
    pub(crate) host: &'c Host,
    pub(crate) config: &'c Config,
    pub(crate) state: &'c mut State,
    /// The slot of this match's own state in [`State`], given at compile time to matches that keep one.
    pub(crate) slot: usize,
}

impl<'c> MatchCx<'c, '_> {
    /// What the user states about this packet that `pick` has a use for.
    pub(crate) fn fact<T>(&self, pick: impl Fn(&'c About) -> Option<T>) -> Option<T> {
        self.config.facts.of(self.skb, pick)
    }
}

/// What a match says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Eval {
    True,
    False,
    /// The packet is dropped by its table; the flag is what the match answered (an inverted one may still say true).
    Hotdrop(bool),
    /// Not decided by the inputs, and why.
    Unknown(Cow<'static, str>),
}

impl Eval {
    /// A plain answer under an inversion flag.
    pub(crate) const fn of(answer: bool, inverted: bool) -> Self {
        if answer == inverted {
            Self::False
        } else {
            Self::True
        }
    }
}

/// What a target's work is given.
#[derive(Debug)]
pub(crate) struct TargetCx<'c, 'p> {
    pub(crate) skb: &'c mut Skb<'p>,
    pub(crate) param: Param,
    pub(crate) now: Now,
    pub(crate) host: &'c Host,
    pub(crate) config: &'c Config,
    pub(crate) state: &'c mut State,
    /// The number that [`crate::targets::prepare`] gave.
    pub(crate) slot: usize,
    /// The answer to what the target asked before ([`Action::Ask`]).
    pub(crate) answer: Option<u8>,
    /// Whether anybody looks at changes.
    pub(crate) watched: bool,
    /// What the target did, for trace and for emitted packets.
    pub(crate) notes: &'c mut Vec<Note>,
}

impl<'c> TargetCx<'c, '_> {
    /// What the user states about this packet that `pick` has a use for.
    pub(crate) fn fact<T>(&self, pick: impl Fn(&'c About) -> Option<T>) -> Option<T> {
        self.config.facts.of(self.skb, pick)
    }

    /// Notes a change, in words made only if somebody looks.
    pub(crate) fn changed<T: PartialEq>(
        &mut self,
        what: &'static str,
        before: T,
        after: T,
        show: impl Fn(&T) -> String,
    ) {
        if self.watched && before != after {
            let (before, after) = (show(&before), show(&after));
            self.notes.push(Note::Changed {
                what,
                before,
                after,
            });
        }
    }

    /// Notes something done beside the packet.
    pub(crate) fn did(&mut self, what: &'static str, text: impl FnOnce() -> String) {
        if self.watched {
            self.notes.push(Note::Did { what, text: text() });
        }
    }
}

/// Something a target did that is worth showing.
#[derive(Debug)]
pub(crate) enum Note {
    /// It changed a part of the packet or its metadata.
    Changed {
        what: &'static str,
        before: String,
        after: String,
    },
    /// It did something beside the packet.
    Did { what: &'static str, text: String },
    /// It made a packet.
    Emitted(crate::Emission),
    /// The inputs lack something that the verdict does not depend on: an address, a route's MTU.
    Lacks(&'static str),
}

/// What a target says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Action {
    /// Go on with the next rule (`XT_CONTINUE`).
    Continue,
    /// The table accepts.
    Accept,
    /// The table drops; `None` where the rule itself says so, else the kernel's reason.
    Drop(Option<Reason>),
    /// The table drops and answers the sender.
    Reject,
    /// The table hands the packet to a queue.
    Queue { bypass: bool },
    /// The target took the packet.
    Stolen(Reason),
    /// Not modelled: it may go on, accept or drop.
    Unknown(Cow<'static, str>),
    /// The inputs do not tell something with so many answers: ask again with one of them. 0 is what counts unless
    /// unknowns count as matches; then 1 does.
    Ask { ways: u8, why: &'static str },
}
