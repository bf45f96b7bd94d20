//! The report as one JSON document, and the schema it keeps to.

use std::io::{self, Write};

use crate::model::Report;

/// Writes the document, indented.
///
/// # Errors
/// The writer's.
pub fn write(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    serde_json::to_writer_pretty(&mut *out, report)?;
    out.write_all(b"\n")
}

/// The JSON Schema of the document, as shipped in `schemas/`.
pub fn schema() -> String {
    schema_text(&schemars::schema_for!(Report))
}

/// A schema as its file holds it.
pub(crate) fn schema_text(schema: &schemars::Schema) -> String {
    let mut text = serde_json::to_string_pretty(schema).unwrap_or_default();
    text.push('\n');
    text
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    /// The shipped schemas are the code's. `NETVERDICT_BLESS=1` writes them.
    #[test]
    fn shipped_schemas_are_those_of_the_code() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../schemas");
        let schemas = [
            ("netverdict.report-1.schema.json", super::schema()),
            ("netverdict.trace-1.schema.json", crate::trace::schema()),
            ("netverdict.packet-1.schema.json", crate::packets::schema()),
        ];
        for (name, schema) in schemas {
            let path = folder.join(name);
            if std::env::var_os("NETVERDICT_BLESS").is_some() {
                fs::write(&path, &schema).unwrap();
            }
            let shipped = fs::read_to_string(&path).unwrap_or_default();
            assert!(
                shipped == schema,
                "{name} is out of date: NETVERDICT_BLESS=1 cargo test writes it"
            );
        }
    }
}
