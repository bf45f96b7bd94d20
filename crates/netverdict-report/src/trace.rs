//! One packet's way, kept step by step and printed for a person, as JSON, or as the kernel's own TRACE lines.

mod json;
mod kernel;
mod layers;
mod text;

pub use json::{SCHEMA, schema, write as write_json};
pub use kernel::write as write_kernel;
pub use text::Text;

use netverdict_capture::{Frame, Tag};
use netverdict_engine::{
    Answer, CtState, DecidedBy, Event, Observer, RuleRef, Skb, Tracking, Transport, Verdict,
};
use netverdict_net::{Device, Packet};
use netverdict_replay::{Record, Setup};
use netverdict_ruleset::{Hook, TableKind};

/// One step of a packet's way.
#[derive(Debug, Clone)]
pub(crate) enum Step {
    Hook {
        hook: Hook,
        in_device: Device,
        out_device: Device,
    },
    Defrag {
        completed: Option<u32>,
    },
    Conntrack(Tracked),
    Table {
        table: TableKind,
        hook: Hook,
    },
    Skipped {
        table: TableKind,
        why: &'static str,
    },
    /// The rule's own tests; only one that fails is worth a word.
    Basics {
        rule: RuleRef,
        answer: Answer,
        failed: &'static str,
    },
    Match {
        rule: RuleRef,
        index: u32,
        answer: Answer,
        why: String,
    },
    Matched {
        rule: RuleRef,
        seen: Seen,
    },
    Enter {
        goto: bool,
    },
    Return {
        chain: u32,
        rule: Option<RuleRef>,
        seen: Option<Seen>,
    },
    Policy {
        rule: RuleRef,
        seen: Seen,
    },
    Changed {
        what: &'static str,
        before: String,
        after: String,
    },
    Note {
        what: &'static str,
        text: String,
    },
    Emitted {
        why: String,
    },
    Route {
        text: String,
        out_device: Device,
    },
    Confirmed(Tracked),
    End {
        verdict: Verdict,
        decided_by: DecidedBy,
    },
}

/// What connection tracking said.
#[derive(Debug, Clone)]
pub(crate) struct Tracked {
    pub(crate) state: CtState,
    pub(crate) original: Option<Transport>,
    pub(crate) reply: Option<Transport>,
    pub(crate) protocol_state: Option<&'static str>,
    pub(crate) why: Option<&'static str>,
}

/// The packet as a rule saw it.
#[derive(Debug, Clone)]
pub(crate) struct Seen {
    pub(crate) packet: Packet<'static>,
    pub(crate) in_device: Device,
    pub(crate) out_device: Device,
    pub(crate) mark: u32,
}

impl Seen {
    fn of(skb: &Skb<'_>) -> Self {
        Self {
            packet: skb.packet.clone().into_owned(),
            in_device: skb.in_device,
            out_device: skb.out_device,
            mark: skb.mark,
        }
    }
}

impl From<&Tracking> for Tracked {
    fn from(tracking: &Tracking) -> Self {
        Self {
            state: tracking.state,
            original: tracking.original,
            reply: tracking.reply,
            protocol_state: tracking.protocol_state,
            why: tracking.why,
        }
    }
}

/// Keeps every step of a packet.
#[derive(Debug, Clone, Default)]
pub struct Recorder {
    steps: Vec<Step>,
    /// The packet at the latest step that showed it.
    seen: Option<Seen>,
}

impl Observer for Recorder {
    fn event(&mut self, event: &Event<'_>) {
        let step = match event {
            Event::Hook {
                hook,
                in_device,
                out_device,
                skb,
            } => {
                self.seen = Some(Seen::of(skb));
                Step::Hook {
                    hook: *hook,
                    in_device: *in_device,
                    out_device: *out_device,
                }
            }
            Event::Defrag { completed } => Step::Defrag {
                completed: completed.map(|p| p.len() as u32),
            },
            Event::Conntrack(tracking) => Step::Conntrack((*tracking).into()),
            Event::Table { table, hook, .. } => Step::Table {
                table: *table,
                hook: *hook,
            },
            Event::TableSkipped { table, why, .. } => Step::Skipped { table: *table, why },
            Event::Basics {
                rule,
                answer,
                failed,
            } => Step::Basics {
                rule: *rule,
                answer: *answer,
                failed,
            },
            Event::Match {
                rule,
                index,
                answer,
                why,
            } => Step::Match {
                rule: *rule,
                index: *index,
                answer: *answer,
                why: (*why).to_owned(),
            },
            Event::RuleMatched { rule, skb } => {
                let seen = Seen::of(skb);
                self.seen = Some(seen.clone());
                Step::Matched { rule: *rule, seen }
            }
            Event::Enter { goto, .. } => Step::Enter { goto: *goto },
            Event::Return { chain, rule } => Step::Return {
                chain: *chain,
                rule: *rule,
                seen: self.seen.clone(),
            },
            Event::Policy { rule, skb } => Step::Policy {
                rule: *rule,
                seen: Seen::of(skb),
            },
            Event::Changed {
                what,
                before,
                after,
            } => Step::Changed {
                what,
                before: before.clone(),
                after: after.clone(),
            },
            Event::Note { what, text } => Step::Note {
                what,
                text: text.clone(),
            },
            Event::Emitted(emission) => Step::Emitted {
                why: emission.why.clone(),
            },
            Event::Route { text, out_device } => Step::Route {
                text: text.clone(),
                out_device: *out_device,
            },
            Event::Confirmed(tracking) => Step::Confirmed((*tracking).into()),
            Event::End {
                verdict,
                decided_by,
            } => Step::End {
                verdict: *verdict,
                decided_by: *decided_by,
            },
        };
        self.steps.push(step);
    }
}

/// One packet with its way, ready to be printed.
#[derive(Debug)]
pub struct Trace<'t> {
    pub setup: &'t Setup,
    /// What it is called: `frame 17 of traffic.pcap`, `--send 'in eth0 …'`.
    pub title: String,
    pub record: &'t Record,
    pub recorder: &'t Recorder,
    /// The packet as it entered; `None` for a frame that holds none.
    pub packet: Option<Packet<'static>>,
    /// VLAN, PPPoE and MPLS headers below it.
    pub tags: Vec<Tag>,
    /// Why it was not replayed, if it was not.
    pub aside: Option<String>,
}

impl<'t> Trace<'t> {
    /// The trace of a captured frame.
    pub fn of_frame(
        setup: &'t Setup,
        title: String,
        frame: &Frame<'_>,
        record: &'t Record,
        recorder: &'t Recorder,
    ) -> Self {
        Self {
            setup,
            title,
            record,
            recorder,
            packet: frame.packet().and_then(Result::ok).map(Packet::into_owned),
            tags: frame.tags.clone(),
            aside: None,
        }
    }

    fn steps(&self) -> &[Step] {
        &self.recorder.steps
    }
}
