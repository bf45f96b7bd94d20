use std::net::IpAddr;

use netverdict_capture::Direction;
use netverdict_host::{Flow, InputRoute, LocalKind};
use netverdict_net::{AddrMask, Device, InterfaceName, InterfacePattern};
use netverdict_ruleset::{
    Backend, Invertible, Match, Rule, Table, TableKind, Target, Version, targets,
};

use super::*;
use crate::{Subject, SurveyPacket, Surveyor};

const HOST: MacAddr = MacAddr([2, 0, 0, 0, 0, 1]);
const GATEWAY: MacAddr = MacAddr([2, 0, 0, 0, 0, 9]);

fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

fn name(text: &str) -> InterfaceName {
    InterfaceName::new(text).unwrap()
}

/// A packet `source > destination` with its TTL, without any hint.
fn packet(source: &str, destination: &str, ttl: u8) -> SurveyPacket {
    SurveyPacket {
        interface: None,
        direction: None,
        macs: None,
        source: ip(source),
        destination: ip(destination),
        ttl,
    }
}

fn survey(packets: &[SurveyPacket]) -> Survey {
    let mut surveyor = Surveyor::default();
    for packet in packets {
        surveyor.note(packet);
    }
    surveyor.finish()
}

/// A filter table whose INPUT has a rule that `edit` makes.
fn ruleset(family: Family, edit: impl Fn(&mut Rule)) -> Ruleset {
    let mut rule = Rule::default();
    edit(&mut rule);
    let mut table = Table::new(TableKind::Filter);
    table.chains[0].rules.push(rule);
    Ruleset {
        tables: vec![table],
        ..Ruleset::new(family)
    }
}

fn run(rules: &Ruleset, survey: &Survey, overrides: &Overrides) -> Inferred {
    infer(&Bundle::default(), &[rules], survey, overrides).unwrap()
}

fn plain(survey: &Survey) -> Inferred {
    run(&Ruleset::new(Family::V4), survey, &Overrides::default())
}

fn texts(inferred: &Inferred, subject: Subject) -> Vec<String> {
    inferred
        .assumptions
        .iter()
        .filter(|a| a.subject == subject)
        .map(ToString::to_string)
        .collect()
}

fn own_addresses(inferred: &Inferred) -> Vec<String> {
    let interfaces = inferred.host.interfaces().iter();
    interfaces
        .flat_map(|i| {
            i.addresses
                .iter()
                .map(move |a| format!("{}@{}", a.local, i.name))
        })
        .filter(|a| !a.ends_with("@lo") || !(a.starts_with("127.") || a.starts_with("::1")))
        .collect()
}

#[test]
fn a_dump_alone_states_everything_it_takes_for_granted() {
    let rules = ruleset(Family::V4, |r| {
        r.in_interface = Some(Invertible::plain(InterfacePattern::new("eth0").unwrap()));
        r.target = Some(Target::Accept);
    });
    let inferred = run(&rules, &Survey::default(), &Overrides::default());
    let all: Vec<_> = inferred
        .assumptions
        .iter()
        .map(|a| format!("{}: {a}", a.subject))
        .collect();
    insta::assert_snapshot!(all.join("\n"));
    let flow = Flow::input(ip("192.0.2.1"), ip("10.0.0.1"), Device::Named(name("eth0")));
    assert!(matches!(
        inferred.host.route_input(&flow),
        InputRoute::Forward(_)
    ));
}

#[test]
fn every_assumption_names_a_flag_or_a_file() {
    let inferred = plain(&survey(&[
        packet("10.0.0.1", "239.1.1.1", 64),
        packet("fd00::1", "fd00::2", 64),
    ]));
    for assumption in &inferred.assumptions {
        let named = ["--", ".json", ".txt", "-save", "conntrack"];
        assert!(
            named.iter().any(|n| assumption.flag.contains(n)),
            "{assumption}"
        );
    }
    assert_eq!(texts(&inferred, Subject::OtherFamily).len(), 1);
    assert_eq!(texts(&inferred, Subject::MulticastGroups).len(), 1);
}

