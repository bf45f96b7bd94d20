use std::fs;

use serde_json::Value;

use crate::common::{Netverdict, SCENES, replay, root};

pub(crate) fn validator(name: &str) -> jsonschema::Validator {
    let text =
        fs::read_to_string(root().join("schemas").join(name)).expect("the schema is shipped");
    jsonschema::validator_for(&serde_json::from_str(&text).expect("the schema is JSON"))
        .expect("the schema is sound")
}

#[test]
fn every_json_report_keeps_to_the_schema() {
    let validator = validator("netverdict.report-1.schema.json");
    for scene in SCENES {
        let report = replay(scene).args(["--format", "json"]).json();
        assert_eq!(report["schema"], "netverdict.report/1");
        if let Err(error) = validator.validate(&report) {
            panic!("{scene}: {error}");
        }
    }
}

#[test]
fn the_list_of_extensions_keeps_to_its_schema() {
    let list = Netverdict::new(["extensions", "--format", "json"]).json();
    if let Err(error) = validator("netverdict.extensions-1.schema.json").validate(&list) {
        panic!("{error}");
    }
}

#[test]
fn a_report_without_a_field_does_not_keep_to_the_schema() {
    let mut report = replay("single-server").args(["--format", "json"]).json();
    report.as_object_mut().unwrap().remove("totals");
    assert!(!validator("netverdict.report-1.schema.json").is_valid(&report));
}

#[test]
fn every_json_trace_keeps_to_its_schema() {
    let validator = validator("netverdict.trace-1.schema.json");
    let trace = [
        "trace",
        "fixtures/home-router/bundle",
        "fixtures/home-router/captures",
        "--format",
        "json",
        "--packet",
    ];
    for packet in ["1", "20", "60"] {
        let trace = Netverdict::new(trace).args([packet]).json();
        if let Err(error) = validator.validate(&trace) {
            panic!("packet {packet}: {error}");
        }
    }
}

#[test]
fn every_packet_line_keeps_to_its_schema() {
    let validator = validator("netverdict.packet-1.schema.json");
    for scene in SCENES {
        for line in replay(scene).args(["--format", "packets"]).lines() {
            if let Err(error) = validator.validate(&line) {
                panic!("{scene} packet {}: {error}", line["n"]);
            }
        }
    }
}

#[test]
fn junit_has_a_case_for_each_flow_and_fails_what_cannot_be_relied_on() {
    insta::assert_snapshot!(
        "junit_single-server",
        replay("single-server").args(["--format", "junit"]).stdout()
    );
    let undecided = "*filter\n:INPUT DROP [0:0]\n:FORWARD ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\n-A INPUT -p tcp -m set --match-set friends src -j ACCEPT\nCOMMIT\n";
    let xml = Netverdict::new([
        "replay",
        "-",
        "fixtures/single-server/captures/traffic.pcapng",
    ])
    .args(["--local", "203.0.113.10", "--format", "junit"])
    .stdin(undecided)
    .stdout();
    let failed = xml.matches("<failure ").count();
    assert!(failed > 0 && xml.contains("type=\"UNKNOWN\""), "{xml}");
    assert!(xml.contains(&format!("failures=\"{failed}\"")));
}

#[test]
fn binary_is_not_written_to_a_terminal() {
    let Some(script) = crate::common::program(&["script"]) else {
        println!("skipped: script, which gives a command a terminal, is not installed");
        return;
    };
    let line = format!(
        "{} replay fixtures/single-server/bundle fixtures/single-server/captures --format pcapng",
        env!("CARGO_BIN_EXE_netverdict-under-test")
    );
    let output = std::process::Command::new(script)
        .args(["-qec", &line, "/dev/null"])
        .current_dir(root())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(said.contains("standard output is a terminal"), "{said}");
}

const FIELDS: [&str; 12] = [
    "n",
    "file",
    "time",
    "interface",
    "direction",
    "verdict",
    "fate",
    "rule",
    "state",
    "flow",
    "nat",
    "reason",
];
const VERDICTS: [&str; 7] = [
    "ACCEPT", "DROP", "REJECT", "QUEUE", "STOLEN", "UNKNOWN", "SKIPPED",
];
const FATES: [&str; 7] = [
    "local",
    "forwarded",
    "sent",
    "dropped",
    "queued",
    "evidence",
    "skipped",
];

