//! The ipsets that rules ask (net/netfilter/ipset): entries by key, found as each set type finds them.
//!
//! A rule refers to a set by its place, given out when rules are loaded; a place whose set nobody gave answers nothing.

mod change;
mod key;
mod set;

use netverdict_net::Jiffies;
use netverdict_ruleset::sets::{SetCollection, SetKind, SkbInfo};

use super::Rewind;
use super::journal::Journal;
use crate::Skb;

pub(crate) use change::{Adding, Changed};
pub(crate) use key::Query;

use key::{Ask, Missing};
use set::{Found, Set, Touched};

const NOT_GIVEN: &str = "the set is not given";

/// A change to one set that is no list.
type Work<'w> = dyn Fn(&mut Set, &Ask, &mut dyn FnMut(Touched)) -> Changed + 'w;

/// Every set of the namespace.
#[derive(Debug, Clone, Default)]
pub(crate) struct Sets {
    names: Vec<String>,
    sets: Vec<Option<Set>>,
    journal: Journal<(usize, Touched)>,
}

impl Sets {
    /// The place of a set, given or not.
    pub(crate) fn place(&mut self, name: &str) -> usize {
        if let Some(at) = self.names.iter().position(|known| known == name) {
            return at;
        }
        self.names.push(name.to_owned());
        self.sets.push(None);
        self.names.len() - 1
    }

    /// Gives the sets' contents, as of tick 0.
    pub(crate) fn give(&mut self, given: &SetCollection, hz: u32) {
        for definition in &given.sets {
            let place = self.place(&definition.name);
            let set = Set::new(definition, i64::from(hz), |name| self.place(name));
            if let Some(slot) = self.sets.get_mut(place) {
                *slot = Some(set);
            }
        }
    }

    /// Whether a packet is in a set (`ip_set_test`).
    pub(crate) fn test(
        &mut self,
        place: usize,
        query: &Query<'_>,
        skb: &Skb<'_>,
        now: Jiffies,
    ) -> Result<bool, &'static str> {
        Ok(self.look_up(place, query, skb, now)?.is_some())
    }

    /// What the entry that a packet is found by gives it; `None` where it is not in the set.
    pub(crate) fn look_up(
        &mut self,
        place: usize,
        query: &Query<'_>,
        skb: &Skb<'_>,
        now: Jiffies,
    ) -> Result<Option<SkbInfo>, &'static str> {
        let Some(Some(set)) = self.sets.get(place) else {
            return Err(NOT_GIVEN);
        };
        if query.sides.len() < set.kind.dimensions() || !set.takes(skb.packet.family()) {
            return Ok(None);
        }
        let found = if set.members.is_empty() {
            self.find(place, query, skb, now)?
        } else {
            return self.test_list(place, query, skb, now);
        };
        Ok(match found {
            Found::Hit(info) => {
                (!(query.return_nomatch && self.takes_nomatch(place))).then_some(info)
            }
            Found::Nomatch => query.return_nomatch.then(SkbInfo::default),
            Found::Nothing => None,
        })
    }

    /// Adds what a packet is found by (`ip_set_add`): of a list, to the first member that takes it.
    pub(crate) fn add(
        &mut self,
        place: usize,
        query: &Query<'_>,
        adding: Adding,
        skb: &Skb<'_>,
        now: Jiffies,
    ) -> Result<Changed, &'static str> {
        self.change(place, query, skb, now, &|set, ask, touch| {
            set.add(ask, adding, now, touch)
        })
    }

    /// Deletes what a packet is found by (`ip_set_del`), likewise.
    pub(crate) fn delete(
        &mut self,
        place: usize,
        query: &Query<'_>,
        skb: &Skb<'_>,
        now: Jiffies,
    ) -> Result<Changed, &'static str> {
        self.change(place, query, skb, now, &|set, ask, touch| {
            set.delete(ask, now, touch)
        })
    }

    fn change(
        &mut self,
        place: usize,
        query: &Query<'_>,
        skb: &Skb<'_>,
        now: Jiffies,
        work: &Work<'_>,
    ) -> Result<Changed, &'static str> {
        let Some(Some(set)) = self.sets.get_mut(place) else {
            return Err(NOT_GIVEN);
        };
        if query.sides.len() < set.kind.dimensions() || !set.takes(skb.packet.family()) {
            return Ok(Changed::No);
        }
        if set.kind == SetKind::ListSet {
            let members = set.members.clone();
            for (index, member) in members.into_iter().enumerate() {
                let list = self.sets.get(place).and_then(Option::as_ref);
                if list.is_none_or(|list| list.member_expired(index, now)) {
                    continue;
                }
                match self.change(member, query, skb, now, work)? {
                    Changed::No => {}
                    changed => return Ok(changed),
                }
            }
            return Ok(Changed::No);
        }
        let ask = match Ask::of(set.kind, &set.options, query, skb) {
            Ok(ask) => ask,
            Err(Missing::NotThere) => return Ok(Changed::No),
            Err(Missing::Unknown(why)) => return Err(why),
        };
        let journal = &mut self.journal;
        Ok(work(set, &ask, &mut |touched| {
            journal.note(|| (place, touched));
        }))
    }

    fn takes_nomatch(&self, place: usize) -> bool {
        let set = self.sets.get(place).and_then(Option::as_ref);
        set.is_some_and(|set| set.kind.takes_nomatch())
    }

    fn find(
        &mut self,
        place: usize,
        query: &Query<'_>,
        skb: &Skb<'_>,
        now: Jiffies,
    ) -> Result<Found, &'static str> {
        let Some(Some(set)) = self.sets.get_mut(place) else {
            return Ok(Found::Nothing);
        };
        let ask = match Ask::of(set.kind, &set.options, query, skb) {
            Ok(ask) => ask,
            Err(Missing::NotThere) => return Ok(Found::Nothing),
            Err(Missing::Unknown(why)) => return Err(why),
        };
        let journal = &mut self.journal;
        Ok(set.find(&ask, query, now, |touched| {
            journal.note(|| (place, touched));
        }))
    }

    /// The first member that has the packet; a member's own counters are not compared.
    fn test_list(
        &mut self,
        place: usize,
        query: &Query<'_>,
        skb: &Skb<'_>,
        now: Jiffies,
    ) -> Result<Option<SkbInfo>, &'static str> {
        let members = match self.sets.get(place) {
            Some(Some(set)) => set.members.clone(),
            _ => return Ok(None),
        };
        let inner = Query {
            packets: None,
            bytes: None,
            update_counters: query.update_counters && query.update_subcounters,
            ..*query
        };
        for (index, member) in members.into_iter().enumerate() {
            let Some(Some(set)) = self.sets.get_mut(place) else {
                break;
            };
            if set.member_expired(index, now) {
                continue;
            }
            let Some(given) = self.look_up(member, &inner, skb, now)? else {
                continue;
            };
            let journal = &mut self.journal;
            if let Some(Some(set)) = self.sets.get_mut(place)
                && let Some(own) = set.member_passes(index, query, |touched| {
                    journal.note(|| (place, touched));
                })
            {
                return Ok(Some(if set.options.skbinfo { own } else { given }));
            }
        }
        Ok(None)
    }
}

impl Rewind for Sets {
    fn checkpoint(&mut self) {
        self.journal.start();
    }

    fn rollback(&mut self) {
        for (place, touched) in self.journal.take().into_iter().rev() {
            if let Some(Some(set)) = self.sets.get_mut(place) {
                set.restore(touched);
            }
        }
    }

    fn commit(&mut self) {
        self.journal.stop();
    }
}