#[test]
fn helpers_found_by_port_must_be_loaded() {
    let on = Overrides {
        set: vec!["net.netfilter.nf_conntrack_helper=1".to_owned()],
        ..Overrides::default()
    };
    let rules = Ruleset::new(Family::V4);
    let inferred = run(&rules, &survey(&[]), &on);
    let [text] = &texts(&inferred, Subject::Helpers)[..] else {
        panic!("one assumption");
    };
    assert!(
        text.contains("--set net.netfilter.nf_conntrack_helper=0"),
        "{text}"
    );
    assert_eq!(texts(&plain(&survey(&[])), Subject::Helpers).len(), 0);
}

/// Directions marked in the capture tell own addresses from forwarded ones.
#[test]
fn marked_directions_give_the_addresses_away() {
    let marked = |p: SurveyPacket, interface: &str, direction| SurveyPacket {
        interface: Some(name(interface)),
        direction: Some(direction),
        ..p
    };
    let inferred = plain(&survey(&[
        marked(packet("9.9.9.9", "203.0.113.5", 50), "wan", Direction::In),
        marked(packet("203.0.113.5", "9.9.9.9", 64), "wan", Direction::Out),
        // A client behind the router: its packets have lost a hop when they leave.
        marked(packet("192.168.1.7", "9.9.9.9", 64), "lan", Direction::In),
        marked(packet("192.168.1.7", "9.9.9.9", 63), "wan", Direction::Out),
    ]));
    assert_eq!(own_addresses(&inferred), ["203.0.113.5@wan"]);
    assert_eq!(texts(&inferred, Subject::Direction), Vec::<String>::new());
}

/// A virtual machine's capture: all frames pass between it and its gateway.
#[test]
fn an_undecremented_ttl_tells_the_host_from_its_gateway() {
    let framed = |p: SurveyPacket, macs| SurveyPacket {
        macs: Some(macs),
        ..p
    };
    let inferred = plain(&survey(&[
        framed(packet("9.9.9.9", "10.0.0.5", 51), (GATEWAY, HOST)),
        framed(packet("10.0.0.5", "9.9.9.9", 64), (HOST, GATEWAY)),
        framed(packet("8.8.8.8", "10.0.0.5", 57), (GATEWAY, HOST)),
    ]));
    assert_eq!(inferred.own.macs, [HOST]);
    assert!(inferred.own.macs_complete);
    assert_eq!(own_addresses(&inferred), ["10.0.0.5@lo"]);
    assert_eq!(
        [
            texts(&inferred, Subject::OwnMac),
            texts(&inferred, Subject::LocalAddresses)
        ]
        .concat(),
        [
            "02:00:00:00:00:01 is the host's own MAC address: of the two that take part in every frame, it sends packets that no router has touched (ip-addr.json, --direction in|out)",
            "10.0.0.5 is an address of the host: an own MAC address sends for it and no router has touched its packets (ip-addr.json, --local ADDR[/LEN][@IFACE])",
        ]
    );
}

#[test]
fn the_address_in_every_packet_is_the_hosts() {
    let inferred = plain(&survey(&[
        packet("9.9.9.9", "10.0.0.5", 64),
        packet("8.8.8.8", "10.0.0.5", 64),
    ]));
    assert_eq!(own_addresses(&inferred), ["10.0.0.5@lo"]);
    let flow = Flow::input(ip("9.9.9.9"), ip("10.0.0.5"), Device::Unknown);
    assert_eq!(
        inferred.host.route_input(&flow),
        InputRoute::Local(LocalKind::Unicast)
    );
}

#[test]
fn rules_name_own_addresses() {
    let inferred = run(
        &ruleset(Family::V4, |r| {
            r.destination = Some(Invertible::plain(AddrMask::host(ip("198.51.100.4"))));
            r.target = Some(Target::Dnat(targets::Dnat::default()));
        }),
        &Survey::default(),
        &Overrides::default(),
    );
    assert_eq!(own_addresses(&inferred), ["198.51.100.4@lo"]);
    assert!(
        texts(&inferred, Subject::LocalAddresses)[0].contains("rules translate its destination")
    );
}

