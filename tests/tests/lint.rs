use std::fs;

use crate::common::{Netverdict, root};
use crate::formats::validator;
use crate::sandbox::Sandbox;

/// Hosts with something to say about: grown rules, a Docker host, a cluster's node.
const HOSTS: [(&str, &str); 3] = [
    ("neglected", "fixtures/findings/neglected"),
    ("docker-host", "fixtures/docker-host/bundle"),
    ("kubernetes-node", "fixtures/kubernetes-node/bundle"),
];

fn lint(host: &str) -> Netverdict {
    Netverdict::new(["lint", host, "--no-config"])
}

#[test]
fn findings_are_shown_with_the_lines_that_they_are_about() {
    for (name, host) in HOSTS {
        insta::assert_snapshot!(format!("text_{name}"), lint(host).code(1).stdout());
    }
}

#[test]
fn markdown_and_junit_are_the_reviewed_ones() {
    for (name, host) in HOSTS {
        for format in ["markdown", "junit"] {
            let output = lint(host).args(["--format", format]).code(1).stdout();
            insta::assert_snapshot!(format!("{format}_{name}"), output);
        }
    }
}

#[test]
fn json_and_sarif_are_the_reviewed_ones() {
    // Two findings each: the whole documents are held to their schemas.
    for format in ["json", "sarif"] {
        let output = lint("fixtures/kubernetes-node/bundle").args(["--format", format]);
        let mut document = output.code(1).json();
        if format == "sarif" {
            // Every kind of finding with its page.
            document["runs"][0]["tool"]["driver"]["rules"] = "[RULES]".into();
        }
        let text = serde_json::to_string_pretty(&document).unwrap();
        insta::assert_snapshot!(format!("{format}_kubernetes-node"), text);
    }
}

#[test]
fn every_json_review_keeps_to_its_schema() {
    let validator = validator("netverdict.lint-1.schema.json");
    for (name, host) in HOSTS {
        let mut document = lint(host).args(["--format", "json"]).code(1).json();
        assert_eq!(document["schema"], "netverdict.lint/1");
        if let Err(error) = validator.validate(&document) {
            panic!("{name}: {error}");
        }
        document.as_object_mut().unwrap().remove("counts");
        assert!(!validator.is_valid(&document));
    }
}

#[test]
fn the_exit_code_says_whether_something_was_found() {
    // A note and a warning, and a host that is clean.
    let node = "fixtures/kubernetes-node/bundle";
    let levels = [("note", 1), ("warning", 1), ("error", 0), ("never", 0)];
    for (level, code) in levels {
        let run = lint(node).args(["--fail-on", level]);
        run.code(code).output();
    }
    lint(node).code(1).output();
    let clean = lint("fixtures/single-server/bundle").args(["--fail-on", "note"]);
    assert!(clean.stdout().contains("no findings"));
    for unusable in [
        vec!["lint", "fixtures/nothing"],
        vec!["lint", "fixtures/single-server/captures"],
        vec!["lint", node, "--fail-on", "eror"],
        vec!["lint"],
    ] {
        Netverdict::new(unusable).code(2).output();
    }
    let broken = "*filter\n-A INPUT --nonsense\nCOMMIT\n";
    let said = Netverdict::new(["lint", "-"])
        .stdin(broken)
        .code(2)
        .stderr();
    assert!(said.contains("--> -:2:"), "{said}");
}

#[test]
fn what_is_left_out_is_said() {
    let dump = "*filter\n:INPUT ACCEPT [0:0]\n-A INPUT --nonsense\n-A INPUT -j DROP\nCOMMIT\n";
    let run = Netverdict::new(["lint", "-", "--lenient"]).stdin(dump);
    let text = run.stdout();
    assert!(text.contains("assumed: -:3 is left out"), "{text}");
}

