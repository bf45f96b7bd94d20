//! The report as one JSON document, and the schema it keeps to.

use std::io::{self, Write};

use crate::document;
use crate::model::Report;

/// Writes the document, indented.
///
/// # Errors
/// The writer's.
pub fn write(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    document::write(report, out)
}

/// The JSON Schema of the document, as shipped in `schemas/`.
pub fn schema() -> String {
    document::schema::<Report>()
}
