//! What the rules' matches remember between packets, with its own slot for each and shared tables by name.

use super::Rewind;
use super::connlimit::ConnCounts;
use super::hashlimit::HashlimitTables;
use super::recent::RecentLists;
use super::sets::Sets;
use super::slots::Slots;

/// Every store of the matches.
#[derive(Debug, Clone, Default)]
pub(crate) struct RuleState {
    /// One slot for each match that keeps something.
    pub(crate) slots: Slots,
    /// `recent` lists, by name.
    pub(crate) recent: RecentLists,
    /// `hashlimit` tables, by name and family.
    pub(crate) hashlimit: HashlimitTables,
    /// `connlimit` counts, one tree for each rule.
    pub(crate) connlimit: ConnCounts,
    /// ipsets, by name.
    pub(crate) sets: Sets,
}

impl Rewind for RuleState {
    fn checkpoint(&mut self) {
        self.slots.checkpoint();
        self.recent.checkpoint();
        self.hashlimit.checkpoint();
        self.connlimit.checkpoint();
        self.sets.checkpoint();
    }

    fn rollback(&mut self) {
        self.slots.rollback();
        self.recent.rollback();
        self.hashlimit.rollback();
        self.connlimit.rollback();
        self.sets.rollback();
    }

    fn commit(&mut self) {
        self.slots.commit();
        self.recent.commit();
        self.hashlimit.commit();
        self.connlimit.commit();
        self.sets.commit();
    }
}
