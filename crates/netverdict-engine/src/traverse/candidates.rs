//! The rules of a chain that may match the packet under way, in order.

use smallvec::SmallVec;

use super::basics::View;
use crate::Skb;
use crate::compile::{ChainProgram, Fields, Places, TableProgram};

/// What is known of the chain that a traversal is in.
#[derive(Debug, Default)]
pub(super) struct Candidates<'t> {
    chain: Option<&'t ChainProgram>,
    /// Lists of places, each from the last answer on; `None` where every rule is one.
    lists: Option<SmallVec<[Places<'t>; 8]>>,
    /// The last answer.
    reached: usize,
}

impl<'t> Candidates<'t> {
    /// The next place at or behind `place` whose rule may match; at the latest the chain's end. What is passed over an
    /// evaluation would leave without a trace.
    pub(super) fn next(
        &mut self,
        table: &'t TableProgram,
        place: usize,
        skb: &Skb<'_>,
        view: &View,
    ) -> usize {
        let inside = self.chain.is_some_and(|chain| {
            (chain.first..=chain.end).contains(&place) && place >= self.reached
        });
        if !inside {
            self.enter(table, place, skb, view);
        }
        let (Some(chain), Some(lists)) = (self.chain, &mut self.lists) else {
            return place;
        };
        let mut next = chain.end;
        for list in lists {
            let behind = list.partition_point(|at| (*at as usize) < place);
            *list = list.get(behind..).unwrap_or_default();
            if let Some(first) = list.first() {
                next = next.min(*first as usize);
            }
        }
        self.reached = next;
        next
    }

    /// What the look-ups went by has changed.
    pub(super) fn forget(&mut self) {
        self.chain = None;
    }

    fn enter(&mut self, table: &'t TableProgram, place: usize, skb: &Skb<'_>, view: &View) {
        self.chain = table.chain_at(place);
        self.reached = 0;
        self.lists = self.chain.and_then(|chain| {
            let index = chain.index.as_ref()?;
            let fields = Fields::of(skb, view.source, view.destination)?;
            let mut lists = SmallVec::new();
            index.find(&fields, &mut lists);
            Some(lists)
        });
    }
}
