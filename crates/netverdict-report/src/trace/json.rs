//! A packet's way as a JSON document.

use std::io::{self, Write};

use netverdict_engine::{Answer, RuleRef};
use netverdict_replay::Ends;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Step, Trace, Tracked, layers};
use crate::assemble::{device, direction, ends};
use crate::document;
use crate::model::Place;
use crate::names::Names;

/// The name and version of the JSON form.
pub const SCHEMA: &str = "netverdict.trace/1";

/// The document: one entry for each packet asked for.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[schemars(title = "netverdict trace")]
pub(crate) struct Document {
    /// Always `netverdict.trace/1`.
    schema: String,
    packets: Vec<Packet>,
}

/// One packet and its way.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
struct Packet {
    title: String,
    /// Seconds since 1970 with nine digits.
    time: String,
    interface: Option<String>,
    direction: String,
    layers: Vec<Layer>,
    steps: Vec<JsonStep>,
    verdict: String,
    fate: String,
    rule: Option<Place>,
    reason: Option<String>,
    state: Option<String>,
    nat: Option<Translation>,
    /// The device it left by.
    out: Option<String>,
}

#[derive(Debug, Serialize, Deserialize, JsonSchema)]
struct Layer {
    name: String,
    text: String,
}

/// A header before and after translation.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
struct Translation {
    before: String,
    after: String,
}

/// One step.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "step", rename_all = "kebab-case")]
enum JsonStep {
    Hook {
        hook: String,
        r#in: Option<String>,
        out: Option<String>,
    },
    Defrag {
        length: Option<u32>,
    },
    Conntrack(Connection),
    Confirmed(Connection),
    Table {
        table: String,
        hook: String,
    },
    TableSkipped {
        table: String,
        why: String,
    },
    Rule {
        rule: Place,
        text: String,
        test: Option<String>,
        answer: JsonAnswer,
        why: String,
    },
    Matched {
        rule: Place,
        text: String,
    },
    Enter {
        goto: bool,
    },
    Return {
        explicit: bool,
    },
    Policy {
        rule: Place,
    },
    Changed {
        what: String,
        before: String,
        after: String,
    },
    Note {
        what: String,
        text: String,
    },
    Emitted {
        why: String,
    },
    Route {
        text: String,
        out: Option<String>,
    },
}

#[derive(Debug, Serialize, Deserialize, JsonSchema)]
struct Connection {
    state: String,
    original: Option<String>,
    reply: Option<String>,
    protocol_state: Option<String>,
    why: Option<String>,
}

/// What a test said.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
enum JsonAnswer {
    True,
    False,
    Hotdrop,
    Unknown,
}

/// Writes the document.
///
/// # Errors
/// The writer's.
pub fn write(traces: &[Trace<'_>], out: &mut dyn Write) -> io::Result<()> {
    let traced = Document {
        schema: SCHEMA.to_owned(),
        packets: traces.iter().map(packet).collect(),
    };
    document::write(&traced, out)
}

/// The JSON Schema of the document, as shipped in `schemas/`.
pub fn schema() -> String {
    document::schema::<Document>()
}

fn packet(trace: &Trace<'_>) -> Packet {
    let names = Names::new(trace.setup);
    let record = trace.record;
    let layers = trace.packet.iter().flat_map(|p| layers::of(p, &trace.tags));
    let nat = |nat: &netverdict_engine::NatView| Translation {
        before: Ends(&nat.before).to_string(),
        after: Ends(&nat.after).to_string(),
    };
    Packet {
        title: trace.title.clone(),
        time: record.time.to_string(),
        interface: device(record.interface),
        direction: direction(record.direction).to_owned(),
        layers: layers
            .map(|(name, text)| Layer {
                name: name.to_owned(),
                text,
            })
            .collect(),
        steps: trace
            .steps()
            .iter()
            .filter_map(|s| step(s, &names))
            .collect(),
        verdict: record.verdict.name().to_owned(),
        fate: record.fate.name().to_owned(),
        rule: record.rule.map(|rule| names.place(rule)),
        reason: record
            .cause
            .map(|c| c.to_string())
            .or_else(|| trace.aside.clone()),
        state: record.state.map(|s| s.to_string()),
        nat: record.nat.as_ref().map(nat),
        out: device(record.out_device),
    }
}

fn step(step: &Step, names: &Names<'_>) -> Option<JsonStep> {
    Some(match step {
        Step::Hook {
            hook,
            in_device,
            out_device,
        } => JsonStep::Hook {
            hook: hook.to_string(),
            r#in: device(*in_device),
            out: device(*out_device),
        },
        Step::Defrag { completed } => JsonStep::Defrag { length: *completed },
        Step::Conntrack(tracked) => JsonStep::Conntrack(connection(tracked)),
        Step::Confirmed(tracked) => JsonStep::Confirmed(connection(tracked)),
        Step::Table { table, hook } => JsonStep::Table {
            table: table.to_string(),
            hook: hook.to_string(),
        },
        Step::Skipped { table, why } => JsonStep::TableSkipped {
            table: table.to_string(),
            why: (*why).to_owned(),
        },
        Step::Basics {
            answer: Answer::True,
            ..
        } => return None,
        Step::Basics {
            rule,
            answer,
            failed,
        } => tested(names, *rule, None, *answer, failed),
        Step::Match {
            rule,
            index,
            answer,
            why,
        } => tested(names, *rule, Some(*index), *answer, why),
        Step::Matched { rule, .. } => JsonStep::Matched {
            rule: names.place(*rule),
            text: names.text(*rule),
        },
        Step::Enter { goto, .. } => JsonStep::Enter { goto: *goto },
        Step::Return { rule, .. } => JsonStep::Return {
            explicit: rule.is_some(),
        },
        Step::Policy { rule, .. } => JsonStep::Policy {
            rule: names.place(*rule),
        },
        Step::Changed {
            what,
            before,
            after,
        } => JsonStep::Changed {
            what: (*what).to_owned(),
            before: before.clone(),
            after: after.clone(),
        },
        Step::Note { what, text } => JsonStep::Note {
            what: (*what).to_owned(),
            text: text.clone(),
        },
        Step::Emitted { why } => JsonStep::Emitted { why: why.clone() },
        Step::Route { text, out_device } => JsonStep::Route {
            text: text.clone(),
            out: device(*out_device),
        },
        Step::End { .. } => return None,
    })
}

fn tested(
    names: &Names<'_>,
    rule: RuleRef,
    index: Option<u32>,
    answer: Answer,
    why: &str,
) -> JsonStep {
    JsonStep::Rule {
        rule: names.place(rule),
        text: names.text(rule),
        test: names.test(rule, index),
        answer: match answer {
            Answer::True => JsonAnswer::True,
            Answer::False => JsonAnswer::False,
            Answer::Hotdrop => JsonAnswer::Hotdrop,
            Answer::Unknown => JsonAnswer::Unknown,
        },
        why: why.to_owned(),
    }
}

fn connection(tracked: &Tracked) -> Connection {
    Connection {
        state: tracked.state.to_string(),
        original: tracked.original.as_ref().map(ends),
        reply: tracked.reply.as_ref().map(ends),
        protocol_state: tracked.protocol_state.map(str::to_owned),
        why: tracked.why.map(str::to_owned),
    }
}
