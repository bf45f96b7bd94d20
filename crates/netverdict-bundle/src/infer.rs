//! What the files leave open, filled in from the rules, the captures and the kernel's defaults. One module a subject; each
//! states what it assumed.

use netverdict_host::{Host, HostFacts};
use netverdict_net::{Family, MacAddr};
use netverdict_ruleset::Ruleset;

use crate::{Assumption, Bundle, BundleError, Overrides, Own, Survey};

mod addresses;
mod bridges;
mod direction;
mod files;
mod groups;
mod helpers;
mod history;
mod interfaces;
mod macs;
mod others;
mod routes;
mod rules;
mod sysctls;

/// A host complete enough to replay on.
#[derive(Debug, Clone)]
pub struct Inferred {
    /// The host.
    pub host: Host,
    /// What placing frames needs beyond it.
    pub own: Own,
    /// Everything taken for granted, in a fixed order.
    pub assumptions: Vec<Assumption>,
}

/// What the inferences work on.
struct Work<'a> {
    bundle: &'a Bundle,
    rulesets: &'a [&'a Ruleset],
    survey: &'a Survey,
    overrides: &'a Overrides,
    facts: HostFacts,
    macs: Vec<MacAddr>,
    macs_complete: bool,
    assumptions: Vec<Assumption>,
}

/// Completes what `bundle` says, by its parsed rules and a survey of the captures (empty where there are none).
///
/// # Errors
/// A `--set` argument is no setting.
pub fn infer(
    bundle: &Bundle,
    rulesets: &[&Ruleset],
    survey: &Survey,
    overrides: &Overrides,
) -> Result<Inferred, BundleError> {
    let mut work = Work {
        bundle,
        rulesets,
        survey,
        overrides,
        facts: HostFacts::default(),
        macs: Vec::new(),
        macs_complete: false,
        assumptions: Vec::new(),
    };
    sysctls::infer(&mut work)?;
    interfaces::infer(&mut work);
    bridges::infer(&mut work);
    macs::infer(&mut work);
    addresses::infer(&mut work);
    groups::infer(&mut work);
    routes::infer(&mut work);
    rules::infer(&mut work);
    direction::infer(&mut work);
    files::infer(&mut work);
    history::infer(&mut work);
    helpers::infer(&mut work);
    others::infer(&mut work);
    let mut captured: Vec<_> = survey.named().collect();
    captured.extend(overrides.interface);
    captured.sort_unstable();
    captured.dedup();
    work.macs.sort_unstable();
    work.macs.dedup();
    Ok(Inferred {
        own: Own {
            interface: overrides.interface,
            direction: overrides.direction,
            macs: work.macs,
            macs_complete: work.macs_complete,
            captured,
        },
        host: Host::new(work.facts),
        assumptions: work.assumptions,
    })
}

impl Work<'_> {
    fn assume(&mut self, assumption: Assumption) {
        self.assumptions.push(assumption);
    }

    /// The families that rules or captures speak of.
    fn families(&self) -> Vec<Family> {
        let all = Family::ALL.into_iter();
        all.filter(|f| self.concerns(*f)).collect()
    }

    /// Whether packets of the family occur at all, in rules or captures.
    fn concerns(&self, family: Family) -> bool {
        self.rulesets.iter().any(|r| r.family == family)
            || self
                .survey
                .interfaces
                .values()
                .any(|s| s.addresses.keys().any(|a| Family::of(*a) == family))
    }
}

/// `a, b and c`; a long list ends in how many more there are.
fn list<T: ToString>(items: &[T]) -> String {
    const SHOWN: usize = 6;
    let mut shown: Vec<String> = items.iter().take(SHOWN).map(ToString::to_string).collect();
    if items.len() > SHOWN {
        shown.push(format!("{} more", items.len() - SHOWN));
    }
    match shown.split_last() {
        Some((last, [])) => last.clone(),
        Some((last, rest)) => format!("{} and {last}", rest.join(", ")),
        None => String::new(),
    }
}

#[cfg(test)]
mod tests;
