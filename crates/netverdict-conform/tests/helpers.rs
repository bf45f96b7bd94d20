//! Captured control connections behind rules that give them their helpers, through the kernel and the model.
//! `NETVERDICT_CORPUS` says where the captures are.
#![expect(clippy::unwrap_used, reason = "helpers of tests are tests")]

use std::fmt::Write;
use std::net::IpAddr;
use std::path::{Path, PathBuf};

use netverdict_capture::{Captures, Input, expand};
use netverdict_conform::helpers::router;
use netverdict_conform::random::judge;
use netverdict_conform::rig::{Backend, Direction, Pace};
use netverdict_conform::{Case, Frame, record};
use netverdict_forge::random::HELPER_MACS;
use netverdict_host::Route;
use netverdict_net::{AddrMask, Family, InterfaceName, MacAddr, Timestamp, checksum};

/// Captures of FTP, TFTP, SIP, IRC, PPTP, NetBIOS and SNMP.
const CAPTURES: [&str; 24] = [
    "ndpi-ftp.pcap",
    "ndpi-ftp_failed.pcap",
    "ndpi-netbios.pcap",
    "ndpi-pptp.pcap",
    "ndpi-sip.pcap",
    "ndpi-snmp.pcap",
    "ndpi-tftp.pcap",
    "suri-detect-ftp-ftp-active-dynamic_port-02-ftp-active-dynamic_port.pcap",
    "suri-filestore-ftp-active-mode-ftp-active-mode.pcap",
    "suri-filestore-ftp-passive-mode-ftp-passive-mode.pcap",
    "suri-firewall-ruletype-firewall-116-ftp-all-data-ipv4-input.pcap",
    "suri-ftp-ftp-download-active-input.pcap",
    "suri-ftp-ftp-upload-passive-input.pcap",
    "suri-output-eve-tftp-01-input.pcap",
    "suri-sip-method-sip.pcap",
    "tcpd-tftp.pcap",
    "wsh-sip-rtp.pcapng",
    "zeek-ftp-bruteforce.pcap",
    "zeek-ftp-ipv4.pcap",
    "zeek-ftp-ipv6-violation.pcap",
    "zeek-ftp-retr.pcap",
    "zeek-irc-basic.pcap",
    "zeek-tunnels-gre-pptp.pcap",
    "zeek-var-services-std-ports.pcap",
];

/// What both families have.
const HELPERS: [&str; 6] = [
    "-p tcp -m tcp --dport 21 -j CT --helper ftp",
    "-p udp -m udp --dport 69 -j CT --helper tftp",
    "-p udp -m udp --dport 5060 -j CT --helper sip",
    "-p tcp -m tcp --dport 5060 -j CT --helper sip",
    "-p tcp -m tcp --dport 6566 -j CT --helper sane",
    "-p udp -m udp --dport 10080 -j CT --helper amanda",
];
const HELPERS_V4: [&str; 4] = [
    "-p tcp -m tcp --dport 6667 -j CT --helper irc",
    "-p tcp -m tcp --dport 1723 -j CT --helper pptp",
    "-p udp -m udp --dport 137 -j CT --helper netbios-ns",
    "-p udp -m udp --dport 161 -j CT --helper snmp",
];
const COUNTING: [&str; 7] = [
    "-m conntrack --ctstate INVALID",
    "-m conntrack --ctstate RELATED -m helper --helper ftp",
    "-m conntrack --ctstate RELATED -m helper --helper sip",
    "-m helper --helper tftp",
    "-m conntrack --ctstatus EXPECTED",
    "-m conntrack --ctstate ESTABLISHED",
    "-m conntrack --ctstate NEW",
];

/// Rules that give helpers and count states; with `nat`, what is forwarded and sent is translated.
fn rules(family: Family, nat: bool) -> String {
    let mut text = "*raw\n:PREROUTING ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\n".to_owned();
    let own: &[&str] = match family {
        Family::V4 => &HELPERS_V4,
        Family::V6 => &[],
    };
    for chain in ["PREROUTING", "OUTPUT"] {
        for rule in HELPERS.iter().chain(own) {
            let _ = writeln!(text, "-A {chain} {rule}");
        }
    }
    text += "COMMIT\n*filter\n:INPUT ACCEPT [0:0]\n:FORWARD ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\n";
    for chain in ["INPUT", "FORWARD", "OUTPUT"] {
        for rule in COUNTING {
            let _ = writeln!(text, "-A {chain} {rule}");
        }
    }
    text += "COMMIT\n";
    if nat {
        let to = match family {
            Family::V4 => "203.0.113.1",
            Family::V6 => "2001:db8::1",
        };
        text += "*nat\n:PREROUTING ACCEPT [0:0]\n:INPUT ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\n";
        let _ = write!(
            text,
            ":POSTROUTING ACCEPT [0:0]\n-A POSTROUTING -o eth0 -j SNAT --to-source {to}\nCOMMIT\n"
        );
    }
    text
}

