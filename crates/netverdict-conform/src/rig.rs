//! A host in a namespace: built from a description, loaded with dumps, fed packets, and asked what became of them.

mod counters;
mod host;
mod observation;
mod timeouts;

use std::fmt::Write;
use std::os::fd::AsRawFd;
use std::time::{Duration, Instant};

use netverdict_host::HostFacts;
use netverdict_net::{Family, InterfaceName, Timestamp};
use nix::net::if_::if_nametoindex;
use nix::sys::memfd::{MFdFlags, memfd_create};

use crate::RigError;
use crate::kernel::namespace::await_addresses;
use crate::kernel::nflog::{self, LogGroup};
use crate::kernel::raw::{self, Sent};
use crate::kernel::tap::Tap;
use crate::kernel::tool::{Tool, complaint};
use crate::kernel::{Connection, Namespace, conntrack, groups};

pub use counters::{ChainCounters, Counter, Counters, TableCounters};
pub use host::without_limits;
pub(crate) use host::{mac, seen_from};
pub use observation::{Delivered, Emitted, Fate, Observation};

/// Log groups of the rig's own chains; no dump in sight uses them.
const DELIVERED_GROUP: u16 = 64_761;
const SILENCED_GROUP: u16 = 64_762;
const SENT_GROUP: u16 = 64_760;
const LEFT_GROUP: u16 = 64_759;
/// `skb->priority` of what the kernel itself sent in answer: nothing that decides about packets reads it.
const ANSWER: i32 = 0x6e76_0002;
const FIRST_STATE_GROUP: u16 = 64_763;

/// The states that a packet may be in, as both nft and `--ctstate` name them.
const STATES: [&str; 5] = ["NEW", "ESTABLISHED", "RELATED", "INVALID", "UNTRACKED"];

/// Which restore program loads a dump: the two give different verdicts in places.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Backend {
    /// `iptables-legacy-restore`.
    #[default]
    Legacy,
    /// `iptables-nft-restore`.
    Nft,
}

/// The texts to load. An absent family has no tables at all.
#[derive(Debug, Clone, Copy, Default)]
pub struct Dumps<'a> {
    /// `iptables-save` text.
    pub v4: Option<&'a str>,
    /// `ip6tables-save` text.
    pub v6: Option<&'a str>,
    /// `ipset save` text, restored first.
    pub ipset: Option<&'a str>,
    /// `nfct list timeout` text, added one by one.
    pub timeouts: Option<&'a str>,
    /// Who restores.
    pub backend: Backend,
    /// Whether counting goes on from the dumps' own counters, or starts at 0.
    pub keep_counters: bool,
}

/// Whether the gaps between packets are slept or skipped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Pace {
    /// As fast as it goes; the kernel sees its own clock ([`Observation::at`]).
    #[default]
    Fast,
    /// Gaps as the packets' times have them.
    Real,
}

/// Which way a frame goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// It arrives from the wire: a whole frame, link header and all.
    In,
    /// This host sends it: a packet from the IP header on.
    Out,
}

/// One frame to put through the kernel.
#[derive(Debug, Clone, Copy)]
pub struct Injection<'a> {
    /// When, for [`Pace::Real`].
    pub time: Timestamp,
    /// Where it arrives, or by which interface it is sent. `None` for a sent packet: as the routing table says.
    pub interface: Option<InterfaceName>,
    /// Which way.
    pub direction: Direction,
    /// The bytes, see [`Direction`].
    pub bytes: &'a [u8],
}

/// A host under test. Lives as long as its namespace's thread lets it.
#[derive(Debug)]
pub struct Rig<'ns> {
    inside: &'ns Namespace,
    taps: Vec<Tap>,
    indexes: Vec<(u32, InterfaceName)>,
    delivered: LogGroup,
    silenced: LogGroup,
    sent: LogGroup,
    left: LogGroup,
    states: Vec<(&'static str, LogGroup)>,
    lock: std::os::fd::OwnedFd,
    backend: Backend,
    started: (Timestamp, Instant),
    unset: Vec<String>,
    /// Held open: the groups that the host has joined.
    joined: Vec<std::net::UdpSocket>,
}

