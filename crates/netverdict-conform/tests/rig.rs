//! The rig against this machine's kernel. Without root or the tools each test says what is missing and passes.
#![expect(
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "helpers of tests are tests"
)]

use std::net::IpAddr;

use netverdict_conform::RigError;
use netverdict_conform::kernel::{Connection, Namespace};
use netverdict_conform::rig::{Backend, Direction, Dumps, Fate, Injection, Rig};
use netverdict_forge::random::packet::{self, Ip, Tcp, flag};
use netverdict_host::{Address, HostFacts, Interface, Route, Sysctls};
use netverdict_net::{AddrMask, Family, InterfaceName, MacAddr, Protocol, Timestamp};

const OUTSIDE: MacAddr = MacAddr([2, 0, 0, 0, 0, 1]);
const INSIDE: MacAddr = MacAddr([2, 0, 0, 0, 0, 2]);
const PEER: MacAddr = MacAddr([2, 0, 0, 0, 0, 0x99]);

fn name(text: &str) -> InterfaceName {
    InterfaceName::new(text).unwrap()
}

fn addr(text: &str) -> IpAddr {
    text.parse().unwrap()
}

fn router() -> HostFacts {
    let interface = |n, mac, v4: &str, v6: &str| {
        let mut interface = Interface::new(name(n));
        interface.mac = Some(mac);
        interface.add(Address::new(addr(v4), 24));
        interface.add(Address::new(addr(v6), 64));
        interface
    };
    let mut sysctls = Sysctls::default();
    for setting in ["net.ipv4.ip_forward=1", "net.ipv6.conf.all.forwarding=1"] {
        sysctls.set(setting).unwrap();
    }
    let gateway = Some(addr("203.0.113.254"));
    HostFacts {
        interfaces: vec![
            interface("eth0", OUTSIDE, "203.0.113.1", "2001:db8::1"),
            interface("eth1", INSIDE, "10.0.0.1", "fd00::1"),
        ],
        assumed_routes: vec![Route::new(AddrMask::any(Family::V4)).via(name("eth0"), gateway)],
        sysctls,
        ..HostFacts::default()
    }
}

/// Runs `check` on a router with these dumps, or says why it cannot.
fn on_router(dumps: Dumps<'_>, check: impl FnOnce(&Rig<'_>) -> Result<(), RigError> + Send) {
    let outcome = Namespace::isolated(|inside| {
        let mut rig = Rig::build(inside, &router())?;
        rig.load(dumps)?;
        check(&rig)
    });
    match outcome {
        Err(error) if error.is_missing() => eprintln!("SKIPPED: {error}"),
        other => other.unwrap(),
    }
}

fn v4(text: &str) -> Dumps<'_> {
    Dumps {
        v4: Some(text),
        ..Dumps::default()
    }
}

fn arriving<'a>(interface: &str, frame: &'a [u8]) -> Injection<'a> {
    Injection {
        time: Timestamp(0),
        interface: Some(name(interface)),
        direction: Direction::In,
        bytes: frame,
    }
}

fn sent(packet: &[u8]) -> Injection<'_> {
    Injection {
        time: Timestamp(0),
        interface: None,
        direction: Direction::Out,
        bytes: packet,
    }
}

fn syn(source: &str, destination: &str, port: u16) -> Vec<u8> {
    let ip = Ip::new(addr(source), addr(destination));
    let tcp = Tcp {
        source: 40000,
        destination: port,
        seq: 1,
        flags: flag::SYN,
        window: 1000,
        ..Tcp::default()
    };
    tcp.packet(&ip)
}

fn rule(rig: &Rig<'_>, family: Family, table: &str, chain: &str, number: usize) -> (u64, u64) {
    let counters = rig.counters(family).unwrap();
    let counter = counters.chain(table, chain).unwrap().rules[number - 1].0;
    (counter.packets, counter.bytes)
}