fn captures(path: &Path) -> Captures {
    let (inputs, _) = expand(&[Input::of(path.as_os_str())]).unwrap();
    Captures::open(&inputs).unwrap()
}

/// The whole packets of a capture that can be forwarded, with their times.
fn packets(capture: &Path) -> Vec<(Timestamp, Vec<u8>)> {
    let mut captures = captures(capture);
    let mut packets = Vec::new();
    while let Some(batch) = captures.next_batch().unwrap() {
        for frame in batch.frames() {
            let Some(Ok(packet)) = frame.packet() else {
                continue;
            };
            let ends = [packet.source(), packet.destination()];
            if packet.is_whole() && ends.into_iter().all(is_routed) {
                packets.push((frame.time, packet.captured().to_vec()));
            }
        }
    }
    packets
}

fn is_routed(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(a) => {
            let [first, .., last] = a.octets();
            !matches!(first, 0 | 127 | 224..) && !a.is_link_local() && last != 255
        }
        IpAddr::V6(a) => {
            !a.is_multicast()
                && !a.is_unicast_link_local()
                && !a.is_loopback()
                && !a.is_unspecified()
        }
    }
}

/// Where in a packet the addresses are, their length, and the transport checksum's place, if it has one.
fn layout(packet: &[u8]) -> (usize, usize, Option<usize>) {
    let (at, len, header, protocol) = match packet[0] >> 4 {
        4 => (12, 4, usize::from(packet[0] & 15) * 4, packet[9]),
        _ => (8, 16, 40, packet[6]),
    };
    let sum = match protocol {
        6 => Some(header + 16),
        17 => Some(header + 6),
        58 => Some(header + 2),
        _ => None,
    };
    (at, len, sum)
}

/// Sends a packet to another address, checksums following.
fn redirect(packet: &mut [u8], to: &[u8]) {
    let (at, len, sum) = layout(packet);
    let old = packet[at + len..at + 2 * len].to_vec();
    packet[at + len..at + 2 * len].copy_from_slice(to);
    let mut sums: Vec<usize> = sum.into_iter().collect();
    if len == 4 {
        sums.push(10);
    }
    for place in sums {
        if let Some(&[high, low]) = packet.get(place..place + 2)
            && (high, low) != (0, 0)
        {
            let new = checksum::update(u16::from_be_bytes([high, low]), &old, to);
            packet[place..place + 2].copy_from_slice(&new.to_be_bytes());
        }
    }
}

/// A capture as a router between its ends would have met it; whoever speaks first is inside. With `nat` the inside is
/// hidden behind the router's outer address, and is answered there.
fn case(capture: &Path, nat: bool) -> Case {
    let mut facts = router().unwrap();
    let mut inside: Vec<IpAddr> = Vec::new();
    let mut outside: Vec<IpAddr> = Vec::new();
    let mut frames = Vec::new();
    for (time, mut bytes) in packets(capture) {
        let (at, len, _) = layout(&bytes);
        let address = |at: usize| match <[u8; 4]>::try_from(&bytes[at..at + len]) {
            Ok(v4) => IpAddr::from(v4),
            Err(_) => IpAddr::from(<[u8; 16]>::try_from(&bytes[at..at + len]).unwrap()),
        };
        let (from, to) = (address(at), address(at + len));
        if !inside.contains(&from) && !outside.contains(&from) {
            let side = if inside.contains(&to) {
                &mut outside
            } else {
                &mut inside
            };
            side.push(from);
        }
        if !inside.contains(&to) && !outside.contains(&to) {
            outside.push(to);
        }
        let nic = usize::from(inside.contains(&from));
        if nat && nic == 0 && inside.contains(&to) {
            let router: &[u8] = match to {
                IpAddr::V4(_) => &[203, 0, 113, 1],
                IpAddr::V6(_) => &[0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1],
            };
            redirect(&mut bytes, router);
        }
        let peer = MacAddr([2, 0, 0, 0, 0, 0x99]);
        frames.push(Frame {
            time,
            interface: InterfaceName::new(["eth0", "eth1"][nic]).ok(),
            direction: Direction::In,
            bytes: netverdict_forge::random::packet::ethernet(HELPER_MACS[nic], peer, &bytes),
        });
    }
    let eth1 = InterfaceName::new("eth1").unwrap();
    for address in inside {
        let (len, gateway) = match address {
            IpAddr::V4(_) => (32, "10.0.0.2"),
            IpAddr::V6(_) => (128, "fd00::2"),
        };
        let route = Route::new(AddrMask::prefix(address, len));
        let gateway = gateway.parse().unwrap();
        facts.assumed_routes.push(route.via(eth1, Some(gateway)));
    }
    Case {
        facts,
        v4: Some(rules(Family::V4, nat)),
        v6: Some(rules(Family::V6, nat)),
        ipset: None,
        timeouts: None,
        backend: Backend::Legacy,
        frames,
    }
}

