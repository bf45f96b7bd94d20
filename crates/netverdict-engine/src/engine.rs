//! The engine: one packet in, its outcome out, state kept between.

use std::sync::Arc;

use netverdict_host::Host;
use netverdict_net::{Device, Family, Jiffies, Packet, Timestamp};
use netverdict_ruleset::fingerprints::Fingerprint;
use netverdict_ruleset::sets::SetCollection;
use netverdict_ruleset::timeouts::TimeoutPolicy;
use netverdict_ruleset::{Counters, Ruleset};

use crate::compile::Program;
use crate::conntrack::Pretracked;
use crate::context::Now;
use crate::glance::Tried;
use crate::observe::Event;
use crate::oracle::{Asked, Oracle, Ways};
use crate::remember::{Classes, Footprint, Paths, Plain, Recorder, Shared, Shortcut};
use crate::skb::Skb;
use crate::state::{Rewind, State};
use crate::walk::{End, Tape, Trail, Walk};
use crate::{
    Checksums, Config, Connection, Fate, FlowId, NatView, Observer, Outcome, RuleNumber, RuleRef,
    Split, Sum, Transport, Verdict, ends,
};

/// Where a packet enters netfilter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Entry {
    /// Received on a device: PREROUTING, then routing decides.
    Prerouting { in_device: Device },
    /// Made on this host, routed to a device: OUTPUT. `Unknown` where the capture does not tell; routing then says.
    Output { out_device: Device },
}

/// One packet to take through netfilter.
#[derive(Debug)]
pub struct Input<'a> {
    pub packet: Packet<'a>,
    /// When it was seen. Never earlier than the packet before; the engine clamps what runs backwards.
    pub time: Timestamp,
    pub entry: Entry,
}

/// What an engine is made of.
#[derive(Debug, Clone, Copy)]
pub struct EngineInput<'a> {
    /// The IPv4 rules; `None` is no table at all.
    pub v4: Option<&'a Ruleset>,
    /// The IPv6 rules.
    pub v6: Option<&'a Ruleset>,
    pub host: &'a Host,
    pub config: &'a Config,
}

/// Netfilter on one host: rules, routes and settings fixed, state moving.
#[derive(Debug)]
pub struct Engine {
    programs: Arc<[Program; 2]>,
    host: Arc<Host>,
    pub(crate) config: Config,
    pub(crate) state: State,
    pub(crate) paths: Paths,
    /// What paths are shared by, and those that are.
    classes: Option<Arc<Classes>>,
    pub(crate) shared: Shared,
    /// The first packet's time, and the latest.
    boot: Option<Timestamp>,
    latest: Timestamp,
    tick: Tick,
}

/// The kernel's tick of the latest packet.
#[derive(Debug, Clone, Copy)]
struct Tick {
    jiffies: Jiffies,
    /// Until when it lasts.
    until: Timestamp,
}

impl Tick {
    /// Before any.
    const NONE: Self = Self {
        jiffies: Jiffies(0),
        until: Timestamp(i64::MIN),
    };

    /// The tick of a time, which is not before that of `boot`.
    fn at(time: Timestamp, boot: Timestamp, hz: u32) -> Self {
        let hz = hz.max(1);
        let jiffies = time.jiffies_since(boot, hz);
        let begins = |tick: i64| {
            let scaled = i128::from(tick) * i128::from(Timestamp::SECOND);
            let after = scaled.div_euclid(i128::from(hz));
            i64::try_from(after).ok()?.checked_add(boot.0)
        };
        // The whole nanosecond at or before the next one's start: no later one is asked for there.
        let until = jiffies.0.checked_add(1).and_then(begins);
        Self {
            jiffies,
            until: Timestamp(until.unwrap_or(i64::MIN)),
        }
    }
}

/// What every way of a packet begins with.
#[derive(Debug, Clone, Copy)]
struct Start<'s, 'p> {
    input: &'s Input<'p>,
    now: Now,
    /// Whether the layer-4 checksum is taken for right.
    trusted: bool,
    /// Whether it was found right before.
    right: bool,
    /// What tracking said before, where a remembered path was tried.
    tracked: Option<Pretracked>,
}

