//! NV215: a rule without any test that accepts.

use netverdict_ruleset::{Hook, Policy, TableKind, Target};

use crate::catalogue::ACCEPT_ALL;
use crate::checks::{Context, policies};
use crate::{Finding, same};

pub(super) fn check(context: &Context<'_>, findings: &mut Vec<Finding>) {
    for filter in context.of_kind(TableKind::Filter) {
        for hook in [Hook::Input, Hook::Forward] {
            let Some(id) = filter.table.base(hook) else {
                continue;
            };
            if hook == Hook::Forward && !policies::forwards(context, filter.dump.ruleset.family) {
                continue;
            }
            let Some(chain) = filter.table.chain(id) else {
                continue;
            };
            let bare = chain.rules.iter().enumerate().find(|(index, rule)| {
                rule.target == Some(Target::Accept)
                    && same::is_bare(rule)
                    && filter.is_live(id, *index)
            });
            let Some((index, _)) = bare else {
                continue;
            };
            let last = index + 1 == chain.rules.len();
            if last && chain.policy() == Some(Policy::Accept) {
                continue;
            }
            let behind = chain.rules.len() - index - 1;
            findings.push(
                Finding::new(
                    ACCEPT_ALL,
                    filter.place(id, index),
                    format!(
                        "rule {} of {} accepts every packet",
                        index + 1,
                        filter.name(id)
                    ),
                )
                .label("no test")
                .because(if behind == 0 {
                    "It undoes the policy behind it: whatever comes this far is accepted.".to_owned()
                } else {
                    format!("It undoes the policy and the {behind} rules behind it: whatever comes this far is accepted.")
                })
                .suggest("Remove it once the rules before it accept what is wanted."),
            );
        }
    }
}