#[test]
fn a_packet_for_the_host_is_delivered_and_counted() {
    let dump = "*filter\n:INPUT DROP [5:500]\n:FORWARD DROP [0:0]\n:OUTPUT ACCEPT [0:0]\n\
        -A INPUT -p tcp --dport 22 -j ACCEPT\nCOMMIT\n";
    let dumps = Dumps {
        keep_counters: true,
        ..v4(dump)
    };
    on_router(dumps, |rig| {
        let ssh = syn("203.0.113.9", "203.0.113.1", 22);
        let seen = rig.inject(&arriving("eth0", &packet::ethernet(OUTSIDE, PEER, &ssh)))?;
        assert_eq!(seen.fate(), Fate::Local);
        assert_eq!(seen.delivered[0].packet, ssh);
        assert_eq!(seen.delivered[0].interface, Some(name("eth0")));
        let web = packet::ethernet(OUTSIDE, PEER, &syn("203.0.113.9", "203.0.113.1", 80));
        assert_eq!(rig.inject(&arriving("eth0", &web))?.fate(), Fate::Gone);
        assert_eq!(rule(rig, Family::V4, "filter", "INPUT", 1), (1, 40));
        let counters = rig.counters(Family::V4)?;
        let policy = counters.chain("filter", "INPUT").unwrap().policy.unwrap();
        assert_eq!((policy.packets, policy.bytes), (6, 540));
        Ok(())
    });
}

#[test]
fn a_forwarded_packet_leaves_translated_and_is_tracked() {
    let dump = "*nat\n:PREROUTING ACCEPT [0:0]\n:INPUT ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\n\
        :POSTROUTING ACCEPT [0:0]\n-A POSTROUTING -o eth0 -j MASQUERADE\nCOMMIT\n";
    on_router(v4(dump), |rig| {
        let frame = packet::ethernet(INSIDE, PEER, &syn("10.0.0.7", "198.51.100.5", 443));
        let seen = rig.inject(&arriving("eth1", &frame))?;
        assert_eq!(seen.fate(), Fate::Emitted);
        assert_eq!(seen.emitted[0].interface, name("eth0"));
        assert_eq!(seen.emitted[0].packet()[12..16], [203, 0, 113, 1]);
        assert_eq!(
            seen.emitted[0].packet()[8],
            63,
            "forwarding takes one from the TTL"
        );
        let table = rig.connections()?;
        assert_eq!(table.len(), 1);
        assert_eq!(table[0].protocol, Protocol::TCP);
        assert_eq!(table[0].original.source, addr("10.0.0.7"));
        assert_eq!(table[0].reply.destination, addr("203.0.113.1"));
        assert_eq!(
            table[0].status
                & (Connection::SRC_NAT | Connection::CONFIRMED | Connection::SEEN_REPLY),
            Connection::SRC_NAT | Connection::CONFIRMED
        );
        Ok(())
    });
}

#[test]
fn a_sent_packet_passes_output_and_a_looped_one_comes_back() {
    let dump = "*filter\n:INPUT ACCEPT [0:0]\n:FORWARD DROP [0:0]\n:OUTPUT ACCEPT [0:0]\n\
        -A INPUT -i lo -j ACCEPT\n-A OUTPUT -o eth0 -p tcp --dport 25 -j REJECT\n-A OUTPUT -o lo\nCOMMIT\n";
    on_router(v4(dump), |rig| {
        let web = syn("203.0.113.1", "198.51.100.5", 80);
        let seen = rig.inject(&sent(&web))?;
        assert_eq!(seen.fate(), Fate::Emitted);
        assert_eq!(seen.emitted[0].packet()[20..], web[20..]);
        let seen = rig.inject(&sent(&syn("203.0.113.1", "198.51.100.5", 25)))?;
        assert_eq!(seen.fate(), Fate::Gone);
        assert_eq!(rule(rig, Family::V4, "filter", "OUTPUT", 1), (1, 40));
        let seen = rig.inject(&sent(&syn("127.0.0.1", "127.0.0.1", 80)))?;
        assert_eq!(seen.fate(), Fate::Local);
        assert_eq!(seen.delivered[0].interface, Some(name("lo")));
        // The answer to port 25 came back over it too.
        assert_eq!(rule(rig, Family::V4, "filter", "INPUT", 1), (2, 108));
        assert_eq!(rule(rig, Family::V4, "filter", "OUTPUT", 2), (2, 108));
        Ok(())
    });
}

