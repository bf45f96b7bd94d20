use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use tempfile::TempDir;

use crate::common::{Netverdict, root};
use crate::formats::validator;

const RULES: &str = "*filter
:INPUT DROP [0:0]
:FORWARD DROP [0:0]
:OUTPUT ACCEPT [0:0]
-A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
-A INPUT -s 198.51.100.0/24 -p tcp -m tcp --dport 22 -m comment --comment \"ssh from the office\" -j ACCEPT
-A INPUT -p tcp -m tcp --dport 80 -j ACCEPT
COMMIT
";
const CASE: &str = "description = \"What a server lets in.\"
host = \"rules.v4\"
packets = '''
in eth0 tcp-session 198.51.100.7:40000 > 203.0.113.1:22
in eth0 tcp-session 192.0.2.9:40001 > 203.0.113.1:22
in eth0 tcp 192.0.2.9:40002 > 203.0.113.1:80 syn
'''
[options]
local = \"203.0.113.1/24@eth0\"

[[expect]]
name = \"the office works\"
line = 1
verdict = \"ACCEPT\"
count = 10

[[expect]]
name = \"the office comes in by its rule\"
source = \"198.51.100.0/24\"
state = \"NEW\"
verdict = \"ACCEPT\"
fate = \"local\"
rule = { chain = \"INPUT\", comment = \"ssh from the office\" }

[[expect]]
name = \"nobody else does\"
line = 2
verdict = \"DROP\"
rule = \"filter INPUT policy\"

[[expect]]
name = \"nothing is refused\"
none = true
verdict = \"REJECT\"

[[expect]]
name = \"web is asked for\"
rule = \"INPUT 3\"
hits = \">= 1\"
";

/// A suite of one case, `server/ssh`, in a directory of its own.
struct Bench(TempDir);

impl Bench {
    fn new() -> Self {
        let bench = Self(tempfile::tempdir().unwrap());
        fs::create_dir_all(bench.path("suites/server/ssh")).unwrap();
        bench.write("rules.v4", RULES);
        bench.write("case.toml", CASE);
        bench
    }

    /// One whose snapshot is accepted.
    fn accepted() -> Self {
        let bench = Self::new();
        bench.run(["--accept"]).output();
        bench
    }

    fn path(&self, below: &str) -> PathBuf {
        self.0.path().join(below)
    }

    fn case(&self, file: &str) -> PathBuf {
        self.path("suites/server/ssh").join(file)
    }

    fn write(&self, file: &str, text: &str) {
        fs::write(self.case(file), text).unwrap();
    }

    fn run<const N: usize>(&self, args: [&str; N]) -> Netverdict {
        Netverdict::new(["test", "suites"])
            .within(self.0.path())
            .args(args)
    }

    /// The office loses its rule, and with it the connection its session.
    fn break_rules(&self) {
        let rule = RULES.lines().find(|l| l.contains("office")).unwrap();
        self.write("rules.v4", &RULES.replace(&format!("{rule}\n"), ""));
    }
}

#[test]
fn the_shipped_suites_pass() {
    let run = |threads| {
        let args = ["test", "fixtures/suites", "--ci", "--threads", threads];
        Netverdict::new(args).stdout()
    };
    let text = run("1");
    assert_eq!(text, run("4"));
    insta::assert_snapshot!(text);
}

#[test]
fn cases_are_listed_and_filtered_by_part_and_glob() {
    let list = |filter: &[&str]| {
        let run = Netverdict::new(["test", "fixtures/suites", "--list"]);
        run.args(filter).stdout()
    };
    insta::assert_snapshot!(list(&[]));
    assert_eq!(
        list(&["--filter", "router"]),
        "router/captured\nrouter/sent\n"
    );
    assert_eq!(
        list(&["--filter", "matrix/*@after", "--filter", "server/s*"]),
        "matrix/before-and-after@after\nserver/sent\n"
    );
    let none = Netverdict::new(["test", "fixtures/suites", "--filter", "nothing"]);
    assert!(
        none.code(2)
            .stderr()
            .contains("no case has nothing in its name")
    );
}

#[test]
fn a_path_may_be_a_case_or_its_file() {
    for path in [
        "fixtures/suites/server/sent",
        "fixtures/suites/server/sent/case.toml",
    ] {
        let text = Netverdict::new(["test", path, "--ci"]).stdout();
        assert!(
            text.starts_with("  ok  sent  21 packets of 6 flows"),
            "{text}"
        );
    }
}

#[test]
fn a_failure_shows_the_flow_and_both_rules_in_the_dump() {
    let bench = Bench::accepted();
    bench.break_rules();
    insta::assert_snapshot!(bench.run([]).code(1).stdout());
}

#[test]
fn a_failure_is_told_in_every_format() {
    let bench = Bench::accepted();
    bench.break_rules();
    let run = |format| bench.run(["--format", format]).code(1);
    insta::assert_snapshot!("failure_markdown", run("markdown").stdout());
    insta::assert_snapshot!("failure_junit", run("junit").stdout());
    let document = run("json").json();
    assert_eq!(document["schema"], "netverdict.test/1");
    if let Err(error) = validator("netverdict.test-1.schema.json").validate(&document) {
        panic!("{error}");
    }
    let failures = document["runs"][0]["failures"].as_array().unwrap();
    let kinds: Vec<_> = failures
        .iter()
        .map(|f| f["kind"].as_str().unwrap())
        .collect();
    assert_eq!(
        kinds,
        ["expectation", "expectation", "expectation", "snapshot"]
    );
}

#[test]
fn json_of_passing_suites_keeps_to_the_schema() {
    let run = Netverdict::new(["test", "fixtures/suites", "--ci", "--format", "json"]);
    let document = run.json();
    let validator = validator("netverdict.test-1.schema.json");
    assert!(validator.is_valid(&document));
    assert_eq!(document["totals"]["passed"], 8);
    let mut broken = document;
    broken.as_object_mut().unwrap().remove("runs");
    assert!(!validator.is_valid(&broken));
}

#[test]
fn a_rule_that_is_not_there_is_named_with_what_is() {
    let bench = Bench::accepted();
    bench.write(
        "case.toml",
        &CASE.replace("ssh from the office", "ssh from an office"),
    );
    let text = bench.run([]).code(1).stdout();
    let expected = "the host has no such rule: INPUT with comment \"ssh from an office\": a rule has the comment `ssh from the office`";
    assert!(text.contains(expected), "{text}");
}

#[test]
fn verdicts_without_a_snapshot_wait_beside_it() {
    let bench = Bench::new();
    let text = bench.run([]).stdout();
    assert!(text.contains("1 new snapshot (--accept takes it"), "{text}");
    let pending = fs::read_to_string(bench.case("verdicts.snap.new")).unwrap();
    assert!(!bench.case("verdicts.snap").exists());
    bench.run(["--accept"]).output();
    assert_eq!(
        fs::read_to_string(bench.case("verdicts.snap")).unwrap(),
        pending
    );
    assert!(!bench.case("verdicts.snap.new").exists());
    bench.run(["--ci"]).output();
}

#[test]
fn in_ci_a_snapshot_that_is_not_there_is_a_failure_and_nothing_is_written() {
    for (args, ci) in [(["--ci", "--quiet"], ""), (["--color", "never"], "true")] {
        let bench = Bench::new();
        let text = bench.run(args).env("CI", ci).code(1).stdout();
        assert!(
            text.contains("no snapshot (suites/server/ssh/verdicts.snap)"),
            "{text}"
        );
        assert!(!bench.case("verdicts.snap.new").exists());
    }
    Bench::new().run([]).env("CI", "false").output();
}

#[test]
fn a_snapshot_of_no_run_is_a_failure_in_ci_and_removed_when_accepting() {
    let bench = Bench::accepted();
    bench.write("verdicts@gone.snap", "");
    fs::write(bench.path("suites/verdicts.snap"), "").unwrap();
    assert!(
        bench
            .run([])
            .stdout()
            .contains("1 passed, 2 orphaned snapshots")
    );
    let text = bench.run(["--ci"]).code(1).stdout();
    assert!(
        text.contains("suites/server/ssh/verdicts@gone.snap"),
        "{text}"
    );
    bench.run(["--filter", "ssh", "--ci"]).code(1).output();
    bench.run(["--accept"]).output();
    assert!(!bench.case("verdicts@gone.snap").exists());
    assert!(!bench.path("suites/verdicts.snap").exists());
    bench.run(["--ci"]).output();
}

#[test]
fn a_case_may_keep_no_snapshot() {
    let bench = Bench::new();
    bench.write("case.toml", &format!("snapshot = false\n{CASE}"));
    assert!(bench.run(["--ci"]).stdout().contains("no snapshot kept"));
    assert!(!bench.case("verdicts.snap.new").exists());
}

#[test]
fn the_order_is_drawn_from_the_seed_and_changes_nothing() {
    let run = |args: &[&str]| {
        let run = Netverdict::new(["test", "fixtures/suites", "--ci"]);
        run.args(args).stdout()
    };
    let plain = run(&[]);
    let shuffled = run(&["--shuffle=7"]);
    let (first, rest) = shuffled.split_once('\n').unwrap();
    assert_eq!(
        first,
        "Order drawn from seed 7 (--shuffle=7 draws it again)"
    );
    assert_eq!(rest, plain);
    assert!(run(&["--shuffle"]).starts_with("Order drawn from seed "));
}

#[test]
fn after_a_failure_no_case_starts_if_so_asked() {
    let bench = Bench::accepted();
    bench.break_rules();
    let more = bench.path("suites/server/zzz");
    fs::create_dir_all(&more).unwrap();
    for file in ["rules.v4", "case.toml", "verdicts.snap"] {
        fs::copy(bench.case(file), more.join(file)).unwrap();
    }
    let text = bench
        .run(["--fail-fast", "--threads", "1"])
        .code(1)
        .stdout();
    assert!(text.contains("0 passed, 1 failed, 1 not run"), "{text}");
}

#[test]
fn what_cannot_be_read_is_shown_with_its_place() {
    let mut complaints = Vec::new();
    let edits = [
        ("host = ", "hosts = "),
        ("verdict = \"REJECT\"", "verdict = \"REJEKT\""),
        ("line = 2", "lines = 2"),
        (":80 syn", ":80 sin"),
        (
            "tcp-session 198.51.100.7:40000 > 203.0.113.1:22",
            "tcp-session 198.51.100.7 > 203.0.113.1",
        ),
        ("hits = \">= 1\"", "hits = \"some\""),
        ("203.0.113.1/24@eth0", "203.0.113.1/33"),
        ("none = true", "none = "),
        (
            "rule = \"filter INPUT policy\"",
            "rule = { chian = \"INPUT\" }",
        ),
        ("rule = \"INPUT 3\"\n", ""),
        ("[options]", "[options]\nbackend = \"nftables\""),
        ("line = 1\n", "hosts = \"other\"\n"),
        ("host = \"rules.v4\"", "host = \"missing.v4\""),
    ];
    let bench = Bench::accepted();
    for (from, to) in edits {
        assert!(CASE.contains(from), "{from}");
        bench.write("case.toml", &CASE.replace(from, to));
        let text = bench.run([]).code(2).stdout();
        let text = text.lines().skip(3).collect::<Vec<_>>().join("\n");
        complaints.push(
            text.trim_end()
                .trim_end_matches("0 passed, 1 unreadable")
                .trim_end()
                .to_owned(),
        );
    }
    bench.write("case.toml", "host = \"rules.v4\"\n");
    complaints.push(bench.run([]).code(2).stdout());
    insta::assert_snapshot!(complaints.join("\n\n"));
}

#[test]
fn a_directory_without_cases_is_bad_usage() {
    let folder = tempfile::tempdir().unwrap();
    let run = Netverdict::new(["test".as_ref(), folder.path().as_os_str()]).code(2);
    assert!(
        run.stderr()
            .contains("expected a directory with a case.toml")
    );
    let run = Netverdict::new(["test", "fixtures/suites", "--review"]).code(2);
    assert!(
        run.stderr()
            .contains("--accept takes all new and changed snapshots")
    );
}

#[test]
fn a_case_is_made_of_a_dump_and_a_capture() {
    let folder = tempfile::tempdir().unwrap();
    let made = folder.path().join("suites/made");
    let init = || {
        let fixture = |below: &str| root().join("fixtures/home-router").join(below);
        Netverdict::new(["test", "--init"])
            .args([
                fixture("bundle"),
                fixture("captures/lan-and-wan.pcapng"),
                made.clone(),
            ])
            .within(folder.path())
    };
    assert!(init().stdout().contains("53 packets of 8 flows"));
    insta::assert_snapshot!(fs::read_to_string(made.join("case.toml")).unwrap());
    let run = |args: &[&str]| {
        Netverdict::new(["test", "suites"])
            .within(folder.path())
            .args(args)
    };
    run(&["--ci"]).output();
    uncomment(&made.join("case.toml"));
    let text = run(&["--ci"]).stdout();
    assert!(text.contains("expectations"), "{text}");
    assert!(init().code(2).stderr().contains("is there already"));
}

/// Takes every suggestion.
fn uncomment(file: &Path) {
    let text = fs::read_to_string(file).unwrap();
    let (head, suggestions) = text.split_once("must stay so.\n").unwrap();
    let lines = suggestions
        .lines()
        .map(|line| line.trim_start_matches('#').trim_start());
    let text = lines.collect::<Vec<_>>().join("\n");
    fs::write(file, format!("{head}must stay so.\n{text}\n")).unwrap();
}

/// Answers `--review` on a terminal that `script` makes.
fn review(bench: &Bench, answers: &str) -> Option<String> {
    let under_test = env!("CARGO_BIN_EXE_netverdict-under-test");
    let mut child = Command::new("script")
        .args([
            "-qec",
            &format!("{under_test} test suites --review --color never"),
            "/dev/null",
        ])
        .current_dir(bench.0.path())
        .env_remove("CI")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .ok()?;
    child.stdin.as_mut()?.write_all(answers.as_bytes()).ok()?;
    let output = child.wait_with_output().ok()?;
    Some(String::from_utf8_lossy(&output.stdout).into_owned())
}

#[test]
fn a_review_asks_about_each_change() {
    let bench = Bench::accepted();
    let before = fs::read_to_string(bench.case("verdicts.snap")).unwrap();
    bench.break_rules();
    let Some(text) = review(&bench, "what\ns\n") else {
        println!("not reviewed on a terminal: this machine has no `script`");
        return;
    };
    assert!(
        text.contains("server/ssh: changed snapshot suites/server/ssh/verdicts.snap"),
        "{text}"
    );
    assert_eq!(text.matches("[a]ccept, [s]kip").count(), 2, "{text}");
    assert_eq!(
        fs::read_to_string(bench.case("verdicts.snap")).unwrap(),
        before
    );
    let text = review(&bench, "a\n").unwrap();
    assert!(text.contains("1 snapshot accepted"), "{text}");
    let after = fs::read_to_string(bench.case("verdicts.snap")).unwrap();
    assert!(after.contains("filter INPUT: policy DROP") && after != before);
}

/// A case's file as the page shows it.
#[test]
fn the_cases_of_the_page_are_cases() {
    let page = fs::read_to_string(root().join("docs/test.md")).unwrap();
    let mut checked = 0;
    for block in page.split("```toml\n").skip(1) {
        let text = block.split("```").next().unwrap();
        let bench = Bench::new();
        let is_whole = text.contains("host");
        let text = if is_whole {
            text.to_owned()
        } else {
            format!("{CASE}\n{text}")
        };
        bench.write("case.toml", &text.replace("\"bundle\"", "\"rules.v4\""));
        let run = bench.run(["--list"]);
        assert!(run.any_code() == 0, "{text}");
        checked += 1;
    }
    assert!(checked >= 3, "only {checked} blocks");
}
