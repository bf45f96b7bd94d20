//! Which earlier rules it is that leave nothing for a dead one: few, and enough.
//!
//! All of them would be noise, and one that takes most of the packets need not take all: so the earliest single rule
//! that takes everything, else rules in order until nothing is left, less those that the others make superfluous.

use netverdict_net::{AddrMask, InterfacePattern, PortRange, Protocol};
use netverdict_ruleset::{Chain, ChainId, Invertible, Match, Rule};

use crate::algebra::{Full, Set};
use crate::effects;
use crate::reach::Reach;

/// How many pairs of rules are compared in one table before explanations are cut short.
const PAIRS: u64 = 100_000;

/// Earlier rules of the same chain that take every packet of a dead rule.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Cover {
    /// Indices in the chain, ascending.
    pub(crate) rules: Vec<usize>,
    /// Whether they alone suffice; else what they do to packets has a part in it, or there was no time to tell.
    pub(crate) suffices: bool,
}

/// Explains dead rules of one table.
#[derive(Debug)]
pub(crate) struct Covers<'r> {
    reach: &'r Reach,
    pairs: u64,
}

/// What tells two rules apart at a glance.
#[derive(Debug)]
pub(crate) struct Outline {
    source: Option<(u128, u128)>,
    destination: Option<(u128, u128)>,
    protocol: Option<Protocol>,
    destination_port: Option<PortRange>,
    in_device: Option<InterfacePattern>,
    out_device: Option<InterfacePattern>,
}

impl<'r> Covers<'r> {
    pub(crate) fn new(reach: &'r Reach) -> Self {
        Self { reach, pairs: 0 }
    }

    /// The rules that leave nothing for one.
    pub(crate) fn of(&mut self, id: ChainId, chain: &Chain, index: usize) -> Result<Cover, Full> {
        let (Some(reached), Some(rule)) = (self.reach.chain(id), chain.rules.get(index)) else {
            return Ok(Cover::default());
        };
        let Some(dead) = reached.rules.get(index) else {
            return Ok(Cover::default());
        };
        let wanted = reached.entry.and(&dead.meaning.may)?;
        let outline = Outline::of(rule);
        let mut chosen: Vec<(usize, Set)> = Vec::new();
        let mut left = wanted.clone();
        for (earlier, other) in chain.rules.iter().enumerate().take(index) {
            if self.pairs > PAIRS {
                break;
            }
            let Some(of_other) = reached.rules.get(earlier) else {
                break;
            };
            if of_other.is_dead() || outline.excludes(&Outline::of(other)) {
                continue;
            }
            self.pairs += 1;
            let taken = self.reach.stops(effects::step(other), &of_other.meaning)?;
            let taken = wanted.and(&taken)?;
            if taken == wanted {
                return Ok(Cover {
                    rules: vec![earlier],
                    suffices: true,
                });
            }
            if left.meets(&taken)? {
                left = left.minus(&taken)?;
                chosen.push((earlier, taken));
            }
        }
        let suffices = left.is_empty();
        if suffices {
            thin_out(&mut chosen, &wanted)?;
        }
        Ok(Cover {
            rules: chosen.into_iter().map(|(rule, _)| rule).collect(),
            suffices,
        })
    }
}

/// Drops rules whose part the others take as well.
fn thin_out(chosen: &mut Vec<(usize, Set)>, wanted: &Set) -> Result<(), Full> {
    if chosen.len() > 64 {
        return Ok(());
    }
    let mut index = 0;
    while index < chosen.len() {
        let mut left = wanted.clone();
        for (other, (_, taken)) in chosen.iter().enumerate() {
            if other != index {
                left = left.minus(taken)?;
            }
        }
        if left.is_empty() && chosen.len() > 1 {
            chosen.remove(index);
        } else {
            index += 1;
        }
    }
    Ok(())
}

impl Outline {
    pub(crate) fn of(rule: &Rule) -> Self {
        Self {
            source: net(rule.source),
            destination: net(rule.destination),
            protocol: rule.protocol.filter(|p| !p.inverted).map(|p| p.value),
            destination_port: rule.matches.iter().find_map(destination_port),
            in_device: device(rule.in_interface),
            out_device: device(rule.out_interface),
        }
    }

    /// Whether no packet is of both.
    pub(crate) fn excludes(&self, other: &Self) -> bool {
        let apart = |a: Option<(u128, u128)>, b: Option<(u128, u128)>| {
            a.zip(b)
                .is_some_and(|((a, m), (b, n))| (a ^ b) & m & n != 0)
        };
        apart(self.source, other.source)
            || apart(self.destination, other.destination)
            || self
                .protocol
                .zip(other.protocol)
                .is_some_and(|(a, b)| a != b)
            || self
                .destination_port
                .zip(other.destination_port)
                .is_some_and(|(a, b)| a.end < b.start || b.end < a.start)
            || is_other(self.in_device, other.in_device)
            || is_other(self.out_device, other.out_device)
    }
}

fn destination_port(test: &Match) -> Option<PortRange> {
    let port = match test {
        Match::Tcp(m) => m.destination,
        Match::Udp(m) => m.destination,
        _ => return None,
    };
    (!port.inverted).then_some(port.value)
}

/// A device that is named in full.
fn device(test: Option<Invertible<InterfacePattern>>) -> Option<InterfacePattern> {
    let pattern = test.filter(|test| !test.inverted)?.value;
    let is_name = !pattern.is_any() && !pattern.as_str().ends_with('+');
    is_name.then_some(pattern)
}

fn is_other(a: Option<InterfacePattern>, b: Option<InterfacePattern>) -> bool {
    a.zip(b).is_some_and(|(a, b)| a != b)
}

fn net(test: Option<Invertible<AddrMask>>) -> Option<(u128, u128)> {
    let test = test.filter(|test| !test.inverted)?;
    Some(match test.value {
        AddrMask::V4 { addr, mask } => (addr.into(), mask.into()),
        AddrMask::V6 { addr, mask } => (addr, mask),
    })
}