#[test]
fn flags_outrank_every_guess() {
    let overrides = Overrides {
        local: vec![
            "192.0.2.9/24@eth5".parse().unwrap(),
            "224.0.0.251@eth5".parse().unwrap(),
        ],
        set: vec!["net.ipv4.ip_forward=0".to_owned()],
        ..Overrides::default()
    };
    let seen = survey(&[
        packet("9.9.9.9", "10.0.0.5", 64),
        packet("9.9.9.9", "224.0.0.251", 64),
    ]);
    let inferred = run(&Ruleset::new(Family::V4), &seen, &overrides);
    assert_eq!(own_addresses(&inferred), ["192.0.2.9@eth5"]);
    assert_eq!(
        texts(&inferred, Subject::MulticastGroups),
        Vec::<String>::new()
    );
    assert!(
        !texts(&inferred, Subject::Sysctls)
            .iter()
            .any(|t| t.starts_with("ipv4"))
    );
    let eth5 = Device::Named(name("eth5"));
    let route = |to: &str| {
        inferred
            .host
            .route_input(&Flow::input(ip("192.0.2.1"), ip(to), eth5))
    };
    assert_eq!(
        route("224.0.0.251"),
        InputRoute::Local(LocalKind::Multicast)
    );
    assert_eq!(
        route("192.0.2.255"),
        InputRoute::Local(LocalKind::Broadcast)
    );
    assert_eq!(
        route("10.0.0.5"),
        InputRoute::Drop(netverdict_host::DropReason::NotForwarding)
    );
    let bad = Overrides {
        set: vec!["net.ipv4.ip_forward".to_owned()],
        ..Overrides::default()
    };
    let error = infer(&Bundle::default(), &[], &Survey::default(), &bad).unwrap_err();
    assert_eq!(
        error.to_string(),
        "--set: `net.ipv4.ip_forward` has no `=`: expected `key = value`"
    );
}

