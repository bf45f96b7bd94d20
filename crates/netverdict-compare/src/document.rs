//! The comparison as a document: what `--format json` prints, and what every other format is made from.
//!
//! Its JSON form is a promise: fields are added, never changed or removed, under one `schema` name.

use std::io::{self, Write};

use netverdict_capture::Direction;
use netverdict_engine::{RuleNumber, RuleRef, Transport};
use netverdict_net::Device;
use netverdict_replay::{Ends, Setup, has_ports};
use netverdict_report::document;
use netverdict_report::model::{self, Assumption, Capture, Host, Place};
use netverdict_report::names::{Names, seconds};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::aspect::Aspect;
use crate::causes::{Cause as Found, Change as FoundChange, Sum};
use crate::compare::{Compared, Pair};
use crate::seen::Seen;

/// The name and version of the JSON form.
pub const SCHEMA: &str = "netverdict.diff/1";

/// What changes between two hosts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(title = "netverdict diff")]
pub struct Diff {
    /// Always `netverdict.diff/1`.
    pub schema: String,
    /// The netverdict that wrote it.
    pub version: String,
    pub old: Host,
    pub new: Host,
    pub captures: Vec<Capture>,
    pub compared: Scope,
    pub changed: Size,
    /// What changes, by cause, the gravest and largest first.
    pub causes: Vec<Cause>,
    pub rules: Rules,
    /// What was taken for granted about both hosts, each with the flag that overrides it.
    pub assumptions: Vec<Assumption>,
    /// What was taken for granted about OLD alone. Where it differs from NEW's, it may be what changes.
    pub old_assumptions: Vec<Assumption>,
    /// What was taken for granted about NEW alone.
    pub new_assumptions: Vec<Assumption>,
    pub warnings: Vec<String>,
}

/// What was compared.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Scope {
    /// Frames read.
    pub frames: u64,
    /// Packets that both hosts replayed.
    pub packets: u64,
    pub flows: u64,
    /// Frames that carry nothing that iptables sees.
    pub skipped: u64,
    /// Frames that continue earlier ones under both hosts: not replayed.
    pub evidence: u64,
    /// Frames that continue earlier ones under one host and not under the other: not compared.
    pub one_sided: u64,
    /// `verdict`, `fate`, `translation`, `interface`, `mark`, `rule`.
    pub aspects: Vec<String>,
    /// Whether a rule that moved in its chain was taken for another rule.
    pub strict_rules: bool,
}

/// How much changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Size {
    pub flows: u64,
    pub packets: u64,
}

/// Changes with one cause.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Cause {
    /// What of the packets changes, the gravest first.
    pub what: Vec<String>,
    /// Flows whose first change this is.
    pub flows: u64,
    /// Their packets that change.
    pub packets: u64,
    pub bytes: u64,
    pub old: Side,
    pub new: Side,
    /// The first packet.
    pub first: Packet,
    /// Later packets of these flows that change in other ways.
    pub later: Vec<Later>,
}

/// One host's word.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Side {
    pub verdict: String,
    pub fate: String,
    /// The rule or policy that decided.
    pub rule: Option<Rule>,
    /// Why, where it was not a rule's verdict alone.
    pub reason: Option<String>,
    /// The ends that the first packet left with, where they are not those it came with.
    pub leaves_as: Option<String>,
    /// The interface that the first packet left by.
    pub out: Option<String>,
    pub mark: u32,
}

/// A rule or policy of a dump.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Rule {
    #[serde(flatten)]
    pub place: Place,
    /// The dump.
    pub file: String,
    /// The dump's line without its counters.
    pub text: String,
}

/// A captured packet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Packet {
    /// Counted from 1 over all captures, as `trace --packet` takes it.
    pub packet: u64,
    pub file: String,
    /// The frame's number in its file, from 1.
    pub n: u64,
    /// Seconds since 1970 with nine digits.
    pub time: String,
    pub interface: Option<String>,
    /// `in` or `out`.
    pub direction: String,
    /// `tcp 192.0.2.1:4000 > 192.0.2.9:80`.
    pub header: String,
}

/// Later packets that change in one way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Later {
    pub packets: u64,
    pub bytes: u64,
    pub old: Side,
    pub new: Side,
    pub first: Packet,
}

