//! A host ready for replay, and what many engines counted on it.

use std::sync::Arc;

use netverdict_bundle::{Bundle, ConntrackEntry, Inferred, Source, SourceId, TupleText};
use netverdict_engine::{
    Config, Counter, Engine, EngineInput, KnownConnection, RuleNumber, RuleRef, Split, Transport,
    Zone, ZoneDirection, models_helper,
};
use netverdict_net::{Family, Protocol};
use netverdict_ruleset::fingerprints::Fingerprint;
use netverdict_ruleset::sets::SetCollection;
use netverdict_ruleset::timeouts::TimeoutPolicy;
use netverdict_ruleset::{
    Chain, ChainId, Counters, RuleId, Ruleset, SaveCounters, Table, TableKind,
};

/// Everything that an engine is made of and that a report explains.
#[derive(Debug)]
pub struct Setup {
    pub bundle: Bundle,
    /// The IPv4 rules, then the IPv6 rules, where there are dumps.
    pub rulesets: Vec<Ruleset>,
    /// The file that each ruleset is from.
    pub dumps: Vec<SourceId>,
    /// What the sets that rules name hold, where that is known.
    pub sets: Option<SetCollection>,
    /// The timeout policies that rules name, where those are known.
    pub timeouts: Option<Vec<TimeoutPolicy>>,
    /// What `osf` compares with, where that is known.
    pub fingerprints: Option<Vec<Fingerprint>>,
    pub inferred: Inferred,
    pub config: Config,
}

impl Setup {
    /// A family's rules.
    pub fn ruleset(&self, family: Family) -> Option<&Ruleset> {
        self.rulesets.iter().find(|r| r.family == family)
    }

    /// The file that a family's rules are from.
    pub fn dump(&self, family: Family) -> Option<&Source> {
        let index = self.rulesets.iter().position(|r| r.family == family)?;
        self.bundle.source_of(*self.dumps.get(index)?)
    }

    /// How traffic falls into shares that have nothing to do with each other, if it does.
    pub(crate) fn split(&self) -> Option<Arc<Split>> {
        let knows_connections = self.bundle.connections.iter().flatten().next().is_some();
        let split = Split::of(EngineInput {
            v4: self.ruleset(Family::V4),
            v6: self.ruleset(Family::V6),
            host: &self.inferred.host,
            config: &self.config,
        });
        split.filter(|_| !knows_connections).map(Arc::new)
    }

    /// A fresh host with its sets and the connections that it had, and what is odd about those.
    pub fn engine(&self) -> (Engine, Vec<String>) {
        // Records say what became of packets, not what they became.
        let config = Config {
            keep_egress: false,
            ..self.config.clone()
        };
        let mut engine = Engine::new(EngineInput {
            v4: self.ruleset(Family::V4),
            v6: self.ruleset(Family::V6),
            host: &self.inferred.host,
            config: &config,
        });
        if let Some(sets) = &self.sets {
            engine.give_sets(sets);
        }
        if let Some(timeouts) = &self.timeouts {
            engine.give_timeouts(timeouts);
        }
        if let Some(fingerprints) = &self.fingerprints {
            engine.give_fingerprints(fingerprints);
        }
        let entries = self.bundle.connections.iter().flatten();
        let odd = entries.filter_map(|entry| {
            if let Err(error) = engine.take_over(&known(entry)) {
                return Some(format!("conntrack line {}: {error}: left out", entry.line));
            }
            let helper = entry.helper.as_deref().filter(|name| !models_helper(name))?;
            let line = entry.line;
            Some(format!("conntrack line {line}: helper `{helper}` is not modelled: what it would expect is NEW here"))
        });
        let odd = odd.collect();
        (engine, odd)
    }
}

/// A connection of the host's listing as the engine takes it.
fn known(entry: &ConntrackEntry) -> KnownConnection<'_> {
    let counter = |tuple: &TupleText| {
        let (packets, bytes) = tuple.counters?;
        Some(Counter { packets, bytes })
    };
    let counters = counter(&entry.original).zip(counter(&entry.reply));
    let (id, direction) = match (entry.zone, entry.original.zone, entry.reply.zone) {
        (Some(id), _, _) => (id, ZoneDirection::Both),
        (None, Some(id), _) => (id, ZoneDirection::Original),
        (None, None, Some(id)) => (id, ZoneDirection::Reply),
        (None, None, None) => (0, ZoneDirection::Both),
    };
    KnownConnection {
        original: transport(&entry.original, entry.protocol),
        reply: transport(&entry.reply, entry.protocol),
        // An offloaded connection does not expire while it lasts.
        expires: entry.timeout.unwrap_or(i32::MAX as u32),
        state: entry.state.as_deref(),
        replied: !entry.unreplied,
        assured: entry.assured,
        counters: counters.map(|(original, reply)| [original, reply]),
        mark: entry.mark,
        zone: Zone { id, direction },
        helper: entry.helper.as_deref(),
    }
}