#[test]
fn captured_control_connections_count_as_in_the_kernel() {
    let given = std::env::var_os("NETVERDICT_CORPUS").map(PathBuf::from);
    let beside = || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/corpus");
    let corpus = given.unwrap_or_else(beside).join("captures");
    if !corpus.is_dir() {
        eprintln!("SKIPPED: no corpus (NETVERDICT_CORPUS)");
        return;
    }
    let mut differing = Vec::new();
    for name in CAPTURES {
        for nat in [false, true] {
            let case = case(&corpus.join(name), nat);
            let kernel = match case.run(Pace::Fast) {
                Err(error) if error.is_missing() => {
                    eprintln!("SKIPPED: {error}");
                    return;
                }
                other => other.unwrap(),
            };
            let compared = judge(case, kernel).unwrap();
            let packets = compared.case.frames.len();
            let expected = compared.kernel.connections.iter();
            let expected = expected.filter(|c| c.status & 1 == 1).count();
            let count = compared.differences.len();
            eprintln!("{name} (nat {nat}): {packets} packets, {expected} expected, {count} differ");
            for difference in compared.differences.iter().take(8) {
                eprintln!("  {difference}");
            }
            let open = compared.undetermined.is_some() || !compared.unknown.is_empty();
            if count > 0 && !open {
                differing.push((name, nat));
            }
        }
    }
    assert!(differing.is_empty(), "captures that differ: {differing:?}");
}

/// `NETVERDICT_HELPER_SEEDS=0..1000` runs those seeds.
fn seeds() -> std::ops::Range<u64> {
    let given = std::env::var("NETVERDICT_HELPER_SEEDS").ok();
    let range = given.as_deref().and_then(|text| text.split_once(".."));
    let number = |text: &str| text.trim().parse().ok();
    range
        .and_then(|(from, to)| Some(number(from)?..number(to)?))
        .unwrap_or(0..60)
}

#[test]
fn random_control_connections_count_as_in_the_kernel() {
    let (mut agreed, mut silent, mut differing) = (0, 0, Vec::new());
    for seed in seeds() {
        let compared = match netverdict_conform::helpers::compare(seed) {
            Err(error) if error.is_missing() => {
                eprintln!("SKIPPED: {error}");
                return;
            }
            other => other.unwrap(),
        };
        if compared.differences.is_empty() {
            agreed += 1;
        } else if let Some(why) = &compared.undetermined {
            silent += 1;
            eprintln!("seed {seed} says nothing: {why}");
        } else {
            differing.push(seed);
            if differing.len() > 12 {
                continue;
            }
            let family = compared.case.v4.as_deref().or(compared.case.v6.as_deref());
            let helper = family.and_then(|text| text.lines().find(|l| l.contains("--helper")));
            let kept =
                Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("disagreements/helper-{seed}"));
            record::write(&compared.case, &kept).unwrap();
            eprintln!(
                "seed {seed}: {}: {}",
                helper.unwrap_or_default(),
                kept.display()
            );
            for difference in compared.differences.iter().take(5) {
                eprintln!("  {difference}");
            }
        }
    }
    eprintln!(
        "{agreed} agree, {silent} say nothing, {} differ",
        differing.len()
    );
    assert!(differing.is_empty(), "seeds that differ: {differing:?}");
}
