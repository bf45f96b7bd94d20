//! SARIF against what version 2.1.0 asks: its objects as far as they are written here, and, where `NETVERDICT_SARIF_SCHEMA`
//! names the published schema's file, all of it.

use std::fs;

use serde_json::{Value, json};

use crate::common::{Netverdict, SCENES, replay};

/// Every log that the tests look at.
fn logs() -> Vec<(String, Value)> {
    let mut runs: Vec<(String, Netverdict)> = Vec::new();
    for host in [
        "fixtures/findings/neglected".to_owned(),
        "fixtures/findings/tidied".to_owned(),
    ]
    .into_iter()
    .chain(SCENES.map(|s| format!("fixtures/{s}/bundle")))
    {
        let run = Netverdict::new(["lint", &host, "--no-config"]);
        runs.push((format!("lint {host}"), run));
    }
    for scene in ["single-server", "home-router"] {
        let captures = format!("fixtures/{scene}/captures");
        let host = format!("fixtures/pairs/{scene}/new");
        let run = Netverdict::new(["audit", &host, &captures, "--no-config"]);
        runs.push((format!("audit {host}"), run));
        runs.push((format!("replay {scene}"), replay(scene)));
    }
    let logs = runs.into_iter().map(|(name, run)| {
        let log = run.args(["--format", "sarif"]).any_of(&[0, 1]).json();
        (name, log)
    });
    logs.collect()
}

fn object(required: &[&str], properties: Value) -> Value {
    json!({"type": "object", "additionalProperties": false, "required": required, "properties": properties})
}

/// The objects of section 3 that are written here, with the members that are, and what the text asks of each.
fn written() -> Value {
    let message = object(
        &["text"],
        json!({"text": {"type": "string", "minLength": 1}}),
    );
    let number = json!({"type": "integer", "minimum": 1});
    let region = object(
        &["startLine"],
        json!({
            "startLine": number, "startColumn": number, "endColumn": number,
            "snippet": object(&["text"], json!({"text": {"type": "string"}})),
        }),
    );
    let artifact = object(
        &["uri"],
        json!({"uri": {"type": "string", "pattern": "^[A-Za-z0-9._~/%-]+$"}}),
    );
    let location = object(
        &["physicalLocation"],
        json!({
            "id": {"type": "integer", "minimum": 0},
            "message": message,
            "physicalLocation": object(
                &["artifactLocation"],
                json!({"artifactLocation": artifact, "region": region}),
            ),
            "logicalLocations": {
                "type": "array",
                "items": object(&["fullyQualifiedName"], json!({"fullyQualifiedName": {"type": "string"}})),
            },
        }),
    );
    let level = json!({"enum": ["none", "note", "warning", "error"]});
    let result = object(
        &["message"],
        json!({
            "ruleId": {"type": "string", "minLength": 1},
            "ruleIndex": {"type": "integer", "minimum": 0},
            "level": level,
            "message": message,
            "locations": {"type": "array", "items": location, "maxItems": 1},
            "relatedLocations": {"type": "array", "items": location, "uniqueItems": true},
            "partialFingerprints": {"type": "object", "additionalProperties": {"type": "string"}},
            "suppressions": {
                "type": "array",
                "uniqueItems": true,
                "items": object(
                    &["kind"],
                    json!({"kind": {"enum": ["inSource", "external"]}, "justification": {"type": "string"}}),
                ),
            },
        }),
    );
    let text = object(
        &["text"],
        json!({"text": {"type": "string"}, "markdown": {"type": "string"}}),
    );
    let rule = object(
        &["id"],
        json!({
            "id": {"type": "string", "pattern": "^NV[0-9]{3}$"},
            "name": {"type": "string"},
            "shortDescription": text, "fullDescription": text, "help": text,
            "defaultConfiguration": object(&["level"], json!({"level": level})),
            "properties": {"type": "object", "required": ["tags"]},
        }),
    );
    let driver = object(
        &["name"],
        json!({
            "name": {"const": "netverdict"},
            "version": {"type": "string"},
            "rules": {"type": "array", "items": rule, "uniqueItems": true},
        }),
    );
    let notification = object(&["message"], json!({"level": level, "message": message}));
    let invocation = object(
        &["executionSuccessful"],
        json!({
            "executionSuccessful": {"type": "boolean"},
            "toolExecutionNotifications": {"type": "array", "items": notification},
        }),
    );
    let run = object(
        &["tool"],
        json!({
            "tool": object(&["driver"], json!({"driver": driver})),
            "columnKind": {"enum": ["utf16CodeUnits", "unicodeCodePoints"]},
            "invocations": {"type": "array", "items": invocation},
            "results": {"type": "array", "items": result},
        }),
    );
    object(
        &["version", "runs"],
        json!({
            "$schema": {"type": "string", "pattern": "sarif-schema-2.1.0.json$"},
            "version": {"const": "2.1.0"},
            "runs": {"type": "array", "items": run},
        }),
    )
}

