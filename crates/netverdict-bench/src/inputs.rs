//! The captures and rulesets that are measured with, made from a seed when first asked for.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use netverdict_forge::load::{rules, traffic};

use crate::error::Error;
use crate::{Run, say};

/// Where inputs lie, and how large they are.
#[derive(Debug)]
pub(crate) struct Inputs {
    directory: PathBuf,
    usual: Extent,
    /// Of captures of 64-byte frames.
    small: Extent,
    seed: u64,
}

/// How long a capture is.
#[derive(Debug, Clone, Copy)]
struct Extent {
    packets: u64,
    flows: u64,
}

/// Mean bytes of a packet of the mixed capture, to make one of a given size.
const MEAN_LEN: u64 = 480;

impl Inputs {
    pub(crate) fn new(run: &Run) -> Self {
        Self {
            directory: run.directory.clone(),
            usual: Extent {
                packets: run.packets,
                flows: run.flows,
            },
            small: Extent {
                packets: run.small_packets,
                flows: run.small_flows,
            },
            seed: run.seed,
        }
    }

    /// How many packets a capture has.
    pub(crate) fn packets(&self, kind: traffic::Kind) -> u64 {
        self.extent(kind).packets
    }

    fn extent(&self, kind: traffic::Kind) -> Extent {
        match kind {
            traffic::Kind::Small => self.small,
            traffic::Kind::Mixed | traffic::Kind::Scan | traffic::Kind::Gateway => self.usual,
        }
    }

    /// A capture of routed traffic.
    pub(crate) fn capture(&self, kind: traffic::Kind) -> Result<PathBuf, Error> {
        self.capture_of(kind, self.packets(kind), self.seed)
    }

    /// One of other traffic than the others of its kind.
    pub(crate) fn another(&self, kind: traffic::Kind, number: u64) -> Result<PathBuf, Error> {
        self.capture_of(kind, self.packets(kind), self.seed + number)
    }

    /// A mixed capture of so many gigabytes, and its packets.
    pub(crate) fn large(&self, gigabytes: u64) -> Result<(PathBuf, u64), Error> {
        let packets = gigabytes * 1_000_000_000 / MEAN_LEN;
        let path = self.capture_of(traffic::Kind::Mixed, packets, self.seed)?;
        Ok((path, packets))
    }

    /// A capture of a single packet, to measure what comes before the first.
    pub(crate) fn capture_of_one(&self) -> Result<PathBuf, Error> {
        self.capture_of(traffic::Kind::Small, 1, self.seed)
    }

    fn capture_of(&self, kind: traffic::Kind, packets: u64, seed: u64) -> Result<PathBuf, Error> {
        let ending = if kind == traffic::Kind::Gateway {
            "pcapng"
        } else {
            "pcap"
        };
        let flows = self.extent(kind).flows;
        let name = format!("{kind:?}-{packets}-{flows}-{seed}.{ending}").to_lowercase();
        self.made(&name, |path| {
            let amount = traffic::Amount {
                packets,
                flows,
                pace: 10_000,
                seed,
            };
            Ok(traffic::write(kind, amount, path)?)
        })
    }

    /// The same, compressed with zstd at its usual level.
    pub(crate) fn compressed(&self, kind: traffic::Kind) -> Result<PathBuf, Error> {
        let plain = self.capture(kind)?;
        let name = format!("{}.zst", file_name(&plain));
        self.made(&name, |path| {
            zstd::stream::copy_encode(File::open(&plain)?, File::create(path)?, 3)?;
            Ok(())
        })
    }

    /// The bundle of a router with so many rules.
    pub(crate) fn bundle(&self, kind: rules::Kind, count: u64) -> Result<PathBuf, Error> {
        let name = format!("{kind:?}-{count}-{}", self.seed).to_lowercase();
        self.made(&name, |path| {
            Ok(rules::write(kind, count, self.seed, path)?)
        })
    }

    /// A dump of `chains` chains that share `rules` rules.
    pub(crate) fn long_dump(&self, chains: u64, rules: u64) -> Result<PathBuf, Error> {
        self.made(&format!("dump-{chains}-{rules}.rules"), |path| {
            Ok(fs::write(path, long_dump(chains, rules))?)
        })
    }

    fn made(
        &self,
        name: &str,
        make: impl FnOnce(&Path) -> Result<(), Error>,
    ) -> Result<PathBuf, Error> {
        let path = self.directory.join(name);
        if !path.exists() {
            say(&format!("making {name}"));
            // What was cut short must not be taken for whole the next time.
            let part = self.directory.join(format!("part-{name}"));
            make(&part)?;
            fs::rename(&part, &path)?;
        }
        Ok(path)
    }
}

pub(crate) fn file_name(path: &Path) -> String {
    path.file_name()
        .map(|name| name.to_string_lossy().into_owned())
        .unwrap_or_default()
}

fn long_dump(chains: u64, rules: u64) -> String {
    let mut text =
        String::from("*filter\n:INPUT DROP [0:0]\n:FORWARD DROP [0:0]\n:OUTPUT ACCEPT [0:0]\n");
    let mut line = |words: String| {
        text.push_str(&words);
        text.push('\n');
    };
    for chain in 0..chains {
        line(format!(":ZONE-{chain} - [0:0]"));
    }
    for chain in 0..chains {
        let (high, low) = (chain / 256 % 256, chain % 256);
        line(format!(
            "-A FORWARD -s 10.{high}.{low}.0/24 -j ZONE-{chain}"
        ));
    }
    for number in 0..rules.saturating_sub(chains) {
        let (chain, port) = (number % chains.max(1), 1 + number * 7 % 60_000);
        let (high, low) = (number / 256 % 256, number % 256);
        let tests = match number / chains.max(1) % 4 {
            0 => format!("-s 192.0.{high}.{low}/32 -j ACCEPT"),
            1 => format!("-p tcp -m tcp --dport {port} -j ACCEPT"),
            2 => format!("-p udp -m udp --dport {port} -m conntrack --ctstate NEW -j ACCEPT"),
            _ => format!("-p tcp -m multiport --dports 80,443,{port} -j DROP"),
        };
        line(format!("-A ZONE-{chain} {tests}"));
    }
    text.push_str("COMMIT\n");
    text
}
