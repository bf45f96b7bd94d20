//! What is said of a dump: the fields of each diagnostic, and what is read nevertheless.

use netverdict_net::Family;
use netverdict_ruleset::{Backend, Save, TableKind};
use netverdict_syntax::{
    Diagnostic, FamilyEvidence, ParseOptions, ParsedDump, TextKind, parse_dump, recognise,
};

fn parse(text: &str) -> ParsedDump {
    parse_dump(text.as_bytes(), &ParseOptions::default())
}

/// `line:column+length severity code: message | found | expected | help`.
fn shown(d: &Diagnostic) -> String {
    let optional = |text: &Option<String>| text.clone().unwrap_or_else(|| "-".to_owned());
    format!(
        "{}:{}+{} {} {}: {} | {} | {} | {}",
        d.line,
        d.column,
        d.length,
        d.severity,
        d.code,
        d.message,
        d.found,
        optional(&d.expected),
        optional(&d.help)
    )
}

fn diagnostics(text: &str) -> String {
    let lines: Vec<_> = parse(text).diagnostics.iter().map(shown).collect();
    lines.join("\n")
}

/// Each line put into the filter table alone.
fn of_lines(lines: &[&str]) -> String {
    let one = |line: &&str| diagnostics(&format!("*filter\n:user - [0:0]\n{line}\nCOMMIT\n"));
    let all: Vec<_> = lines.iter().map(one).collect();
    all.join("\n")
}

fn rules(parsed: &ParsedDump) -> String {
    let saves = parsed.rulesets.iter();
    let texts: Vec<_> = saves
        .map(|read| Save::without_counters(&read.ruleset).to_string())
        .collect();
    texts
        .concat()
        .lines()
        .filter(|line| line.starts_with("-A"))
        .collect::<Vec<_>>()
        .join("\n")
}

