//! Adds records up. What it keeps is bounded: sums, and the first so many of what could be as many as packets.

use std::collections::BTreeMap;
use std::io;

use netverdict_capture::Direction;
use netverdict_engine::{FlowId, RuleRef, Transport};
use netverdict_net::{Device, Timestamp};
use netverdict_replay::{
    Cause, Contradiction, Entry, Fate, FrameRef, Listing, Record, Told, Verdict, Way,
};

/// How many blocked flows are listed.
const FLOWS: usize = 50_000;
/// How many contradictions are listed.
const CONTRADICTIONS: usize = 100;

/// Packets and bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Sum {
    pub(crate) packets: u64,
    pub(crate) bytes: u64,
}

impl Sum {
    pub(crate) fn add(&mut self, len: u32) {
        self.packets += 1;
        self.bytes += u64::from(len);
    }

    fn add_all(&mut self, more: Self) {
        self.packets += more.packets;
        self.bytes += more.bytes;
    }
}

/// A frame and its time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Moment {
    pub(crate) frame: FrameRef,
    pub(crate) time: Timestamp,
}

impl Moment {
    const fn of(record: &Record) -> Self {
        Self {
            frame: record.frame,
            time: record.time,
        }
    }
}

/// What packets of one flow were stopped by, and how many.
#[derive(Debug, Clone)]
pub(crate) struct BlockedFlow {
    pub(crate) flow: Option<FlowId>,
    pub(crate) verdict: Verdict,
    pub(crate) transport: Option<Transport>,
    pub(crate) interface: Device,
    pub(crate) direction: Direction,
    pub(crate) rule: Option<RuleRef>,
    pub(crate) reason: Option<String>,
    pub(crate) sum: Sum,
    pub(crate) first: Moment,
}

/// What one flow's blocked packets have in common.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct FlowKey {
    flow: Option<FlowId>,
    verdict: Verdict,
    rule: Option<RuleRef>,
    reason: Option<String>,
}

/// An undecidable match: its rule, its index there, what is missing.
pub(crate) type UnknownKey = (Option<RuleRef>, Option<u32>, String);

/// How often an undecidable match was met.
#[derive(Debug, Clone, Copy)]
pub(crate) struct UnknownSum {
    pub(crate) packets: u64,
    pub(crate) decides: u64,
    pub(crate) first: Moment,
}

/// The sums over a replay.
#[derive(Debug, Clone, Default)]
pub struct Tally {
    pub(crate) frames: u64,
    pub(crate) totals: BTreeMap<(Verdict, Fate), Sum>,
    pub(crate) decided: BTreeMap<RuleRef, Sum>,
    pub(crate) undecided: BTreeMap<RuleRef, u64>,
    pub(crate) reasons: BTreeMap<(String, Verdict, Fate), Sum>,
    pub(crate) blocked: Vec<BlockedFlow>,
    blocked_index: BTreeMap<FlowKey, usize>,
    /// Blocked packets of no listed flow.
    pub(crate) blocked_omitted: u64,
    pub(crate) unknowns: BTreeMap<UnknownKey, UnknownSum>,
    pub(crate) agreed: u64,
    pub(crate) contradicted: u64,
    pub(crate) contradictions: Vec<(Moment, FrameRef, Contradiction)>,
    pub(crate) emitted: BTreeMap<String, u64>,
}

impl Tally {
    /// Adds a record.
    pub fn add(&mut self, record: &Record) {
        let mut sum = Sum::default();
        sum.add(record.len);
        self.add_total((record.verdict, record.fate), sum);
        if let Some(evidence) = &record.evidence {
            // What was decided was decided for the earlier frame.
            self.add_evidence(record, evidence);
            return;
        }
        self.add_decided(
            (record.verdict, record.fate),
            record.rule,
            record.cause,
            sum,
        );
        for what in &record.emitted {
            *self.emitted.entry(what.clone()).or_default() += 1;
        }
        self.add_unknowns(record);
        if is_blocked(record.verdict) {
            self.add_blocked(record);
        }
    }

    /// Adds packets that took one way, and were let through.
    fn add_way(&mut self, way: &Way, sum: Sum) {
        let end = (way.verdict, way.fate);
        self.add_total(end, sum);
        self.add_decided(end, way.rule, way.cause, sum);
    }