/// The rules of both hosts, told apart by their text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Rules {
    /// Rules that both hosts have.
    pub kept: u64,
    /// Of these, the ones that stand elsewhere in their chain.
    pub moved: u64,
    pub added: Vec<Rule>,
    pub removed: Vec<Rule>,
    /// Rules and policies that packets met under OLD and none does under NEW.
    pub lost: Vec<Traffic>,
    /// Rules and policies that packets meet under NEW and none did under OLD.
    pub gained: Vec<Traffic>,
}

/// What a rule counted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Traffic {
    pub rule: Rule,
    /// Packets under OLD; null where it has no such rule.
    pub old: Option<u64>,
    /// Packets under NEW; null where it has no such rule.
    pub new: Option<u64>,
}

/// Makes the document.
pub fn assemble(pair: &Pair<'_>, compared: &Compared, version: &str, warnings: &[String]) -> Diff {
    let maker = Maker {
        old: Names::new(pair.old),
        new: Names::new(pair.new),
        compared,
    };
    let (assumptions, old_assumptions, new_assumptions) = assumptions(pair.old, pair.new);
    Diff {
        schema: SCHEMA.to_owned(),
        version: version.to_owned(),
        old: netverdict_report::host(pair.old),
        new: netverdict_report::host(pair.new),
        captures: compared
            .captures
            .iter()
            .map(netverdict_report::capture)
            .collect(),
        compared: scope(pair, compared),
        changed: Size {
            flows: compared.changed_flows,
            packets: compared.changed_packets,
        },
        causes: compared.causes.iter().map(|c| maker.cause(c)).collect(),
        rules: maker.rules(),
        assumptions,
        old_assumptions,
        new_assumptions,
        warnings: all_warnings(compared, warnings),
    }
}

fn scope(pair: &Pair<'_>, compared: &Compared) -> Scope {
    Scope {
        frames: compared.frames,
        packets: compared.packets,
        flows: compared.flows,
        skipped: compared.skipped,
        evidence: compared.evidence,
        one_sided: compared.one_sided,
        aspects: pair.aspects.iter().map(|a| a.name().to_owned()).collect(),
        strict_rules: pair.strict_rules,
    }
}

/// What is assumed of both hosts, of the old one alone, of the new one alone.
fn assumptions(old: &Setup, new: &Setup) -> (Vec<Assumption>, Vec<Assumption>, Vec<Assumption>) {
    let old = netverdict_report::assumptions(&old.inferred.assumptions);
    let mut new = netverdict_report::assumptions(&new.inferred.assumptions);
    let (both, only_old): (Vec<_>, Vec<_>) = old.into_iter().partition(|a| new.contains(a));
    new.retain(|a| !both.contains(a));
    (both, only_old, new)
}

fn all_warnings(compared: &Compared, more: &[String]) -> Vec<String> {
    let of_captures = compared
        .captures
        .iter()
        .flat_map(|c| c.warnings.iter().map(|w| format!("{}: {w}", c.name)));
    let stream = compared.warnings.iter().cloned();
    more.iter()
        .cloned()
        .chain(of_captures)
        .chain(stream)
        .collect()
}

/// Names what the comparison found.
struct Maker<'m> {
    old: Names<'m>,
    new: Names<'m>,
    compared: &'m Compared,
}

