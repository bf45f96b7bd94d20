use std::fs;

use crate::common::{Netverdict, root};
use crate::integrations::pages;
use crate::sandbox::{Sandbox, asks_the_kernel, command_lines};

fn readme() -> String {
    fs::read_to_string(root().join("README.md")).unwrap()
}

/// Lines of ```` ```console ```` blocks.
fn commands(text: &str) -> Vec<&str> {
    let mut commands = Vec::new();
    let mut inside = false;
    for line in text.lines() {
        match line {
            "```console" => inside = true,
            "```" => inside = false,
            line if inside => commands.push(line),
            _ => {}
        }
    }
    commands
}

#[test]
fn the_main_job_works_as_written() {
    let readme = readme();
    let run: Vec<_> = commands(&readme)
        .into_iter()
        .filter_map(|c| c.strip_prefix("cargo run --release -- "))
        .collect();
    assert!(!run.is_empty(), "the README runs nothing");
    for command in run {
        let report = Netverdict::new(command.split_whitespace()).stdout();
        assert!(report.contains("Verdicts"), "{command}");
    }
}

/// Of a report that stands below its command each line is as printed, in order; `…` stands for what is left out.
#[test]
fn reports_are_shown_as_they_are() {
    let readme = readme();
    let mut shown = 0;
    for part in readme.split("```console\n").skip(1) {
        let (commands, rest) = part.split_once("```").unwrap();
        let Some(report) = rest.strip_prefix("\n\n```text\n") else {
            continue;
        };
        let (report, _) = report.split_once("```").unwrap();
        let command = commands.trim();
        let line = command
            .strip_prefix("cargo run --release -- ")
            .or_else(|| command.strip_prefix("netverdict "));
        let words = line.expect("one command is shown").split_whitespace();
        let printed = Netverdict::new(words).any_of(&[0, 1]).stdout();
        let mut printed = printed.lines();
        for line in report.lines().filter(|line| *line != "…") {
            assert!(printed.any(|p| p == line), "{command}: {line}");
            shown += 1;
        }
    }
    assert!(shown > 20, "only {shown} lines found");
}

/// Each page has a folder of its own, and its commands run there in their order.
#[test]
fn every_documented_command_runs() {
    let mut ran = 0;
    let pages = pages(&root().join("docs"));
    for page in pages.into_iter().chain([root().join("README.md")]) {
        let text = fs::read_to_string(&page).unwrap();
        let lines = command_lines(commands(&text));
        let (kernel, lines): (Vec<_>, Vec<_>) =
            lines.into_iter().partition(|line| asks_the_kernel(line));
        for line in kernel {
            println!("skipped, the kernel is asked by tests of its own: {line}");
        }
        if !lines.is_empty() {
            Sandbox::new().run_all(&page.display().to_string(), &lines);
        }
        ran += lines.len();
    }
    assert!(ran > 25, "only {ran} commands found");
}

/// Several packages have a binary, so `cargo run` alone must know which one is meant.
#[test]
fn cargo_run_runs_the_command_line() {
    let manifest = fs::read_to_string(root().join("Cargo.toml")).unwrap();
    assert!(manifest.contains("default-members = [\"crates/netverdict\"]"));
}

#[test]
fn the_test_command_is_the_one_that_ci_runs() {
    let readme = readme();
    let test = commands(&readme)
        .into_iter()
        .find(|c| c.starts_with("cargo test"))
        .expect("the README names a test command");
    let justfile = fs::read_to_string(root().join("justfile")).unwrap();
    let ci = fs::read_to_string(root().join(".ci/run")).unwrap();
    assert!(justfile.contains(test) && ci.contains(test), "{test}");
}

#[test]
fn every_command_named_is_there() {
    let help = Netverdict::new(["--help"]).stdout();
    let readme = readme();
    for named in readme
        .split("`netverdict ")
        .skip(1)
        .chain(readme.split("`sudo netverdict ").skip(1))
    {
        let command: String = named.chars().take_while(char::is_ascii_lowercase).collect();
        assert!(
            help.contains(&format!("\n  {command} ")),
            "netverdict {command}"
        );
    }
}
