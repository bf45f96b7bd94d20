//! Addresses and ports in classes: those of one class are alike to every rule and to the host's routing.
//!
//! All that rules and host ask of an IPv4 address or a port is whether it lies in some range. The ranges cut the numbers
//! into intervals; intervals that lie in the same ranges are one class. What is asked in another way (a mask with a hole)
//! leaves everything unclassed.

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr};

use foldhash::fast::FixedState;
use hashbrown::HashMap;
use netverdict_host::Host;
use netverdict_net::{AddrMask, Family, PortRange};
use netverdict_ruleset::matches::{PortEntry, PortSide};
use netverdict_ruleset::{Match, Rule, Ruleset};

use crate::conntrack::Tuple;

/// The classes of a family's addresses and of ports, by the rules and the host.
#[derive(Debug)]
pub(crate) struct Classes {
    addresses: Partition,
    /// By the side on which a port is asked for: source, destination.
    ports: [Partition; 2],
}

/// The classes of source, destination, source port and destination port.
pub(crate) type Ends = [u32; 4];

impl Classes {
    /// The classes of IPv4; `None` where something is asked that ranges do not tell.
    pub(crate) fn of(rules: Option<&Ruleset>, host: &Host) -> Option<Self> {
        let mut asked = Asked::default();
        asked.host(host);
        for (_, rule) in rules.iter().flat_map(|rules| rules.rules()) {
            asked.rule(rule);
        }
        asked.is_plain.then(|| Self {
            addresses: Partition::of(asked.addresses),
            ports: asked.ports.map(Partition::of),
        })
    }

    /// The classes of a tuple's ends.
    pub(crate) fn ends(&self, tuple: &Tuple) -> Ends {
        let [sources, destinations] = &self.ports;
        [
            self.addresses.class(tuple.source as u32),
            self.addresses.class(tuple.destination as u32),
            sources.class(u32::from(tuple.source_port) << 16),
            destinations.class(u32::from(tuple.destination_port) << 16),
        ]
    }
}

impl Classes {
    /// The class of an address.
    pub(crate) fn of_address(&self, address: Ipv4Addr) -> u32 {
        self.addresses.class(address.to_bits())
    }

    /// An address of each class, by class.
    pub(crate) fn an_address_each(&self) -> Vec<Ipv4Addr> {
        let Partition {
            starts, classes, ..
        } = &self.addresses;
        let mut ones = Vec::new();
        for (start, class) in starts.iter().zip(classes) {
            // Classes are numbered as they come up first.
            if *class as usize == ones.len() {
                ones.push(Ipv4Addr::from_bits(*start));
            }
        }
        ones
    }
}

/// Inclusive.
type Range = (u32, u32);

/// The ranges that rules and host ask about.
#[derive(Debug)]
struct Asked {
    addresses: Vec<Range>,
    ports: [Vec<Range>; 2],
    is_plain: bool,
}

impl Default for Asked {
    fn default() -> Self {
        // Unspecified, loopback, multicast and its local and first groups, broadcast.
        let special = [
            (0, 0),
            (0x7f00_0000, 0x7fff_ffff),
            (0xe000_0000, 0xefff_ffff),
            (0xe000_0000, 0xe000_00ff),
            (0xe000_0001, 0xe000_0001),
            (u32::MAX, u32::MAX),
        ];
        Self {
            addresses: special.into(),
            ports: [Vec::new(), Vec::new()],
            is_plain: true,
        }
    }
}

impl Asked {
    fn host(&mut self, host: &Host) {
        for interface in host.interfaces() {
            for address in interface.addresses_of(Family::V4) {
                self.range(address.local, address.local);
                self.net(address.prefix());
                if let Some(broadcast) = address.broadcast {
                    self.range(broadcast.into(), broadcast.into());
                }
            }
        }
        for group in &host.facts().groups {
            self.range(group.address, group.address);
        }
        for route in host.routes(Family::V4) {
            self.net(route.destination);
            route.source.into_iter().for_each(|net| self.net(net));
        }
        for rule in host.facts().rules_v4.iter().flatten() {
            [rule.from, rule.to]
                .into_iter()
                .flatten()
                .for_each(|net| self.net(net));
            let ports = [rule.source_ports, rule.destination_ports];
            ports
                .into_iter()
                .flatten()
                .for_each(|range| self.either_port(range));
        }
    }

    fn rule(&mut self, rule: &Rule) {
        for test in [rule.source, rule.destination].into_iter().flatten() {
            self.net(test.value);
        }
        for test in &rule.matches {
            self.test(test);
        }
    }