/// What one way through netfilter ended in.
struct Walked<'p> {
    end: End,
    trail: Trail,
    asked: Vec<Asked>,
    skb: Skb<'p>,
    before: Transport,
    flow: Option<FlowId>,
    connection: Connection,
    recorder: Recorder,
}

impl Engine {
    /// Compiles the rules and starts with empty state.
    pub fn new(input: EngineInput<'_>) -> Self {
        let EngineInput {
            v4,
            v6,
            host,
            config,
        } = input;
        let mut state = State::new(host, config);
        let mut program = |family: Family, rules: Option<&Ruleset>| {
            let none = Ruleset::new(family);
            let mut program = Program::new(rules.unwrap_or(&none), config, &mut state);
            program.decidable &= host.is_decided(family);
            program
        };
        // Facts may be of single addresses.
        let shares = !config.plain && config.facts.is_empty();
        let (programs, classes) = rayon::join(
            || Arc::new([program(Family::V4, v4), program(Family::V6, v6)]),
            || shares.then(|| Classes::of(v4, host)).flatten(),
        );
        if programs.iter().any(|p| p.demands.accounting) {
            state.conntrack.enable_accounting();
        }
        Self {
            programs,
            host: Arc::new(host.clone()),
            config: config.clone(),
            state,
            paths: Paths::default(),
            classes: classes.map(Arc::new),
            shared: Shared::default(),
            boot: None,
            latest: Timestamp(i64::MIN),
            tick: Tick::NONE,
        }
    }

    /// Engines for as many shares of the traffic, under the same rules.
    pub fn shares(&self, split: &Arc<Split>, count: usize) -> Vec<Self> {
        let share = || {
            let mut state = State::new(&self.host, &self.config);
            state.take_layout(&self.state);
            state.conntrack.split = Some(Arc::clone(split));
            Self {
                programs: Arc::clone(&self.programs),
                host: Arc::clone(&self.host),
                config: self.config.clone(),
                state,
                paths: Paths::default(),
                classes: self.classes.clone(),
                shared: Shared::default(),
                boot: None,
                latest: Timestamp(i64::MIN),
                tick: Tick::NONE,
            }
        };
        (0..count).map(|_| share()).collect()
    }

    /// Time begins here, whenever the first packet of this share comes.
    pub const fn boot_at(&mut self, time: Timestamp) {
        self.boot = Some(time);
        self.tick = Tick::NONE;
    }

    /// Whether something happened that other shares of the traffic may have to do with.
    pub const fn is_coupled(&self) -> bool {
        self.state.conntrack.is_coupled || self.state.peers.is_used()
    }

    /// The most connections that there were since this was asked last.
    pub const fn take_peak(&mut self) -> u32 {
        self.state.conntrack.take_peak()
    }

    /// How many connections there may be; 0 for any number.
    pub const fn most_connections(&self) -> u32 {
        self.state.conntrack.settings.max
    }

    /// From now on flows are not numbered.
    pub const fn forget_flows(&mut self) {
        self.config.number_flows = false;
    }

    /// Gives the ipsets that rules ask; a set that nobody gives leaves its rules undecided.
    pub fn give_sets(&mut self, sets: &SetCollection) {
        self.state.rules.sets.give(sets, self.config.hz);
    }

    /// Gives the fingerprints that `osf` compares with, in their order; while nobody does, a SYN leaves its rules undecided.
    pub fn give_fingerprints(&mut self, fingerprints: &[Fingerprint]) {
        self.state.rules.fingerprints = Some(fingerprints.to_vec());
    }

    /// Gives the timeout policies that `-j CT --timeout` names; for one that nobody gives, the host's timeouts count.
    pub fn give_timeouts(&mut self, policies: &[TimeoutPolicy]) {
        self.state.conntrack.give_policies(policies);
    }

    /// Takes one packet all its way. State and counters advance.
    pub fn step(&mut self, input: Input<'_>, observer: &mut dyn Observer) -> Outcome {
        self.step_known(input, Sum::Unknown, observer)
    }