    fn add_total(&mut self, end: (Verdict, Fate), sum: Sum) {
        self.frames += sum.packets;
        self.totals.entry(end).or_default().add_all(sum);
    }

    fn add_decided(
        &mut self,
        (verdict, fate): (Verdict, Fate),
        rule: Option<RuleRef>,
        cause: Option<Cause>,
        sum: Sum,
    ) {
        if let Some(rule) = rule {
            self.decided.entry(rule).or_default().add_all(sum);
        }
        if let Some(cause) = cause {
            let key = (cause.to_string(), verdict, fate);
            self.reasons.entry(key).or_default().add_all(sum);
        }
    }

    /// Leaves the list of blocked flows out.
    pub fn forget_blocked(&mut self) {
        self.blocked.clear();
        self.blocked_index.clear();
        self.blocked_omitted = 0;
    }

    fn add_evidence(&mut self, record: &Record, evidence: &netverdict_replay::Evidence) {
        match &evidence.contradiction {
            None => self.agreed += 1,
            Some(contradiction) => {
                self.contradicted += 1;
                if self.contradictions.len() < CONTRADICTIONS {
                    self.contradictions.push((
                        Moment::of(record),
                        evidence.of,
                        contradiction.clone(),
                    ));
                }
            }
        }
    }

    fn add_unknowns(&mut self, record: &Record) {
        for unknown in &record.unknowns {
            let key = (unknown.rule, unknown.match_index, unknown.why.clone());
            let sum = self.unknowns.entry(key).or_insert(UnknownSum {
                packets: 0,
                decides: 0,
                first: Moment::of(record),
            });
            sum.packets += 1;
            sum.decides += u64::from(unknown.decides);
            if let Some(rule) = unknown.rule {
                *self.undecided.entry(rule).or_default() += 1;
            }
        }
    }

    fn add_blocked(&mut self, record: &Record) {
        let key = FlowKey {
            flow: record.flow,
            verdict: record.verdict,
            rule: record.rule,
            reason: record.cause.map(|c| c.to_string()),
        };
        // Packets without a flow have nothing in common: each is listed alone.
        let known = key.flow.and_then(|_| self.blocked_index.get(&key));
        if let Some(flow) = known.and_then(|index| self.blocked.get_mut(*index)) {
            flow.sum.add(record.len);
            return;
        }
        if self.blocked.len() >= FLOWS {
            self.blocked_omitted += 1;
            return;
        }
        let mut sum = Sum::default();
        sum.add(record.len);
        self.blocked.push(BlockedFlow {
            flow: record.flow,
            verdict: record.verdict,
            transport: record.transport,
            interface: record.interface,
            direction: record.direction,
            rule: record.rule,
            reason: key.reason.clone(),
            sum,
            first: Moment::of(record),
        });
        self.blocked_index.insert(key, self.blocked.len() - 1);
    }
}

/// Packets of one way, which were let through.
#[derive(Debug)]
pub struct OfWay {
    way: Way,
    number: usize,
    sum: Sum,
}

impl Listing for Tally {
    type Item = Vec<OfWay>;

    fn render(&self, told: Told<'_>) -> Vec<OfWay> {
        let mut ways: Vec<OfWay> = Vec::new();
        for (_, entry) in told.entries() {
            let Entry::Passed(passage) = entry else {
                continue;
            };
            if is_blocked(passage.way.verdict) {
                continue;
            }
            let known = ways.iter_mut().find(|way| way.number == passage.number);
            if let Some(way) = known {
                way.sum.add(passage.len);
                continue;
            }
            let mut sum = Sum::default();
            sum.add(passage.len);
            ways.push(OfWay {
                way: *passage.way,
                number: passage.number,
                sum,
            });
        }
        ways
    }

    fn take(&mut self, told: Told<'_>, ways: Vec<OfWay>) -> io::Result<()> {
        for of in ways {
            self.add_way(&of.way, of.sum);
        }
        for (_, entry) in told.entries() {
            match entry {
                Entry::Record(record) => self.add(record),
                Entry::Passed(passage) if is_blocked(passage.way.verdict) => {
                    self.add(&passage.record());
                }
                Entry::Passed(_) => {}
            }
        }
        Ok(())
    }
}

const fn is_blocked(verdict: Verdict) -> bool {
    matches!(verdict, Verdict::Drop | Verdict::Reject)
}