/// A host that gave all its files leaves little to assume.
#[test]
fn files_leave_nothing_to_assume() {
    let text = |kind, bytes: &str| crate::Source {
        name: String::new(),
        kind,
        bytes: bytes.as_bytes().to_vec(),
    };
    use crate::SourceKind::{Addresses, Conntrack, Dump, Routes, Rules, Sysctl};
    let bundle = Bundle::from_sources(
        "host".to_owned(),
        vec![
            text(Dump(Family::V4), "*filter\nCOMMIT\n"),
            text(Addresses, r#"[{"ifname":"eth0","address":"02:00:00:00:00:01","flags":["UP"],"addr_info":[{"local":"10.0.0.5","prefixlen":24}]}]"#),
            text(Routes(Family::V4), r#"[{"dst":"10.0.0.0/24","dev":"eth0"}]"#),
            text(Rules(Family::V4), "[]"),
            text(Conntrack, "\n"),
            text(Sysctl, "net.ipv4.ip_forward = 0\n"),
        ],
    )
    .unwrap();
    let seen = survey(&[SurveyPacket {
        direction: Some(Direction::In),
        ..packet("10.0.0.9", "10.0.0.5", 64)
    }]);
    let rules = Ruleset {
        backend: Some(netverdict_ruleset::Backend::Legacy),
        ..Ruleset::new(Family::V4)
    };
    let inferred = infer(&bundle, &[&rules], &seen, &Overrides::default()).unwrap();
    assert_eq!(inferred.assumptions, []);
    assert_eq!(inferred.own.macs, [HOST]);
}

/// A bridge's setting is asked for where rules could meet what it passes on.
#[test]
fn what_bridges_show_is_stated() {
    let addresses =
        r#"[{"ifname":"br0","flags":["UP"],"linkinfo":{"info_kind":"bridge"},"addr_info":[]}]"#;
    let source = |kind, text: &str| crate::Source {
        name: String::new(),
        kind,
        bytes: text.as_bytes().to_vec(),
    };
    let sources = vec![
        source(crate::SourceKind::Dump(Family::V4), "*filter\nCOMMIT\n"),
        source(crate::SourceKind::Addresses, addresses),
    ];
    let bundle = Bundle::from_sources("host".to_owned(), sources).unwrap();
    let stated = |set: &[&str]| {
        let overrides = Overrides {
            set: set.iter().map(|&s| s.to_owned()).collect(),
            ..Overrides::default()
        };
        let rules = Ruleset::new(Family::V4);
        let inferred = infer(&bundle, &[&rules], &Survey::default(), &overrides).unwrap();
        let of_bridge = |a: &&crate::Assumption| a.text.contains("meet no rules");
        inferred
            .assumptions
            .iter()
            .find(of_bridge)
            .map(ToString::to_string)
    };
    assert_eq!(
        stated(&[]).unwrap(),
        "ipv4 packets that br0 passes on between its ports meet no rules (sysctl.txt, --set \
         net.bridge.bridge-nf-call-iptables=1)"
    );
    assert_eq!(stated(&["net.bridge.bridge-nf-call-iptables=1"]), None);
}

#[test]
fn chance_and_memory_are_stated_where_rules_use_them() {
    let random = ruleset(Family::V4, |rule| {
        rule.target = Some(Target::Masquerade(targets::Masquerade {
            random_fully: true,
            ..targets::Masquerade::default()
        }));
    });
    let seeded = Overrides {
        seed: 7,
        ..Overrides::default()
    };
    let none = Survey::default();
    let default = run(&random, &none, &Overrides::default());
    assert_eq!(texts(&default, Subject::Randomness).len(), 1);
    assert!(texts(&run(&random, &none, &seeded), Subject::Randomness).is_empty());
    assert!(texts(&default, Subject::RuleHistory).is_empty());
}

#[test]
fn rules_of_an_unnamed_iptables_nft_are_taken_for_a_recent_ones() {
    let ports = |rule: &mut Rule| {
        rule.matches = vec![Match::Tcp(netverdict_ruleset::matches::Tcp::default())];
    };
    let assumed = |version, ports: &dyn Fn(&mut Rule)| {
        let rules = Ruleset {
            backend: Some(Backend::Nft),
            version,
            ..ruleset(Family::V4, ports)
        };
        let inferred = run(&rules, &Survey::default(), &Overrides::default());
        inferred
            .assumptions
            .iter()
            .any(|a| a.subject == Subject::Backend)
    };
    assert!(assumed(None, &ports));
    assert!(!assumed(Some(Version::v1_8(9)), &ports));
    assert!(!assumed(None, &|_| {}));
}

#[test]
fn rules_of_bridges_are_stated_not_to_be_evaluated() {
    let of = |kind, text: &str| {
        let bundle = Bundle {
            sources: vec![crate::Source {
                name: "dump".to_owned(),
                kind,
                bytes: text.into(),
            }],
            ..Bundle::default()
        };
        let rules = Ruleset::new(Family::V4);
        let inferred = infer(
            &bundle,
            &[&rules],
            &Survey::default(),
            &Overrides::default(),
        );
        texts(&inferred.unwrap(), Subject::OtherRules).join("\n")
    };
    let two = "*filter\n:INPUT ACCEPT\n-A INPUT -i eth0 -j DROP\n-A INPUT -j DROP\n";
    let rule = "*filter\n:INPUT ACCEPT\n-A INPUT -j DROP\n";
    insta::assert_snapshot!(of(crate::SourceKind::Ebtables, two), @"the 2 rules of dump are not evaluated: frames pass bridges as if there were none (a bundle without the file)");
    insta::assert_snapshot!(of(crate::SourceKind::Arptables, rule), @"the rule of dump is not evaluated: ARP is skipped as ever (a bundle without the file)");
    assert_eq!(
        of(crate::SourceKind::Ebtables, "*filter\n:INPUT ACCEPT\n"),
        ""
    );
}
