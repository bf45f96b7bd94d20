//! One case: a host, its dumps and a row of frames; and what the kernel made of it.

use netverdict_forge::random::{self, Focus, Network, Rng, Traffic, Vocabulary};
use netverdict_host::HostFacts;
use netverdict_net::{Family, InterfaceName, Timestamp};

use crate::RigError;
use crate::kernel::{Connection, Namespace};
use crate::rig::{self, Backend, Counters, Direction, Dumps, Injection, Observation, Pace, Rig};

/// A frame of a case, see [`Injection`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frame {
    /// When.
    pub time: Timestamp,
    /// Where it arrives; the interface of a sent one, if not left to routing.
    pub interface: Option<InterfaceName>,
    /// Which way.
    pub direction: Direction,
    /// Link header and all if it arrives, from the IP header if it is sent.
    pub bytes: Vec<u8>,
}

/// Everything that a run depends on.
#[derive(Debug, Clone)]
pub struct Case {
    /// The host.
    pub facts: HostFacts,
    /// `iptables-save` text.
    pub v4: Option<String>,
    /// `ip6tables-save` text.
    pub v6: Option<String>,
    /// `ipset save` text.
    pub ipset: Option<String>,
    /// `nfct list timeout` text.
    pub timeouts: Option<String>,
    /// Who restores the dumps.
    pub backend: Backend,
    /// The packets in order.
    pub frames: Vec<Frame>,
}

/// What the kernel made of a case.
#[derive(Debug)]
pub struct KernelRun {
    /// What became of each frame.
    pub seen: Vec<Observation>,
    /// The counters of each loaded family at the end.
    pub counters: Vec<(Family, Counters)>,
    /// The connection table at the end.
    pub connections: Vec<Connection>,
    /// When the table was read.
    pub listed: Timestamp,
    /// Sysctls that could not be set.
    pub unset_sysctls: Vec<String>,
}

/// Who restores the dumps of a random case: one in four goes to the nft backend.
fn backend(seed: u64, words: &Vocabulary) -> Backend {
    const STREAM: u64 = 3;
    let chosen = words.focus() == Some(Focus::Nft) || Rng::new(seed, STREAM).chance(25);
    if chosen {
        Backend::Nft
    } else {
        Backend::Legacy
    }
}

/// iptables-nft cannot write down that an address is not among all there are.
fn for_nft(text: &str) -> String {
    let all = ["0.0.0.0/0", "::/0"];
    all.iter().fold(text.to_owned(), |text, net| {
        let text = text.replace(&format!("! -s {net}"), &format!("-s {net}"));
        text.replace(&format!("! -d {net}"), &format!("-d {net}"))
    })
}

/// More frames than this teach nothing new.
const LONGEST: usize = 300;

impl Case {
    /// Puts the case through the kernel, in a namespace of its own.
    pub fn run(&self, pace: Pace) -> Result<KernelRun, RigError> {
        Namespace::isolated(|inside| {
            let rig = self.rig(inside)?;
            let seen = rig.play(self.frames.iter().map(Frame::injection), pace)?;
            self.finish(&rig, seen)
        })
    }

    /// A random case, put through the kernel as it is drawn: an answer depends on what the kernel let out.
    pub fn draw(seed: u64, words: &Vocabulary) -> Result<(Self, KernelRun), RigError> {
        let network = Network::new(seed);
        let backend = backend(seed, words);
        let dump = |family| {
            let text = random::ruleset(seed, family, &network, words);
            match backend {
                Backend::Legacy => text,
                Backend::Nft => for_nft(&text),
            }
        };
        let (v4, v6) = (dump(Family::V4), dump(Family::V6));
        let names = |what| [&v4, &v6].iter().any(|text| text.contains(what));
        let (sets, timeouts) = (names("-set set"), names("-j CT --timeout"));
        let case = Self {
            facts: crate::rig::without_limits(network.facts()),
            v4: Some(v4),
            v6: Some(v6),
            ipset: sets.then(|| random::sets::sets(seed, &network).1),
            timeouts: timeouts.then(|| random::timeouts::LISTING.to_owned()),
            backend,
            frames: Vec::new(),
        };
        case.with_traffic(seed, &network, words)
    }

