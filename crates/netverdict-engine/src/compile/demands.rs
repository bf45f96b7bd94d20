//! Which loaded extensions switch connection tracking and defragmentation on for their family.

use netverdict_ruleset::{Match, Ruleset, Target};

use crate::{About, Config};

/// What a family's loaded rules switch on for all its packets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Demands {
    /// The conntrack hooks (`nf_ct_netns_get`).
    pub(crate) tracking: bool,
    /// Defragmentation at -400.
    pub(crate) defrag: bool,
    /// Every connection counts packets and bytes: `connbytes` turns `nf_conntrack_acct` on.
    pub(crate) accounting: bool,
}

impl Demands {
    /// Looks through all rules. An empty nat table, or one of plain verdicts, asks for nothing.
    pub(crate) fn of(ruleset: &Ruleset, config: &Config) -> Self {
        let mut demands = Self {
            tracking: config.force_conntrack
                || config.facts.any(|about| *about == About::ConntrackOn),
            ..Self::default()
        };
        for (_, rule) in ruleset.rules() {
            rule.matches.iter().for_each(|m| demands.add_match(m));
            rule.target.iter().for_each(|t| demands.add_target(t));
        }
        demands.defrag |= demands.tracking;
        demands
    }

    fn add_match(&mut self, m: &Match) {
        match m {
            Match::Connbytes(_) => {
                self.tracking = true;
                self.accounting = true;
            }
            Match::Conntrack(_)
            | Match::Connmark(_)
            | Match::Connlimit(_)
            | Match::Connlabel(_)
            | Match::Helper(_)
            | Match::Cluster(_) => self.tracking = true,
            Match::Socket(_) => self.defrag = true,
            _ => {}
        }
    }

    fn add_target(&mut self, target: &Target) {
        match target {
            Target::Ct(ct) => self.tracking |= !ct.notrack,
            Target::Connmark(_)
            | Target::Connsecmark(_)
            | Target::Snat(_)
            | Target::Dnat(_)
            | Target::Masquerade(_)
            | Target::Redirect(_)
            | Target::Netmap(_)
            | Target::Synproxy(_) => self.tracking = true,
            Target::Tproxy(_) => self.defrag = true,
            _ => {}
        }
    }
}
