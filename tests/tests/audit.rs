use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

use crate::common::{Netverdict, SCENES, program};
use crate::formats::validator;
use crate::sandbox::Sandbox;

/// Hosts whose rules are not those that were in force, and one that is as it was.
const CASES: [(&str, &str, &str, i32); 3] = [
    (
        "changed-server",
        "fixtures/pairs/single-server/new",
        "fixtures/single-server/captures",
        1,
    ),
    (
        "changed-router",
        "fixtures/pairs/home-router/new",
        "fixtures/home-router/captures",
        1,
    ),
    (
        "office-gateway",
        "fixtures/office-gateway/bundle",
        "fixtures/office-gateway/captures",
        0,
    ),
];

fn audit(host: &str, captures: &str) -> Netverdict {
    Netverdict::new(["audit", host, captures, "--no-config"])
}

fn server() -> Netverdict {
    audit(
        "fixtures/single-server/bundle",
        "fixtures/single-server/captures",
    )
}

#[test]
fn contradictions_are_shown_with_their_packets_and_causes() {
    for (name, host, captures, code) in CASES {
        insta::assert_snapshot!(
            format!("text_{name}"),
            audit(host, captures).code(code).stdout()
        );
    }
}

#[test]
fn markdown_and_junit_are_the_reviewed_ones() {
    for (name, host, captures, code) in CASES {
        for format in ["markdown", "junit"] {
            let run = audit(host, captures).args(["--format", format]);
            insta::assert_snapshot!(format!("{format}_{name}"), run.code(code).stdout());
        }
    }
}

#[test]
fn lcov_is_the_reviewed_one() {
    for (name, host, captures, code) in CASES {
        let run = audit(host, captures).args(["--format", "lcov"]);
        insta::assert_snapshot!(format!("lcov_{name}"), run.code(code).stdout());
    }
}

#[test]
fn json_and_sarif_are_the_reviewed_ones() {
    let (_, host, captures, code) = CASES[0];
    for format in ["json", "sarif"] {
        let mut document = audit(host, captures)
            .args(["--format", format])
            .code(code)
            .json();
        if format == "sarif" {
            document["runs"][0]["tool"]["driver"]["rules"] = "[RULES]".into();
        }
        let text = serde_json::to_string_pretty(&document).unwrap();
        insta::assert_snapshot!(format!("{format}_changed-server"), text);
    }
}

#[test]
fn every_json_audit_keeps_to_its_schema() {
    let validator = validator("netverdict.audit-1.schema.json");
    let own = SCENES.map(|s| {
        (
            format!("fixtures/{s}/bundle"),
            format!("fixtures/{s}/captures"),
        )
    });
    let changed = CASES.map(|(_, host, captures, _)| (host.to_owned(), captures.to_owned()));
    for (host, captures) in own.into_iter().chain(changed) {
        let run = audit(&host, &captures).args(["--format", "json"]);
        let document = run.any_of(&[0, 1]).json();
        assert_eq!(document["schema"], "netverdict.audit/1");
        if let Err(error) = validator.validate(&document) {
            panic!("{host}: {error}");
        }
    }
}

/// What a scene's capture shows is what its rules do.
#[test]
fn no_scene_contradicts_its_own_capture() {
    for scene in SCENES {
        let run = audit(
            &format!("fixtures/{scene}/bundle"),
            &format!("fixtures/{scene}/captures"),
        );
        let document = run.args(["--fail-on", "never", "--format", "json"]).json();
        for finding in document["findings"].as_array().unwrap() {
            let id = finding["id"].as_str().unwrap();
            assert!(id < "NV300", "{scene}: {finding}");
        }
    }
}

#[test]
fn the_exit_code_says_whether_something_was_found() {
    let (_, host, captures, _) = CASES[0];
    for (level, code) in [("note", 1), ("error", 1), ("never", 0)] {
        audit(host, captures)
            .args(["--fail-on", level])
            .code(code)
            .output();
    }
    server().args(["--fail-on", "note"]).code(0).output();
    for unusable in [
        vec!["audit", "fixtures/single-server/bundle"],
        vec!["audit", "fixtures/single-server/bundle", "fixtures/nothing"],
        vec!["audit", "fixtures/nothing", captures],
        vec!["audit", host, captures, "--min-coverage", "120"],
    ] {
        Netverdict::new(unusable).code(2).output();
    }
}

#[test]
fn too_little_coverage_ends_in_1_and_is_said_everywhere() {
    let asked = |percent: &str, format: &str| {
        server().args(["--min-coverage", percent, "--format", format])
    };
    let text = asked("90", "text").stdout();
    assert!(text.contains("at least the 90 % asked for"), "{text}");
    let text = asked("95", "text").code(1).stdout();
    assert!(text.contains("below the 95 % asked for"), "{text}");
    let junit = asked("95%", "junit").code(1).stdout();
    assert!(junit.contains("failures=\"1\""), "{junit}");
    let markdown = asked("95", "markdown").code(1).stdout();
    assert!(markdown.contains("below the 95 % asked for"), "{markdown}");
    let percent = server().args(["--format", "json"]).json()["coverage"]["percent"].clone();
    assert_eq!(percent, 90.91);
}

#[test]
fn rules_that_were_left_alone_are_notes_if_asked_for() {
    let text = server().args(["--unexercised"]).stdout();
    assert!(text.contains("note[NV401]"), "{text}");
    server()
        .args(["--unexercised", "--fail-on", "note"])
        .code(1)
        .output();
}

