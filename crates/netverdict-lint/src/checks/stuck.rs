//! NV101, NV102, NV103, NV104, NV106, NV107: rules that are never hit, and rules without which nothing would change.

use netverdict_ruleset::{Chain, ChainId, Rule, Target};

use crate::algebra::Full;
use crate::catalogue::{AFTER_VERDICT, COVERED, FOREIGN, NEVER_TRUE, REDUNDANT, UNREACHABLE_CHAIN};
use crate::checks::Examined;
use crate::cover::{Cover, Covers};
use crate::effects::{self, Step};
use crate::reach::{ChainReach, Reach};
use crate::{Finding, Severity, names, same};

pub(super) fn check(examined: &Examined<'_>, reach: &Reach, findings: &mut Vec<Finding>) {
    let mut covers = Covers::new(reach);
    for (id, chain) in examined.table.chains() {
        let Some(reached) = reach.chain(id) else {
            continue;
        };
        let stuck = Stuck {
            examined,
            reach,
            id,
            chain,
            reached,
        };
        let first = findings.len();
        // A diagram that has no room left for an explanation leaves the rest unsaid.
        let _ = stuck.check(&mut covers, findings);
        if names::is_managed(&chain.name) {
            for finding in findings.iter_mut().skip(first) {
                *finding = left_to_its_program(finding.clone());
            }
        }
    }
    let redundant = same::redundant(examined.table, reach).unwrap_or_default();
    let by_policy = |id: ChainId| {
        let here = redundant.iter().filter(move |r| r.chain == id);
        here.filter(|r| r.by.is_empty() && r.by_policy)
    };
    for (id, _) in examined.table.chains() {
        if by_policy(id).count() > FEW {
            findings.extend(left_to_policy(examined, id, by_policy(id)));
        }
    }
    for rule in &redundant {
        let told = rule.by.is_empty() && rule.by_policy && by_policy(rule.chain).count() > FEW;
        if !told {
            findings.extend(self::redundant(examined, rule));
        }
    }
}

/// A finding in a chain whose rules another program writes: nobody means to mend them by hand.
fn left_to_its_program(finding: Finding) -> Finding {
    finding
        .severity(Severity::Note)
        .suggest("Leave it to the program that writes this chain's rules.")
}

/// So many rules of a chain that its policy makes redundant are told one by one.
const FEW: usize = 3;

/// One finding for all rules of a chain that its policy makes redundant.
fn left_to_policy<'r>(
    examined: &Examined<'_>,
    id: ChainId,
    mut rules: impl Iterator<Item = &'r same::Redundant>,
) -> Option<Finding> {
    let first = rules.next()?.index;
    let count = rules.count() + 1;
    let name = examined.name(id);
    Some(
        Finding::new(
            REDUNDANT,
            examined.place(id, first),
            format!("{count} rules of {name} change nothing: the policy does the same"),
        )
        .label(format!("this one and {} behind it", names::count(count - 1, "rule")))
        .because("What these rules take meets the same verdict by the policy, and nothing else behind them.")
        .suggest("Remove them, or keep them for their counters and say so in a comment."),
    )
}

/// One chain's dead rules.
struct Stuck<'c> {
    examined: &'c Examined<'c>,
    reach: &'c Reach,
    id: ChainId,
    chain: &'c Chain,
    reached: &'c ChainReach,
}

