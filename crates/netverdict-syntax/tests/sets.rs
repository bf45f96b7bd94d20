//! Sets: texts of `ipset save`, and the answers of the ipset of this machine where it may be asked.

use std::collections::BTreeSet;
use std::io::Write as _;
use std::process::{Command, Stdio};

use netverdict_syntax::parse_sets;

/// Prints again as it was printed: `create` and `add` lines of every type.
#[test]
fn saved_sets_print_as_they_were() {
    let text = include_str!("sets/saved.ipset");
    let parsed = parse_sets(text.as_bytes());
    assert_eq!(parsed.diagnostics, []);
    assert_eq!(parsed.sets.to_string(), text);
}

#[test]
fn a_bad_line_is_named_and_the_rest_is_read() {
    let text = "create a hash:ip\nadd a 1.2.3.4\nadd b 1.2.3.4\nadd a 1.2.3\nadd a x\nadd a 1.2.3.4\nfoo\n";
    let parsed = parse_sets(text.as_bytes());
    let found: Vec<_> = parsed.diagnostics.iter().map(ToString::to_string).collect();
    insta::assert_snapshot!(found.join("\n"), @"
    line 3, column 5: error: no set `b`
    line 5, column 7: error: `x` is no entry for this set (expected `ip` of hash:ip)
    line 6, column 7: error: `1.2.3.4` is in the set already
    line 7, column 1: error: unknown command `foo` (expected `create`, `add` or another command of ipset)
    ");
    assert_eq!(
        parsed.sets.to_string(),
        "create a hash:ip family inet\nadd a 1.2.3.4\nadd a 1.2.0.3\n"
    );
}

/// What is kept of a set's text when two machines are compared: the hash's seed and order are each machine's own.
fn comparable(text: &str) -> BTreeSet<String> {
    let line = |line: &str| {
        let line = line.split(" bucketsize").next().unwrap_or_default();
        line.replace("icmp:echo-request", "icmp:8/0")
    };
    text.lines().map(line).collect()
}

/// Reads forms, tries each in a namespace of its own, prints what came of it.
const SCRIPT: &str = r#"
while IFS= read -r form; do
    export form
    unshare -n sh -c '
        if echo "$form" | sed "s/; /\n/g" | ipset restore 2>/dev/null; then
            echo "== accepted"; ipset save
        else
            echo "== refused"
        fi
    '
done
"#;

/// Lines that ipset takes or refuses; `; ` parts commands.
const FORMS: &str = include_str!("sets/forms.txt");

fn judge() -> Option<Vec<Option<String>>> {
    let version = Command::new("ipset").arg("--version").output().ok()?;
    let mut child = Command::new("sh")
        .args(["-c", SCRIPT])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .ok()
        .filter(|_| version.status.success())?;
    let mut stdin = child.stdin.take()?;
    let writer = std::thread::spawn(move || stdin.write_all(FORMS.as_bytes()));
    let output = child.wait_with_output().ok()?;
    writer.join().ok()?.ok()?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let answers = text.split("== ").skip(1).map(|answer| {
        let (head, saved) = answer.split_once('\n')?;
        (head == "accepted").then(|| saved.to_owned())
    });
    let answers: Vec<_> = answers.collect();
    (answers.len() == FORMS.lines().count() && answers.iter().any(Option::is_some))
        .then_some(answers)
}

#[test]
fn every_form_is_taken_or_refused_as_ipset_does() {
    let Some(answers) = judge() else {
        println!("SKIPPED: needs root, unshare and ipset");
        return;
    };
    let mut wrong = Vec::new();
    for (form, theirs) in FORMS.lines().zip(answers) {
        let parsed = parse_sets(form.replace("; ", "\n").as_bytes());
        let text = parsed.sets.to_string();
        let ours = (!parsed.has_errors()).then(|| comparable(&with_defaults(&text)));
        let theirs = theirs.map(|text| comparable(&text));
        if ours != theirs {
            wrong.push(format!("{form}\n  ipset: {theirs:?}\n  ours:  {ours:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}:\n{}", wrong.len(), wrong.join("\n"));
}

/// A `create` line with what ipset adds to it when it saves.
fn with_defaults(text: &str) -> String {
    let add = |line: &str| {
        let mut line = line.to_owned();
        if !line.starts_with("create") {
            return line + "\n";
        }
        for (option, default, behind) in [
            ("hashsize", " hashsize 1024", "family inet6"),
            ("hashsize", " hashsize 1024", "family inet"),
            ("maxelem", " maxelem 65536", "hashsize 1024"),
        ] {
            if line.contains("hash:") && !line.contains(option) {
                line = line.replacen(behind, &format!("{behind}{default}"), 1);
            }
        }
        if line.contains("list:set") && !line.contains("size") {
            line += " size 8";
        }
        line + "\n"
    };
    text.lines().map(add).collect()
}