fn transport(tuple: &TupleText, protocol: Protocol) -> Transport {
    let words = match (tuple.icmp, tuple.keys) {
        (Some((kind, code, id)), _) => (id, u16::from_be_bytes([kind, code])),
        (None, Some(keys)) => keys,
        (None, None) => (
            tuple.source_port.unwrap_or(0),
            tuple.destination_port.unwrap_or(0),
        ),
    };
    Transport {
        source: tuple.source,
        destination: tuple.destination,
        protocol,
        source_port: words.0,
        destination_port: words.1,
    }
}

/// What engines counted, of every rule and policy.
#[derive(Debug, Clone)]
pub struct Totals {
    /// In the order of [`Setup::rulesets`].
    families: Vec<OfFamily>,
}

/// What was counted of one family's rules; prints them with these counters.
#[derive(Debug, Clone)]
pub struct OfFamily {
    family: Family,
    tables: Vec<OfTable>,
}

#[derive(Debug, Clone)]
struct OfTable {
    kind: TableKind,
    /// In the order of the table.
    chains: Vec<OfChain>,
}

#[derive(Debug, Clone)]
struct OfChain {
    rules: Vec<Counters>,
    policy: Option<Counters>,
}

impl Totals {
    /// Nothing at all.
    pub(crate) const NONE: Self = Self {
        families: Vec::new(),
    };

    /// All counters 0, or those of the dumps.
    pub(crate) fn new(rulesets: &[Ruleset], keep: bool) -> Self {
        let begin = |counters: Counters| if keep { counters } else { Counters::default() };
        let chain = |chain: &Chain| OfChain {
            rules: chain
                .rules
                .iter()
                .map(|rule| begin(rule.counters))
                .collect(),
            policy: chain.counters().map(begin),
        };
        let table = |table: &Table| OfTable {
            kind: table.kind,
            chains: table.chains.iter().map(chain).collect(),
        };
        let family = |ruleset: &Ruleset| OfFamily {
            family: ruleset.family,
            tables: ruleset.tables.iter().map(table).collect(),
        };
        Self {
            families: rulesets.iter().map(family).collect(),
        }
    }

    /// Adds what an engine counted.
    pub(crate) fn add(&mut self, engine: &Engine) {
        self.each(|rule, counters| {
            let counted = engine.counter(rule).unwrap_or_default();
            counters.packets = counters.packets.wrapping_add(counted.packets);
            counters.bytes = counters.bytes.wrapping_add(counted.bytes);
        });
    }

    /// Adds what others come to.
    pub(crate) fn add_all(&mut self, more: &Self) {
        self.each(|rule, counters| {
            let counted = more.get(rule).unwrap_or_default();
            counters.packets = counters.packets.wrapping_add(counted.packets);
            counters.bytes = counters.bytes.wrapping_add(counted.bytes);
        });
    }

    /// The counters of a rule or policy.
    pub fn get(&self, rule: RuleRef) -> Option<Counters> {
        let chain = self.of(rule.family)?.chain(rule.table, rule.chain)?;
        match rule.number {
            RuleNumber::Policy => chain.policy,
            RuleNumber::Rule(number) => {
                let index = usize::try_from(number).ok()?.checked_sub(1)?;
                chain.rules.get(index).copied()
            }
        }
    }

    /// What was counted of a family's rules.
    pub fn of(&self, family: Family) -> Option<&OfFamily> {
        self.families.iter().find(|of| of.family == family)
    }

    fn each(&mut self, mut change: impl FnMut(RuleRef, &mut Counters)) {
        for OfFamily { family, tables } in &mut self.families {
            for OfTable { kind, chains } in tables {
                for (chain, index) in chains.iter_mut().zip(0..) {
                    let place = |number| RuleRef {
                        family: *family,
                        table: *kind,
                        chain: index,
                        number,
                    };
                    for (counters, number) in chain.rules.iter_mut().zip(1..) {
                        change(place(RuleNumber::Rule(number)), counters);
                    }
                    if let Some(counters) = &mut chain.policy {
                        change(place(RuleNumber::Policy), counters);
                    }
                }
            }
        }
    }
}

impl OfFamily {
    fn chain(&self, table: TableKind, chain: u32) -> Option<&OfChain> {
        let table = self.tables.iter().find(|of| of.kind == table)?;
        table.chains.get(chain as usize)
    }
}

impl SaveCounters for OfFamily {
    fn rule(&self, id: RuleId) -> Counters {
        let chain = self.chain(id.table, id.chain.0);
        let counters = chain.and_then(|chain| chain.rules.get(id.index as usize));
        counters.copied().unwrap_or_default()
    }

    fn policy(&self, table: TableKind, chain: ChainId) -> Counters {
        let chain = self.chain(table, chain.0);
        chain.and_then(|chain| chain.policy).unwrap_or_default()
    }
}
