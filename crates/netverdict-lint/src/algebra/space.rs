//! Which bit of the diagram says what.

use std::ops::Range;

use netverdict_net::Family;
use netverdict_ruleset::{Backend, Hook, PortTests, Ruleset, Table, TableKind};
use oxidd::bcdd::{BCDDFunction, BCDDManagerRef, new_manager};
use oxidd::{BooleanFunction, Manager, ManagerRef};

use super::interfaces::Interfaces;
use super::set::{Full, Set};

/// What rules can ask of a packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Field {
    /// Whether the connection is known, its state, `SNAT`, `DNAT`, direction and status bits.
    Connection,
    /// Whether the header chain of IPv6 leads to a protocol.
    HasProtocol,
    Protocol,
    InDevice,
    OutDevice,
    /// Whether it is a second or later fragment.
    LaterFragment,
    /// How much of a transport header there is (see `LEVELS`).
    Readable,
    DestinationPort,
    SourcePort,
    TcpFlags,
    Source,
    Destination,
    Mark,
    Connmark,
    Tos,
    HopLimit,
    Length,
    PacketKind,
    /// One bit for each question that no other field answers.
    Question,
}

impl Field {
    /// From the diagram's top to its bottom. Rulesets tend to check sources first, for all destinations: the many sources
    /// are below, where they are shared. Questions stand behind the source, since they go with it more often than not: the
    /// MAC address of a host, a set of some sources.
    const LAYOUT: [Self; 19] = [
        Self::Connection,
        Self::HasProtocol,
        Self::Protocol,
        Self::InDevice,
        Self::OutDevice,
        Self::LaterFragment,
        Self::Readable,
        Self::DestinationPort,
        Self::SourcePort,
        Self::TcpFlags,
        Self::Destination,
        Self::Source,
        Self::Question,
        Self::Mark,
        Self::Connmark,
        Self::Tos,
        Self::HopLimit,
        Self::Length,
        Self::PacketKind,
    ];
}

/// A set of fields.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub(crate) struct Fields(u32);

impl Fields {
    pub(crate) const NONE: Self = Self(0);
    pub(crate) const ALL: Self = Self((1 << Field::LAYOUT.len()) - 1);

    pub(crate) fn of(fields: &[Field]) -> Self {
        Self(fields.iter().fold(0, |all, f| all | 1 << *f as u32))
    }

    pub(crate) const fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    pub(crate) const fn is_empty(self) -> bool {
        self.0 == 0
    }

    const fn has(self, field: Field) -> bool {
        self.0 & (1 << field as u32) != 0
    }
}

/// How many bytes of the transport header the packet has at least, by level; level 0 has fewer than 2.
const LEVELS: [u8; 7] = [0, 2, 4, 8, 12, 14, 20];

/// Bits of [`Field::Connection`].
pub(super) mod connection {
    pub(in super::super) const KNOWN: u32 = 0;
    /// Three bits: index into `CtState`'s five.
    pub(in super::super) const STATE: u32 = 1;
    pub(in super::super) const SNAT: u32 = 4;
    pub(in super::super) const DNAT: u32 = 5;
    pub(in super::super) const REPLY: u32 = 6;
    /// EXPECTED, SEEN_REPLY, ASSURED, CONFIRMED.
    pub(in super::super) const STATUS: u32 = 7;
    pub(in super::super) const BITS: u32 = 11;

    pub(in super::super) const NEW: u32 = 0;
    pub(in super::super) const ESTABLISHED: u32 = 1;
    pub(in super::super) const RELATED: u32 = 2;
    pub(in super::super) const INVALID: u32 = 3;
    pub(in super::super) const UNTRACKED: u32 = 4;
}

/// The packets that a table's rules can tell apart.
pub(crate) struct Space {
    pub(super) family: Family,
    pub(super) ports: PortTests,
    manager: BCDDManagerRef,
    fields: Vec<Range<u32>>,
    pub(super) in_devices: Interfaces,
    pub(super) out_devices: Interfaces,
    /// The questions of [`Field::Question`], in the order of their bits.
    questions: Vec<String>,
    all: Set,
    none: Set,
}

impl std::fmt::Debug for Space {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Space")
            .field("family", &self.family)
            .field("questions", &self.questions)
            .finish_non_exhaustive()
    }
}

