//! The kernel half: a case in a namespace of its own, each packet's end read from the counters it moved.

use netverdict::send::Way;
use netverdict_conform::RigError;
use netverdict_conform::kernel::{Connection, Namespace};
use netverdict_conform::rig::{
    Backend, Counters, Direction, Dumps, Fate, Injection, Observation, Rig,
};
use netverdict_engine::{SctpState, TcpState};
use netverdict_host::HostFacts;
use netverdict_net::{Device, Family, Protocol};

use super::connection::Line;
use super::expect::Expect;
use super::format::{Case, Step};
use super::packet;

/// What the kernel made of a case.
#[derive(Debug)]
pub(crate) struct KernelRun {
    pub(crate) steps: Vec<KernelStep>,
    /// `iptables-save -c` and `ip6tables-save -c`, comments left out.
    pub(crate) saved: [Option<String>; 2],
    pub(crate) connections: Vec<Line>,
    /// What `conntrack -L -o extended` prints at the end, if the case asks for connections.
    pub(crate) listing: Option<String>,
}

/// What the kernel made of one packet.
#[derive(Debug)]
pub(crate) struct KernelStep {
    /// As far as counters and frames tell.
    pub(crate) expect: Expect,
    /// Every rule and policy whose counter moved.
    pub(crate) moved: Vec<String>,
    /// The packets that left or were delivered.
    pub(crate) out: Vec<Vec<u8>>,
}

/// Puts the case through the kernel.
pub(crate) fn run(case: &Case) -> Result<KernelRun, RigError> {
    Namespace::isolated(|inside| {
        let mut rig = Rig::build(inside, &case.facts)?;
        if let [unset, ..] = rig.unset_sysctls() {
            return Err(RigError::Host(format!("cannot set {unset}")));
        }
        rig.load(Dumps {
            v4: case.v4.as_deref(),
            v6: case.v6.as_deref(),
            ipset: case.ipset.as_deref(),
            timeouts: case.timeouts.as_deref(),
            backend: case.backend,
            ..Dumps::default()
        })?;
        let families: Vec<Family> = Family::ALL
            .into_iter()
            .filter(|f| case.dump(*f).is_some())
            .collect();
        for family in &families {
            if case.dump(*family).is_some_and(asks_for_tracking) {
                rig.watch_states(*family)?;
            }
        }
        let mut before = snapshots(&rig, &families)?;
        let mut steps = Vec::new();
        let mut paced = Pacer::default();
        for step in &case.steps {
            paced.wait(case, step);
            let seen = inject(&rig, step)?;
            let after = snapshots(&rig, &families)?;
            steps.push(judge(case, step, &seen, &before, &after));
            before = after;
        }
        let text = |family| {
            before
                .iter()
                .find(|s| s.family == family)
                .map(|s| s.text.clone())
        };
        Ok(KernelRun {
            steps,
            saved: [text(Family::V4), text(Family::V6)],
            connections: rig.connections()?.iter().map(connection).collect(),
            listing: case
                .connections
                .is_some()
                .then(|| rig.listing())
                .transpose()?,
        })
    })
}

/// What keeps every case from the kernel: privileges, a tool, a kernel without what the rig itself needs. What a case
/// lacks beyond that is its failure.
pub(crate) fn lacks() -> Option<RigError> {
    let built = Namespace::isolated(|inside| {
        let mut rig = Rig::build(inside, &HostFacts::default())?;
        rig.watch_states(Family::V4)?;
        rig.save(Family::V4).map(|_| ())
    });
    built.err().filter(RigError::is_missing)
}

/// Sleeps through the gaps of a case that is paced.
#[derive(Debug, Default)]
struct Pacer {
    last: Option<netverdict_net::Timestamp>,
}

impl Pacer {
    fn wait(&mut self, case: &Case, step: &Step) {
        let gap = self.last.map_or(0, |last| step.packet.time - last);
        if case.pace == netverdict_conform::rig::Pace::Real {
            std::thread::sleep(std::time::Duration::from_nanos(gap.max(0) as u64));
        }
        self.last = Some(step.packet.time);
    }
}

fn inject(rig: &Rig<'_>, step: &Step) -> Result<Observation, RigError> {
    let frame = step.packet.frame();
    let (direction, bytes) = match step.packet.way {
        Way::In => (Direction::In, &frame[..]),
        Way::Out => (Direction::Out, &step.packet.bytes[..]),
    };
    rig.inject(&Injection {
        time: step.packet.time,
        interface: match step.packet.device {
            Device::Named(name) => Some(name),
            _ => None,
        },
        direction,
        bytes,
    })
}