    /// The same of a packet whose layer-4 checksum may have been looked at before its turn came.
    pub fn step_known(
        &mut self,
        input: Input<'_>,
        sum: Sum,
        observer: &mut dyn Observer,
    ) -> Outcome {
        let now = self.begin(input.time);
        let mut tried = Tried::default();
        if !self.config.plain && !observer.enabled() {
            match self.shortcut(&input, sum, now) {
                Shortcut::Taken(outcome) => return outcome,
                Shortcut::Tracked(tracked) => tried = Tried(Some(tracked)),
                Shortcut::None => {}
            }
        }
        self.step_tried(input, sum, tried, observer)
    }

    /// The same of a packet that [`Engine::glimpse`] saw before, or that no remembered path is to be tried for.
    pub fn step_tried(
        &mut self,
        input: Input<'_>,
        sum: Sum,
        Tried(tracked): Tried,
        observer: &mut dyn Observer,
    ) -> Outcome {
        let start = Start {
            input: &input,
            now: self.begin(input.time),
            trusted: self.trusts(input.entry) || sum == Sum::Pending,
            right: sum == Sum::Right,
            tracked,
        };
        let program = self.program(input.packet.family());
        let rewindable = !(program.decidable && is_plain(&input));
        if !rewindable {
            let mut walked = self.walk(start, Oracle::default(), Tape::new(observer));
            // Nothing is known to be able to ask here. Should it, then the other way was not followed.
            walked.doubt();
            return self.conclude(&input, walked, observer);
        }
        self.state.checkpoint();
        let mut walked = self.walk(start, Oracle::default(), Tape::new(observer));
        if walked.asked.is_empty() {
            self.state.commit();
        } else {
            self.state.rollback();
            self.explore(start, &mut walked);
            // The way that counts, once more, and for good.
            let again = self.walk(start, Oracle::default(), Tape::silent());
            walked.flow = again.flow;
        }
        self.conclude(&input, walked, observer)
    }

    /// Whether a packet's layer-4 checksum is taken for right.
    pub(crate) const fn trusts(&self, entry: Entry) -> bool {
        match (self.config.checksums, entry) {
            (Checksums::Trust, _) | (Checksums::Auto, Entry::Output { .. }) => true,
            (Checksums::Verify, _) | (Checksums::Auto, Entry::Prerouting { .. }) => false,
        }
    }

    /// Follows the other ways and marks the unknowns on which the end depends.
    fn explore(&mut self, start: Start<'_, '_>, first: &mut Walked<'_>) {
        let mut ways = Ways::beside(&first.asked);
        while let Some(way) = ways.next() {
            self.state.checkpoint();
            let other = self.walk(start, way.oracle, Tape::silent());
            self.state.rollback();
            ways.branch(&other.asked, way.script.len());
            if (other.end.verdict, other.end.fate) != (first.end.verdict, first.end.fate) {
                first.blame(&other.asked);
            }
        }
        if ways.is_cut() {
            first
                .trail
                .unknowns
                .iter_mut()
                .for_each(|u| u.decides = true);
        }
    }