impl<'ns> Rig<'ns> {
    /// Builds the host. Its own traffic is silenced before its interfaces come up.
    pub fn build(inside: &'ns Namespace, facts: &HostFacts) -> Result<Self, RigError> {
        let lock = memfd_create(c"xtables.lock", MFdFlags::MFD_CLOEXEC)
            .map_err(RigError::system("memfd_create"))?;
        let mut rig = Self {
            inside,
            taps: Vec::new(),
            indexes: Vec::new(),
            delivered: LogGroup::bind(DELIVERED_GROUP)?,
            silenced: LogGroup::bind(SILENCED_GROUP)?,
            sent: LogGroup::bind(SENT_GROUP)?,
            left: LogGroup::bind(LEFT_GROUP)?,
            states: Vec::new(),
            lock,
            backend: Backend::Legacy,
            started: now(),
            unset: Vec::new(),
            joined: Vec::new(),
        };
        rig.silence()?;
        rig.tell_bridged(facts)?;
        rig.connect(facts)?;
        Ok(rig)
    }

    /// Sysctls of the description that this kernel has not or does not let a namespace set.
    pub fn unset_sysctls(&self) -> &[String] {
        &self.unset
    }

    /// Loads the dumps with the real tools, counters and all.
    pub fn load(&mut self, dumps: Dumps<'_>) -> Result<(), RigError> {
        self.backend = dumps.backend;
        if let Some(sets) = dumps.ipset {
            self.restore(Tool::IPSET, &["restore"], sets)?;
        }
        if let Some(text) = dumps.timeouts {
            self.add_timeouts(text)?;
        }
        for (family, text) in [(Family::V4, dumps.v4), (Family::V6, dumps.v6)] {
            if let Some(text) = text {
                let args: &[&str] = if dumps.keep_counters { &["-c"] } else { &[] };
                self.restore(restore_tool(dumps.backend, family), args, text)?;
            }
        }
        self.started = now();
        Ok(())
    }

