use super::*;
use netverdict_engine::{About, OwnerFact, Transport, extensions};
use netverdict_net::Protocol;

fn error(text: &str) -> String {
    parse(text).unwrap_err().to_string()
}

#[test]
fn every_documented_example_is_a_fact() {
    for extension in extensions() {
        for example in extension.facts {
            assert!(parse(example).is_ok(), "{example}: {}", error(example));
        }
    }
}

#[test]
fn a_fact_of_a_flow_keeps_its_text() {
    let fact = parse(" owner  uid 1000 gid 100 for tcp 10.0.0.1:* > *:443 ").unwrap();
    let owner = OwnerFact {
        exists: true,
        uid: Some(1000),
        gid: Some(100),
        groups: None,
    };
    assert_eq!(fact.about, About::Owner(owner));
    assert_eq!(
        fact.text,
        "owner uid 1000 gid 100 for tcp 10.0.0.1:* > *:443"
    );
    let ends = |source: &str, protocol, destination_port| Transport {
        source: source.parse().unwrap(),
        destination: "192.0.2.1".parse().unwrap(),
        protocol,
        source_port: 40000,
        destination_port,
    };
    let flow = fact.flow.unwrap();
    assert!(flow.has(&ends("10.0.0.1", Protocol::TCP, 443)));
    assert!(!flow.has(&ends("10.0.0.2", Protocol::TCP, 443)));
    assert!(!flow.has(&ends("10.0.0.1", Protocol::UDP, 443)));
    assert!(!flow.has(&ends("10.0.0.1", Protocol::TCP, 80)));
}

#[test]
fn ends_of_every_shape_are_read() {
    for flow in [
        "udp",
        "* > *",
        "192.0.2.0/24 > *",
        "tcp *:1000-2000 > [2001:db8::/32]:443",
        "tcp 2001:db8::1 > [2001:db8::2]:*",
        "47 10.0.0.1 > 10.0.0.2",
    ] {
        assert!(parse(&format!("cpu 0 for {flow}")).is_ok(), "{flow}");
    }
}

#[test]
fn what_is_wrong_is_named_with_what_was_meant() {
    for (text, says) in [
        ("", "the fact ends too early"),
        ("ownr uid 1", "did you mean `owner`?"),
        (
            "owner uidd 1",
            "`uidd`; expected uid, gid, groups, exists or none (did you mean `uid`?)",
        ),
        (
            "owner uid",
            "the fact ends too early; expected a user's number",
        ),
        ("owner uid me", "`me`; expected a user's number"),
        ("tcp", "expected match or no-match"),
        ("sett x match", "did you mean `set`?"),
        ("set x matches", "did you mean `match`?"),
        ("cpu 0 fore tcp", "did you mean `for`?"),
        ("cpu 0 for * > *:443", "a protocol that has ports"),
        ("cpu 0 for tcp 10.0.0.1 > ::1", "an ipv4 address"),
        (
            "cpu 0 for tcp 10.0.0.1 : *",
            "`>` between source and destination",
        ),
        ("cpu 0 for tcp * > *:443 now", "nothing more"),
        ("tproxy none", "did you mean `TPROXY`?"),
    ] {
        assert!(error(text).contains(says), "{text}: {}", error(text));
    }
}