    fn walk<'e, 'p>(
        &'e mut self,
        start: Start<'_, 'p>,
        oracle: Oracle,
        tape: Tape<'e>,
    ) -> Walked<'p> {
        let Start {
            input,
            now,
            trusted,
            right,
            tracked,
        } = start;
        let mut skb = Skb::new(input.packet.clone());
        skb.checksum_trusted = trusted;
        skb.checksum_right = right;
        let records = !self.config.plain && !tape.is_on() && Plain::of(&skb.packet).is_some();
        let before = ends::of(&skb.packet);
        if !self.config.facts.is_empty() {
            let has_ports = ends::layer4(&skb.packet).1.is_some();
            skb.came = has_ports.then_some(before);
        }
        let program = match skb.packet.family() {
            Family::V4 => &self.programs[0],
            Family::V6 => &self.programs[1],
        };
        let mut walk = Walk {
            program,
            host: &self.host,
            config: &self.config,
            state: &mut self.state,
            oracle,
            tape,
            now,
            skb,
            trail: Trail::default(),
            tracked,
            recorder: Recorder::new(records),
        };
        let end = walk.run(&input.entry);
        let flow = walk.flow(before, end.fate);
        let connection = walk.skb.connection;
        if matches!(end.fate, Fate::Dropped) {
            walk.free();
        }
        let Walk {
            trail,
            oracle,
            skb,
            recorder,
            ..
        } = walk;
        Walked {
            end,
            trail,
            asked: oracle.into_asked(),
            skb,
            before,
            flow,
            connection,
            recorder,
        }
    }

    /// The outcome of a packet whose way is known, as far as it is; its path is remembered.
    fn conclude(
        &mut self,
        input: &Input<'_>,
        walked: Walked<'_>,
        observer: &mut dyn Observer,
    ) -> Outcome {
        let after = ends::of(&walked.skb.packet);
        if walked.recorder.is_on() && walked.asked.is_empty() {
            let footprint = Footprint {
                connection: walked.connection,
                asked: &walked.recorder,
                end: walked.end,
                before: walked.before,
                after,
                trail: &walked.trail,
                devices: [walked.skb.in_device, walked.skb.out_device],
                mark: walked.skb.mark,
            };
            self.remember(input, footprint);
        }
        conclude(walked, after, observer)
    }

    /// Whether packets of a family are tracked at all.
    pub(crate) fn tracks(&self, family: Family) -> bool {
        self.program(family).demands.tracking
    }

    /// The classes by which packets that enter there share paths.
    pub(crate) fn classes(&self, family: Family, entry: Entry) -> Option<&Classes> {
        let shares = family == Family::V4 && matches!(entry, Entry::Prerouting { .. });
        self.classes.as_deref().filter(|_| shares)
    }

    /// A packet's turn comes: the time, and what is over by then goes.
    #[inline]
    pub(crate) fn begin(&mut self, time: Timestamp) -> Now {
        let now = self.advance(time);
        self.state.conntrack.sweep(now.jiffies);
        now
    }

    #[inline]
    fn advance(&mut self, time: Timestamp) -> Now {
        let boot = *self.boot.get_or_insert(time);
        self.latest = self.latest.max(time).max(boot);
        if self.latest >= self.tick.until {
            self.tick = Tick::at(self.latest, boot, self.config.hz);
        }
        Now {
            time: self.latest,
            jiffies: self.tick.jiffies,
        }
    }

    fn program(&self, family: Family) -> &Program {
        let [v4, v6] = &*self.programs;
        match family {
            Family::V4 => v4,
            Family::V6 => v6,
        }
    }

    /// What a rule or policy counted so far; `None` where there is no such rule.
    pub fn counter(&self, rule: RuleRef) -> Option<Counters> {
        let place = self.program(rule.family).counter(rule)?;
        Some(self.state.counters.get(place))
    }

    /// Whether the connection table ever had no room for one more (`nf_conntrack_max`): which connection the kernel then
    /// gives up depends on its hash's secret, and the oldest that is not assured is taken for it.
    pub const fn was_conntrack_full(&self) -> bool {
        self.state.conntrack.was_full()
    }

    /// Puts a connection into the table that was there before the first packet.
    pub fn take_over(
        &mut self,
        known: &crate::KnownConnection<'_>,
    ) -> Result<(), crate::KnownConnectionError> {
        self.state.conntrack.take_over(known)
    }

    /// The connections in the table at the time of the latest packet, in order of their making.
    pub fn connections(&self) -> Vec<crate::ConnectionView> {
        self.connections_at(self.latest)
    }

    /// The connections in the table at a time, no earlier than that of the latest packet.
    pub fn connections_at(&self, time: Timestamp) -> Vec<crate::ConnectionView> {
        let boot = self.boot.unwrap_or(time);
        let now = self.latest.max(time).max(boot);
        let now = now.jiffies_since(boot, self.config.hz.max(1));
        self.state.conntrack.list(now)
    }

    /// The ruleset with the counters that this engine counted.
    pub fn count_into(&self, ruleset: &Ruleset) -> Ruleset {
        let mut counted = ruleset.clone();
        for table in &mut counted.tables {
            let kind = table.kind;
            for (chain, number) in table.chains.iter_mut().zip(0..) {
                let place = |number| RuleRef {
                    family: ruleset.family,
                    table: kind,
                    chain: number,
                    number: RuleNumber::Policy,
                };
                self.count_chain(chain, place(number));
            }
        }
        counted
    }

    fn count_chain(&self, chain: &mut netverdict_ruleset::Chain, policy: RuleRef) {
        let count = |number| {
            self.counter(RuleRef { number, ..policy })
                .unwrap_or_default()
        };
        for (rule, number) in chain.rules.iter_mut().zip(1..) {
            rule.counters = count(RuleNumber::Rule(number));
        }
        if let netverdict_ruleset::ChainKind::Base { counters, .. } = &mut chain.kind {
            *counters = count(RuleNumber::Policy);
        }
    }
}