    /// From now on tells the state of every packet of a family that connection tracking looked at. Only for a family
    /// whose packets are tracked anyway: to ask for the state is to ask for tracking.
    pub fn watch_states(&mut self, family: Family) -> Result<(), RigError> {
        if self.states.is_empty() {
            for (state, group) in STATES.into_iter().zip(FIRST_STATE_GROUP..) {
                self.states.push((state, LogGroup::bind(group)?));
            }
        }
        let mut rules = String::new();
        for (state, group) in STATES.into_iter().zip(FIRST_STATE_GROUP..) {
            let state = state.to_lowercase();
            let _ = writeln!(rules, "ct state {state} log group {group}");
        }
        let table = match family {
            Family::V4 => "ip",
            Family::V6 => "ip6",
        };
        // Tracking is at -200.
        self.nft(&format!(
            "table {table} netverdict_states {{
                chain received {{ type filter hook prerouting priority -199; meta priority {ANSWER} accept; {rules} }}
                chain sent {{ type filter hook output priority -199; meta priority {ANSWER} accept; {rules} }}
            }}"
        ))
    }

    /// The text of `iptables-save -c` (or `ip6tables-save -c`) as it is now.
    pub fn save(&self, family: Family) -> Result<String, RigError> {
        let tool = save_tool(self.backend, family);
        let output = tool.run(self.inside, &self.lock_path(), &["-c"], b"")?;
        if output.status.success() {
            Ok(String::from_utf8_lossy(&output.stdout).into_owned())
        } else {
            Err(RigError::Refused {
                tool: tool.name,
                message: complaint(&output),
            })
        }
    }

    /// Every rule's and policy's counter as it is now.
    pub fn counters(&self, family: Family) -> Result<Counters, RigError> {
        Counters::parse(family, &self.save(family)?)
    }

    /// The connection table as it is now.
    pub fn connections(&self) -> Result<Vec<Connection>, RigError> {
        conntrack::table(self.inside)
    }

    /// What `conntrack -L -o extended` prints now.
    pub fn listing(&self) -> Result<String, RigError> {
        let tool = Tool::new("conntrack", "conntrack");
        let args = ["-L", "-o", "extended"];
        let output = tool.run(self.inside, &self.lock_path(), &args, b"")?;
        if output.status.success() {
            Ok(String::from_utf8_lossy(&output.stdout).into_owned())
        } else {
            Err(RigError::Refused {
                tool: tool.name,
                message: complaint(&output),
            })
        }
    }

    /// Puts one frame through and collects what became of it.
    pub fn inject(&self, frame: &Injection<'_>) -> Result<Observation, RigError> {
        let mut seen = Observation {
            at: self.clock(),
            ..Observation::default()
        };
        match frame.direction {
            Direction::In => {
                let name = frame
                    .interface
                    .ok_or(RigError::Frame("an arriving frame needs an interface"))?;
                let tap = self.tap(&name)?;
                if !tap.write(frame.bytes)? {
                    seen.refused = Some(std::io::ErrorKind::InvalidInput.into());
                }
            }
            Direction::Out => {
                let index = frame.interface.map_or(0, |name| self.index(&name));
                let sent = raw::send(self.inside, frame.bytes, frame.interface.as_ref(), index)?;
                // An error may come from behind the hooks (a reroute that fails): the first one tells.
                let mut reached = false;
                self.sent.drain(|_| reached = true)?;
                if let (Sent::Refused(errno), false) = (sent, reached) {
                    seen.refused = Some(errno.into());
                }
            }
        }
        self.collect(&mut seen)?;
        let link = match frame.direction {
            Direction::Out => 0,
            Direction::In => frame.interface.map_or(0, |name| self.link_header(&name)),
        };
        seen.recognise_answers(frame.bytes.get(link..).unwrap_or_default());
        Ok(seen)
    }

    /// Puts frames through in order at the given pace.
    pub fn play<'f>(
        &self,
        frames: impl IntoIterator<Item = Injection<'f>>,
        pace: Pace,
    ) -> Result<Vec<Observation>, RigError> {
        let mut origin = None;
        frames
            .into_iter()
            .map(|frame| {
                let (first, started) = *origin.get_or_insert((frame.time, now().1));
                if pace == Pace::Real {
                    let due = Duration::from_nanos(u64::try_from(frame.time - first).unwrap_or(0));
                    std::thread::sleep(due.saturating_sub(started.elapsed()));
                }
                self.inject(&frame)
            })
            .collect()
    }

    /// The wall clock, advanced by the monotonic one.
    pub fn clock(&self) -> Timestamp {
        self.started.0 + self.started.1.elapsed().as_nanos() as i64
    }

    fn link_header(&self, name: &InterfaceName) -> usize {
        const ETHERNET: usize = 14;
        self.tap(name)
            .map_or(0, |tap| if tap.bare { 0 } else { ETHERNET })
    }

    fn collect(&self, seen: &mut Observation) -> Result<(), RigError> {
        for tap in &self.taps {
            tap.drain(|frame| {
                seen.emitted.push(Emitted {
                    interface: tap.name,
                    bare: tap.bare,
                    frame,
                });
            })?;
        }
        self.delivered.drain(|logged| {
            seen.delivered.push(Delivered {
                interface: self.name(logged.in_index),
                mark: logged.mark,
                packet: logged.packet,
            });
        })?;
        for (state, group) in &self.states {
            group.drain(|_| seen.states.push(state))?;
        }
        self.left
            .drain(|logged| seen.answers_left.push(logged.packet))?;
        self.silenced.drain(|logged| {
            if !nflog::is_chatter(&logged.packet) {
                seen.answers.push(logged.packet);
                seen.ways.push(self.name(logged.out_index));
            }
        })?;
        Ok(())
    }

    /// Keeps the kernel's chatter out of the tables, and our packets from being answered by sockets. What the kernel
    /// itself answers goes its way through OUTPUT and POSTROUTING, and is taken off there. Loaded before the dump: of
    /// two hooks of equal priority the later one runs first, so connections are confirmed before the first chain drops.
    /// CLASSIFY takes the mark away; what came by no device and from no process is an answer all the same, unless it is the
    /// copy of what was sent to many.
    fn silence(&self) -> Result<(), RigError> {
        let script = format!(
            "table inet netverdict {{
                chain delivered {{ type filter hook input priority {last};
                    meta priority {ANSWER} log group {LEFT_GROUP} drop;
                    log group {DELIVERED_GROUP}; drop; }}
                chain silenced {{ type filter hook output priority {first};
                    meta priority {ours} log group {SENT_GROUP} accept;
                    ip protocol igmp ip ttl 1 drop;
                    icmpv6 type {{ 130-132, 143 }} ip6 hoplimit 1 drop;
                    icmpv6 type {{ 133-136 }} ip6 hoplimit 255 drop;
                    log group {SILENCED_GROUP} meta priority set {ANSWER} accept; }}
                chain answered {{ type filter hook postrouting priority {last};
                    meta skuid >= 0 accept;
                    fib daddr type {{ broadcast, multicast }} accept;
                    iif 0 meta priority != {ours} meta priority set {ANSWER};
                    oifname != \"lo\" meta priority {ANSWER} log group {LEFT_GROUP} drop; }}
            }}",
            last = i32::MAX,
            first = i32::MIN,
            ours = raw::PRIORITY
        );
        self.nft(&script)
    }

    /// What a bridge passes on comes to POSTROUTING by no device, like an answer: it is told apart before.
    fn tell_bridged(&self, facts: &HostFacts) -> Result<(), RigError> {
        for bridge in host::devices(facts).filter(|interface| host::is_bridge(interface)) {
            let name = &bridge.name;
            let script = format!(
                "table inet netverdict {{
                    chain bridged {{ type filter hook forward priority {last};
                        iifname \"{name}\" oifname \"{name}\" meta priority set {ours}; }}
                }}",
                last = i32::MAX,
                ours = raw::PRIORITY
            );
            self.nft(&script)?;
        }
        Ok(())
    }

    fn nft(&self, script: &str) -> Result<(), RigError> {
        let output = Tool::NFT.run(
            self.inside,
            &self.lock_path(),
            &["-f", "-"],
            script.as_bytes(),
        )?;
        if output.status.success() {
            Ok(())
        } else {
            Err(RigError::MissingFeature {
                what: "nf_tables with base chains and log",
                message: complaint(&output),
            })
        }
    }

    fn connect(&mut self, facts: &HostFacts) -> Result<(), RigError> {
        for interface in host::devices(facts).filter(|interface| !host::is_bridge(interface)) {
            let tap = Tap::open(self.inside, interface.name, host::is_bare(interface))?;
            self.taps.push(tap);
        }
        self.set_sysctls(&host::quiet(facts));
        self.ip(&["-batch", "-"], &host::batch(facts))?;
        for (option, family) in [("-4", Family::V4), ("-6", Family::V6)] {
            self.ip(&[option, "-batch", "-"], &host::rule_batch(facts, family))?;
        }
        await_addresses(self.inside, &host::awaited(facts))?;
        self.ip(&["-batch", "-"], &host::arp_off(facts))?;
        self.unset = self.set_sysctls(&host::settings(facts));
        let devices = host::devices(facts).map(|interface| interface.name);
        for name in devices.chain([InterfaceName::loopback()]) {
            let index =
                if_nametoindex(name.as_str()).map_err(RigError::system("if_nametoindex"))?;
            self.indexes.push((index, name));
        }
        self.joined = groups::join(self.inside, facts, |i| self.index(&i.name));
        self.collect(&mut Observation::default())
    }

    fn ip(&self, args: &[&str], batch: &str) -> Result<(), RigError> {
        if batch.is_empty() {
            return Ok(());
        }
        let output = Tool::IP.run(self.inside, &self.lock_path(), args, batch.as_bytes())?;
        if output.status.success() {
            Ok(())
        } else {
            Err(RigError::Host(complaint(&output)))
        }
    }

    /// What `ip` with these arguments prints about this host.
    pub(crate) fn ask_ip(&self, args: &[&str]) -> Result<String, RigError> {
        let output = Tool::IP.run(self.inside, &self.lock_path(), args, b"")?;
        if output.status.success() {
            Ok(String::from_utf8_lossy(&output.stdout).into_owned())
        } else {
            Err(RigError::Host(complaint(&output)))
        }
    }

    fn set_sysctls(&self, settings: &[(String, String)]) -> Vec<String> {
        let unset = |(key, value): &&(String, String)| !self.inside.set_sysctl(key, value);
        let unset = settings.iter().filter(unset);
        unset.map(|(key, _)| key.clone()).collect()
    }

    fn restore(&self, tool: Tool, args: &[&str], text: &str) -> Result<(), RigError> {
        let output = tool.run(self.inside, &self.lock_path(), args, text.as_bytes())?;
        if output.status.success() {
            return Ok(());
        }
        Err(RigError::Refused {
            tool: tool.name,
            message: with_lines(&complaint(&output), text),
        })
    }

    fn lock_path(&self) -> String {
        format!("/proc/{}/fd/{}", std::process::id(), self.lock.as_raw_fd())
    }

    fn tap(&self, name: &InterfaceName) -> Result<&Tap, RigError> {
        self.taps
            .iter()
            .find(|tap| tap.name == *name)
            .ok_or_else(|| RigError::NoInterface(name.to_string()))
    }

    fn index(&self, name: &InterfaceName) -> u32 {
        let found = self.indexes.iter().find(|(_, n)| n == name);
        found.map_or(0, |(index, _)| *index)
    }

    fn name(&self, index: u32) -> Option<InterfaceName> {
        let found = self.indexes.iter().find(|(i, _)| *i == index);
        found.map(|(_, name)| *name)
    }
}

