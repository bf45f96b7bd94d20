//! Reading what is printed gives back what was printed, for rulesets of every match and target; and no bytes panic.

mod roundtrip {
    pub(crate) mod matches;
    pub(crate) mod rules;
    pub(crate) mod targets;
    pub(crate) mod values;
}

/// The fuzz target, on the stable toolchain.
#[path = "../../../fuzz/src/parse_dump.rs"]
#[expect(unreachable_pub, reason = "public in the fuzz package")]
mod target;

use netverdict_net::Family;
use netverdict_ruleset::{Ruleset, Save, text};
use netverdict_syntax::{
    ParseOptions, parse_dump, parse_fingerprints, parse_sets, parse_timeouts, recognise,
};
use proptest::prelude::*;

use roundtrip::rules::ruleset;

/// Without the places in the text, and with tables in one order: saving turns their order round.
fn comparable(mut ruleset: Ruleset) -> Ruleset {
    ruleset.tables.sort_by_key(|table| table.kind);
    for chain in ruleset.tables.iter_mut().flat_map(|t| &mut t.chains) {
        chain.line = 0;
        for rule in &mut chain.rules {
            rule.line = 0;
        }
    }
    ruleset
}

fn check(ruleset: Ruleset) -> Result<(), TestCaseError> {
    let printed = Save::with_own_counters(&ruleset).to_string();
    let options = ParseOptions {
        family: Some(ruleset.family),
    };
    let parsed = parse_dump(text::encode(&printed).as_ref(), &options);
    prop_assert!(
        parsed.diagnostics.is_empty(),
        "{:#?}\n{printed}",
        parsed.diagnostics
    );
    let read = parsed.ruleset(ruleset.family).cloned();
    let read = read.ok_or_else(|| TestCaseError::fail("no ruleset"))?;
    prop_assert_eq!(comparable(read), comparable(ruleset), "{}", printed);
    Ok(())
}

proptest! {
    #[test]
    fn ipv4_rulesets_survive_printing_and_reading(ruleset in ruleset(Family::V4)) {
        check(ruleset)?;
    }

    #[test]
    fn ipv6_rulesets_survive_printing_and_reading(ruleset in ruleset(Family::V6)) {
        check(ruleset)?;
    }

    #[test]
    fn any_bytes_are_read_without_panic(bytes: Vec<u8>) {
        parse_dump(&bytes, &ParseOptions::default());
        parse_sets(&bytes);
        parse_fingerprints(&bytes);
        parse_timeouts(&bytes);
        recognise(&bytes);
    }

    /// Bytes that look a little like a dump get further.
    #[test]
    fn scrambled_dumps_are_read_without_panic(
        lines in prop::collection::vec(scrambled(), 0..20),
        family in prop::sample::select(&Family::ALL[..]),
    ) {
        let dump = lines.join("\n");
        parse_dump(dump.as_bytes(), &ParseOptions { family: Some(family) });
        target::run(dump.as_bytes());
    }
}

/// A line of words that occur in dumps, in any order.
fn scrambled() -> impl Strategy<Value = String> {
    let known = prop::sample::select(vec![
        "*filter",
        "*nat",
        "*mangle",
        "*raw",
        "*bogus",
        "COMMIT",
        ":INPUT",
        ":X",
        "ACCEPT",
        "-",
        "[1:2]",
        "[x",
        "-A",
        "-I",
        "-D",
        "-R",
        "-N",
        "-X",
        "-E",
        "-P",
        "-F",
        "-Z",
        "-C",
        "INPUT",
        "X",
        "-j",
        "-g",
        "-m",
        "-p",
        "-s",
        "-d",
        "-i",
        "-f",
        "!",
        "--",
        "--dport",
        "--sport=5",
        "--tcp-flags",
        "SYN",
        "tcp",
        "udp",
        "icmp",
        "icmpv6",
        "sctp",
        "multiport",
        "--dports",
        "1,2:3",
        "u32",
        "--u32",
        "0>>22&0x3C@0=5",
        "string",
        "--hex-string",
        "|0a",
        "time",
        "--datestart",
        "2020-02-30",
        "hashlimit",
        "--hashlimit-upto",
        "1kb/s",
        "--hashlimit-burst",
        "limit",
        "--limit",
        "3/h",
        "recent",
        "--set",
        "SNAT",
        "--to-source",
        "1.2.3.4:5-6",
        "[::1]:5",
        "DNAT",
        "--to-destination",
        "REJECT",
        "--reject-with",
        "MARK",
        "--set-mark",
        "0x1/0x2",
        "LOG",
        "--log-prefix",
        "\"a b\"",
        "\"",
        "\\",
        "1",
        "0",
        "-1",
        "99999999999999999999",
        "10.0.0.0/8",
        "::1/64",
        "10.0.0.1-10.0.0.0",
        "ü",
        "add",
        "create",
        "hash:ip",
        "hash:net,iface",
        "0.0.0.0/0",
        "bpf",
        "--bytecode",
        "1,6 0 0 1",
        "policy",
        "--next",
        "--strict",
        "--dir",
        "in",
    ])
    .prop_map(str::to_owned);
    let word = prop_oneof![8 => known, 1 => "\\PC{0,6}"];
    prop::collection::vec(word, 0..12).prop_map(|words| words.join(" "))
}