#[test]
fn every_packet_line_has_its_fields() {
    for scene in SCENES {
        let lines = replay(scene).args(["--format", "packets"]).lines();
        for (line, n) in lines.iter().zip(1_u64..) {
            for field in FIELDS {
                assert!(line.get(field).is_some(), "{scene} {n}: no {field}");
            }
            assert_eq!(line["n"], n, "{scene}");
            assert!(
                VERDICTS.contains(&line["verdict"].as_str().unwrap()),
                "{scene} {n}: {}",
                line["verdict"]
            );
            assert!(
                FATES.contains(&line["fate"].as_str().unwrap()),
                "{scene} {n}: {}",
                line["fate"]
            );
            assert!(["in", "out"].contains(&line["direction"].as_str().unwrap()));
            let (seconds, nanos) = line["time"].as_str().unwrap().split_once('.').unwrap();
            assert!(seconds.parse::<i64>().is_ok() && nanos.len() == 9);
            assert_rule(&line["rule"]);
            assert!(
                !line["rule"].is_null() || !line["reason"].is_null(),
                "{scene} {n}: neither rule nor reason"
            );
        }
    }
}

fn assert_rule(rule: &Value) {
    if !rule.is_null() {
        assert!(rule["table"].is_string() && rule["chain"].is_string());
        assert!(rule["number"].as_u64().is_some_and(|n| n > 0) || rule["number"] == "policy");
        assert!(rule["line"].is_u64() || rule["line"].is_null());
    }
}

#[test]
fn a_decided_packet_names_the_rule_of_the_dump() {
    let dump =
        fs::read_to_string(root().join("fixtures/single-server/bundle/iptables-save")).unwrap();
    let lines: Vec<&str> = dump.lines().collect();
    for packet in replay("single-server")
        .args(["--format", "packets"])
        .lines()
    {
        let Some(line) = packet["rule"]["line"].as_u64() else {
            continue;
        };
        let text = lines[line as usize - 1];
        let chain = packet["rule"]["chain"].as_str().unwrap();
        let is_rule = text.contains(&format!("-A {chain} "));
        assert!(
            is_rule || text.starts_with(&format!(":{chain} ")),
            "line {line}: {text}"
        );
        assert_eq!(is_rule, packet["rule"]["number"].is_u64());
    }
}

#[test]
fn totals_of_the_report_are_those_of_the_packets() {
    for scene in SCENES {
        let report = replay(scene).args(["--format", "json"]).json();
        let packets = replay(scene).args(["--format", "packets"]).lines();
        assert_eq!(report["frames"], packets.len());
        for total in report["totals"].as_array().unwrap() {
            let same = |p: &&Value| p["verdict"] == total["verdict"] && p["fate"] == total["fate"];
            assert_eq!(
                total["packets"],
                packets.iter().filter(same).count(),
                "{scene}"
            );
            let bytes: u64 = packets
                .iter()
                .filter(same)
                .map(|p| p["length"].as_u64().unwrap())
                .sum();
            assert_eq!(total["bytes"], bytes, "{scene}");
        }
    }
}

#[test]
fn counters_are_a_dump_that_can_be_read_again() {
    for scene in SCENES {
        let counters = replay(scene).args(["--format", "counters"]).stdout();
        Netverdict::new(["fmt", "--check", "-"])
            .stdin(counters)
            .output();
    }
}

