//! A SYN flood through a stateful ruleset: `cargo run --release -p tests --example syn_flood -- 10000000`. Says how long a
//! packet took, how many connections there are at the end, and how much memory it all took at most.

#![expect(
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "a measurement, which says what it took"
)]

use std::net::Ipv4Addr;
use std::time::Instant;

use netverdict_engine::{Config, Engine, EngineInput, Entry, Input, NullObserver, Verdict};
use netverdict_host::{Address, Host, HostFacts, Interface};
use netverdict_net::{Device, Family, InterfaceName, Link, Packet, Timestamp, checksum};
use netverdict_syntax::{ParseOptions, parse_dump};

const RULES: &[u8] = b"*filter
:INPUT DROP [0:0]
:FORWARD DROP [0:0]
:OUTPUT ACCEPT [0:0]
-A INPUT -m conntrack --ctstate INVALID -j DROP
-A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
-A INPUT -p tcp -m tcp --dport 80 -j ACCEPT
COMMIT
";
/// Nanoseconds between two packets.
const GAP: i64 = 10_000;

fn main() {
    let count: u32 = std::env::args()
        .nth(1)
        .and_then(|n| n.parse().ok())
        .unwrap_or(1_000_000);
    let eth0 = InterfaceName::new("eth0").expect("a name");
    let mut interface = Interface::new(eth0);
    interface.add(Address::new(Ipv4Addr::new(203, 0, 113, 1).into(), 24));
    let facts = HostFacts {
        interfaces: vec![Interface::loopback(), interface],
        addresses_known: true,
        ..HostFacts::default()
    };
    let dump = parse_dump(
        RULES,
        &ParseOptions {
            family: Some(Family::V4),
        },
    );
    let mut engine = Engine::new(EngineInput {
        v4: dump.ruleset(Family::V4),
        v6: None,
        host: &Host::new(facts),
        config: &Config::default(),
    });
    let started = Instant::now();
    let mut accepted = 0_u32;
    for n in 0..count {
        let bytes = syn(n);
        let packet = Packet::new(&bytes, bytes.len(), Link::default()).expect("a packet");
        let input = Input {
            packet,
            time: Timestamp(i64::from(n) * GAP),
            entry: Entry::Prerouting {
                in_device: Device::Named(eth0),
            },
        };
        let outcome = engine.step(input, &mut NullObserver);
        accepted += u32::from(outcome.verdict == Verdict::Accept);
    }
    let passed = started.elapsed();
    println!(
        "{count} SYNs of as many tuples, {accepted} accepted, {:.2} s,",
        passed.as_secs_f64()
    );
    println!(
        "{:.2} us each;",
        passed.as_secs_f64() * 1e6 / f64::from(count)
    );
    println!("{} connections at the end;", engine.connections().len());
    if let Some(peak) = peak() {
        println!("at most {peak} of memory");
    }
}

/// A SYN to 203.0.113.1:80 of its own address and port.
fn syn(n: u32) -> [u8; 40] {
    let mut bytes = [0; 40];
    bytes[..12].copy_from_slice(&[0x45, 0, 0, 40, 0, 1, 0, 0, 64, 6, 0, 0]);
    bytes[12..16].copy_from_slice(&(0x0b00_0000 | n >> 8).to_be_bytes());
    bytes[16..20].copy_from_slice(&[203, 0, 113, 1]);
    bytes[20..22].copy_from_slice(&(1024 + (n & 0xff) as u16).to_be_bytes());
    bytes[22..24].copy_from_slice(&80_u16.to_be_bytes());
    bytes[24..28].copy_from_slice(&n.to_be_bytes());
    bytes[32..36].copy_from_slice(&[0x50, 2, 0xff, 0xff]);
    let sum = checksum::finish(checksum::sum(&bytes[..20], 0));
    bytes[10..12].copy_from_slice(&sum.to_be_bytes());
    let ends = checksum::sum(&bytes[12..20], 0) + 6 + 20;
    let sum = checksum::finish(checksum::sum(&bytes[20..], ends));
    bytes[36..38].copy_from_slice(&sum.to_be_bytes());
    bytes
}

/// The most that this process took, where the system tells.
fn peak() -> Option<String> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|l| l.starts_with("VmHWM:"))?;
    Some(line.trim_start_matches("VmHWM:").trim().to_owned())
}