impl Space {
    /// A space for the rules of a table. `room` is the greatest number of the diagram's nodes.
    pub(crate) fn new(ruleset: &Ruleset, table: &Table, room: usize) -> Result<Self, Full> {
        let rules = || table.rules().map(|(_, rule)| rule);
        let in_devices = Interfaces::new(rules().filter_map(|r| r.in_interface));
        let out_devices = Interfaces::new(rules().filter_map(|r| r.out_interface));
        let mut questions: Vec<String> = rules()
            .flat_map(|rule| rule.matches.iter().map(move |m| (rule, m)))
            .filter_map(|(rule, m)| super::encode::question(rule, m))
            .collect();
        questions.sort_unstable();
        questions.dedup();
        let address: u32 = ruleset.family.bits().into();
        let width = |field: Field| match field {
            Field::Connection => connection::BITS,
            Field::HasProtocol | Field::LaterFragment => 1,
            Field::Protocol | Field::TcpFlags | Field::Tos | Field::HopLimit => 8,
            Field::InDevice => in_devices.bits(),
            Field::OutDevice => out_devices.bits(),
            Field::Readable => 3,
            Field::DestinationPort | Field::SourcePort => 16,
            Field::Source | Field::Destination => address,
            Field::Mark | Field::Connmark => 32,
            // An IPv6 packet is longer than its 16-bit payload length.
            Field::Length => 17,
            Field::PacketKind => 2,
            Field::Question => questions.len() as u32,
        };
        let mut fields = vec![0..0; Field::LAYOUT.len()];
        let mut next = 0;
        for field in Field::LAYOUT {
            let end = next + width(field);
            if let Some(range) = fields.get_mut(field as usize) {
                *range = next..end;
            }
            next = end;
        }
        let manager = new_manager(room, room / 2, 1);
        let (all, none) = manager.with_manager_exclusive(|m| {
            m.add_vars(next);
            (Set(BCDDFunction::t(m)), Set(BCDDFunction::f(m)))
        });
        Ok(Self {
            family: ruleset.family,
            ports: PortTests::new(ruleset.backend.unwrap_or(Backend::Legacy), ruleset.version),
            manager,
            fields,
            in_devices,
            out_devices,
            questions,
            all,
            none,
        })
    }

    pub(crate) fn all(&self) -> Set {
        self.all.clone()
    }

    pub(crate) fn none(&self) -> Set {
        self.none.clone()
    }

    fn range(&self, field: Field) -> Range<u32> {
        self.fields.get(field as usize).cloned().unwrap_or(0..0)
    }

    fn variable(&self, variable: u32) -> Result<Set, Full> {
        let made = self
            .manager
            .with_manager_shared(|m| BCDDFunction::var(m, variable));
        Ok(Set(made?))
    }

    /// One bit of a field, the most significant first.
    pub(crate) fn bit(&self, field: Field, bit: u32) -> Result<Set, Full> {
        self.variable(self.range(field).start + bit)
    }

    /// Packets whose field equals `value` in the bits of `mask`; empty if `value` has others.
    pub(crate) fn masked(&self, field: Field, value: u128, mask: u128) -> Result<Set, Full> {
        if value & !mask != 0 {
            return Ok(self.none());
        }
        let range = self.range(field);
        let mut set = self.all();
        // From the last bit up, so that each step puts one node on top.
        for variable in range.clone().rev() {
            let weight = range.end - 1 - variable;
            if mask >> weight & 1 == 0 {
                continue;
            }
            let bit = self.variable(variable)?;
            let bit = if value >> weight & 1 == 1 {
                bit
            } else {
                bit.not()?
            };
            set = bit.and(&set)?;
        }
        Ok(set)
    }

    /// Packets whose field is `value`.
    pub(crate) fn equals(&self, field: Field, value: u128) -> Result<Set, Full> {
        self.masked(field, value, u128::MAX)
    }

    /// Packets whose field lies between both ends, which are in.
    pub(crate) fn between(&self, field: Field, first: u128, last: u128) -> Result<Set, Full> {
        if first > last {
            return Ok(self.none());
        }
        self.at_least(field, first)?
            .and(&self.at_most(field, last)?)
    }

    pub(crate) fn at_least(&self, field: Field, bound: u128) -> Result<Set, Full> {
        self.compare(field, bound, true)
    }

    pub(crate) fn at_most(&self, field: Field, bound: u128) -> Result<Set, Full> {
        self.compare(field, bound, false)
    }

    fn compare(&self, field: Field, bound: u128, least: bool) -> Result<Set, Full> {
        let range = self.range(field);
        let width = range.end - range.start;
        if width < 128 && bound >> width != 0 {
            return Ok(if least { self.none() } else { self.all() });
        }
        let mut set = self.all();
        for variable in range.clone().rev() {
            let one = bound >> (range.end - 1 - variable) & 1 == 1;
            let bit = self.variable(variable)?;
            let bit = if least { bit } else { bit.not()? };
            set = if one == least {
                bit.and(&set)?
            } else {
                bit.or(&set)?
            };
        }
        Ok(set)
    }

    /// The bits of fields, for quantification.
    pub(crate) fn bits_of(&self, fields: Fields) -> Result<Set, Full> {
        let mut set = self.all();
        for field in Field::LAYOUT.into_iter().rev().filter(|f| fields.has(*f)) {
            for variable in self.range(field).rev() {
                set = self.variable(variable)?.and(&set)?;
            }
        }
        Ok(set)
    }

    /// The bits of a field that a mask picks, for quantification.
    pub(crate) fn bits_under(&self, field: Field, mask: u128) -> Result<Set, Full> {
        let range = self.range(field);
        let mut set = self.all();
        for variable in range.clone().rev() {
            if mask >> (range.end - 1 - variable) & 1 == 1 {
                set = self.variable(variable)?.and(&set)?;
            }
        }
        Ok(set)
    }