    /// This case with random traffic of a network, put through the kernel as it is drawn.
    pub fn with_traffic(
        mut self,
        seed: u64,
        network: &Network,
        words: &Vocabulary,
    ) -> Result<(Self, KernelRun), RigError> {
        let case = &mut self;
        let run = Namespace::isolated(|inside| {
            let rig = case.rig(inside)?;
            let mut seen = Vec::new();
            let mut traffic = Traffic::new(seed, network, &Family::ALL, words);
            while let Some(frame) = traffic.next_frame().filter(|_| seen.len() < LONGEST) {
                let frame = Frame::drawn(frame);
                let made = rig.inject(&frame.injection())?;
                let left = made.emitted.first();
                let left = left.map(|e| (e.interface.as_str(), e.packet()));
                let delivered = made.delivered.first().map(|d| &d.packet[..]);
                traffic.observe(left, delivered);
                case.frames.push(frame);
                seen.push(made);
            }
            case.finish(&rig, seen)
        })?;
        Ok((self, run))
    }

    /// Spreads the frames over so many seconds, in their order, for rules that follow the clock.
    pub fn spread(&mut self, seed: u64, seconds: u64) {
        const STREAM: u64 = 5;
        let Some(first) = self.frames.first().map(|frame| frame.time) else {
            return;
        };
        let mut rng = Rng::new(seed, STREAM);
        let span = seconds * 1_000_000_000;
        let mut offsets: Vec<u64> = self.frames.iter().map(|_| rng.below(span)).collect();
        offsets.sort_unstable();
        for (frame, offset) in self.frames.iter_mut().zip(offsets) {
            frame.time = Timestamp(first.0 + offset as i64);
        }
    }

    /// The dump of a family.
    pub fn dump(&self, family: Family) -> Option<&str> {
        match family {
            Family::V4 => self.v4.as_deref(),
            Family::V6 => self.v6.as_deref(),
        }
    }

    /// The host as it is built for these frames: [`rig::seen_from`].
    pub(crate) fn host(&self) -> HostFacts {
        let frames = self.frames.iter().filter_map(|frame| frame.interface);
        rig::seen_from(&self.facts, frames)
    }

    pub(crate) fn rig<'ns>(&self, inside: &'ns Namespace) -> Result<Rig<'ns>, RigError> {
        let mut rig = Rig::build(inside, &self.host())?;
        rig.load(Dumps {
            v4: self.v4.as_deref(),
            v6: self.v6.as_deref(),
            ipset: self.ipset.as_deref(),
            timeouts: self.timeouts.as_deref(),
            backend: self.backend,
            keep_counters: false,
        })?;
        Ok(rig)
    }

    pub(crate) fn finish(
        &self,
        rig: &Rig<'_>,
        seen: Vec<Observation>,
    ) -> Result<KernelRun, RigError> {
        let loaded = Family::ALL.into_iter();
        let loaded = loaded.filter(|family| self.dump(*family).is_some());
        let counters = loaded.map(|family| Ok((family, rig.counters(family)?)));
        Ok(KernelRun {
            seen,
            counters: counters.collect::<Result<_, RigError>>()?,
            connections: rig.connections()?,
            listed: rig.clock(),
            unset_sysctls: rig.unset_sysctls().to_vec(),
        })
    }
}

impl Frame {
    pub(crate) fn injection(&self) -> Injection<'_> {
        Injection {
            time: self.time,
            interface: self.interface,
            direction: self.direction,
            bytes: &self.bytes,
        }
    }

    pub(crate) fn drawn(frame: random::TimedFrame) -> Self {
        Self {
            time: frame.time,
            interface: frame.interface,
            direction: match frame.direction {
                random::Direction::In => Direction::In,
                random::Direction::Out => Direction::Out,
            },
            bytes: frame.bytes,
        }
    }
}
