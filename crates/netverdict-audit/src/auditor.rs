//! Takes the records of a replay and keeps what contradicts them.
//!
//! Only what admits of one reading is kept. A packet is looked at when it begins something (a SYN, an echo request, a
//! datagram), since a capture that begins in the middle of a connection shows packets that these rules never judged as the
//! model must; and an answer counts only where the capture's vantage allows it to be this host's doing.

use std::collections::VecDeque;
use std::io;
use std::net::IpAddr;

use foldhash::quality::FixedState;
use hashbrown::{HashMap, HashSet};
use netverdict_capture::{Direction, Frame};
use netverdict_engine::{FlowId, RuleRef, Transport};
use netverdict_net::{Device, Protocol, Timestamp};
use netverdict_replay::{Cause, Contradiction, Fate, FrameRef, Record, Sink, Verdict};
use netverdict_ruleset::Hook;

use crate::look::{Act, Ends, Look, Refusal, look};

/// How long an answer may take.
const PATIENCE: i64 = 10 * Timestamp::SECOND;
/// How long a forwarded packet may take to appear on the other side.
const TRANSIT: i64 = 2 * Timestamp::SECOND;
/// How many open questions are kept.
const OPEN: usize = 1 << 16;
/// How many flows of forwarded packets are kept.
const FLOWS: usize = 1 << 18;

/// A packet of a finding.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Seen {
    pub(crate) frame: FrameRef,
    pub(crate) time: Timestamp,
    pub(crate) transport: Option<Transport>,
    pub(crate) verdict: Verdict,
    pub(crate) rule: Option<RuleRef>,
}

impl Seen {
    fn of(record: &Record) -> Self {
        Self {
            frame: record.frame,
            time: record.time,
            transport: record.transport,
            verdict: record.verdict,
            rule: record.rule,
        }
    }
}

/// How an answer was given.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Answer {
    SynAck,
    Reset,
    Pong,
    Datagram,
    /// An ICMP error that only a filter sends.
    Prohibited,
    /// An ICMP error that a closed port gives, about a connection that would be reset.
    PortOfTcp,
    /// The same, about a datagram.
    Port,
}

/// One packet that fared otherwise than the rules say.
#[derive(Debug, Clone)]
pub(crate) enum Clash {
    /// Stopped, but answered.
    Answered {
        question: Seen,
        answer: Seen,
        how: Answer,
    },
    /// Accepted, but refused by this host.
    Refused {
        question: Seen,
        answer: Seen,
        how: Answer,
    },
    /// Stopped, but it left.
    Left { came: Seen, left: Seen },
    /// Left with another header.
    Otherwise {
        left: Seen,
        of: FrameRef,
        what: String,
    },
    /// Left by another interface.
    Elsewhere {
        left: Seen,
        of: FrameRef,
        what: String,
    },
    /// Forwarded, but never seen leaving.
    Lost {
        first: Seen,
        packets: u64,
        out: Device,
    },
}

/// A packet that may be answered.
#[derive(Debug, Clone)]
struct Question {
    seen: Seen,
    act: Act,
    interface: Device,
    hook: Option<Hook>,
    is_stopped: bool,
}

/// Forwarded packets of one direction of a flow, by one interface.
#[derive(Debug, Clone)]
struct Crossing {
    first: Seen,
    last: Timestamp,
    packets: u64,
    is_seen: bool,
}

/// When packets were seen leaving by an interface.
#[derive(Debug, Clone, Copy)]
struct Vantage {
    first: Timestamp,
    last: Timestamp,
}

/// Looks for contradictions.
#[derive(Debug, Default)]
pub struct Auditor {
    open: HashMap<Ends, Question, FixedState>,
    order: VecDeque<(Timestamp, Ends)>,
    /// Ends that have sent something, towards others.
    spoken: HashSet<Ends, FixedState>,
    crossings: HashMap<(FlowId, Transport, Device), Crossing, FixedState>,
    /// Frames that crossed: their crossing, until they were seen leaving.
    crossed: HashMap<FrameRef, (FlowId, Transport, Device), FixedState>,
    vantages: HashMap<Device, Vantage, FixedState>,
    /// Packets that were stopped as they came in, for as long as they may yet be seen leaving.
    stopped: HashMap<FrameRef, Seen, FixedState>,
    stopped_order: VecDeque<(Timestamp, FrameRef)>,
    /// Ports of which something answered as who listens there does.
    listening: HashSet<(Protocol, IpAddr, u16), FixedState>,
    pub(crate) clashes: Vec<Clash>,
}

impl Sink for Auditor {
    type Item = Option<Look>;

    fn render(&self, record: &Record, frame: &Frame<'_>) -> Self::Item {
        look(frame, record.transport.as_ref()?)
    }

    fn take(&mut self, record: &Record, look: Self::Item) -> io::Result<()> {
        self.expire(record.time);
        if record.evidence.is_some() {
            self.evidence(record);
            return Ok(());
        }
        if record.verdict == Verdict::Skipped {
            return Ok(());
        }
        if let Some(look) = look {
            self.answer(record, &look);
            self.ask(record, &look);
            // A host that says nothing at first may only be answering what was said before the capture.
            if self.spoken.len() < OPEN * 4 {
                self.spoken.insert(look.ends);
            }
        }
        self.left_though_stopped(record, look.as_ref());
        self.stop(record);
        self.cross(record);
        Ok(())
    }
}