impl Stuck<'_> {
    fn check(&self, covers: &mut Covers<'_>, findings: &mut Vec<Finding>) -> Result<(), Full> {
        let mut dead = Vec::new();
        for (index, (rule, here)) in self.chain.rules.iter().zip(&self.reached.rules).enumerate() {
            if !here.is_dead() {
                continue;
            }
            if here.meaning.may.is_empty() {
                findings.push(self.contradiction(index));
            } else {
                dead.push((index, rule, here));
            }
        }
        if self.reached.entry.is_empty() {
            findings.extend(self.unreachable_chain());
            return Ok(());
        }
        let full = self.full_stop(covers)?;
        let mut behind = 0;
        for (index, rule, here) in dead {
            if !here.is_tested
                && let Some(stop) = full
            {
                if behind == 0 {
                    findings.push(self.behind(stop, index));
                }
                behind += 1;
            } else if !self.reached.entry.meets(&here.meaning.may)? {
                findings.push(self.foreign(index));
            } else {
                let cover = covers.of(self.id, self.chain, index)?;
                findings.push(self.covered(index, rule, &cover));
            }
        }
        Ok(())
    }

    /// The rule that lets nothing by whatever came before, if there is one.
    fn full_stop(&self, _: &Covers<'_>) -> Result<Option<usize>, Full> {
        let Some(first) = self.reached.rules.iter().position(|r| !r.is_tested) else {
            return Ok(None);
        };
        let Some(last) = first.checked_sub(1) else {
            return Ok(None);
        };
        let (Some(rule), Some(here)) = (self.chain.rules.get(last), self.reached.rules.get(last))
        else {
            return Ok(None);
        };
        let stops = self.reach.stops(effects::step(rule), &here.meaning)?;
        Ok(self.reached.entry.is_within(&stops)?.then_some(last))
    }

    fn behind(&self, stop: usize, first: usize) -> Finding {
        let count = self.chain.rules.len() - first;
        let rule = self.chain.rules.get(stop);
        let action = rule.map_or_else(String::new, |r| self.examined.action(r));
        let are = if count == 1 { "rule is" } else { "rules are" };
        let finding = Finding::new(
            AFTER_VERDICT,
            self.examined.place(self.id, first),
            format!(
                "{count} {are} behind one of {} that lets no packet by",
                self.examined.name(self.id)
            ),
        )
        .label(if count == 1 {
            "never tested".to_owned()
        } else {
            format!("rules {} to {} are never tested", first + 1, first + count)
        })
        .because(format!(
            "Rule {} takes every packet that comes into the chain ({action}). What is behind it never has a say.",
            stop + 1
        ))
        .suggest("Move the rules before it, or remove them.");
        finding.related(
            self.examined.place(self.id, stop),
            format!("takes every packet: {action}"),
        )
    }

    fn contradiction(&self, index: usize) -> Finding {
        Finding::new(
            NEVER_TRUE,
            self.examined.place(self.id, index),
            format!(
                "rule {} of {} can never match: its tests exclude each other",
                index + 1,
                self.examined.name(self.id)
            ),
        )
        .label("no packet passes all of these tests")
        .because("Every test of a rule must hold. No packet passes all of this rule's.")
        .suggest("Split it into several rules if either test was meant, or remove the wrong one.")
    }

    fn foreign(&self, index: usize) -> Finding {
        let mut finding = Finding::new(
            FOREIGN,
            self.examined.place(self.id, index),
            format!(
                "rule {} of {} is about packets that never come there",
                index + 1,
                self.examined.name(self.id)
            ),
        )
        .label("no packet that comes here is one of these")
        .suggest("Move the rule to a chain where such packets come by, or remove it.");
        if self.chain.hook().is_some() {
            let nat = self.examined.table.kind == netverdict_ruleset::TableKind::Nat;
            return finding.because(if nat {
                "The nat table sees only the packet that begins a connection: its state is NEW, or RELATED for one that \
                 was announced. No other packet is ever looked up in it."
            } else {
                "No packet at this hook passes the rule's tests: there is no out-interface before routing, and no \
                 in-interface for packets that the host itself sends."
            });
        }
        finding = finding.because(
            "The rules that lead to the chain, and those before them, let only other packets come here, at the hooks that the \
             chain is reached from.",
        );
        self.callers(finding)
    }

    /// Names the rules that lead to the chain, at most a few.
    fn callers(&self, mut finding: Finding) -> Finding {
        for (caller, index, _) in names::callers(self.examined.table, self.id).take(4) {
            finding = finding.related(self.examined.place(caller, index), "leads to the chain");
        }
        finding
    }

    fn unreachable_chain(&self) -> Option<Finding> {
        if self.chain.hook().is_some() || self.chain.rules.is_empty() {
            return None;
        }
        // A chain that nothing leads to is another finding, and so is all below it.
        let mut callers = names::callers(self.examined.table, self.id);
        let entered = callers.any(|(caller, ..)| {
            let chain = self.reach.chain(caller);
            chain.is_some_and(|c| !c.entry.is_empty())
        });
        if !entered {
            return None;
        }
        let finding = Finding::new(
            UNREACHABLE_CHAIN,
            self.examined
                .dump
                .chain(self.examined.table, self.chain, false),
            format!("no packet ever comes into chain {}", self.chain.name),
        )
        .label(format!(
            "{}, never entered",
            names::count(self.chain.rules.len(), "rule")
        ))
        .because("Rules lead to the chain, but no packet can match any of them.")
        .suggest("Put right what keeps packets from the rules that lead here.");
        Some(self.callers(finding))
    }

    fn covered(&self, index: usize, rule: &Rule, cover: &Cover) -> Finding {
        let name = self.examined.name(self.id);
        let action = self.examined.action(rule);
        let earlier = cover.rules.iter().filter_map(|i| self.chain.rules.get(*i));
        let others = earlier.filter(|r| !is_same(r, rule));
        // What a chain does with them is its own business: it may well be the same.
        let (mut jumps, mut verdicts) = (false, false);
        for other in others {
            match other.target {
                Some(Target::Jump(_) | Target::Goto(_)) => jumps = true,
                _ => verdicts = true,
            }
        }
        let by = names::rules(&cover.rules);
        let title = if cover.rules.is_empty() {
            format!(
                "rule {} of {name} can never match: nothing is left for it",
                index + 1
            )
        } else {
            format!(
                "rule {} of {name} can never match: {by} take{} every packet",
                index + 1,
                if cover.rules.len() == 1 { "s" } else { "" }
            )
        };
        let mut finding = Finding::new(COVERED, self.examined.place(self.id, index), title)
            .label(format!("never hit ({action})"));
        finding = if jumps && !verdicts {
            finding
                .because("Earlier rules take every packet that this rule is about into chains that do not give them back.")
                .suggest(format!("Remove the rule, unless it is meant to do something else than {by}: then move it before."))
        } else if verdicts {
            finding
                .because(format!(
                    "Packets that this rule would {} meet an earlier rule that does something else, every one of them.",
                    if action == "ACCEPT" || action == "DROP" || action == "REJECT" { action.as_str() } else { "take" }
                ))
                .suggest(format!("Move the rule before {by} if it is meant to hold, else remove it."))
        } else {
            finding
                .severity(Severity::Note)
                .because(
                    "Earlier rules already do the same with every packet that this rule is about.",
                )
                .suggest("Remove the rule: nothing changes without it.")
        };
        if !cover.suffices {
            finding.explanation.push_str(
                " The rules named take a part; the rest is taken by what rules before them and in calling chains leave.",
            );
        }
        for earlier in cover.rules.iter().take(8) {
            let action = earlier_action(self, *earlier);
            finding = finding.related(
                self.examined.place(self.id, *earlier),
                format!("takes them: {action}"),
            );
        }
        finding
    }
}

