//! A comparison over captures as a person, a program or a CI server reads it.

use std::fmt;

use netverdict_report::document;
use quick_junit::{NonSuccessKind, Report, TestCase, TestCaseStatus, TestSuite};
use schemars::JsonSchema;
use serde::Serialize;

use crate::Conformed;
use crate::compare::Difference;

/// The document of `--format json`.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Document {
    /// `netverdict.conform/1`.
    pub schema: &'static str,
    /// Packets that both sides took.
    pub packets: usize,
    /// Whether nothing differs.
    pub agree: bool,
    /// What differs.
    pub differences: Vec<Found>,
    /// Rules that draw random numbers: both sides may be right where they differ.
    pub chance: Vec<String>,
    /// Why differences say nothing, if they do not.
    pub undetermined: Option<&'static str>,
    /// What the inputs do not decide.
    pub unknown: Vec<String>,
    /// Packets that were not put through the kernel.
    pub left_out: Vec<LeftOut>,
    /// Sysctls of the host that this kernel did not take.
    pub unset_sysctls: Vec<String>,
}

/// One difference.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Found {
    /// `counter`, `shape`, `fate`, `interface`, `packet`, `answer` or `connection`.
    pub kind: &'static str,
    /// The packet's position in the stream of captures, from 1; null for what is not a packet's.
    pub packet: Option<u64>,
    /// Table, chain and rule, or the packet, and both sides, in words.
    pub text: String,
}

/// One packet that was not put through the kernel.
#[derive(Debug, Serialize, JsonSchema)]
pub struct LeftOut {
    /// Its position in the stream of captures, from 1.
    pub packet: u64,
    /// Why.
    pub why: &'static str,
}

impl Document {
    /// What there is to say of a comparison.
    pub fn new(conformed: &Conformed) -> Self {
        let compared = &conformed.compared;
        let found = |difference: &Difference| Found {
            kind: kind(difference),
            packet: frame(difference)
                .and_then(|frame| conformed.positions.get(frame.checked_sub(1)?).copied()),
            text: difference.to_string(),
        };
        let left_out = conformed.left_out.iter();
        Self {
            schema: "netverdict.conform/1",
            packets: conformed.positions.len(),
            agree: compared.differences.is_empty(),
            differences: compared.differences.iter().map(found).collect(),
            chance: conformed.chance.clone(),
            undetermined: compared.undetermined,
            unknown: compared.unknown.iter().cloned().collect(),
            left_out: left_out
                .map(|(packet, why)| LeftOut {
                    packet: *packet,
                    why,
                })
                .collect(),
            unset_sysctls: compared.kernel.unset_sysctls.clone(),
        }
    }

    /// The document as one JSON text.
    pub fn to_json(&self) -> Result<String, serde_json::Error> {
        serde_json::to_string_pretty(self)
    }

    /// The document as JUnit XML: one test for each difference, or one that passed.
    pub fn to_junit(&self) -> Result<String, quick_junit::SerializeError> {
        let mut suite = TestSuite::new("kernel and model");
        for found in &self.differences {
            let mut status = TestCaseStatus::non_success(NonSuccessKind::Failure);
            status.set_message(found.text.as_str());
            let name = match found.packet {
                Some(packet) => format!("{} of packet {packet}", found.kind),
                None => found
                    .text
                    .split(": kernel")
                    .next()
                    .unwrap_or_default()
                    .to_owned(),
            };
            suite.add_test_case(TestCase::new(name, status));
        }
        if self.agree {
            let name = format!("{} packets", self.packets);
            suite.add_test_case(TestCase::new(name, TestCaseStatus::success()));
        }
        let mut report = Report::new("netverdict conform");
        report.add_test_suite(suite);
        report.to_string()
    }
}

/// The JSON Schema of [`Document`].
pub fn schema() -> String {
    document::schema::<Document>()
}

const fn kind(difference: &Difference) -> &'static str {
    match difference {
        Difference::Counter { .. } => "counter",
        Difference::Shape { .. } => "shape",
        Difference::Fate { .. } => "fate",
        Difference::Interface { .. } => "interface",
        Difference::Packet { .. } => "packet",
        Difference::Answer { .. } => "answer",
        Difference::Connection { .. } => "connection",
    }
}

/// The frame of the case, from 1.
const fn frame(difference: &Difference) -> Option<usize> {
    match difference {
        Difference::Counter { .. } | Difference::Shape { .. } | Difference::Connection { .. } => {
            None
        }
        Difference::Fate { frame, .. }
        | Difference::Interface { frame, .. }
        | Difference::Packet { frame, .. }
        | Difference::Answer { frame, .. } => Some(*frame),
    }
}

/// Agreement in one line, or each difference on a line of its own; then what limits the comparison.
impl fmt::Display for Document {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let packets = plural(self.packets, "packet");
        if self.agree {
            writeln!(
                f,
                "kernel and model agree on every counter, fate and connection of {packets}"
            )?;
        } else {
            let differences = plural(self.differences.len(), "difference");
            writeln!(f, "{differences} over {packets}")?;
        }
        for found in &self.differences {
            match found.packet {
                Some(packet) => writeln!(f, "  packet {packet}: {}", of_packet(&found.text))?,
                None => writeln!(f, "  {}", found.text)?,
            }
        }
        if let Some(why) = self.undetermined {
            writeln!(f, "note: {why}, so differences say nothing")?;
        }
        for rule in &self.chance {
            writeln!(f, "note: left to chance: {rule}")?;
        }
        for what in &self.unknown {
            writeln!(f, "note: not decided by the inputs: {what}")?;
        }
        for LeftOut { packet, why } in &self.left_out {
            writeln!(f, "note: packet {packet} was left out: {why}")?;
        }
        for key in &self.unset_sysctls {
            writeln!(f, "note: this kernel does not take the sysctl {key}")?;
        }
        Ok(())
    }
}

/// A packet's difference without the number that it has in the case.
fn of_packet(text: &str) -> &str {
    text.split_once(": ").map_or(text, |(_, rest)| rest)
}

fn plural(count: usize, what: &str) -> String {
    if count == 1 {
        format!("1 {what}")
    } else {
        format!("{count} {what}s")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn document(differences: Vec<Found>) -> Document {
        Document {
            schema: "netverdict.conform/1",
            packets: 2,
            agree: differences.is_empty(),
            differences,
            chance: Vec::new(),
            undetermined: None,
            unknown: Vec::new(),
            left_out: vec![LeftOut {
                packet: 9,
                why: "not all of it was captured",
            }],
            unset_sysctls: Vec::new(),
        }
    }

    #[test]
    fn agreement_is_one_line_and_a_note_for_what_was_left_out() {
        insta::assert_snapshot!(document(Vec::new()).to_string(), @r"
        kernel and model agree on every counter, fate and connection of 2 packets
        note: packet 9 was left out: not all of it was captured
        ");
    }

    #[test]
    fn a_difference_names_the_packet_and_both_sides() {
        let found = Found {
            kind: "fate",
            packet: Some(7),
            text: "frame 1: kernel Gone, model Local: filter INPUT 1".to_owned(),
        };
        let document = document(vec![found]);
        insta::assert_snapshot!(document.to_string(), @r"
        1 difference over 2 packets
          packet 7: kernel Gone, model Local: filter INPUT 1
        note: packet 9 was left out: not all of it was captured
        ");
        let junit = document.to_junit().unwrap();
        assert!(junit.contains("failures=\"1\""), "{junit}");
        assert!(junit.contains("fate of packet 7"), "{junit}");
    }
}