/// What loaded rules switch connection tracking on (`nf_ct_netns_get` and its callers).
fn asks_for_tracking(dump: &str) -> bool {
    const ASKING: [&str; 14] = [
        "-m conntrack",
        "-m state",
        "-m connmark",
        "-m connbytes",
        "-m connlimit",
        "-m connlabel",
        "-m helper",
        "-m cluster",
        "-j CONNMARK",
        "-j SNAT",
        "-j DNAT",
        "-j MASQUERADE",
        "-j REDIRECT",
        "-j NETMAP",
    ];
    let is_ct = |line: &str| line.contains("-j CT") && !line.contains("--notrack");
    ASKING.iter().any(|word| dump.contains(word)) || dump.lines().any(is_ct)
}

/// The counters at one moment.
struct Snapshot {
    family: Family,
    text: String,
    counters: Counters,
}

fn snapshots(rig: &Rig<'_>, families: &[Family]) -> Result<Vec<Snapshot>, RigError> {
    families
        .iter()
        .map(|family| {
            let saved = rig.save(*family)?;
            let lines = saved.lines().filter(|l| !l.starts_with('#'));
            let text: String = lines.flat_map(|l| [l, "\n"]).collect();
            let counters = Counters::parse(*family, &text)?;
            Ok(Snapshot {
                family: *family,
                text,
                counters,
            })
        })
        .collect()
}

fn judge(
    case: &Case,
    step: &Step,
    seen: &Observation,
    before: &[Snapshot],
    after: &[Snapshot],
) -> KernelStep {
    let family = match step.packet.bytes.first().map(|b| b >> 4) {
        Some(6) => Family::V6,
        _ => Family::V4,
    };
    let of = |all: &'_ [Snapshot]| all.iter().position(|s| s.family == family);
    let moved = match (of(before), of(after)) {
        (Some(b), Some(a)) => Moved::between(&before[b], &after[a]),
        _ => Moved::default(),
    };
    let out: Vec<Vec<u8>> = match seen.fate() {
        Fate::Local => seen.delivered.iter().map(|d| d.packet.clone()).collect(),
        _ => seen.emitted.iter().map(|e| e.packet().to_vec()).collect(),
    };
    let ends = moved.ends(step.packet.way, seen.fate(), case.backend);
    let (rule, verdict) = decider(&ends, seen.fate());
    let fate = match (seen.fate(), step.packet.way) {
        (Fate::Local, _) => "local",
        (Fate::Emitted, Way::In) => "forwarded",
        (Fate::Emitted, Way::Out) => "sent",
        (Fate::Gone, _) if verdict == "QUEUE" => "queued",
        (Fate::Gone, _) => "dropped",
    };
    let came = packet::ends(&step.packet.bytes);
    let went = out.first().map(|bytes| packet::ends(bytes));
    KernelStep {
        expect: Expect {
            verdict: verdict.to_owned(),
            fate: fate.to_owned(),
            rule,
            state: seen.states.last().map(|s| (*s).to_owned()),
            nat: went.filter(|went| *went != came),
            says: super::payload::changed(&step.packet.bytes, out.first().map(Vec::as_slice)),
            answers: seen.answers.iter().map(|a| packet::kind(a)).collect(),
            reason: None,
        },
        moved: moved.names(),
        out,
    }
}

/// The deciding rule and the verdict: of a dropped packet who dropped it, of another the last of the filter table's, or
/// else the last. What moved behind a drop was the answer to it.
fn decider(ends: &[End], fate: Fate) -> (Option<String>, &'static str) {
    if fate == Fate::Gone {
        let end = ends.iter().rfind(|e| e.drops);
        let verdict = end.map_or("DROP", |e| e.verdict);
        return (end.map(|e| e.name.clone()), verdict);
    }
    let filter = ends.iter().rfind(|e| e.name.starts_with("filter "));
    (filter.or(ends.last()).map(|e| e.name.clone()), "ACCEPT")
}

/// Where one table's traversal ended.
#[derive(Debug)]
struct End {
    name: String,
    drops: bool,
    verdict: &'static str,
}

/// What moved between two snapshots.
#[derive(Debug, Default)]
struct Moved {
    rules: Vec<MovedRule>,
    /// `table CHAIN`, whether the policy is DROP.
    policies: Vec<(String, bool)>,
    /// User chains, `table CHAIN`.
    chains: Vec<String>,
}

#[derive(Debug)]
struct MovedRule {
    place: String,
    number: usize,
    target: Option<String>,
}

impl Moved {
    fn between(before: &Snapshot, after: &Snapshot) -> Self {
        let mut moved = Self::default();
        for table in &after.counters.tables {
            for chain in &table.chains {
                let place = format!("{} {}", table.name, chain.name);
                let was = before.counters.chain(&table.name, &chain.name);
                match (chain.policy, was.and_then(|w| w.policy)) {
                    (Some(now), Some(was)) if now != was => {
                        moved
                            .policies
                            .push((place.clone(), drops_by_policy(after, &place)));
                    }
                    (None, _) => moved.chains.push(place.clone()),
                    _ => {}
                }
                for (index, (now, text)) in chain.rules.iter().enumerate() {
                    let was = was.and_then(|w| w.rules.get(index)).map(|(c, _)| *c);
                    if *now != was.unwrap_or_default() {
                        moved.rules.push(MovedRule {
                            place: place.clone(),
                            number: index + 1,
                            target: target(text),
                        });
                    }
                }
            }
        }
        moved
    }