    /// What a match asks, if paths that meet it are remembered at all.
    fn test(&mut self, test: &Match) {
        match test {
            Match::Tcp(m) => self.both_ports(m.source.value, m.destination.value),
            Match::Udp(m) => self.both_ports(m.source.value, m.destination.value),
            Match::Multiport(m) => {
                for entry in &m.ports.value {
                    let range = match entry {
                        PortEntry::Port(port) => PortRange::single(*port),
                        PortEntry::Range(range) => *range,
                    };
                    match m.side {
                        PortSide::Source => self.port(0, range),
                        PortSide::Destination => self.port(1, range),
                        PortSide::Either => self.either_port(range),
                    }
                }
            }
            Match::Iprange(m) => {
                for range in [m.source, m.destination].into_iter().flatten() {
                    self.range(range.value.start, range.value.end);
                }
            }
            Match::Conntrack(m) => {
                let nets = [
                    m.original_source,
                    m.original_destination,
                    m.reply_source,
                    m.reply_destination,
                ];
                nets.iter().flatten().for_each(|net| self.net(net.value));
                let ports = [
                    m.original_source_port,
                    m.original_destination_port,
                    m.reply_source_port,
                    m.reply_destination_port,
                ];
                let mut ports = ports.into_iter().flatten();
                ports.by_ref().for_each(|port| self.either_port(port.value));
            }
            _ => {}
        }
    }

    fn net(&mut self, net: AddrMask) {
        let AddrMask::V4 { addr, mask } = net else {
            return;
        };
        if net.prefix_len().is_none() {
            self.is_plain = false;
        }
        self.addresses.push((addr & mask, addr & mask | !mask));
    }

    fn range(&mut self, start: IpAddr, end: IpAddr) {
        if let (IpAddr::V4(start), IpAddr::V4(end)) = (start, end) {
            self.addresses.push((start.to_bits(), end.to_bits()));
        }
    }

    fn both_ports(&mut self, source: PortRange, destination: PortRange) {
        self.port(0, source);
        self.port(1, destination);
    }

    fn either_port(&mut self, range: PortRange) {
        self.both_ports(range, range);
    }

    fn port(&mut self, side: usize, range: PortRange) {
        // In the upper half, as addresses have their networks.
        let (start, end) = (u32::from(range.start) << 16, u32::from(range.end) << 16);
        self.ports[side].push((start, end | 0xffff));
    }
}

/// Numbers in classes.
#[derive(Debug)]
struct Partition {
    /// First numbers of the intervals, ascending; the first is 0.
    starts: Vec<u32>,
    /// The class of each interval.
    classes: Vec<u32>,
    /// Of few intervals, their first numbers [in order](ordered), and the last number of all behind them.
    handful: Option<Box<[i32; HANDFUL]>>,
    /// Of many intervals, by a number's upper half, the one that its first number is in.
    tops: Vec<u32>,
}

/// So many intervals are searched as they are: they lie in fewer lines of memory than the tops that numbers come with.
const FEW: usize = 256;

/// So few are counted through, several at a time and without a branch that could be foreseen wrongly.
const HANDFUL: usize = 32;

/// The same order among signed numbers, which are what processors compare several of at a time.
const fn ordered(number: u32) -> i32 {
    (number ^ 1 << 31) as i32
}

/// What telling classes apart may cost, in ranges that lie over intervals; beyond, each interval is a class.
const EFFORT: usize = 1 << 22;

impl Partition {
    fn of(mut ranges: Vec<Range>) -> Self {
        ranges.retain(|(start, end)| start <= end && (*start, *end) != (0, u32::MAX));
        // Numbers are put in order faster than pairs.
        let mut ranges: Vec<u64> = ranges.into_iter().map(joined).collect();
        ranges.sort_unstable();
        ranges.dedup();
        let mut edges = edges(&ranges);
        edges.sort_unstable();
        let mut sweep = Sweep::default();
        let mut starts = vec![0];
        let mut classes = Vec::new();
        for (at, number) in edges.into_iter().map(parted) {
            if starts.last() != Some(&at) {
                classes.push(sweep.class());
                starts.push(at);
            }
            if number & BEGINS != 0 {
                sweep.over.insert(number);
            } else {
                sweep.over.remove(&(number | BEGINS));
            }
        }
        classes.push(sweep.class());
        Self {
            handful: handful(&starts),
            tops: if starts.len() > FEW {
                tops(&starts)
            } else {
                Vec::new()
            },
            starts,
            classes,
        }
    }

