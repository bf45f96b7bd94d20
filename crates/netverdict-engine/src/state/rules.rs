//! What the rules' matches remember between packets, with its own slot for each and shared tables by name.

use netverdict_ruleset::fingerprints::Fingerprint;

use super::Rewind;
use super::accounts::Accounts;
use super::connlimit::ConnCounts;
use super::estimators::Estimators;
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
    /// `nfacct` objects, by name.
    pub(crate) accounts: Accounts,
    /// Rate estimators, by name.
    pub(crate) estimators: Estimators,
    /// ipsets, by name.
    pub(crate) sets: Sets,
    /// What `osf` compares with; `None` where nobody tells. Nothing changes it.
    pub(crate) fingerprints: Option<Vec<Fingerprint>>,
}

impl RuleState {
    fn stores(&mut self) -> [&mut dyn Rewind; 7] {
        [
            &mut self.slots,
            &mut self.recent,
            &mut self.hashlimit,
            &mut self.connlimit,
            &mut self.accounts,
            &mut self.estimators,
            &mut self.sets,
        ]
    }
}

impl Rewind for RuleState {
    fn checkpoint(&mut self) {
        self.stores().into_iter().for_each(Rewind::checkpoint);
    }

    fn rollback(&mut self) {
        self.stores().into_iter().for_each(Rewind::rollback);
    }

    fn commit(&mut self) {
        self.stores().into_iter().for_each(Rewind::commit);
    }
}
