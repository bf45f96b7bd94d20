//! NV105: chains that no rule leads to.

use crate::catalogue::UNREFERENCED_CHAIN;
use crate::checks::Examined;
use crate::{Finding, names};

pub(super) fn check(examined: &Examined<'_>, findings: &mut Vec<Finding>) {
    for (id, chain) in examined.table.chains() {
        if chain.hook().is_some()
            || names::is_managed(&chain.name)
            || names::callers(examined.table, id).next().is_some()
        {
            continue;
        }
        let rules = names::count(chain.rules.len(), "rule");
        let place = examined.dump.chain(examined.table, chain, false);
        findings.push(
            Finding::new(
                UNREFERENCED_CHAIN,
                place,
                format!("no rule leads to chain {}", chain.name),
            )
            .label(format!("{rules}, never entered"))
            .because("No rule of the table jumps or goes to the chain, so that its rules do nothing.")
            .suggest(format!(
                "Add the jump that is missing, or remove the chain with `iptables -t {} -X {}` after emptying it.",
                examined.table.kind, chain.name
            )),
        );
    }
}