impl Auditor {
    fn expire(&mut self, now: Timestamp) {
        while let Some((time, ends)) = self.order.front()
            && (now - *time > PATIENCE || self.order.len() > OPEN)
        {
            let (time, ends) = (*time, *ends);
            self.order.pop_front();
            if self.open.get(&ends).is_some_and(|q| q.seen.time == time) {
                self.open.remove(&ends);
            }
        }
        while let Some((time, frame)) = self.stopped_order.front()
            && (now - *time > PATIENCE || self.stopped_order.len() > OPEN)
        {
            self.stopped.remove(frame);
            self.stopped_order.pop_front();
        }
    }

    /// Remembers a packet that came in and was stopped, should it be seen leaving.
    fn stop(&mut self, record: &Record) {
        if record.direction == Direction::In && is_stopped(record) {
            self.stopped.insert(record.frame, Seen::of(record));
            self.stopped_order.push_back((record.time, record.frame));
        }
    }

    /// Remembers a packet that begins something and whose fate is certain.
    fn ask(&mut self, record: &Record, look: &Look) {
        let begins = match look.act {
            Act::Syn(_) | Act::Ping => true,
            // A datagram to a higher port than its own is an answer as often as not.
            Act::Datagram => {
                look.ends.destination_port < look.ends.source_port
                    && !self.spoken.contains(&look.ends.turned())
            }
            _ => false,
        };
        let is_stopped = is_stopped(record);
        let is_accepted = record.verdict == Verdict::Accept && record.fate == Fate::Local;
        if !begins || record.direction != Direction::In || !(is_stopped || is_accepted) {
            return;
        }
        let question = Question {
            seen: Seen::of(record),
            act: look.act,
            interface: record.interface,
            hook: record.hook,
            is_stopped,
        };
        self.order.push_back((record.time, look.ends));
        self.open.insert(look.ends, question);
    }

    /// Holds a packet against the question that it answers.
    fn answer(&mut self, record: &Record, look: &Look) {
        let asked = match look.act {
            Act::Error(_) => look.ends,
            _ => look.ends.turned(),
        };
        let Some(question) = self.open.get(&asked) else {
            return;
        };
        let Some(how) = how(question, look) else {
            return;
        };
        if !could_be_ours(question, record) {
            return;
        }
        let Some(question) = self.open.remove(&asked) else {
            return;
        };
        if matches!(how, Answer::SynAck | Answer::Datagram) {
            let Ends {
                protocol,
                destination,
                destination_port,
                ..
            } = asked;
            self.listening
                .insert((protocol, destination, destination_port));
        }
        let refuses = !matches!(how, Answer::SynAck | Answer::Pong | Answer::Datagram);
        let (question, answer) = if question.is_stopped {
            (question, Seen::of(record))
        } else if refuses && record.direction == Direction::Out {
            self.clashes.push(Clash::Refused {
                question: question.seen,
                answer: Seen::of(record),
                how,
            });
            return;
        } else {
            return;
        };
        self.clashes.push(Clash::Answered {
            question: question.seen,
            answer,
            how,
        });
    }

    fn evidence(&mut self, record: &Record) {
        let Some(evidence) = &record.evidence else {
            return;
        };
        if evidence.contradiction.is_some() && is_for_many(record) {
            // Copies of what is sent to many go by more ways than one, the sender's own among them.
            return;
        }
        let left = Seen::of(record);
        let of = evidence.of;
        match &evidence.contradiction {
            None => {
                self.vantage(record);
                if let Some(crossing) = self.crossed.remove(&of)
                    && let Some(crossing) = self.crossings.get_mut(&crossing)
                {
                    crossing.is_seen = true;
                }
            }
            Some(Contradiction::Left { .. }) if is_stopped(record) => {
                let unknown = Seen {
                    frame: of,
                    transport: None,
                    ..left
                };
                let came = self.stopped.get(&of).copied().unwrap_or(unknown);
                self.clashes.push(Clash::Left { came, left });
            }
            Some(Contradiction::Left { .. }) => {}
            Some(Contradiction::Header { predicted, seen }) => {
                self.crossed.remove(&of);
                // The kernel draws source ports where it must change them; which, nobody can tell.
                let same = Transport {
                    source_port: seen.source_port,
                    ..*predicted
                };
                if same != *seen {
                    self.clashes.push(Clash::Otherwise {
                        left,
                        of,
                        what: words(evidence),
                    });
                }
            }
            Some(Contradiction::Interface { .. }) => {
                self.crossed.remove(&of);
                self.clashes.push(Clash::Elsewhere {
                    left,
                    of,
                    what: words(evidence),
                });
            }
        }
    }

    fn vantage(&mut self, record: &Record) {
        let time = record.time;
        let vantage = self.vantages.entry(record.interface);
        let vantage = vantage.or_insert(Vantage {
            first: time,
            last: time,
        });
        vantage.last = vantage.last.max(time);
    }

