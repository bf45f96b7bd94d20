//! Which rules and chains the traffic exercised.

use netverdict_engine::{RuleNumber, RuleRef};
use netverdict_lint::catalogue::{CHAIN_NOT_ENTERED, NEVER_EXERCISED};
use netverdict_lint::{Finding, Part, Place, Review, Subject};
use netverdict_replay::Totals;
use netverdict_ruleset::{Chain, ChainId, Counters, Table, Target};

/// What the traffic did to a rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum State {
    /// Some packet matched.
    Hit,
    /// None did, though one could.
    NotExercised,
    /// No packet ever can.
    Dead,
}

impl State {
    /// The name in every output.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Hit => "hit",
            Self::NotExercised => "not exercised",
            Self::Dead => "dead",
        }
    }
}

/// A rule or a policy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CoveredRule {
    pub place: Place,
    /// What it counted.
    pub counters: Counters,
    pub state: State,
}

/// A chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CoveredChain {
    pub place: Place,
    /// `filter INPUT`.
    pub name: String,
    /// Packets that came in; of a built-in chain, at least so many.
    pub packets: u64,
    /// Whether it is built-in: then the kernel enters it, else rules do.
    pub is_base: bool,
}

/// What of a host's rules the traffic exercised.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Coverage {
    /// Every rule, in dump order.
    pub rules: Vec<CoveredRule>,
    /// The policies of built-in chains.
    pub policies: Vec<CoveredRule>,
    pub chains: Vec<CoveredChain>,
}

impl Coverage {
    /// How many rules are so.
    pub fn count(&self, state: State) -> usize {
        self.rules.iter().filter(|rule| rule.state == state).count()
    }

    /// Hit rules of all that can be hit, in percent; 100 if there are none.
    pub fn percent(&self) -> f64 {
        let hit = self.count(State::Hit);
        let all = hit + self.count(State::NotExercised);
        if all == 0 {
            100.0
        } else {
            hit as f64 * 100.0 / all as f64
        }
    }
}

/// Counts what a replay from zero counters hit. Rules that a review calls dead are told apart; without one, none is.
pub fn coverage(subject: &Subject<'_>, totals: &Totals, review: Option<&Review>) -> Coverage {
    let mut coverage = Coverage::default();
    for (index, dump) in subject.dumps.iter().enumerate() {
        for table in &dump.ruleset.tables {
            for (id, chain) in table.chains() {
                let counted = |id: ChainId, number| {
                    let place = RuleRef {
                        family: dump.ruleset.family,
                        table: table.kind,
                        chain: id.0,
                        number,
                    };
                    totals.get(place)
                };
                for (number, rule) in chain.rules.iter().enumerate() {
                    let counters = counted(id, RuleNumber::Rule(number as u32 + 1));
                    let counters = counters.unwrap_or_default();
                    let is_dead = review.is_some_and(|review| {
                        let dead = netverdict_lint::Dead {
                            dump: index,
                            table: table.kind,
                            chain: id,
                            number: number as u32 + 1,
                        };
                        review.dead.binary_search(&dead).is_ok()
                    });
                    coverage.rules.push(CoveredRule {
                        place: dump.rule(table, id, number, rule),
                        counters,
                        state: match (counters.packets, is_dead) {
                            (0, true) => State::Dead,
                            (0, false) => State::NotExercised,
                            _ => State::Hit,
                        },
                    });
                }
                let packets = entered(table, id, chain, &|id, number| {
                    counted(id, number).map_or(0, |counters| counters.packets)
                });
                coverage.chains.push(CoveredChain {
                    place: dump.chain(table, chain, false),
                    name: format!("{} {}", table.kind, chain.name),
                    packets,
                    is_base: chain.hook().is_some(),
                });
                if let Some(counters) = counted(id, RuleNumber::Policy) {
                    coverage.policies.push(CoveredRule {
                        place: dump.chain(table, chain, true),
                        counters,
                        state: if counters.packets > 0 {
                            State::Hit
                        } else {
                            State::NotExercised
                        },
                    });
                }
            }
        }
    }
    coverage
}

/// Packets that came into a chain: those of the rules that lead to it, or at least those of its busiest rule.
fn entered(
    table: &Table,
    id: ChainId,
    chain: &Chain,
    packets: &dyn Fn(ChainId, RuleNumber) -> u64,
) -> u64 {
    let numbered = |chain: &Chain| (1..).map(RuleNumber::Rule).take(chain.rules.len());
    if chain.hook().is_none() {
        let leads =
            |t: &Option<Target>| matches!(t, Some(Target::Jump(c) | Target::Goto(c)) if *c == id);
        let of_chain = |(from, chain): (ChainId, &Chain)| -> u64 {
            let rules = numbered(chain).zip(&chain.rules);
            let leading = rules.filter(|(_, rule)| leads(&rule.target));
            leading.map(|(number, _)| packets(from, number)).sum()
        };
        return table.chains().map(of_chain).sum();
    }
    let all = numbered(chain).chain([RuleNumber::Policy]);
    all.map(|number| packets(id, number)).max().unwrap_or(0)
}

/// A finding for each rule, and each chain, that the traffic left alone.
pub fn unexercised(coverage: &Coverage) -> Vec<Finding> {
    let unseen = coverage
        .chains
        .iter()
        .filter(|c| !c.is_base && c.packets == 0);
    let mut findings: Vec<Finding> = unseen
        .map(|chain| {
            Finding::new(
                CHAIN_NOT_ENTERED,
                chain.place.clone(),
                format!("no packet came into {}", chain.name),
            )
            .label("not entered")
            .because("No rule that leads to the chain was hit.")
            .suggest("Capture longer, or send what is missing with `netverdict trace --send`.")
        })
        .collect();
    let idle = coverage
        .rules
        .iter()
        .filter(|rule| rule.state == State::NotExercised);
    findings.extend(idle.map(|rule| {
        let name = match &rule.place.part {
            Part::Rule {
                table,
                chain,
                number,
            } => format!("rule {number} of {table} {chain}"),
            part => part.to_string(),
        };
        Finding::new(
            NEVER_EXERCISED,
            rule.place.clone(),
            format!("no packet matched {name}"),
        )
        .label("not exercised")
        .because("A packet could match it, but the capture has none.")
        .suggest("Capture longer, or send what is missing with `netverdict trace --send`.")
    }));
    findings
}