    fn names(&self) -> Vec<String> {
        let rules = self
            .rules
            .iter()
            .map(|r| format!("{} {}", r.place, r.number));
        let policies = self.policies.iter().map(|(p, _)| format!("{p} policy"));
        rules.chain(policies).collect()
    }

    /// The ends of the tables that saw the packet, in the order of the path.
    fn ends(&self, way: Way, fate: Fate, backend: Backend) -> Vec<End> {
        // iptables-nft puts security behind nat.
        let input: &[&str] = match backend {
            Backend::Legacy => &["mangle", "filter", "security", "nat"],
            Backend::Nft => &["mangle", "filter", "nat", "security"],
        };
        let received: &[(&str, &[&str])] = &[
            ("PREROUTING", &["raw", "mangle", "nat"]),
            ("INPUT", input),
            ("FORWARD", &["mangle", "filter", "security"]),
        ];
        let sent: &[(&str, &[&str])] =
            &[("OUTPUT", &["raw", "mangle", "nat", "filter", "security"])];
        let last: &[(&str, &[&str])] = &[("POSTROUTING", &["mangle", "nat"])];
        let hooks = match way {
            Way::In => [sent, received, last],
            // What comes back of a broadcast that left is a copy.
            Way::Out if fate == Fate::Emitted => [sent, last, &[]],
            Way::Out => [sent, last, received],
        };
        let all = hooks.concat();
        all.iter()
            .flat_map(|(hook, tables)| tables.iter().filter_map(move |t| self.end(t, hook)))
            .collect()
    }

    fn end(&self, table: &str, hook: &str) -> Option<End> {
        let place = format!("{table} {hook}");
        let policy = self.policies.iter().find(|(p, _)| *p == place);
        if let Some((_, drops)) = policy {
            return Some(End {
                name: format!("{place} policy"),
                drops: *drops,
                verdict: "DROP",
            });
        }
        self.terminal(table, &place, 0)
    }

    /// The rule that ended the table, in this chain or one that it went to.
    fn terminal(&self, table: &str, place: &str, depth: usize) -> Option<End> {
        const DROPPING: [&str; 4] = ["DROP", "REJECT", "NFQUEUE", "QUEUE"];
        const ENDING: [&str; 7] = [
            "ACCEPT",
            "SNAT",
            "DNAT",
            "MASQUERADE",
            "REDIRECT",
            "NETMAP",
            "TPROXY",
        ];
        for rule in self.rules.iter().filter(|r| r.place == place && depth < 32) {
            let Some(target) = &rule.target else { continue };
            let called = format!("{table} {target}");
            let is_chain = self.chains.contains(&called);
            if let Some(end) = is_chain.then(|| self.terminal(table, &called, depth + 1)) {
                match end {
                    Some(end) => return Some(end),
                    None => continue,
                }
            }
            let drops = DROPPING.contains(&target.as_str());
            if drops || ENDING.contains(&target.as_str()) {
                return Some(End {
                    name: format!("{place} {}", rule.number),
                    drops,
                    verdict: match target.as_str() {
                        "REJECT" => "REJECT",
                        "QUEUE" | "NFQUEUE" => "QUEUE",
                        _ => "DROP",
                    },
                });
            }
        }
        None
    }
}

fn target(rule: &str) -> Option<String> {
    let at = rule.rfind(" -j ").or_else(|| rule.rfind(" -g "))?;
    rule.get(at + 4..)?.split(' ').next().map(str::to_owned)
}

fn drops_by_policy(snapshot: &Snapshot, place: &str) -> bool {
    let Some((table, chain)) = place.split_once(' ') else {
        return false;
    };
    let start = format!("*{table}");
    let drop = format!(":{chain} DROP ");
    let lines = snapshot.text.lines().skip_while(|l| **l != start);
    lines
        .take_while(|l| *l != "COMMIT")
        .any(|l| l.starts_with(&drop))
}

fn connection(entry: &Connection) -> Line {
    let state = entry.state.and_then(|number| {
        let number = usize::from(number);
        match entry.protocol {
            Protocol::SCTP => SctpState::ALL.get(number).map(|s| s.name()),
            _ => TcpState::ALL.get(number).map(|s| s.name()),
        }
    });
    let tuple = |t: &netverdict_conform::kernel::Tuple| {
        (t.source, t.source_port, t.destination, t.destination_port)
    };
    Line {
        protocol: entry.protocol,
        state,
        original: tuple(&entry.original),
        reply: tuple(&entry.reply),
        status: entry.status,
        mark: entry.mark,
        timeout: entry.timeout,
        helper: entry.helper.clone(),
        counters: [entry.original_counters, entry.reply_counters],
    }
}
