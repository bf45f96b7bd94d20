//! Policy rules: the files', else the kernel's defaults.

use netverdict_net::Family;

use super::Work;
use crate::{Assumption, Subject};

pub(super) fn infer(work: &mut Work<'_>) {
    work.facts.rules_v4.clone_from(&work.bundle.rules_v4);
    work.facts.rules_v6.clone_from(&work.bundle.rules_v6);
    for family in Family::ALL {
        let (rules, routes, file) = match family {
            Family::V4 => (&work.facts.rules_v4, &work.facts.routes_v4, "ip-rule.json"),
            Family::V6 => (&work.facts.rules_v6, &work.facts.routes_v6, "ip6-rule.json"),
        };
        // Where the routes are unknown, that says it all.
        if rules.is_none() && routes.is_some() && work.concerns(family) {
            work.assume(Assumption::new(
                Subject::PolicyRules,
                format!("{family} has no policy rules but the kernel's own"),
                file,
            ));
        }
    }
}