/// The nft backend goes through its tables in an order of its own; the legacy one has the last first.
#[test]
fn tables_are_in_the_order_of_the_program_that_prints_them() {
    let printed = |header: &str| {
        let tables = ["nat", "raw", "filter", "mangle"];
        let tables = tables.map(|table| format!("*{table}\n:OUTPUT ACCEPT [0:0]\nCOMMIT\n"));
        let text = format!("{header}\n{}", tables.concat());
        let capture = "fixtures/single-server/captures";
        let run = Netverdict::new(["replay", "-", capture, "--format", "counters", "-q"]);
        let printed = run.stdin(text).stdout();
        let heads = printed
            .lines()
            .filter(|l| !l.starts_with(':') && *l != "COMMIT");
        heads.map(str::to_owned).collect::<Vec<_>>().join("\n")
    };
    insta::assert_snapshot!(printed("# Generated by iptables-save v1.8.9 (nf_tables)"), @r"
    # Generated by iptables-save v1.8.9 (nf_tables)
    *mangle
    # Completed
    # Generated by iptables-save v1.8.9 (nf_tables)
    *raw
    # Completed
    # Generated by iptables-save v1.8.9 (nf_tables)
    *filter
    # Completed
    # Generated by iptables-save v1.8.9 (nf_tables)
    *nat
    # Completed
    ");
    insta::assert_snapshot!(printed("# Generated by iptables-save v1.8.9"), @r"
    # Generated by iptables-save v1.8.9
    *mangle
    # Completed
    # Generated by iptables-save v1.8.9
    *filter
    # Completed
    # Generated by iptables-save v1.8.9
    *raw
    # Completed
    # Generated by iptables-save v1.8.9
    *nat
    # Completed
    ");
}

#[test]
fn counters_begin_with_those_of_the_dump_when_kept() {
    let dump = "*filter\n:INPUT ACCEPT [7:700]\n:FORWARD ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\n[5:500] -A INPUT -p tcp -j ACCEPT\nCOMMIT\n";
    let run = |more: &[&str]| {
        let capture = "fixtures/single-server/captures/traffic.pcapng";
        let base = Netverdict::new([
            "replay",
            "-",
            capture,
            "--local",
            "203.0.113.10",
            "--format",
            "counters",
        ]);
        base.args(more).stdin(dump).stdout()
    };
    let count = |text: &str| -> u64 {
        let line = text
            .lines()
            .find(|l| l.ends_with("-A INPUT -p tcp -j ACCEPT"))
            .unwrap();
        line[1..].split(':').next().unwrap().parse().unwrap()
    };
    let (from_zero, kept) = (count(&run(&[])), count(&run(&["--keep-counters"])));
    assert!(from_zero > 0);
    assert_eq!(kept, from_zero + 5);
}

#[test]
fn the_connection_table_is_as_conntrack_prints_it() {
    insta::assert_snapshot!(
        replay("office-gateway")
            .args(["--format", "conntrack"])
            .stdout()
    );
}

#[test]
fn separate_captures_add_up() {
    let capture = "fixtures/single-server/captures/traffic.pcapng";
    let packets = |captures: &[&str]| {
        let base = Netverdict::new([
            "replay",
            "fixtures/single-server/bundle",
            "--separate",
            "--format",
            "packets",
        ]);
        base.args(captures).lines()
    };
    let (once, twice) = (packets(&[capture]), packets(&[capture, capture]));
    assert_eq!(twice.len(), 2 * once.len());
    let verdicts =
        |lines: &[Value]| -> Vec<Value> { lines.iter().map(|l| l["verdict"].clone()).collect() };
    assert_eq!(
        verdicts(&twice[..once.len()]),
        verdicts(&twice[once.len()..])
    );
    let flows =
        |lines: &[Value]| -> Vec<u64> { lines.iter().filter_map(|l| l["flow"].as_u64()).collect() };
    let last = flows(&once).into_iter().max().unwrap();
    assert!(
        flows(&twice[once.len()..]).iter().all(|flow| *flow > last),
        "flows of fresh hosts have ids of their own"
    );
}

#[test]
fn output_goes_to_the_file_named() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("report.json");
    let stdout = replay("single-server")
        .args(["--format", "json", "-o", path.to_str().unwrap()])
        .stdout();
    assert_eq!(stdout, "");
    let report: Value = serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap();
    assert_eq!(report["schema"], "netverdict.report/1");
}

#[test]
fn a_capture_from_standard_input_is_the_same_capture() {
    let bytes = fs::read(root().join("fixtures/home-router/captures/lan-and-wan.pcapng")).unwrap();
    let args = [
        "replay",
        "fixtures/home-router/bundle",
        "-",
        "--format",
        "packets",
    ];
    let mut piped = Netverdict::new(args).stdin(bytes).lines();
    let mut named = replay("home-router").args(["--format", "packets"]).lines();
    assert!(piped.iter().all(|line| line["file"] == "-"));
    for line in piped.iter_mut().chain(&mut named) {
        line["file"] = Value::Null;
        line["evidence"]["file"] = Value::Null;
    }
    assert_eq!(piped, named);
}

/// The table at a moment is that of a capture which ends there, with what has expired since left out.
#[test]
fn the_connection_table_at_a_moment() {
    let at = |moment: &str| {
        let table = replay("office-gateway").args(["--format", "conntrack", "--at", moment]);
        table.stdout().lines().count()
    };
    let all = replay("office-gateway")
        .args(["--format", "conntrack"])
        .stdout()
        .lines()
        .count();
    assert!(at("+0") <= 1);
    assert!(at("+0") < at("+1"), "connections begin");
    assert!(at("+1000") < all, "and expire");
    assert_eq!(at("2026-01-01T00:00:00Z"), 0, "before the first packet");
}
