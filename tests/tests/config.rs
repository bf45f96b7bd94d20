use std::fs;

use crate::sandbox::Sandbox;

/// Runs a command in a folder with such a file; exit code, standard output and standard error.
fn run(file: &str, line: &str) -> (Option<i32>, String, String) {
    let sandbox = Sandbox::new();
    fs::write(sandbox.path().join("netverdict.toml"), file).unwrap();
    fs::create_dir_all(sandbox.path().join("below/deeper")).unwrap();
    let output = sandbox.run(line);
    let text = |bytes: &[u8]| {
        let text = String::from_utf8_lossy(bytes).into_owned();
        text.replace(&sandbox.path().display().to_string(), "[HERE]")
    };
    (
        output.status.code(),
        text(&output.stdout),
        text(&output.stderr),
    )
}

const REPLAY: &str = "netverdict replay host.rules traffic.pcap";

#[test]
fn a_file_gives_defaults_and_says_so_where_they_matter() {
    let file = "seed = 7\nset = [\"net.ipv4.ip_forward=1\"]\n\n[replay]\nformat = \"json\"\n";
    let (code, stdout, stderr) = run(file, REPLAY);
    assert_eq!(code, Some(0), "{stderr}");
    let report: serde_json::Value = serde_json::from_str(&stdout).unwrap();
    assert_eq!(report["settings"]["seed"], 7);
    let stated: Vec<&str> = report["assumptions"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|a| a["subject"] == "configured")
        .map(|a| a["text"].as_str().unwrap())
        .collect();
    assert_eq!(
        stated,
        [
            "set is net.ipv4.ip_forward=1, set by netverdict.toml line 2",
            "seed is 7, set by netverdict.toml line 1"
        ]
    );
}

#[test]
fn the_command_line_goes_before_the_environment_and_that_before_the_file() {
    let seed = |line: &str| {
        let (code, stdout, stderr) = run("seed = 1\n", line);
        assert_eq!(code, Some(0), "{stderr}");
        let report: serde_json::Value = serde_json::from_str(&stdout).unwrap();
        (
            report["settings"]["seed"].as_u64().unwrap(),
            stdout.contains("NETVERDICT_SEED"),
        )
    };
    let json = format!("{REPLAY} --format json");
    assert_eq!(seed(&json), (1, false));
    assert_eq!(seed(&format!("NETVERDICT_SEED=2 {json}")), (2, true));
    assert_eq!(
        seed(&format!("NETVERDICT_SEED=2 {json} --seed 3")),
        (3, false)
    );
    assert_eq!(seed(&format!("{json} --no-config")), (0, false));
}

#[test]
fn the_nearest_file_above_is_taken() {
    let line =
        "cd below/deeper && netverdict replay ../../host.rules ../../traffic.pcap --format json";
    let (code, stdout, stderr) = run("hz = 1000\n", line);
    assert_eq!(code, Some(0), "{stderr}");
    assert!(
        stdout.contains("hz is 1000, set by [HERE]/netverdict.toml line 1"),
        "{stdout}"
    );
}

#[test]
fn a_format_holds_for_the_commands_that_have_it() {
    let (code, stdout, stderr) = run(
        "format = \"markdown\"\n",
        "netverdict trace host.rules traffic.pcap --packet 1",
    );
    assert_eq!(
        (code, stdout.starts_with('#')),
        (Some(0), false),
        "{stderr}"
    );
    assert!(run("format = \"markdown\"\n", REPLAY).1.starts_with('#'));
}

#[test]
fn what_is_wrong_with_a_file_is_shown_where_it_is() {
    let mut seen = Vec::new();
    for file in [
        "seeed = 1\n",
        "[replay]\nfromat = \"json\"\n",
        "[replay]\nformat = \"jsn\"\n",
        "[replya]\nformat = \"json\"\n",
        "lenient = \"yes\"\n",
        "hz = 0\n",
        "seed = [1, 2]\n",
        "output = \"x\"\n",
        "seed = = 1\n",
    ] {
        let (code, stdout, stderr) = run(file, REPLAY);
        assert_eq!(code, Some(2), "{file}{stdout}");
        seen.push(format!("{file}{stderr}\n"));
    }
    insta::assert_snapshot!(seen.concat());
}

#[test]
fn a_file_asked_for_must_be_there() {
    let (code, _, stderr) = run("", &format!("{REPLAY} --config netverdict.tml"));
    assert_eq!(code, Some(2));
    assert!(
        stderr.contains("netverdict.tml: no such file") && stderr.contains("did you mean"),
        "{stderr}"
    );
}
