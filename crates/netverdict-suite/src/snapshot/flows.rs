//! Records into the text of a snapshot.

use std::fmt::{self, Write};

use foldhash::quality::FixedState;
use hashbrown::HashMap;
use netverdict_capture::Direction;
use netverdict_engine::{CtState, FlowId, RuleNumber, RuleRef, Transport};
use netverdict_net::Device;
use netverdict_replay::{Cause, Ends, Fate, Record, Verdict, has_ports};
use netverdict_report::columns::visible;
use netverdict_report::names::Names;

use super::HEAD;

/// Every flow with what became of its packets, in order of first appearance.
#[derive(Debug, Default)]
pub(crate) struct Flows {
    flows: Vec<Flow>,
    index: HashMap<Key, usize, FixedState>,
    packets: u64,
    /// Frames seen leaving as predicted, and otherwise.
    evidence: (u64, u64),
    skipped: HashMap<String, u64, FixedState>,
    reasons: Vec<String>,
}

#[derive(Debug, PartialEq, Eq, Hash)]
enum Key {
    Flow(FlowId),
    /// A packet of none: its header.
    Header(Option<Transport>),
}

#[derive(Debug)]
struct Flow {
    title: String,
    lines: Vec<(Fact, u64)>,
}

/// What packets of a line have in common.
#[derive(Debug, Clone, PartialEq)]
struct Fact {
    direction: Direction,
    interface: Device,
    state: Option<CtState>,
    verdict: Verdict,
    fate: Fate,
    rule: Option<RuleRef>,
    reason: Option<String>,
    leaves_as: Option<Transport>,
    out: Device,
    mark: u32,
}

impl Flows {
    /// Adds a packet.
    pub(crate) fn add(&mut self, record: &Record) {
        if let Some(evidence) = &record.evidence {
            match evidence.contradiction {
                None => self.evidence.0 += 1,
                Some(_) => self.evidence.1 += 1,
            }
            return;
        }
        if record.verdict == Verdict::Skipped {
            let why = reason(record).unwrap_or_default();
            if !self.skipped.contains_key(&why) {
                self.reasons.push(why.clone());
            }
            *self.skipped.entry(why).or_default() += 1;
            return;
        }
        self.packets += 1;
        let key = record.flow.map_or(Key::Header(record.transport), Key::Flow);
        let next = self.flows.len();
        let at = *self.index.entry(key).or_insert(next);
        if at == next {
            self.flows.push(Flow {
                title: title(record),
                lines: Vec::new(),
            });
        }
        if let Some(flow) = self.flows.get_mut(at) {
            flow.add(Fact::of(record));
        }
    }

    /// How many packets and flows there are.
    pub(crate) fn size(&self) -> (u64, u64) {
        (self.packets, self.flows.len() as u64)
    }

    /// The snapshot.
    pub(crate) fn text(&self, names: &Names<'_>) -> String {
        let mut text = format!("{HEAD}\n");
        for flow in &self.flows {
            // Writing to a string does not fail.
            let _ = writeln!(text, "\n{}", visible(&flow.title));
            for (fact, packets) in &flow.lines {
                let _ = writeln!(text, "{packets:>6}  {fact}");
                let _ = writeln!(text, "        {}", visible(&fact.decider(names)));
            }
        }
        let (agreed, contradicted) = self.evidence;
        if agreed + contradicted > 0 {
            let _ = writeln!(text, "\nevidence\n{agreed:>6}  seen leaving as predicted");
            if contradicted > 0 {
                let _ = writeln!(text, "{contradicted:>6}  seen leaving otherwise");
            }
        }
        if !self.reasons.is_empty() {
            text.push_str("\nskipped\n");
            for why in &self.reasons {
                let frames = self.skipped.get(why).copied().unwrap_or(0);
                let _ = writeln!(text, "{frames:>6}  {}", visible(why));
            }
        }
        text
    }
}