#[test]
fn findings_are_silenced_by_comments_and_by_the_configuration_with_a_reason() {
    let host = "fixtures/findings/tidied";
    // The dump's own comments silence three of them, the configuration the others.
    let alone = lint(host).args(["--fail-on", "note"]).code(1).stdout();
    assert!(alone.contains("2 notes (3 allowed)"), "{alone}");
    let config = "fixtures/findings/tidied/netverdict.toml";
    let run = || Netverdict::new(["lint", host, "--config", config]);
    let text = run().stdout();
    assert!(text.contains("no findings (5 allowed)"), "{text}");
    insta::assert_snapshot!("text_tidied", run().args(["--show-allowed"]).stdout());
    let sarif = run().args(["--format", "sarif"]).json();
    let mut kinds: Vec<_> = sarif["runs"][0]["results"]
        .as_array()
        .unwrap()
        .iter()
        .map(|r| r["suppressions"][0]["kind"].as_str().unwrap())
        .collect();
    kinds.sort_unstable();
    let expected = ["external", "external", "inSource", "inSource", "inSource"];
    assert_eq!(kinds, expected);
    let junit = run().args(["--format", "junit"]).stdout();
    assert!(junit.contains("skipped=\"5\" failures=\"0\""), "{junit}");
}

#[test]
fn the_configuration_says_from_which_level_on_the_command_fails() {
    let sandbox = Sandbox::new();
    let code = |file: &str, line: &str| {
        fs::write(sandbox.path().join("netverdict.toml"), file).unwrap();
        sandbox.run(line).status.code()
    };
    let line = "netverdict lint fixtures/kubernetes-node/bundle";
    assert_eq!(code("", line), Some(1));
    assert_eq!(code("[lint]\nfail-on = \"error\"\n", line), Some(0));
    assert_eq!(code("fail-on = \"never\"\n", line), Some(0));
    let asked = format!("{line} --fail-on note");
    assert_eq!(code("[lint]\nfail-on = \"error\"\n", &asked), Some(1));
    // What holds for one command does not for the other.
    assert_eq!(code("[audit]\nfail-on = \"error\"\n", line), Some(1));
}

#[test]
fn a_permission_that_is_of_no_use_is_shown_where_it_is_written() {
    let sandbox = Sandbox::new();
    let mut seen = Vec::new();
    for file in [
        "[[allow]]\nid = \"NV101\"\nreason = \"nothing of the kind is there\"\n",
        "[[allow]]\nid = \"NV201\"\nreason = \" \"\n",
        "[[allow]]\nid = \"NV999\"\nreason = \"no such kind\"\n",
        // Not looked for here: another file, and what only a capture shows.
        "[[allow]]\nid = \"NV101\"\nfile = \"other.rules\"\nreason = \"another host\"\n",
        "[[allow]]\nid = \"NV301\"\nreason = \"known\"\n",
    ] {
        fs::write(sandbox.path().join("netverdict.toml"), file).unwrap();
        let output = sandbox.run("netverdict lint fixtures/docker-host/bundle --fail-on never");
        assert_eq!(output.status.code(), Some(0));
        let text = String::from_utf8(output.stdout).unwrap();
        let about: Vec<_> = text
            .split("\n\n")
            .filter(|part| part.contains("netverdict.toml"))
            .collect();
        seen.push(format!("{file}\n{}\n", about.join("\n\n")));
    }
    insta::assert_snapshot!("permissions_of_no_use", seen.join("\n"));
}

#[test]
fn pages_are_printed_and_near_misses_named() {
    let page = Netverdict::new(["lint", "--explain", "nv101"]).stdout();
    let shipped = fs::read_to_string(root().join("docs/findings/NV101.md")).unwrap();
    assert_eq!(page, shipped);
    let list = Netverdict::new(["lint", "--explain"]).stdout();
    assert!(list.contains("NV307 warning counters-disagree"), "{list}");
    let said = Netverdict::new(["lint", "--explain", "coverd-rule"])
        .code(2)
        .stderr();
    assert!(said.contains("did you mean covered-rule?"), "{said}");
}