impl Maker<'_> {
    fn cause(&self, cause: &Found) -> Cause {
        let Sum { packets, bytes } = cause.sum();
        let FoundChange {
            aspects, old, new, ..
        } = &cause.main;
        Cause {
            what: aspects.iter().map(|a| a.name().to_owned()).collect(),
            flows: cause.flows,
            packets,
            bytes,
            old: side(old, &self.old),
            new: side(new, &self.new),
            first: self.packet(old),
            later: cause.later.iter().map(|later| self.later(later)).collect(),
        }
    }

    fn later(&self, change: &FoundChange) -> Later {
        Later {
            packets: change.sum.packets,
            bytes: change.sum.bytes,
            old: side(&change.old, &self.old),
            new: side(&change.new, &self.new),
            first: self.packet(&change.old),
        }
    }

    fn packet(&self, seen: &Seen) -> Packet {
        let file = self.compared.captures.get(seen.frame.file);
        Packet {
            packet: seen.position,
            file: file.map_or_else(|| "?".to_owned(), |c| c.name.clone()),
            n: seen.frame.number,
            time: seconds(seen.time),
            interface: device(seen.interface),
            direction: match seen.direction {
                Direction::In => "in",
                Direction::Out => "out",
            }
            .to_owned(),
            header: seen.transport.as_ref().map_or_else(String::new, header),
        }
    }

    fn rules(&self) -> Rules {
        let matching = &self.compared.matching;
        let is_rule = |place: &RuleRef| matches!(place.number, RuleNumber::Rule(_));
        let mut rules = Rules {
            kept: 0,
            moved: matching.moved(),
            added: Vec::new(),
            removed: Vec::new(),
            lost: Vec::new(),
            gained: Vec::new(),
        };
        for (old, new) in &matching.pairs {
            match (old, new) {
                (Some(old), Some(_)) => rules.kept += u64::from(is_rule(old)),
                (Some(old), None) if is_rule(old) => rules.removed.push(rule(*old, &self.old)),
                (None, Some(new)) if is_rule(new) => rules.added.push(rule(*new, &self.new)),
                _ => {}
            }
            self.traffic(*old, *new, &mut rules);
        }
        rules
    }

    fn traffic(&self, old: Option<RuleRef>, new: Option<RuleRef>, rules: &mut Rules) {
        let was = old.and_then(|place| self.compared.old_totals.get(place));
        let is = new.and_then(|place| self.compared.new_totals.get(place));
        let (was, is) = (was.map(|c| c.packets), is.map(|c| c.packets));
        let named = match (was.unwrap_or(0) > 0, is.unwrap_or(0) > 0) {
            (true, false) => old.map(|place| rule(place, &self.old)),
            (false, true) => new.map(|place| rule(place, &self.new)),
            _ => None,
        };
        if let Some(rule) = named {
            let is_lost = was.unwrap_or(0) > 0;
            let list = if is_lost {
                &mut rules.lost
            } else {
                &mut rules.gained
            };
            list.push(Traffic {
                rule,
                old: was,
                new: is,
            });
        }
    }
}

fn rule(place: RuleRef, names: &Names<'_>) -> Rule {
    Rule {
        place: names.place(place),
        file: names.file(place).to_owned(),
        text: names.text(place),
    }
}

fn side(seen: &Seen, names: &Names<'_>) -> Side {
    let translated = seen
        .nat
        .filter(|after| Some(*after) != seen.transport && seen.goes_on());
    Side {
        verdict: seen.verdict.name().to_owned(),
        fate: seen.fate.name().to_owned(),
        rule: seen.rule.map(|place| rule(place, names)),
        reason: seen.cause.map(|cause| cause.to_string()),
        leaves_as: translated.map(|after| Ends(&after).to_string()),
        out: device(seen.out),
        mark: seen.mark,
    }
}

fn device(device: Device) -> Option<String> {
    device.name().map(ToString::to_string)
}

/// `tcp 192.0.2.1:4000 > 192.0.2.9:80`; `icmp 192.0.2.1 > 192.0.2.9 type 8`.
fn header(transport: &Transport) -> String {
    let ends = format!("{} {}", transport.protocol, Ends(transport));
    let is_icmp = matches!(transport.protocol.0, 1 | 58);
    if is_icmp && !has_ports(transport.protocol) {
        let [kind, code] = transport.destination_port.to_be_bytes();
        let code = if code == 0 {
            String::new()
        } else {
            format!("/{code}")
        };
        return format!("{ends} type {kind}{code}");
    }
    ends
}

/// Whether both hosts have rules of both families, so that names must tell them apart.
pub(crate) fn both_families(diff: &Diff) -> bool {
    let many = |host: &model::Host| host.rulesets.len() > 1;
    many(&diff.old) || many(&diff.new)
}

/// The phrases of what is compared: `verdict, fate, translation`.
pub(crate) fn phrases(diff: &Diff) -> Vec<&'static str> {
    let has = |aspect: &Aspect| diff.compared.aspects.iter().any(|a| a == aspect.name());
    let aspects = Aspect::ALL.into_iter().filter(has);
    aspects.map(Aspect::phrase).collect()
}

/// Writes the document, indented.
///
/// # Errors
/// The writer's.
pub fn write_json(diff: &Diff, out: &mut dyn Write) -> io::Result<()> {
    document::write(diff, out)
}

/// The JSON Schema of the document, as shipped in `schemas/`.
pub fn schema() -> String {
    document::schema::<Diff>()
}