#[test]
fn values_are_pointed_at() {
    insta::assert_snapshot!(of_lines(&[
        "-A INPUT -s 10.0.0.300 -j ACCEPT",
        "-A INPUT -p tcp -m tcp --dport 70000 -j ACCEPT",
        "-A INPUT -i averyveryverylongname -j ACCEPT",
        "-A INPUT -m mac --mac-source 00:11:22 -j ACCEPT",
        "-A INPUT -p tcp -j REJECT --reject-with nothing",
        "-A INPUT -m comment --comment \"ü\" -m length --length x",
    ]), @"
    3:13+10 error value: host or network `10.0.0.300` not found | 10.0.0.300 | ipv4 addresses, perhaps with `/mask` | host names are not looked up; write the address
    3:32+5 error value: bad value `70000` for `--dport` | 70000 | a port from 0 to 65535 or a service name | only the usual service names are known; write the number
    3:13+21 error value: interface name `averyveryverylongname` is too long | averyveryverylongname | at most 15 bytes | -
    3:30+8 error value: bad value `00:11:22` for `--mac-source` | 00:11:22 | six hexadecimal bytes, `00:11:22:33:44:55` | -
    3:41+7 error value: bad value `nothing` for `--reject-with` | nothing | an ICMP destination-unreachable code or `tcp-reset` | -
    3:54+1 error value: bad value `x` for `--length` | x | a number or range from 0 to 65535 | -
    ");
}

#[test]
fn options_and_combinations_are_explained() {
    insta::assert_snapshot!(of_lines(&[
        "-A INPUT --dport 22 -j ACCEPT",
        "-A INPUT -p tcp --bogus 1 -j ACCEPT",
        "-A INPUT -p tcp -m tcp --d 1",
        "-A INPUT -m limit ! --limit 1/s -j ACCEPT",
        "-A INPUT -m state -j ACCEPT",
        "-A INPUT -m recent --set --rcheck",
        "-A INPUT -j ACCEPT stray",
        "-A INPUT -j",
        "-A INPUT ! -j ACCEPT",
    ]), @"
    3:10+7 error option: unknown option `--dport` | --dport | - | ports need `-p tcp`, `-p udp` or the like before them
    3:17+7 error option: unknown option `--bogus` | --bogus | an option of iptables or of tcp | -
    3:24+3 error option: `--d` is ambiguous | --d | --delete, --delete-chain, --destination, --dst, --dport, --destination-port | -
    3:21+11 error combination: limit: `--limit` cannot be inverted | --limit 1/s | - | -
    3:13+5 error combination: state: `--state` must be given | state | --state | -
    3:20+5 error combination: recent: `--set` cannot be used together with `--rcheck` | --set | - | -
    3:20+5 error option: `stray` belongs to no option | stray | an option | -
    3:10+2 error option: `-j` needs a value | -j | - | -
    3:10+1 error option: `!` before `-j` | ! | - | -
    ");
}

#[test]
fn chains_and_targets_that_are_missing_are_named() {
    insta::assert_snapshot!(of_lines(&[
        "-A NOPE -j ACCEPT",
        "-A INPUT -j NOPE",
        "-A INPUT -g ACCEPT",
        "-A INPUT -m nosuch -j ACCEPT",
        ":user - [0:0]",
        ":other ACCEPT [0:0]",
        ":INPUT RETURN [0:0]",
        ":INPUT DROP [0:x]",
        ":a-name-with-more-bytes-than-fit - [0:0]",
        "-I INPUT 5 -j ACCEPT",
    ]), @"
    3:4+4 error chain: no chain `NOPE` in the filter table | NOPE | - | declare the chain: `:NOPE - [0:0]`
    3:13+4 error chain: no target or chain `NOPE` | NOPE | - | declare the chain: `:NOPE - [0:0]`
    3:13+6 error chain: `ACCEPT` is no chain of this table | ACCEPT | - | declare the chain: `:ACCEPT - [0:0]`
    3:13+6 error extension: no match `nosuch` for ipv4 | nosuch | - | -
    3:2+4 error chain: chain `user` is there already | user | - | -
    3:8+6 error policy: user chain `other` cannot have a policy | ACCEPT | `-` | -
    3:8+6 error policy: bad policy `RETURN` | RETURN | `ACCEPT` or `DROP` | -
    3:13+5 error policy: bad policy counters `[0:x]` | [0:x] | `[packets:bytes]` | -
    3:2+31 error chain: chain name `a-name-with-more-bytes-than-fit` is too long | a-name-with-more-bytes-than-fit | at most 28 bytes | -
    3:1+20 error command: cannot insert rule 5: the chain has 0 | -I INPUT 5 -j ACCEPT | - | -
    ");
}

#[test]
fn what_the_kernel_refuses_is_found_through_chains() {
    insta::assert_snapshot!(diagnostics("\
*filter
:a - [0:0]
:b - [0:0]
-A OUTPUT -j a
-A a -j b
-A a -m mac --mac-source 00:11:22:33:44:55 -j ACCEPT
-A b -j a
-A b -p udp -m tcp --dport 1
-A b -j NOTRACK
-A INPUT -o eth0 -j ACCEPT
-A FORWARD -p tcp -j TCPMSS --set-mss 1400
COMMIT
"), @"
6:9+3 error place: mac cannot be used where OUTPUT leads | mac | a way from PREROUTING, INPUT, FORWARD only | -
7:9+1 error loop: the jump to `a` makes a loop | a | - | -
8:16+3 error protocol: tcp needs `-p tcp` | tcp | `-p tcp`, not inverted, in this rule | -
9:9+7 error place: NOTRACK cannot be used in the filter table | NOTRACK | the raw table | -
10:10+7 error place: `-o` cannot be used in INPUT | -o eth0 | - | -
11:22+6 error combination: TCPMSS works on SYN packets only | TCPMSS | `-m tcp --tcp-flags SYN,RST SYN` in this rule | -
");
}

#[test]
fn tcpmss_without_syn_is_legal_under_nf_tables() {
    let text = "*mangle\n-A FORWARD -p tcp -j TCPMSS --set-mss 1400\nCOMMIT\n";
    assert!(parse(text).has_errors());
    let nft = format!("# Generated by iptables-save v1.8.9 (nf_tables) on Sun\n{text}");
    assert!(!parse(&nft).has_errors());
}

/// A bare verdict ends the kernel's walk, so what stands behind it is reached from nowhere.
#[test]
fn nothing_is_illegal_behind_a_bare_verdict() {
    let text = "*filter\n:a - [0:0]\n-A OUTPUT -j ACCEPT\n-A OUTPUT -j a\n-A a -m mac --mac-source 00:11:22:33:44:55\nCOMMIT\n";
    assert_eq!(diagnostics(text), "");
}

#[test]
fn one_bad_line_leaves_the_rest() {
    let parsed = parse("*filter\n-A INPUT -s bad -j DROP\n-A INPUT -s 10.0.0.1 -j DROP\nCOMMIT\n");
    assert!(parsed.has_errors());
    assert_eq!(rules(&parsed), "-A INPUT -s 10.0.0.1/32 -j DROP");
}

#[test]
fn crlf_and_blanks_at_line_ends_are_read() {
    let parsed = parse(
        "*nat\r\n:PREROUTING ACCEPT [0:0]\r\n-A PREROUTING -p tcp -j REDIRECT --to-ports 80 \r\nCOMMIT\r\n",
    );
    let found: Vec<_> = parsed.diagnostics.iter().map(shown).collect();
    insta::assert_snapshot!(found.join("\n"), @"1:1+4 warning text: lines end in CR LF, read as LF | *nat | - | iptables-restore takes the CR for a part of the last word");
    assert_eq!(
        rules(&parsed),
        "-A PREROUTING -p tcp -j REDIRECT --to-ports 80"
    );
}

#[test]
fn a_dump_that_is_cut_off_keeps_its_rules() {
    let parsed = parse("*filter\n-A INPUT -j DROP\n");
    insta::assert_snapshot!(shown(&parsed.diagnostics[0]), @"3:1+1 error text: the filter table is not closed at the end |  | `COMMIT` | is the dump cut off?");
    assert_eq!(rules(&parsed), "-A INPUT -j DROP");
    let parsed = parse("*filter\n-A INPUT -j DROP\n*raw\n-A OUTPUT -j TRACE\nCOMMIT\n");
    insta::assert_snapshot!(shown(&parsed.diagnostics[0]), @"3:1+4 error text: the filter table is not closed before this | *raw | `COMMIT` | -");
    assert_eq!(rules(&parsed), "-A OUTPUT -j TRACE\n-A INPUT -j DROP");
}

#[test]
fn a_fragment_without_a_table_is_refused_but_read() {
    let parsed = parse("-A INPUT -p tcp --dport 22 -j ACCEPT\n-A INPUT -j DROP\n");
    let found: Vec<_> = parsed.diagnostics.iter().map(shown).collect();
    insta::assert_snapshot!(found.join("\n"), @"1:1+36 error table: rules without a table, taken for filter | -A INPUT -p tcp --dport 22 -j ACCEPT | `*filter` before, `COMMIT` behind | -");
    assert_eq!(rules(&parsed).lines().count(), 2);
}

#[test]
fn a_listing_is_read_as_its_likely_table() {
    let parsed = parse(
        "-P PREROUTING ACCEPT -c 7 8\n-P INPUT ACCEPT\n-P OUTPUT ACCEPT\n-P POSTROUTING ACCEPT\n-N web\n-A PREROUTING -j web\n",
    );
    let found: Vec<_> = parsed.diagnostics.iter().map(shown).collect();
    insta::assert_snapshot!(found.join("\n"), @"1:1+27 warning table: a listing of one table, taken for nat | -P PREROUTING ACCEPT -c 7 8 | - | `iptables-save` prints all tables and their names");
    let table = &parsed.rulesets[0].ruleset.tables[0];
    assert_eq!(table.kind, TableKind::Nat);
    let counters = table.chains[0].counters();
    assert_eq!(counters.map(|c| (c.packets, c.bytes)), Some((7, 8)));
}

#[test]
fn old_and_odd_forms_are_read_with_a_warning() {
    insta::assert_snapshot!(of_lines(&[
        "-A INPUT -s ! 10.0.0.0/8 -p ! tcp -j ACCEPT ",
        "-A INPUT -j later",
        "-A INPUT -m mac --mac-source XX:XX:XX:XX:XX:XX -j ACCEPT",
        "-A INPUT -m comment --comment \"open",
        "-A INPUT -m geoip --source-country DE -j TARPIT --tarpit",
        " # an indented comment",
        "-A INPUT -j ACCEPT# Warning: iptables-legacy tables present, use iptables-legacy-save to see them",
        "COMMIT ",
    ]), @r#"
    3:13+1 warning option: `!` behind its option is an old form, read as before it | ! | - | write `! -s`; today's iptables-restore refuses this
    3:29+1 warning option: `!` behind its option is an old form, read as before it | ! | - | write `! -p`; today's iptables-restore refuses this
    3:13+5 error chain: no target or chain `later` | later | - | declare the chain: `:later - [0:0]`
    3:13+3 warning value: the MAC address is made unreadable | mac | - | where it would decide, the verdict is unknown
    3:31+5 warning text: a quote is not closed, read to the line's end | "open | - | -
    3:13+5 warning extension: match `geoip` is read, but nobody models it | geoip | - | where it would decide, the verdict is unknown
    3:42+6 warning extension: target `TARPIT` is read, but nobody models it | TARPIT | - | where it would decide, the verdict is unknown
    3:1+22 warning text: blanks before a comment or an empty line |  # an indented comment | - | iptables-restore takes them for a rule
    3:19+79 warning line: a message of another program within the line, passed over | # Warning: iptables-legacy tables present, use iptables-legacy-save to see them | - | -
    3:1+6 warning text: blanks around `COMMIT` | COMMIT | - | iptables-restore takes this for a rule
    4:1+6 error line: this line is no part of a dump | COMMIT | `*table`, a comment or an empty line | -
    "#);
}

#[test]
fn a_chain_declared_below_its_jump_is_found() {
    let parsed = parse("*filter\n-A INPUT -j later\n:later - [0:0]\nCOMMIT\n");
    insta::assert_snapshot!(shown(&parsed.diagnostics[0]), @"2:13+5 warning chain: chain `later` is declared below this jump | later | - | iptables-restore wants it declared before");
    assert!(!parsed.has_errors());
    assert_eq!(rules(&parsed), "-A INPUT -j later");
}

#[test]
fn chain_names_may_hold_anything() {
    let text = "*filter\n:a-A - [0:0]\n:x|y:z@é - [0:0]\n[3:180] -A INPUT -j a-A\n-A a-A -g x|y:z@é\n-A a-A\nCOMMIT\n";
    let parsed = parse(text);
    assert_eq!(diagnostics(text), "");
    assert_eq!(rules(&parsed), "-A INPUT -j a-A\n-A a-A -g x|y:z@é\n-A a-A");
}

#[test]
fn bytes_that_are_no_text_come_out_as_they_went_in() {
    let dump = b"*filter\n:caf\xe9 - [0:0]\n-A INPUT -m comment --comment \"na\xefve\" -j caf\xe9\nCOMMIT\n";
    let parsed = parse_dump(dump, &ParseOptions::default());
    assert_eq!(parsed.diagnostics, []);
    let printed = Save::without_counters(&parsed.rulesets[0].ruleset).to_string();
    let bytes = netverdict_ruleset::text::encode(&printed);
    let line = b"-A INPUT -m comment --comment \"na\xefve\" -j caf\xe9\n";
    assert!(bytes.windows(line.len()).any(|window| window == line));
}

#[test]
fn headers_tell_family_and_backend() {
    let parsed = parse(
        "# Generated by iptables-save v1.8.9 (nf_tables) on Sun\n*filter\nCOMMIT\n\
         # Generated by ip6tables-save v1.8.4 on Sun\n*filter\nCOMMIT\n",
    );
    let read: Vec<_> = parsed
        .rulesets
        .iter()
        .map(|read| (read.ruleset.family, read.ruleset.backend, read.evidence))
        .collect();
    assert_eq!(
        read,
        [
            (Family::V4, Some(Backend::Nft), FamilyEvidence::Header),
            (Family::V6, Some(Backend::Legacy), FamilyEvidence::Header),
        ]
    );
}

#[test]
fn content_tells_the_family_without_a_header() {
    let family = |text: &str| {
        let read = &parse(text).rulesets[0];
        (read.ruleset.family, read.evidence)
    };
    assert_eq!(
        family("*filter\n-A INPUT -s fe80::/10 -j DROP\nCOMMIT\n"),
        (Family::V6, FamilyEvidence::Content)
    );
    assert_eq!(
        family("*filter\n-A INPUT -s 10.0.0.1 -j DROP\nCOMMIT\n"),
        (Family::V4, FamilyEvidence::Content)
    );
    assert_eq!(
        family("*filter\n-A INPUT -j DROP\nCOMMIT\n"),
        (Family::V4, FamilyEvidence::Assumed)
    );
}

#[test]
fn a_repeated_table_replaces_the_first() {
    let parsed = parse("*filter\n-A INPUT -j DROP\nCOMMIT\n*filter\n-A INPUT -j ACCEPT\nCOMMIT\n");
    insta::assert_snapshot!(shown(&parsed.diagnostics[0]), @"4:1+7 warning table: this filter table replaces the one before | *filter | - | -");
    assert_eq!(rules(&parsed), "-A INPUT -j ACCEPT");
}

#[test]
fn commands_change_what_came_before() {
    let parsed = parse(
        "\
*filter
-N a
-A a -s 10.0.0.1 -j DROP
-A a -s 10.0.0.2 -j DROP
-I a -s 10.0.0.3 -j DROP
-D a 2
-R a 2 -s 10.0.0.4 -j DROP
-A INPUT -j a
-E a b
-A OUTPUT -s 1.1.1.1,2.2.2.2 -j DROP
-D OUTPUT -s 1.1.1.1 -j DROP
-P FORWARD DROP
-6 -A INPUT -j DROP
COMMIT
",
    );
    assert_eq!(parsed.diagnostics, []);
    insta::assert_snapshot!(rules(&parsed), @"
    -A INPUT -j b
    -A OUTPUT -s 2.2.2.2/32 -j DROP
    -A b -s 10.0.0.3/32 -j DROP
    -A b -s 10.0.0.4/32 -j DROP
    ");
}

#[test]
fn texts_are_told_apart() {
    let kind = |text: &str| recognise(text.as_bytes());
    assert_eq!(
        kind("# Generated by iptables-save v1\n*filter"),
        TextKind::Iptables
    );
    assert_eq!(kind("[1:2] -A INPUT -j DROP"), TextKind::Iptables);
    assert_eq!(
        kind("# Generated by arptables-save v1"),
        TextKind::Arptables
    );
    assert_eq!(kind("# Generated by ebtables-save v1"), TextKind::Ebtables);
    assert_eq!(kind("create x hash:ip"), TextKind::Ipset);
    assert_eq!(kind("[{\"ifname\":\"lo\"}]"), TextKind::Json);
    assert_eq!(kind("\u{0}\u{1}"), TextKind::Unknown);
}
