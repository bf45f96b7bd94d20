//! Findings as one JSON document, and the schemas that it keeps to.

use std::io::{self, Write};

use super::Findings;
use super::model::{Audit, Lint};

/// Writes the document of the command, indented.
///
/// # Errors
/// The writer's.
pub fn write(findings: &Findings<'_>, out: &mut dyn Write) -> io::Result<()> {
    if findings.command == "audit" {
        serde_json::to_writer_pretty(&mut *out, &Audit::new(findings))?;
    } else {
        serde_json::to_writer_pretty(&mut *out, &Lint::new(findings))?;
    }
    out.write_all(b"\n")
}

/// The JSON Schemas, by file name, as shipped in `schemas/`.
pub fn schemas() -> [(&'static str, String); 2] {
    let text = |schema: schemars::Schema| {
        let mut text = serde_json::to_string_pretty(&schema).unwrap_or_default();
        text.push('\n');
        text
    };
    [
        (
            "netverdict.lint-1.schema.json",
            text(schemars::schema_for!(Lint)),
        ),
        (
            "netverdict.audit-1.schema.json",
            text(schemars::schema_for!(Audit)),
        ),
    ]
}
