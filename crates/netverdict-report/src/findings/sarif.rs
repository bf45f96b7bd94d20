//! Findings as SARIF 2.1.0, for code scanning.

use std::fmt::Write as _;
use std::io::{self, Write};

use netverdict_lint::{CATALOGUE, Finding, Place, Severity};
use serde::Serialize;
use serde_json::{Value, json};

use super::Findings;

const SCHEMA: &str =
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json";

/// Writes the log.
///
/// # Errors
/// The writer's.
pub fn write(findings: &Findings<'_>, out: &mut dyn Write) -> io::Result<()> {
    let log = Log {
        schema: SCHEMA,
        version: "2.1.0",
        runs: [Run {
            tool: json!({"driver": {
                "name": "netverdict",
                "version": findings.version,
                "rules": rules(),
            }}),
            column_kind: "unicodeCodePoints",
            invocations: [json!({
                "executionSuccessful": true,
                "toolExecutionNotifications": notifications(findings),
            })],
            results: findings.findings.iter().map(result).collect(),
        }],
    };
    serde_json::to_writer_pretty(&mut *out, &log)?;
    out.write_all(b"\n")
}

#[derive(Serialize)]
struct Log {
    #[serde(rename = "$schema")]
    schema: &'static str,
    version: &'static str,
    runs: [Run; 1],
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Run {
    tool: Value,
    column_kind: &'static str,
    invocations: [Value; 1],
    results: Vec<Value>,
}

fn rules() -> Vec<Value> {
    let rules = CATALOGUE.iter().map(|check| {
        json!({
            "id": check.id,
            "name": check.name,
            "shortDescription": {"text": check.summary},
            "fullDescription": {"text": check.summary},
            "help": {"text": check.page, "markdown": check.page},
            "defaultConfiguration": {"level": check.severity.name()},
            "properties": {"tags": ["firewall", "iptables"]},
        })
    });
    rules.collect()
}

/// Warnings and assumptions of the run.
fn notifications(findings: &Findings<'_>) -> Vec<Value> {
    let warnings = findings.warnings.iter();
    let warnings = warnings.map(|text| json!({"level": "warning", "message": {"text": text}}));
    let assumed = findings.assumptions.iter();
    let assumed = assumed.map(|(text, flag)| json!({"level": "note", "message": {"text": format!("assumed: {text} ({flag})")}}));
    let coverage = findings.coverage_line();
    let coverage = coverage
        .map(|line| json!({"level": "note", "message": {"text": format!("coverage: {line}")}}));
    warnings.chain(assumed).chain(coverage).collect()
}

fn result(finding: &Finding) -> Value {
    let index = CATALOGUE.iter().position(|c| c.id == finding.check.id);
    let related = finding.related.iter().zip(1..).map(|(related, id)| {
        let mut location = location(&related.place);
        location["id"] = json!(id);
        location["message"] = json!({"text": related.label});
        location
    });
    let mut result = json!({
        "ruleId": finding.check.id,
        "ruleIndex": index,
        "level": match finding.severity {
            Severity::Note => "note",
            Severity::Warning => "warning",
            Severity::Error => "error",
        },
        "message": {"text": message(finding)},
        "locations": [location(&finding.place)],
        "partialFingerprints": {"netverdict/v1": finding.fingerprint},
    });
    let related: Vec<Value> = related.collect();
    if !related.is_empty() {
        result["relatedLocations"] = json!(related);
    }
    if let Some(allowed) = &finding.allowed {
        // A comment of the dump is "in source"; a configuration file is not.
        let kind = if allowed.by.contains(':') {
            "inSource"
        } else {
            "external"
        };
        result["suppressions"] = json!([{"kind": kind, "justification": allowed.reason}]);
    }
    result
}

fn message(finding: &Finding) -> String {
    let mut parts = vec![format!("{}.", finding.title), finding.explanation.clone()];
    for witness in &finding.witnesses {
        parts.push(format!(
            "{} frame {}: {}.",
            witness.file, witness.n, witness.what
        ));
    }
    if !finding.causes.is_empty() {
        parts.push(format!("Likely causes: {}.", finding.causes.join("; ")));
    }
    parts.push(finding.suggestion.clone());
    parts.retain(|p| !p.is_empty());
    parts.join(" ")
}

fn location(place: &Place) -> Value {
    let mut location = json!({
        "physicalLocation": {"artifactLocation": {"uri": uri(&place.file)}},
        "logicalLocations": [{"fullyQualifiedName": place.part.to_string()}],
    });
    if let Some(line) = place.line {
        location["physicalLocation"]["region"] = json!({
            "startLine": line,
            "startColumn": place.columns.0,
            "endColumn": place.columns.1 + 1,
            "snippet": {"text": place.excerpt()},
        });
    }
    location
}

/// A path as a URI reference; standard input has no better name than `stdin`.
fn uri(path: &str) -> String {
    if path == "-" {
        return "stdin".to_owned();
    }
    let mut uri = String::with_capacity(path.len());
    for byte in path.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte) {
            uri.push(char::from(byte));
        } else {
            // A text of its own takes any words.
            let _ = write!(uri, "%{byte:02X}");
        }
    }
    uri
}
