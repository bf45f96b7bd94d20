//! What all JSON documents have in common: how they are written, and the schemas that are shipped for them.

use std::io::{self, Write};

use schemars::JsonSchema;
use serde::Serialize;

/// Writes a document, indented.
///
/// # Errors
/// The writer's.
pub fn write<T: Serialize + ?Sized>(document: &T, out: &mut dyn Write) -> io::Result<()> {
    serde_json::to_writer_pretty(&mut *out, document)?;
    out.write_all(b"\n")
}

/// The JSON Schema of a document, as its file in `schemas/` holds it.
pub fn schema<T: JsonSchema>() -> String {
    let schema = schemars::schema_for!(T);
    let mut text = serde_json::to_string_pretty(&schema).unwrap_or_default();
    text.push('\n');
    text
}
