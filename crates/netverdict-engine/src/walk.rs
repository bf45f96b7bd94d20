//! One packet on its way: everything that hooks, tables and the IP path share.

use netverdict_host::Host;
use netverdict_net::Device;
use netverdict_ruleset::Hook;

use crate::compile::Program;
use crate::conntrack::{Entry, Pretracked};
use crate::context::{Note, Now};
use crate::observe::Event;
use crate::oracle::Oracle;
use crate::remember::Recorder;
use crate::state::State;
use crate::{
    Config, Connection, CtState, DecidedBy, Emission, Fate, FlowId, Observer, Reason, RuleRef, Skb,
    Transport, UnknownRule, Verdict,
};

/// Where events go, if anywhere.
pub(crate) struct Tape<'e>(Option<&'e mut dyn Observer>);

impl std::fmt::Debug for Tape<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Tape").field(&self.0.is_some()).finish()
    }
}

impl<'e> Tape<'e> {
    /// Keeps the observer if it wants to see anything.
    pub(crate) fn new(observer: &'e mut dyn Observer) -> Self {
        Self(observer.enabled().then_some(observer))
    }

    /// Records nothing.
    pub(crate) const fn silent() -> Self {
        Self(None)
    }

    /// Whether somebody looks.
    pub(crate) const fn is_on(&self) -> bool {
        self.0.is_some()
    }

    /// Shows an event, made only if somebody looks.
    pub(crate) fn show<'x>(&mut self, event: impl FnOnce() -> Event<'x>) {
        if let Some(observer) = &mut self.0 {
            observer.event(&event());
        }
    }
}

/// What a walk collects for its outcome.
#[derive(Debug, Default)]
pub(crate) struct Trail {
    pub(crate) unknowns: Vec<UnknownRule>,
    pub(crate) emitted: Vec<Emission>,
    /// The filter table's decision at the last hook that has one.
    pub(crate) filter: Option<RuleRef>,
    /// The last table's decision.
    pub(crate) last: Option<RuleRef>,
    pub(crate) state: Option<CtState>,
    pub(crate) hook: Option<Hook>,
    /// Length at the last hook.
    pub(crate) len: usize,
}

/// The end of a packet's way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct End {
    pub(crate) verdict: Verdict,
    pub(crate) fate: Fate,
    pub(crate) by: DecidedBy,
}

impl End {
    /// Dropped for a reason of the kernel's own.
    pub(crate) const fn drop(reason: Reason) -> Self {
        Self {
            verdict: Verdict::Drop,
            fate: Fate::Dropped,
            by: DecidedBy {
                rule: None,
                reason: Some(reason),
            },
        }
    }

    /// Held until more fragments come.
    pub(crate) const fn held() -> Self {
        Self {
            verdict: Verdict::Stolen,
            fate: Fate::Held,
            by: DecidedBy {
                rule: None,
                reason: Some(Reason::FragmentHeld),
            },
        }
    }
}

/// A packet under way. The methods of the hooks and of the path go on where the one before left off; `Err` is the end.
#[derive(Debug)]
pub(crate) struct Walk<'e, 'p> {
    pub(crate) program: &'e Program,
    pub(crate) host: &'e Host,
    pub(crate) config: &'e Config,
    pub(crate) state: &'e mut State,
    pub(crate) oracle: Oracle,
    pub(crate) tape: Tape<'e>,
    pub(crate) now: Now,
    pub(crate) skb: Skb<'p>,
    pub(crate) trail: Trail,
    /// What tracking said before, where a remembered path was tried.
    pub(crate) tracked: Option<Pretracked>,
    pub(crate) recorder: Recorder,
}

impl Walk<'_, '_> {
    /// Notes something undecided and gives its place in the list.
    pub(crate) fn unknown(
        &mut self,
        rule: Option<RuleRef>,
        match_index: Option<u32>,
        why: impl Into<String>,
    ) -> usize {
        self.recorder.give_up();
        self.trail.unknowns.push(UnknownRule {
            rule,
            match_index,
            why: why.into(),
            decides: false,
        });
        self.trail.unknowns.len() - 1
    }

    /// Shows what a target or NAT did and keeps what it sent.
    pub(crate) fn take_notes(&mut self, rule: RuleRef, notes: Vec<Note>) {
        for note in notes {
            match note {
                Note::Lacks(why) => {
                    self.unknown(Some(rule), None, why);
                }
                Note::Changed {
                    what,
                    before,
                    after,
                } => {
                    self.tape.show(|| Event::Changed {
                        what,
                        before,
                        after,
                    });
                }
                Note::Did { what, text } => self.tape.show(|| Event::Note { what, text }),
                Note::Emitted(emission) => self.emit(emission),
            }
        }
    }

    /// Counts the packet at a rule or policy.
    pub(crate) fn count(&mut self, place: usize) {
        self.state.counters.add(place, self.skb.packet.len());
        self.recorder.count(place);
    }

    /// The end of an accepted packet.
    pub(crate) fn accepted(&self, fate: Fate) -> End {
        let rule = self.trail.filter.or(self.trail.last);
        End {
            verdict: Verdict::Accept,
            fate,
            by: DecidedBy {
                rule,
                reason: rule.is_none().then_some(Reason::NoTable),
            },
        }
    }

    /// The number of the packet's flow: its connection's, else that of its ends as it came.
    pub(crate) fn flow(&mut self, before: Transport, fate: Fate) -> Option<FlowId> {
        if fate == Fate::Held || !self.config.number_flows {
            return None;
        }
        let connection = self.skb.connection;
        let entry = self.state.conntrack.of(connection).map(|(entry, _)| entry);
        let ends = entry.map_or(before, |entry| entry.original().transport());
        let serial = entry
            .filter(|entry| entry.is_confirmed())
            .map(Entry::serial);
        let known = entry.and_then(|entry| entry.memo.flow());
        let flow = self.state.flows.number(ends, serial, known);
        let epoch = self.state.flows.epoch();
        if let Connection::Tracked { id, .. } = connection
            && serial.is_some()
            && known != Some(flow)
            && let Some(entry) = self.state.conntrack.entry_mut(id)
        {
            entry.memo.number(flow, epoch);
        }
        Some(flow)
    }

    /// Sets the devices that rules of the coming hook see.
    pub(crate) const fn devices(&mut self, in_device: Device, out_device: Device) {
        self.skb.in_device = in_device;
        self.skb.out_device = out_device;
    }
}
