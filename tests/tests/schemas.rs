use std::collections::BTreeMap;
use std::fs;

use netverdict_report::{extensions, findings, json, packets, trace};

use crate::common::root;

/// The shipped schemas are the code's, no more and no less. `NETVERDICT_BLESS=1` writes them.
#[test]
fn shipped_schemas_are_those_of_the_code() {
    let folder = root().join("schemas");
    let schemas = [
        ("netverdict.report-1.schema.json", json::schema()),
        ("netverdict.trace-1.schema.json", trace::schema()),
        ("netverdict.packet-1.schema.json", packets::schema()),
        ("netverdict.extensions-1.schema.json", extensions::schema()),
        (
            "netverdict.diff-1.schema.json",
            netverdict_compare::schema(),
        ),
        (
            "netverdict.conform-1.schema.json",
            netverdict_conform::present::schema(),
        ),
        (
            "netverdict.test-1.schema.json",
            netverdict_suite::document::schema(),
        ),
    ];
    let schemas: BTreeMap<_, _> = schemas
        .into_iter()
        .chain(findings::json::schemas())
        .collect();
    for (name, schema) in &schemas {
        let path = folder.join(name);
        if std::env::var_os("NETVERDICT_BLESS").is_some() {
            fs::write(&path, schema).unwrap();
        }
        let shipped = fs::read_to_string(&path).unwrap_or_default();
        assert!(
            shipped == *schema,
            "{name} is out of date: NETVERDICT_BLESS=1 cargo test writes it"
        );
    }
    let names = fs::read_dir(&folder).unwrap();
    let names: Vec<_> = names
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    assert_eq!(names.len(), schemas.len(), "{names:?}");
}