impl Flow {
    fn add(&mut self, fact: Fact) {
        match self.lines.iter_mut().find(|(known, _)| *known == fact) {
            Some((_, packets)) => *packets += 1,
            None => self.lines.push((fact, 1)),
        }
    }
}

impl Fact {
    fn of(record: &Record) -> Self {
        let goes_on = matches!(record.fate, Fate::Local | Fate::Forwarded | Fate::Sent);
        let left = record.nat.map(|nat| nat.after);
        Self {
            direction: record.direction,
            interface: record.interface,
            state: record.state,
            verdict: record.verdict,
            fate: record.fate,
            rule: record.rule,
            reason: reason(record),
            leaves_as: left.filter(|left| goes_on && Some(*left) != record.transport),
            out: match record.fate {
                Fate::Forwarded => record.out_device,
                _ => Device::Absent,
            },
            mark: if goes_on { record.mark } else { 0 },
        }
    }

    /// `filter INPUT: -A INPUT -p tcp -j ACCEPT`.
    fn decider(&self, names: &Names<'_>) -> String {
        let rule = self.rule.map(|place| rule(place, names));
        match (rule, &self.reason) {
            (Some(rule), Some(reason)) => format!("{rule} ({reason})"),
            (Some(rule), None) => rule,
            (None, Some(reason)) => format!("no rule: {reason}"),
            (None, None) => "no rule".to_owned(),
        }
    }
}

impl fmt::Display for Fact {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let way = match self.direction {
            Direction::In => "in",
            Direction::Out => "out",
        };
        let place = format!("{way} {}", self.interface);
        let state = self.state.map_or_else(|| "-".to_owned(), |s| s.to_string());
        write!(
            f,
            "{place:<9} {state:<11} {:<7} {}",
            self.verdict, self.fate
        )?;
        if self.out != Device::Absent {
            write!(f, " by {}", self.out)?;
        }
        if let Some(left) = &self.leaves_as {
            write!(f, " as {}", Ends(left))?;
        }
        if self.mark != 0 {
            write!(f, " mark {:#x}", self.mark)?;
        }
        Ok(())
    }
}

/// `filter INPUT: -A INPUT -p tcp -j ACCEPT`; IPv6 rules have their family in front.
pub(crate) fn rule(place: RuleRef, names: &Names<'_>) -> String {
    let family = match place.family {
        netverdict_net::Family::V4 => "",
        netverdict_net::Family::V6 => "ipv6 ",
    };
    let text = names.canonical(place).unwrap_or_default();
    let text = match place.number {
        RuleNumber::Rule(_) => text,
        RuleNumber::Policy => format!("policy {}", text.rsplit(' ').next().unwrap_or_default()),
    };
    format!(
        "{family}{} {}: {text}",
        place.table.name(),
        names.chain(place)
    )
}

/// Why, where it was not a rule's verdict alone: the kernel's reason, or the unknown that decides.
pub(crate) fn reason(record: &Record) -> Option<String> {
    let unknown = || {
        let decides = record.unknowns.iter().find(|u| u.decides)?;
        (record.verdict == Verdict::Unknown).then(|| decides.why.clone())
    };
    let cause: Option<Cause> = record.cause;
    cause.map(|cause| cause.to_string()).or_else(unknown)
}

/// `tcp 192.0.2.55:51734 > 203.0.113.10:80`; `icmp 192.0.2.1 > 192.0.2.9 type 8`.
pub(crate) fn title(record: &Record) -> String {
    let Some(header) = &record.transport else {
        return "no header".to_owned();
    };
    let mut text = format!("{} {}", header.protocol, Ends(header));
    let is_icmp = matches!(header.protocol.0, 1 | 58);
    if is_icmp && !has_ports(header.protocol) {
        let [kind, code] = header.destination_port.to_be_bytes();
        let _ = write!(text, " type {kind}");
        if code != 0 {
            let _ = write!(text, "/{code}");
        }
    }
    text
}