/// A tool's complaint with each line that it names by number only (`line 9: RULE_APPEND failed`).
fn with_lines(complaint: &str, text: &str) -> String {
    let quoted = |said: &str| {
        let number = said.strip_prefix("line ")?.split(':').next()?;
        let number = number.parse::<usize>().ok()?.checked_sub(1)?;
        text.lines().nth(number)
    };
    let lines = complaint.lines().map(|said| match quoted(said) {
        Some(line) => format!("{said}: {line}"),
        None => said.to_owned(),
    });
    lines.collect::<Vec<_>>().join("\n")
}

#[expect(
    clippy::disallowed_methods,
    reason = "the kernel under test lives by this clock"
)]
fn now() -> (Timestamp, Instant) {
    let wall = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap_or_default();
    (Timestamp(wall.as_nanos() as i64), Instant::now())
}

fn restore_tool(backend: Backend, family: Family) -> Tool {
    let name = match (backend, family) {
        (Backend::Legacy, Family::V4) => "iptables-legacy-restore",
        (Backend::Legacy, Family::V6) => "ip6tables-legacy-restore",
        (Backend::Nft, Family::V4) => "iptables-nft-restore",
        (Backend::Nft, Family::V6) => "ip6tables-nft-restore",
    };
    Tool::new(name, "iptables")
}

fn save_tool(backend: Backend, family: Family) -> Tool {
    let name = match (backend, family) {
        (Backend::Legacy, Family::V4) => "iptables-legacy-save",
        (Backend::Legacy, Family::V6) => "ip6tables-legacy-save",
        (Backend::Nft, Family::V4) => "iptables-nft-save",
        (Backend::Nft, Family::V6) => "ip6tables-nft-save",
    };
    Tool::new(name, "iptables")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refused_line_is_quoted() {
        let said = "iptables-nft-restore: \nline 2: RULE_APPEND failed: rule in chain INPUT";
        let told = with_lines(said, "*filter\n-A INPUT -m ecn\nCOMMIT\n");
        assert_eq!(told, format!("{said}: -A INPUT -m ecn"));
    }
}