#[test]
fn the_configuration_silences_and_sets_levels() {
    let sandbox = Sandbox::new();
    let run = |file: &str| {
        fs::write(sandbox.path().join("netverdict.toml"), file).unwrap();
        let line =
            "netverdict audit fixtures/pairs/single-server/new fixtures/single-server/captures";
        let output = sandbox.run(line);
        let text = String::from_utf8(output.stdout).unwrap();
        (output.status.code(), text)
    };
    assert_eq!(run("").0, Some(1));
    assert_eq!(run("[audit]\nfail-on = \"never\"\n").0, Some(0));
    let strict = run("[audit]\nfail-on = \"never\"\nmin-coverage = 99\n");
    assert_eq!(strict.0, Some(1));
    assert!(
        strict.1.contains("below the 99 % asked for"),
        "{}",
        strict.1
    );
    let allowed = run("[[allow]]\nid = \"NV301\"\nreason = \"the new rules are not loaded yet\"\n");
    assert_eq!(allowed.0, Some(0), "{}", allowed.1);
    assert!(allowed.1.contains("(2 allowed)"), "{}", allowed.1);
    let other = run("[[allow]]\nid = \"NV301\"\nreason = \"elsewhere\"\nchain = \"FORWARD\"\n");
    assert_eq!(other.0, Some(1));
    // A permission for what a capture shows is not superfluous where this one does not show it.
    assert!(!other.1.contains("NV002"), "{}", other.1);
}

#[test]
fn counters_that_rose_by_less_are_found() {
    let sandbox = Sandbox::new();
    let at = |name: &str| sandbox.path().join(name);
    let counted = |packets: u32| {
        format!(
            "*filter\n:INPUT ACCEPT [0:0]\n:FORWARD ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\n[{packets}:60] -A INPUT -p tcp -j ACCEPT\nCOMMIT\n"
        )
    };
    fs::write(at("a.rules"), counted(5)).unwrap();
    let run = |after: u32| {
        fs::write(at("b.rules"), counted(after)).unwrap();
        let line = "netverdict audit b.rules fixtures/single-server/captures --before a.rules --local 203.0.113.10 --fail-on never --format json";
        let output = sandbox.run(line);
        let document: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        let findings = document["findings"].as_array().unwrap().clone();
        findings.into_iter().find(|f| f["id"] == "NV307")
    };
    let found = run(6).expect("one packet is not enough");
    let title = found["title"].as_str().unwrap();
    assert!(
        title.starts_with("the rule's counter rose by 1, "),
        "{title}"
    );
    assert!(
        run(10_000).is_none(),
        "more may have come than was captured"
    );
}

/// Dumps without an earlier one: only one that was made soon after the capture is held against it.
#[test]
fn a_dump_is_held_against_a_capture_of_its_day() {
    let sandbox = Sandbox::new();
    let found = |rules: usize, date: &str| {
        let rule = "[1:60] -A INPUT -p tcp -m comment --comment x -j LOG\n";
        let text = format!(
            "*filter\n:INPUT ACCEPT [9:9]\n:FORWARD ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\n{}COMMIT\n# Completed{date}\n",
            rule.repeat(rules)
        );
        fs::write(sandbox.path().join("b.rules"), text).unwrap();
        let line = "netverdict audit b.rules fixtures/single-server/captures --local 203.0.113.10 --fail-on never --format json";
        let document: Value = serde_json::from_slice(&sandbox.run(line).stdout).unwrap();
        let findings = document["findings"].as_array().unwrap().clone();
        let told = findings.into_iter().filter(|f| f["id"] == "NV307");
        told.map(|f| f["title"].as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    // The capture is of March 2nd, 08:00 UTC.
    let next_day = " on Tue Mar  3 12:00:00 2026";
    assert_eq!(found(3, next_day).len(), 3);
    let many = found(5, next_day);
    assert_eq!(many, ["5 rules counted less than the capture alone makes"]);
    for (date, why) in [
        ("", "it has no date"),
        (
            " on Mon Mar  2 12:00:00 2026",
            "some time zone has it before",
        ),
        (" on Sun Mar  1 12:00:00 2026", "it was made before"),
        (
            " on Thu Apr  2 12:00:00 2026",
            "counters were set back since",
        ),
    ] {
        assert!(found(5, date).is_empty(), "{why}");
    }
}

/// The usual viewer takes the coverage.
#[test]
fn genhtml_opens_the_coverage() {
    let Some(genhtml) = program(&["genhtml"]) else {
        println!("SKIPPED: genhtml (lcov) is not installed");
        return;
    };
    for (name, host, captures, code) in CASES {
        let folder = tempfile::tempdir().unwrap();
        let info = folder.path().join("rules.info");
        let run = audit(host, captures).args(["--format", "lcov", "-o"]);
        run.args([&info]).code(code).output();
        let output = Command::new(&genhtml)
            .args([Path::new("-o"), &folder.path().join("html"), &info])
            .current_dir(crate::common::root())
            .output()
            .unwrap();
        let said =
            String::from_utf8_lossy(&output.stderr) + String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success(), "{name}: {said}");
        assert!(said.contains("lines......:"), "{name}: {said}");
        assert!(folder.path().join("html/index.html").is_file(), "{name}");
    }
}