fn hold(schema: &Value) {
    let validator = jsonschema::validator_for(schema).expect("the schema is sound");
    for (name, log) in logs() {
        if let Err(error) = validator.validate(&log) {
            panic!("{name}: {error} at {}", error.instance_path);
        }
    }
}

#[test]
fn every_log_has_what_version_2_1_0_asks() {
    hold(&written());
}

#[test]
fn every_log_keeps_to_the_published_schema() {
    let Some(path) = std::env::var_os("NETVERDICT_SARIF_SCHEMA") else {
        println!("SKIPPED: NETVERDICT_SARIF_SCHEMA does not name sarif-schema-2.1.0.json");
        return;
    };
    let text = fs::read_to_string(path).expect("the schema can be read");
    hold(&serde_json::from_str(&text).expect("the schema is JSON"));
}

#[test]
fn each_result_points_at_its_rule_and_its_line() {
    for (name, log) in logs() {
        let run = &log["runs"][0];
        for result in run["results"].as_array().unwrap() {
            let index = usize::try_from(result["ruleIndex"].as_u64().unwrap()).unwrap();
            let rule = &run["tool"]["driver"]["rules"][index];
            assert_eq!(rule["id"], result["ruleId"], "{name}");
            let place = &result["locations"][0]["physicalLocation"];
            let file = fs::read_to_string(
                crate::common::root().join(place["artifactLocation"]["uri"].as_str().unwrap()),
            )
            .unwrap();
            let region = &place["region"];
            let number = |key: &str| usize::try_from(region[key].as_u64().unwrap()).unwrap();
            let line = file.lines().nth(number("startLine") - 1).unwrap();
            let meant: String = line
                .chars()
                .skip(number("startColumn") - 1)
                .take(number("endColumn") - number("startColumn"))
                .collect();
            assert_eq!(region["snippet"]["text"], meant, "{name}");
        }
    }
}

/// What a finding is about has the same fingerprint wherever its line moves and whatever its counters are; what is changed
/// or another one has another.
#[test]
fn fingerprints_are_stable() {
    let dump = |rules: &[&str]| {
        let head = "*filter\n:INPUT DROP [0:0]\n:FORWARD DROP [0:0]\n:OUTPUT ACCEPT [0:0]\n";
        format!("{head}{}\nCOMMIT\n", rules.join("\n"))
    };
    let fingerprints = |rules: &[&str]| -> Vec<(String, String)> {
        let run = Netverdict::new(["lint", "-", "--no-config", "--fail-on", "never"]);
        let log = run.args(["--format", "sarif"]).stdin(dump(rules)).json();
        let results = log["runs"][0]["results"].as_array().unwrap().clone();
        let of = |r: &Value| {
            let text = |v: &Value| v.as_str().unwrap().to_owned();
            (
                text(&r["ruleId"]),
                text(&r["partialFingerprints"]["netverdict/v1"]),
            )
        };
        results.iter().map(of).collect()
    };
    let established = "-A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT";
    let ssh = "-A INPUT -p tcp -m tcp --dport 22 -j ACCEPT";
    let base = fingerprints(&[established, ssh]);
    assert_eq!(base.len(), 1);
    assert_eq!(base[0].0, "NV203");
    // Another line number, counters, a comment line before it.
    let moved = [
        "# a remark",
        established,
        "-A INPUT -i lo -j ACCEPT",
        "[7:420] -A INPUT -p tcp -m tcp --dport 22 -j ACCEPT",
    ];
    assert_eq!(fingerprints(&moved), base);
    let changed = fingerprints(&[established, "-A INPUT -p tcp -m tcp --dport 23 -j ACCEPT"]);
    assert_ne!(changed, base);
    // Two equal lines are two findings.
    let twice = fingerprints(&[established, ssh, ssh, ssh]);
    let covered: Vec<_> = twice.iter().filter(|(id, _)| id == "NV101").collect();
    assert_eq!(covered.len(), 2);
    assert_ne!(covered[0], covered[1]);
}
