//! What the repository gives to other systems, run as they would run it.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use crate::common::{Netverdict, program, root};
use crate::sandbox::Sandbox;

fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap()
}

/// Runs a script in the sandbox with these variables.
fn run(sandbox: &Sandbox, script: &str, variables: &[(&str, &str)]) -> Output {
    let set: Vec<_> = variables
        .iter()
        .map(|(name, value)| format!("export {name}='{value}'"))
        .collect();
    sandbox.run(&format!("{}; {script}", set.join("; ")))
}

fn assert_code(output: &Output, code: i32) {
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{said}");
}

#[test]
fn the_github_action_reports_and_keeps_the_exit_code() {
    let action = read("action.yml");
    let script = format!("bash '{}'", root().join("ci/github/run.sh").display());
    assert!(action.contains("run: bash \"$ACTION/ci/github/run.sh\""));
    let sandbox = Sandbox::new();
    let inputs = [
        ("GITHUB_STEP_SUMMARY", "summary.md"),
        ("IN_HOST", "host.rules"),
        ("IN_CAPTURES", "a.pcapng b.pcapng"),
        ("IN_COMMAND", "replay"),
        ("IN_CHECK_FORMAT", "false"),
        ("IN_REPORT", "report.html"),
        ("IN_ARGS", "--seed 7"),
    ];
    for (name, _) in &inputs[1..] {
        assert!(action.contains(&format!("{name}: ${{{{ inputs.")), "{name}");
    }
    assert_code(&run(&sandbox, &script, &inputs), 0);
    let summary = fs::read_to_string(sandbox.path().join("summary.md")).unwrap();
    assert!(summary.starts_with("## netverdict"), "{summary}");
    assert!(sandbox.path().join("report.html").is_file());
    // A dump that is not canonical fails the step, and the summary is there nevertheless.
    fs::write(
        sandbox.path().join("host.rules"),
        "*filter\n:INPUT ACCEPT [0:0]\n-A INPUT --protocol tcp -j ACCEPT\nCOMMIT\n",
    )
    .unwrap();
    let mut checked = inputs;
    checked[0].1 = "second.md";
    checked[4].1 = "true";
    assert_code(&run(&sandbox, &script, &checked), 1);
    assert!(sandbox.path().join("second.md").is_file());
}

#[test]
fn the_gitlab_job_runs() {
    let template = read("ci/gitlab/netverdict.yml");
    let (_, script) = template.split_once("\n  script:\n").unwrap();
    let lines = script.lines().map_while(|line| line.strip_prefix("    - "));
    let sandbox = Sandbox::new();
    let mut ran = 0;
    for line in lines {
        let variables = [
            ("NETVERDICT_HOST", "bundle"),
            ("NETVERDICT_CAPTURES", "captures"),
        ];
        assert_code(&run(&sandbox, line, &variables), 0);
        ran += 1;
    }
    assert!(ran > 2, "only {ran} lines found");
    for artifact in ["netverdict.html", "netverdict.xml"] {
        assert!(template.contains(artifact) && sandbox.path().join(artifact).is_file());
    }
}

#[test]
fn the_pre_commit_hook_finds_what_is_not_canonical() {
    let hooks = read(".pre-commit-hooks.yaml");
    let entry = hooks
        .lines()
        .find_map(|l| l.trim().strip_prefix("entry: "))
        .unwrap();
    let hook = root().join(entry).display().to_string();
    let sandbox = Sandbox::new();
    let odd = "*filter\n:INPUT ACCEPT [0:0]\n-A INPUT --protocol tcp -j ACCEPT\nCOMMIT\n";
    fs::write(sandbox.path().join("odd.rules"), odd).unwrap();
    assert_code(&sandbox.run("netverdict fmt odd.rules -o good.rules"), 0);
    assert_code(&sandbox.run(&format!("'{hook}' good.rules")), 0);
    assert_code(&sandbox.run(&format!("'{hook}' good.rules odd.rules")), 1);
}