    fn class(&self, number: u32) -> u32 {
        if let Some(handful) = &self.handful {
            let number = ordered(number);
            let behind: i32 = handful
                .iter()
                .map(|start| i32::from(*start <= number))
                .sum();
            let at = self.starts.len().min(behind as usize);
            let class = self.classes.get(at.saturating_sub(1));
            return class.copied().unwrap_or(u32::MAX);
        }
        let top = (number >> 16) as usize;
        let (first, last) = match self.tops.get(top..top + 2) {
            Some(&[first, last]) => (first as usize, last as usize),
            _ => (0, self.starts.len() - 1),
        };
        let behind = self.starts.get(first..=last).unwrap_or_default();
        let at = behind.partition_point(|start| *start <= number);
        let class = self.classes.get((first + at).saturating_sub(1));
        class.copied().unwrap_or(u32::MAX)
    }
}

const fn joined((upper, lower): (u32, u32)) -> u64 {
    (upper as u64) << 32 | lower as u64
}

const fn parted(joined: u64) -> (u32, u32) {
    ((joined >> 32) as u32, joined as u32)
}

/// Of an edge's number, that its range begins there.
const BEGINS: u32 = 1 << 31;

/// Where ranges begin and where they are over, each with the range's number.
fn edges(ranges: &[u64]) -> Vec<u64> {
    let mut edges = Vec::with_capacity(2 * ranges.len());
    for (range, number) in ranges.iter().zip(0..BEGINS) {
        let (start, end) = parted(*range);
        edges.push(joined((start, number | BEGINS)));
        if let Some(behind) = end.checked_add(1) {
            edges.push(joined((behind, number)));
        }
    }
    edges
}

/// First numbers, if they are few.
fn handful(starts: &[u32]) -> Option<Box<[i32; HANDFUL]>> {
    let mut handful = [i32::MAX; HANDFUL];
    let room = handful.get_mut(..starts.len())?;
    room.iter_mut()
        .zip(starts)
        .for_each(|(start, given)| *start = ordered(*given));
    Some(Box::new(handful))
}

/// For each upper half, and one more, the interval that its first number is in.
fn tops(starts: &[u32]) -> Vec<u32> {
    let last = starts.len() - 1;
    let mut at = 0;
    let tops = (0..1_u32 << 16).map(|top| {
        while at < last && starts[at + 1] <= top << 16 {
            at += 1;
        }
        at as u32
    });
    let mut tops: Vec<u32> = tops.collect();
    tops.push(last as u32);
    tops
}

/// The ranges over an interval, while intervals are gone through.
#[derive(Debug, Default)]
struct Sweep {
    over: BTreeSet<u32>,
    known: HashMap<Vec<u32>, u32, FixedState>,
    effort: usize,
    count: u32,
}

impl Sweep {
    fn class(&mut self) -> u32 {
        self.effort += self.over.len() + 1;
        let fresh = self.count;
        let class = if self.effort > EFFORT {
            fresh
        } else {
            let over = self.over.iter().copied().collect();
            *self.known.entry(over).or_insert(fresh)
        };
        self.count += u32::from(class == fresh);
        class
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn range() -> impl Strategy<Value = Range> {
        let edge = || {
            prop_oneof![
                any::<u32>(),
                (0..4_u32, 0..4_u32).prop_map(|(h, l)| h << 30 | l)
            ]
        };
        (edge(), edge()).prop_map(|(a, b)| (a.min(b), a.max(b)))
    }

    proptest! {
        /// Numbers are of one class just if they lie in the same ranges.
        #[test]
        fn a_class_is_the_ranges_that_lie_over_it(
            ranges in prop::collection::vec(range(), 0..12),
            numbers in prop::collection::vec(range(), 1..8),
            with_tops: bool,
        ) {
            let mut partition = Partition::of(ranges.clone());
            if with_tops {
                partition.handful = None;
                partition.tops = tops(&partition.starts);
            }
            let over = |number: u32| -> Vec<bool> {
                ranges.iter().map(|(start, end)| (*start..=*end).contains(&number)).collect()
            };
            let edges = ranges.iter().chain(&numbers);
            let numbers: Vec<u32> = edges.flat_map(|(a, b)| [*a, *b, b.wrapping_add(1)]).collect();
            for a in &numbers {
                for b in &numbers {
                    let alike = partition.class(*a) == partition.class(*b);
                    prop_assert_eq!(alike, over(*a) == over(*b), "{} {}", a, b);
                }
            }
        }
    }
}