    /// Packets whose transport header has at least so many bytes.
    pub(super) fn holds(&self, bytes: u8) -> Result<Set, Full> {
        let level = LEVELS.iter().position(|l| *l >= bytes).unwrap_or(6);
        self.at_least(Field::Readable, level as u128)
    }

    /// Packets that answer a question with yes.
    pub(super) fn answer(&self, question: &str) -> Result<Set, Full> {
        match self
            .questions
            .binary_search_by(|q| q.as_str().cmp(question))
        {
            Ok(index) => self.bit(Field::Question, index as u32),
            Err(_) => Ok(self.all()),
        }
    }

    /// Packets of a connection in one of these states (bits by index).
    pub(crate) fn states(&self, states: u8) -> Result<Set, Full> {
        let mut set = self.none();
        for state in 0..5u32 {
            if states >> state & 1 == 1 {
                set = set.or(&self.connection_bits(connection::STATE, 3, state)?)?;
            }
        }
        Ok(set)
    }

    /// `count` bits of the connection's, from `first` on, as a number.
    pub(super) fn connection_bits(&self, first: u32, count: u32, value: u32) -> Result<Set, Full> {
        let shift = connection::BITS - first - count;
        let mask = ((1u128 << count) - 1) << shift;
        self.masked(Field::Connection, u128::from(value) << shift, mask)
    }

    /// Every packet that may come to this table's chain at a hook, and some that may not.
    pub(crate) fn entering(&self, table: TableKind, hook: Hook) -> Result<Set, Full> {
        let mut set = self.sound_connections()?;
        set = set.and(&self.in_devices.valid(self, Field::InDevice)?)?;
        set = set.and(&self.out_devices.valid(self, Field::OutDevice)?)?;
        set = set.and(&self.at_most(Field::Readable, 6)?)?;
        let absent = |field| self.equals(field, 0);
        let present = |field| absent(field).and_then(|a: Set| a.not());
        match hook {
            Hook::Prerouting | Hook::Input => {
                set = set.and(&present(Field::InDevice)?)?;
                set = set.and(&absent(Field::OutDevice)?)?;
            }
            Hook::Forward => {
                set = set.and(&present(Field::InDevice)?)?;
                set = set.and(&present(Field::OutDevice)?)?;
            }
            Hook::Output => {
                set = set.and(&absent(Field::InDevice)?)?;
                set = set.and(&present(Field::OutDevice)?)?;
            }
            Hook::Postrouting => set = set.and(&present(Field::OutDevice)?)?,
        }
        if table == TableKind::Nat {
            // `nf_nat_inet_fn` asks the rules only for the packet that begins a connection.
            let first = self.states(1 << connection::NEW | 1 << connection::RELATED)?;
            set = set.and(&self.bit(Field::Connection, connection::KNOWN)?)?;
            set = set.and(&first)?;
        }
        if self.family == Family::V4 {
            set = set.and(&self.bit(Field::HasProtocol, 0)?)?;
        }
        Ok(set)
    }

    /// Packets that come in by another device than the loopback's, as far as the rules tell it apart.
    pub(crate) fn comes_from_outside(&self) -> Result<Set, Full> {
        self.not_loopback(&self.in_devices, Field::InDevice)
    }

    /// Packets that go out by another device than the loopback's, as far as the rules tell it apart.
    pub(crate) fn goes_outside(&self) -> Result<Set, Full> {
        self.not_loopback(&self.out_devices, Field::OutDevice)
    }

    fn not_loopback(&self, devices: &Interfaces, field: Field) -> Result<Set, Full> {
        let present = self.equals(field, 0)?.not()?;
        let Ok(lo) = netverdict_net::InterfacePattern::new("lo") else {
            return Ok(present);
        };
        present.minus(&devices.matching(self, field, &lo)?)
    }

    /// Packets that answer every question with no, but for whether they are addressed to this host.
    pub(crate) fn for_this_host(&self) -> Result<Set, Full> {
        let mut set = self.all();
        for (question, index) in self.questions.iter().zip(0..) {
            let bit = self.bit(Field::Question, index)?;
            let is_local = question.ends_with(" -m addrtype --dst-type LOCAL");
            set = set.and(&if is_local { bit } else { bit.not()? })?;
        }
        Ok(set)
    }

    /// Without a connection a packet is INVALID or UNTRACKED, and nothing else is known.
    fn sound_connections(&self) -> Result<Set, Full> {
        let known = self.bit(Field::Connection, connection::KNOWN)?;
        let alone = self.states(1 << connection::INVALID | 1 << connection::UNTRACKED)?;
        let rest =
            self.connection_bits(connection::SNAT, connection::BITS - connection::SNAT, 0)?;
        Set::choose(&known, &self.states(0b11111)?, &alone.and(&rest)?)
    }
}