fn earlier_action(stuck: &Stuck<'_>, index: usize) -> String {
    let rule = stuck.chain.rules.get(index);
    rule.map_or_else(String::new, |r| stuck.examined.action(r))
}

/// Whether two rules do the same with a packet.
fn is_same(earlier: &Rule, rule: &Rule) -> bool {
    earlier.target == rule.target
        || (effects::step(earlier) == Step::Return && effects::step(rule) == Step::Return)
}

fn redundant(examined: &Examined<'_>, found: &same::Redundant) -> Option<Finding> {
    let chain = examined.table.chain(found.chain)?;
    let rule = chain.rules.get(found.index)?;
    let action = examined.action(rule);
    let mut by = Vec::new();
    if !found.by.is_empty() {
        by.push(names::rules(&found.by));
    }
    if found.by_policy {
        by.push("the policy".to_owned());
    }
    if by.is_empty() {
        by.push("what follows".to_owned());
    }
    let by = by.join(" and ");
    let does = if found.by.len() + usize::from(found.by_policy) <= 1 {
        "does"
    } else {
        "do"
    };
    let mut finding = Finding::new(
        REDUNDANT,
        examined.place(found.chain, found.index),
        format!(
            "rule {} of {} changes nothing: {by} {does} the same",
            found.index + 1,
            examined.name(found.chain)
        ),
    )
    .label(format!("{action} all the same without it"))
    .because("Every packet that the rule takes would meet the same verdict without it, and nothing else.")
    .suggest("Remove it, or keep it for its counter and say so in a comment.");
    for later in &found.by {
        let action = chain
            .rules
            .get(*later)
            .map_or_else(String::new, |r| match &r.target {
                Some(Target::Jump(_)) => examined.action(r),
                _ => format!("the same: {}", examined.action(r)),
            });
        finding = finding.related(examined.place(found.chain, *later), action);
    }
    Some(finding)
}