/// The page spells the hook out, since a submodule is nobody's URL.
#[test]
fn the_page_has_the_hook_as_it_is() {
    let hook = read(".pre-commit-hooks.yaml");
    let page = read("docs/ci.md");
    let lines = hook.lines().map(str::trim).skip(1);
    for line in lines.filter(|line| !line.starts_with("description: ")) {
        let line = line.replace("entry: ", "entry: tools/netverdict/");
        assert!(page.contains(&line), "{line}");
    }
}

#[test]
fn what_the_container_copies_is_built() {
    let file = read("Containerfile");
    assert!(
        file.contains("--package netverdict") && file.contains("/src/target/release/netverdict")
    );
    let manifest = read("Cargo.toml");
    let version = manifest
        .lines()
        .find_map(|l| l.strip_prefix("rust-version = "))
        .unwrap()
        .trim_matches('"');
    for user in [file, read("ci/gitlab/netverdict.yml")] {
        assert!(
            user.contains(&format!("rust:{version}")),
            "an image of Rust {version}"
        );
    }
}

/// Each shell that is here takes its completions.
#[test]
fn shells_take_their_completions() {
    let folder = tempfile::tempdir().unwrap();
    for (shell, check) in [("bash", "-n"), ("zsh", "-n"), ("fish", "--no-execute")] {
        let script = Netverdict::new(["completions", shell]).stdout();
        let path = folder.path().join(shell);
        fs::write(&path, script).unwrap();
        let Some(found) = program(&[shell]) else {
            println!("skipped: {shell} is not installed");
            continue;
        };
        assert_quiet(Command::new(found).arg(check).arg(&path));
    }
}

/// Man pages are pages without a complaint.
#[test]
fn man_takes_the_pages() {
    let folder = tempfile::tempdir().unwrap();
    Netverdict::new(["man".as_ref(), folder.path().as_os_str()]).output();
    let Some(groff) = program(&["groff"]) else {
        println!("skipped: groff is not installed");
        return;
    };
    for page in fs::read_dir(folder.path()).unwrap() {
        assert_quiet(
            Command::new(&groff)
                .args(["-K", "utf8", "-man", "-Tutf8", "-ww", "-z"])
                .arg(page.unwrap().path()),
        );
    }
}

fn assert_quiet(command: &mut Command) {
    let output = command.output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success() && said.is_empty(),
        "{command:?}: {said}"
    );
}

/// Each link of the book that stays inside the repository leads somewhere.
#[test]
fn the_book_has_no_dead_link() {
    let docs = root().join("docs");
    for page in pages(&docs) {
        let name = page.strip_prefix(&docs).unwrap().to_str().unwrap();
        let text = fs::read_to_string(&page).unwrap();
        for link in links(&text) {
            let target = link.split('#').next().unwrap();
            let is_outside = link.contains("://") || target.is_empty();
            assert!(
                is_outside || page.parent().unwrap().join(target).exists(),
                "{name}: {link}"
            );
        }
    }
}

/// A page that the summary leaves out is not in the built book, and links to it lead nowhere.
#[test]
fn the_summary_lists_every_page() {
    let docs = root().join("docs");
    let summary = read("docs/SUMMARY.md");
    let listed: Vec<&str> = links(&summary);
    for page in pages(&docs) {
        let name = page.strip_prefix(&docs).unwrap().to_str().unwrap();
        let count = listed.iter().filter(|link| **link == name).count();
        assert_eq!(count, usize::from(name != "SUMMARY.md"), "{name}");
    }
}

pub(crate) fn pages(folder: &Path) -> Vec<std::path::PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(pages(&path));
        } else if path.extension().is_some_and(|e| e == "md") {
            found.push(path);
        }
    }
    found.sort();
    found
}

/// Targets of `[text](target)`.
fn links(text: &str) -> Vec<&str> {
    let after = text.split("](").skip(1);
    after
        .filter_map(|rest| rest.split_once(')').map(|(link, _)| link))
        .collect()
}
