//! Findings as one JSON document, and the schemas that it keeps to.

use std::io::{self, Write};

use super::Findings;
use super::model::{Audit, Lint};
use crate::document;

/// Writes the document of the command, indented.
///
/// # Errors
/// The writer's.
pub fn write(findings: &Findings<'_>, out: &mut dyn Write) -> io::Result<()> {
    if findings.command == "audit" {
        document::write(&Audit::new(findings), out)
    } else {
        document::write(&Lint::new(findings), out)
    }
}

/// The JSON Schemas, by file name, as shipped in `schemas/`.
pub fn schemas() -> [(&'static str, String); 2] {
    [
        ("netverdict.lint-1.schema.json", document::schema::<Lint>()),
        (
            "netverdict.audit-1.schema.json",
            document::schema::<Audit>(),
        ),
    ]
}
