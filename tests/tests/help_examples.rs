use crate::common::Netverdict;
use crate::sandbox::{Sandbox, asks_the_kernel, command_lines};

/// The command lines below `Examples:` of a help text, to the blank line after them.
fn examples(help: &str) -> Vec<String> {
    let (_, after) = help.split_once("Examples:\n").expect("help has examples");
    command_lines(after.lines().take_while(|line| !line.trim().is_empty()))
}

fn commands() -> Vec<String> {
    let help = Netverdict::new(["--help"]).stdout();
    let (_, after) = help.split_once("Commands:\n").unwrap();
    let shown = after.lines().take_while(|line| !line.is_empty());
    let shown = shown.filter(|line| line.starts_with("  ") && !line.starts_with("   "));
    let shown = shown.filter_map(|line| line.split_whitespace().next());
    // Packagers' commands are not listed.
    shown
        .chain(["completions", "man"])
        .map(str::to_owned)
        .collect()
}

#[test]
fn the_examples_of_every_help_text_run() {
    let sandbox = Sandbox::new();
    let mut ran = 0;
    let overview = Netverdict::new(["--help"]).stdout();
    let texts = commands().into_iter().map(|command| {
        let help = Netverdict::new([command.as_str(), "--help"]).stdout();
        (command, help)
    });
    for (command, help) in texts.chain([("netverdict".to_owned(), overview)]) {
        let (kernel, lines): (Vec<_>, Vec<_>) = examples(&help)
            .into_iter()
            .partition(|line| asks_the_kernel(line));
        for line in kernel {
            println!("skipped, the kernel is asked by tests of its own: {line}");
        }
        sandbox.run_all(&format!("{command} --help"), &lines);
        ran += lines.len();
    }
    assert!(ran > 15, "only {ran} examples found");
}
