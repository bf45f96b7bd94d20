//! The reader against the iptables of this machine, line by line, where it may be asked (root, iptables-legacy 1.8.9).

use std::io::Write as _;
use std::process::{Command, Stdio};

use netverdict_net::Family;
use netverdict_ruleset::Save;
use netverdict_syntax::{ParseOptions, parse_dump};

const FORMS: &str = include_str!("judge/forms.txt");

/// Reads `family table line`, tries each in a fresh table of the namespace, prints what came of it.
const SCRIPT: &str = r#"
while IFS= read -r form; do
    family=${form%% *}; form=${form#* }
    table=${form%% *}; line=${form#* }
    tool=iptables-legacy; [ "$family" = 6 ] && tool=ip6tables-legacy
    case $table in
        raw) chains="PREROUTING OUTPUT" ;;
        nat) chains="PREROUTING INPUT OUTPUT POSTROUTING" ;;
        mangle) chains="PREROUTING INPUT FORWARD OUTPUT POSTROUTING" ;;
        *) chains="INPUT FORWARD OUTPUT" ;;
    esac
    { echo "*$table"; for c in $chains; do echo ":$c ACCEPT [0:0]"; done; echo COMMIT; } | $tool-restore
    if printf '*%s\n%s\nCOMMIT\n' "$table" "$line" | $tool-restore 2>/dev/null; then
        echo "== accepted"
        $tool-save -t "$table" | grep -v '^#'
    else
        echo "== refused"
    fi
done
"#;

fn forms() -> Vec<(&'static str, &'static str, &'static str)> {
    let lines = FORMS.lines().filter(|line| !line.starts_with('#'));
    let parts = lines.filter_map(|line| {
        let (family, rest) = line.split_once(' ')?;
        let (table, form) = rest.split_once(' ')?;
        Some((family, table, form))
    });
    parts.collect()
}

/// What the real tool says of each form: its save text, or that it refuses.
fn judge(forms: &[(&str, &str, &str)]) -> Option<Vec<Option<String>>> {
    let version = Command::new("iptables-legacy")
        .arg("--version")
        .output()
        .ok()?;
    if !version.stdout.starts_with(b"iptables v1.8.9") {
        return None;
    }
    let mut child = Command::new("unshare")
        .args(["-n", "sh", "-c", SCRIPT])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .ok()?;
    let mut stdin = child.stdin.take()?;
    let lines: Vec<_> = forms
        .iter()
        .map(|(f, t, l)| format!("{f} {t} {l}"))
        .collect();
    let text = lines.join(
        "
",
    ) + "
";
    let writer = std::thread::spawn(move || stdin.write_all(text.as_bytes()));
    let output = child.wait_with_output().ok()?;
    writer.join().ok()?.ok()?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let answers = text.split("== ").skip(1).map(|answer| {
        let (head, saved) = answer.split_once('\n')?;
        (head == "accepted").then(|| saved.to_owned())
    });
    let answers: Vec<_> = answers.collect();
    (answers.len() == forms.len() && answers.iter().any(Option::is_some)).then_some(answers)
}

fn ours((family, table, form): (&str, &str, &str)) -> Option<String> {
    let options = ParseOptions {
        family: Some(if family == "6" {
            Family::V6
        } else {
            Family::V4
        }),
    };
    let dump = format!("*{table}\n{form}\nCOMMIT\n");
    let parsed = parse_dump(dump.as_bytes(), &options);
    let saved = parsed
        .rulesets
        .iter()
        .map(|read| Save::without_counters(&read.ruleset).to_string());
    (!parsed.has_errors()).then(|| saved.collect())
}

#[test]
fn every_form_is_taken_or_refused_as_iptables_does() {
    let forms = forms();
    let Some(answers) = judge(&forms) else {
        println!("SKIPPED: needs root, unshare and iptables-legacy 1.8.9");
        return;
    };
    let mut wrong = Vec::new();
    for (form, theirs) in forms.iter().zip(answers) {
        let ours = ours(*form);
        if ours != theirs {
            let rules = |text: Option<String>| {
                let text = text.map(|text| {
                    text.lines()
                        .filter(|l| {
                            l.starts_with("-A") || l.contains(" DROP ") || l.contains(" - ")
                        })
                        .collect::<Vec<_>>()
                        .join("|")
                });
                text.unwrap_or_else(|| "refused".to_owned())
            };
            wrong.push(format!(
                "{form:?}\n  iptables: {}\n  ours:     {}",
                rules(theirs),
                rules(ours)
            ));
        }
    }
    assert!(
        wrong.is_empty(),
        "{} of {}:\n{}",
        wrong.len(),
        forms.len(),
        wrong.join("\n")
    );
}
