//! `-m osf` with fingerprints loaded: SYNs near each of them, asked of the kernel. The kernel has one list of fingerprints
//! for all namespaces; the test puts names of its own there, and takes them away again.
#![expect(clippy::unwrap_used, reason = "helpers of tests are tests")]

#[path = "traps/router.rs"]
mod router;

use std::fmt::Write;
use std::path::Path;
use std::process::Command;

use netverdict_conform::model::Rules;
use netverdict_conform::rig::{Backend, Direction, Pace};
use netverdict_conform::{Case, Frame, random};
use netverdict_forge::random::packet::{self, DF, Ip, Tcp, flag};
use netverdict_net::{InterfaceName, MacAddr, Timestamp};
use netverdict_syntax::parse_fingerprints;
use router::{mac, router};

const PRINTS: &str = "\
# Names that no other list has.
5840:64:1:60:M1460,S,T,N,W0:NvExact:1::exact
S4:64:1:60:M*,S,T,N,W0:NvSegments:1::segments
T2:64:0:44:M*:NvPackets:1::packets
%1024:128:1:48:M*, N,N,S:@NvMultiple:1::multiple
*:255:0:40:.:NvBare:1::bare
S%3:64:1:60:M1460,S,T,N,W2:NvSegments:2::again
16384:64:0:44:M*:*NvPackets:2::behind
8192:32:0:48:M*,E,E,E,E:NvEnd:1::end
";

/// Takes the list away even if the test fails.
struct Loaded<'p>(&'p Path);

impl Drop for Loaded<'_> {
    fn drop(&mut self) {
        let _gone = nfnl_osf(self.0, &["-d"]);
    }
}

fn nfnl_osf(file: &Path, more: &[&str]) -> Option<bool> {
    let run = Command::new("nfnl_osf")
        .arg("-f")
        .arg(file)
        .args(more)
        .output();
    run.ok().map(|run| run.status.success())
}

fn rules() -> String {
    let mut text =
        "*filter\n:INPUT ACCEPT [0:0]\n:FORWARD ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\n".to_owned();
    let genres = [
        "NvExact",
        "NvSegments",
        "NvPackets",
        "NvMultiple",
        "NvBare",
        "NvEnd",
        "NvOther",
    ];
    for genre in genres {
        for rest in [
            "",
            " --ttl 0",
            " --ttl 1",
            " --ttl 2",
            " --ttl 2 --log 2",
            " --ttl 1 --log 0",
        ] {
            writeln!(text, "-A INPUT -p tcp -m osf --genre {genre}{rest}").unwrap();
        }
        writeln!(text, "-A INPUT -p tcp -m osf ! --genre {genre} --ttl 2").unwrap();
    }
    text + "COMMIT\n"
}

/// Segments that each fit a fingerprint or miss it by one thing.
fn frames() -> Vec<Frame> {
    const TIMES: [u8; 10] = [8, 10, 0, 0, 0, 1, 0, 0, 0, 0];
    let mss = |size: u16| [&[2, 4][..], &size.to_be_bytes()].concat();
    let linux = |size| [mss(size), vec![4, 2], TIMES.to_vec(), vec![1, 3, 3, 0]].concat();
    let windows = |size| [mss(size), vec![1, 1, 4, 2]].concat();
    let options = [
        Vec::new(),
        linux(1460),
        linux(1400),
        windows(1460),
        mss(1460),
        mss(1000),
        [mss(1460), vec![0, 0, 0, 0]].concat(),
        [vec![1, 1, 1, 1], mss(1460)].concat(),
    ];
    let windows = [
        0, 1024, 2048, 4344, 4380, 5600, 5840, 5792, 8192, 3000, 2080, 2976, 16384, 4000, 5000,
    ];
    let mut all = Vec::new();
    for options in &options {
        for window in windows {
            for (ttl, fragment) in [
                (64, DF),
                (63, DF),
                (65, DF),
                (64, 0),
                (128, DF),
                (30, 0),
                (255, 0),
            ] {
                for flags in [flag::SYN, flag::SYN | flag::ACK, flag::ACK] {
                    let mut ip = Ip::new(
                        "203.0.113.9".parse().unwrap(),
                        "203.0.113.1".parse().unwrap(),
                    );
                    (ip.ttl, ip.fragment) = (ttl, fragment);
                    let tcp = Tcp {
                        source: 1024 + all.len() as u16,
                        destination: 80,
                        seq: 1,
                        flags,
                        window,
                        options: options.clone(),
                        ..Tcp::default()
                    };
                    let bytes = packet::ethernet(
                        mac("eth0"),
                        MacAddr([2, 0, 0, 0, 0, 0x99]),
                        &tcp.packet(&ip),
                    );
                    all.push(Frame {
                        time: Timestamp::new(1_700_000_000, all.len() as u32 * 1000),
                        interface: InterfaceName::new("eth0").ok(),
                        direction: Direction::In,
                        bytes,
                    });
                }
            }
        }
    }
    all
}

#[test]
fn fingerprints_are_compared_as_the_kernel_does() {
    let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join("netverdict-pf.os");
    std::fs::write(&file, PRINTS).unwrap();
    match nfnl_osf(&file, &[]) {
        None => return eprintln!("SKIPPED: nfnl_osf is not there"),
        Some(false) => return eprintln!("SKIPPED: nfnl_osf may not load fingerprints here"),
        Some(true) => {}
    }
    let _loaded = Loaded(&file);
    let case = Case {
        facts: router(),
        v4: Some(rules()),
        v6: None,
        ipset: None,
        timeouts: None,
        backend: Backend::Legacy,
        frames: frames(),
    };
    let run = match case.run(Pace::Fast) {
        Err(error) if error.is_missing() => return eprintln!("SKIPPED: {error}"),
        other => other.unwrap(),
    };
    let prints = parse_fingerprints(PRINTS.as_bytes());
    assert_eq!(prints.diagnostics, []);
    let rules = Rules {
        fingerprints: Some(prints.fingerprints),
        ..random::read(&case).unwrap()
    };
    for number in 0..7 {
        let chain = run.counters[0].1.chain("filter", "INPUT").unwrap();
        let hits: u64 = chain.rules[number * 7..number * 7 + 4]
            .iter()
            .map(|(c, _)| c.packets)
            .sum();
        assert_eq!(hits > 0, number < 6, "genre {number}");
    }
    let compared = random::judge_by(case, run, &rules).unwrap();
    assert_eq!(compared.undetermined, None);
    assert!(compared.unknown.is_empty(), "{:?}", compared.unknown);
    assert!(compared.differences.is_empty(), "{compared}");
}