/// Whether nothing about the packet itself is unknown.
fn is_plain(input: &Input<'_>) -> bool {
    let device = match input.entry {
        Entry::Prerouting { in_device } => in_device,
        Entry::Output { out_device } => out_device,
    };
    input.packet.is_whole() && device != Device::Unknown
}

impl Walked<'_> {
    /// Marks every unknown at which there was another way.
    fn doubt(&mut self) {
        for asked in &self.asked {
            if let Some(unknown) = self.trail.unknowns.get_mut(asked.unknown) {
                unknown.decides = true;
            }
        }
    }

    /// Marks the first unknown at which another way, with another end, left this one.
    fn blame(&mut self, other: &[Asked]) {
        let parted = self
            .asked
            .iter()
            .zip(other)
            .find(|(mine, theirs)| mine.answer != theirs.answer);
        let unknown = parted.and_then(|(mine, _)| self.trail.unknowns.get_mut(mine.unknown));
        if let Some(unknown) = unknown {
            unknown.decides = true;
        }
    }
}

/// The outcome of a packet that leaves as `after`.
fn conclude(walked: Walked<'_>, after: Transport, observer: &mut dyn Observer) -> Outcome {
    let Walked {
        end,
        trail,
        skb,
        before,
        flow,
        ..
    } = walked;
    let undecided = trail.unknowns.iter().any(|u| u.decides);
    let verdict = if undecided {
        Verdict::Unknown
    } else {
        end.verdict
    };
    if observer.enabled() {
        observer.event(&Event::End {
            verdict,
            decided_by: end.by,
        });
    }
    let gone = matches!(end.fate, Fate::Local | Fate::Forwarded | Fate::Sent);
    Outcome {
        verdict,
        fate: end.fate,
        decided_by: end.by,
        hook: trail.hook,
        state: trail.state,
        flow,
        nat: (before != after).then_some(NatView { before, after }),
        in_device: skb.in_device,
        out_device: skb.out_device,
        unknowns: trail.unknowns,
        mark: skb.mark,
        emitted: trail.emitted,
        len: trail.len as u32,
        egress: gone.then(|| skb.packet.into_owned()),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// A tick that is kept is the tick of every later time before it is over.
        #[test]
        fn a_tick_lasts_until_the_next(
            boot in -1_000_000_000_000_i64..1_000_000_000_000,
            first in 0..10_000_000_000_i64,
            steps in prop::collection::vec(0..9_000_000_i64, 1..20),
            hz in prop_oneof![Just(0_u32), Just(1), Just(100), Just(250), Just(300), Just(1000), any::<u32>()],
        ) {
            let boot = Timestamp(boot);
            let mut time = boot + first;
            let tick = Tick::at(time, boot, hz);
            for step in steps {
                if time < tick.until {
                    prop_assert_eq!(tick.jiffies, time.jiffies_since(boot, hz.max(1)));
                } else {
                    // At the first of these times, or a nanosecond before it.
                    let over = tick.until + 1;
                    prop_assert!(tick.jiffies < over.jiffies_since(boot, hz.max(1)));
                }
                time = time + step;
            }
        }
    }
}
