//! Any bytes as a dump: reading does not panic, and what was read without an error prints and reads again to the same text.

use netverdict_ruleset::{Ruleset, Save, text};
use netverdict_syntax::{ParseOptions, parse_dump, parse_sets};

/// Runs the target on one input.
pub fn run(bytes: &[u8]) {
    parse_sets(bytes);
    let parsed = parse_dump(bytes, &ParseOptions::default());
    if parsed.has_errors() {
        return;
    }
    for read in &parsed.rulesets {
        again(&read.ruleset);
    }
}

fn again(ruleset: &Ruleset) {
    let printed = Save::with_own_counters(ruleset).to_string();
    let options = ParseOptions {
        family: Some(ruleset.family),
    };
    let parsed = parse_dump(text::encode(&printed).as_ref(), &options);
    assert!(!parsed.has_errors(), "{:#?}\n{printed}", parsed.diagnostics);
    let read = parsed.ruleset(ruleset.family).expect("the printed family");
    // Saving turns the tables round, so two savings come back to the first.
    let twice = Save::with_own_counters(read).to_string();
    let options = ParseOptions {
        family: Some(read.family),
    };
    let third = parse_dump(text::encode(&twice).as_ref(), &options);
    let third = third.ruleset(read.family).expect("the printed family");
    assert_eq!(Save::with_own_counters(third).to_string(), printed);
}