    /// What this host sends was captured behind OUTPUT and POSTROUTING: it was not stopped there.
    fn left_though_stopped(&mut self, record: &Record, look: Option<&Look>) {
        let begins = matches!(look.map(|l| l.act), Some(Act::Syn(_) | Act::Ping));
        let by_output = matches!(record.hook, Some(Hook::Output | Hook::Postrouting));
        let own = record.in_device == Device::Absent && record.direction == Direction::Out;
        if begins && by_output && own && is_stopped(record) {
            let seen = Seen::of(record);
            self.clashes.push(Clash::Left {
                came: seen,
                left: seen,
            });
        }
    }

    fn cross(&mut self, record: &Record) {
        let forwarded = record.direction == Direction::In
            && record.fate == Fate::Forwarded
            && record.verdict == Verdict::Accept;
        let (Some(flow), Some(transport)) = (record.flow, record.transport) else {
            return;
        };
        if !forwarded || record.out_device.name().is_none() || self.crossings.len() > FLOWS {
            return;
        }
        let key = (flow, transport, record.out_device);
        let crossing = self.crossings.entry(key).or_insert(Crossing {
            first: Seen::of(record),
            last: record.time,
            packets: 0,
            is_seen: false,
        });
        crossing.packets += 1;
        crossing.last = crossing.last.max(record.time);
        if !crossing.is_seen {
            self.crossed.insert(record.frame, key);
        }
    }

    /// Ends the search: flows that were to be forwarded, and of which nothing ever left where others did.
    pub(crate) fn settle(&mut self) {
        // A closed port refuses as a rule would: only where something listens, it was a rule.
        let listening = &self.listening;
        self.clashes.retain(|clash| match clash {
            Clash::Refused {
                question,
                how: Answer::Reset | Answer::Port,
                ..
            } => {
                let to = |t: Transport| (t.protocol, t.destination, t.destination_port);
                question
                    .transport
                    .is_some_and(|t| listening.contains(&to(t)))
            }
            _ => true,
        });
        let mut lost = Vec::new();
        for ((_, _, out), crossing) in &self.crossings {
            let Some(vantage) = self.vantages.get(out) else {
                continue;
            };
            let watched =
                vantage.first <= crossing.first.time && crossing.last + TRANSIT <= vantage.last;
            if watched && !crossing.is_seen && crossing.packets > 1 {
                lost.push(Clash::Lost {
                    first: crossing.first,
                    packets: crossing.packets,
                    out: *out,
                });
            }
        }
        lost.sort_by_key(|clash| match clash {
            Clash::Lost { first, .. } => first.frame,
            _ => FrameRef { file: 0, number: 0 },
        });
        self.clashes.extend(lost);
        self.crossings.clear();
    }
}

/// Whether the packet is for a group of hosts.
fn is_for_many(record: &Record) -> bool {
    record.transport.is_some_and(|t| match t.destination {
        IpAddr::V4(to) => to.is_broadcast() || to.is_multicast(),
        IpAddr::V6(to) => to.is_multicast(),
    })
}

/// Whether a rule or policy stopped the packet, for certain.
fn is_stopped(record: &Record) -> bool {
    let by_rule = record.rule.is_some()
        && !matches!(record.cause, Some(Cause::Packet(_) | Cause::Skipped(_)));
    matches!(record.verdict, Verdict::Drop | Verdict::Reject)
        && by_rule
        && record.unknowns.iter().all(|u| !u.decides)
}

fn words(evidence: &netverdict_replay::Evidence) -> String {
    evidence
        .contradiction
        .as_ref()
        .map_or_else(String::new, ToString::to_string)
}

/// How a packet answers a question, if it does.
fn how(question: &Question, look: &Look) -> Option<Answer> {
    let next = |seq: u32| seq.wrapping_add(1);
    match (question.act, look.act) {
        (Act::Syn(seq), Act::SynAck(ack)) if ack == next(seq) => Some(Answer::SynAck),
        (Act::Syn(seq), Act::Reset(ack)) if ack == next(seq) => Some(Answer::Reset),
        (Act::Ping, Act::Pong) => Some(Answer::Pong),
        (Act::Datagram, Act::Datagram) => Some(Answer::Datagram),
        (_, Act::Error(Refusal::Prohibited)) => Some(Answer::Prohibited),
        (Act::Syn(_), Act::Error(Refusal::Port)) => Some(Answer::PortOfTcp),
        (_, Act::Error(Refusal::Port)) => Some(Answer::Port),
        _ => None,
    }
}

/// Whether the answer's way says that this host had a part in it: it went out where the question came in, or, for what
/// would have been forwarded, came in somewhere else.
fn could_be_ours(question: &Question, record: &Record) -> bool {
    let same = question.interface == record.interface;
    match record.direction {
        Direction::Out => {
            same && question.interface.name().is_some() || question.hook == Some(Hook::Input)
        }
        Direction::In => !same && question.hook == Some(Hook::Forward),
    }
}