#[test]
fn answers_of_the_kernel_pass_output_and_are_taken_off_behind_it() {
    let dump = "*filter\n:INPUT DROP [0:0]\n:FORWARD ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\n\
        -A INPUT -p tcp -j REJECT --reject-with tcp-reset\n-A INPUT -j REJECT\nCOMMIT\n";
    on_router(v4(dump), |rig| {
        let frame = packet::ethernet(OUTSIDE, PEER, &syn("203.0.113.9", "203.0.113.1", 22));
        let seen = rig.inject(&arriving("eth0", &frame))?;
        assert_eq!(seen.answers.len(), 1);
        assert_eq!(seen.answers[0][9], Protocol::TCP.0);
        assert_eq!(seen.answers[0][33], flag::RST | flag::ACK);
        let counters = rig.counters(Family::V4)?;
        let output = counters.chain("filter", "OUTPUT").unwrap();
        assert_eq!(output.policy.unwrap().packets, 1);
        assert!(seen.emitted.is_empty());
        assert_eq!(seen.answers_left, seen.answers);
        Ok(())
    });
}

#[test]
fn ipv6_and_sets_and_the_nft_backend_work_alike() {
    let dump = "*filter\n:INPUT DROP [0:0]\n:FORWARD DROP [0:0]\n:OUTPUT ACCEPT [0:0]\n\
        -A FORWARD -m set --match-set ok dst -j ACCEPT\n-A OUTPUT -p icmpv6\nCOMMIT\n";
    for backend in [Backend::Legacy, Backend::Nft] {
        let dumps = Dumps {
            v6: Some(dump),
            ipset: Some("create ok hash:ip family inet6\nadd ok 2001:db8::7\n"),
            backend,
            ..Dumps::default()
        };
        on_router(dumps, |rig| {
            let ping = |from: &str, to: &str| {
                let ip = Ip::new(addr(from), addr(to));
                ip.packet(Protocol::ICMPV6, &packet::icmp(&ip, 128, 0, 1, b"hello"))
            };
            let known = packet::ethernet(INSIDE, PEER, &ping("fd00::9", "2001:db8::7"));
            let seen = rig.inject(&arriving("eth1", &known))?;
            assert_eq!(seen.emitted.len(), 1, "{seen:?}");
            let other = packet::ethernet(INSIDE, PEER, &ping("fd00::9", "2001:db8::8"));
            assert_eq!(rig.inject(&arriving("eth1", &other))?.fate(), Fate::Gone);
            let seen = rig.inject(&sent(&ping("2001:db8::1", "2001:db8::7")))?;
            assert_eq!(seen.fate(), Fate::Emitted);
            assert_eq!(rule(rig, Family::V6, "filter", "FORWARD", 1), (1, 53));
            assert_eq!(rule(rig, Family::V6, "filter", "OUTPUT", 1), (1, 53));
            Ok(())
        });
    }
}

#[test]
fn a_refused_dump_says_what_the_tool_said() {
    let outcome = Namespace::isolated(|inside| {
        let mut rig = Rig::build(inside, &HostFacts::default())?;
        rig.load(v4("*filter\n-A INPUT -j NOWHERE\nCOMMIT\n"))
    });
    match outcome {
        Err(error) if error.is_missing() => eprintln!("SKIPPED: {error}"),
        other => {
            let text = other.unwrap_err().to_string();
            assert!(
                text.starts_with("iptables-legacy-restore refused the dump: "),
                "{text}"
            );
            assert!(
                text.contains("NOWHERE") && text.contains("line: 2"),
                "{text}"
            );
        }
    }
}

/// A hundred hosts, one after another: nothing of one is left for the next.
#[test]
fn namespaces_do_not_share_anything() {
    let dump = "*filter\n:INPUT ACCEPT [0:0]\n:FORWARD DROP [0:0]\n:OUTPUT ACCEPT [0:0]\n\
        -A INPUT -m conntrack --ctstate NEW -m recent --set\nCOMMIT\n";
    for _ in 0..10 {
        on_router(v4(dump), |rig| {
            assert!(rig.connections()?.is_empty());
            let frame = packet::ethernet(OUTSIDE, PEER, &syn("203.0.113.9", "203.0.113.1", 22));
            rig.inject(&arriving("eth0", &frame))?;
            assert_eq!(rig.connections()?.len(), 1);
            assert_eq!(rule(rig, Family::V4, "filter", "INPUT", 1), (1, 40));
            Ok(())
        });
    }
}
