//! One table's traversal (`ipt_do_table`, `ip6t_do_table`).

mod basics;
mod candidates;

use netverdict_net::Family;
use netverdict_net::header::{ipv4_fragment, network_header_len, next_protocol};
use netverdict_ruleset::{Backend, Hook, Policy, Target};
use smallvec::SmallVec;

use crate::compile::{CompiledRule, Step, TableProgram};
use crate::context::{Action, Eval, MatchCx, Param, TargetCx};
use crate::observe::{Answer, Event};
use crate::walk::Walk;
use crate::{Reason, RuleRef, UnknownPolicy, matches, targets};

use basics::View;
use candidates::Candidates;

/// What a table says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Says {
    Accept,
    Drop,
    Reject,
    Queue { bypass: bool },
    Stolen,
}

/// A table's decision and who took it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Ruling {
    pub(crate) says: Says,
    pub(crate) rule: Option<RuleRef>,
    pub(crate) reason: Option<Reason>,
}

/// How one rule went.
enum Tried {
    /// A test failed: the next rule's turn.
    Left,
    /// All tests held; the flag says that the packet is dropped whatever the rule does.
    Matched(bool),
    /// The packet is dropped at once.
    Hotdrop,
}

/// Where a traversal stands.
struct Stand<'t> {
    param: Param,
    view: View,
    place: usize,
    candidates: Candidates<'t>,
    /// The place behind each jump that has not returned.
    stack: SmallVec<[usize; 16]>,
}

/// What a matched rule leads to.
enum Next {
    /// To a place.
    Go(usize),
    /// The table has decided.
    Done(Says, Option<Reason>),
}

impl Walk<'_, '_> {
    /// Runs the packet through a table from its built-in chain at `hook`.
    pub(crate) fn consult(&mut self, table: &TableProgram, hook: Hook) -> Ruling {
        let kind = table.kind;
        let Some((base, chain)) = table
            .base(hook)
            .and_then(|base| Some((base, table.chains.get(base as usize)?)))
        else {
            return accept_unasked();
        };
        self.tape.show(|| Event::Table {
            table: kind,
            hook,
            chain: base,
        });
        let mut stand = Stand {
            param: self.param(hook),
            view: View::of(&self.skb.packet),
            place: chain.first,
            candidates: Candidates::default(),
            stack: SmallVec::new(),
        };
        loop {
            // Who looks on sees every rule tried.
            if !self.tape.is_on() {
                let from = stand.place;
                stand.place = stand.candidates.next(table, from, &self.skb, &stand.view);
            }
            let Some(rule) = table.rule(stand.place) else {
                return accept_unasked();
            };
            let by = |says, reason| Ruling {
                says,
                rule: Some(rule.rule),
                reason,
            };
            let hotdrop = match self.attempt(table, rule, &mut stand) {
                Tried::Left => {
                    stand.place += 1;
                    continue;
                }
                Tried::Hotdrop => return by(Says::Drop, Some(Reason::Hotdrop)),
                Tried::Matched(hotdrop) => hotdrop,
            };
            let next = self.perform(table, rule, &mut stand, chain.end);
            match next {
                // The kernel looks at hotdrop only after the target has worked.
                _ if hotdrop => return by(Says::Drop, Some(Reason::Hotdrop)),
                Next::Go(place) => stand.place = place,
                Next::Done(says, reason) => return by(says, reason),
            }
        }
    }

    fn param(&self, hook: Hook) -> Param {
        let family = self.program.family;
        let packet = &self.skb.packet;
        let v4 = family == Family::V4;
        let param = Param {
            family,
            hook,
            ports: self.program.ports,
            fragment_offset: ipv4_fragment(packet).0,
            transport_offset: if v4 { network_header_len(packet) } else { 0 },
            protocol: v4.then(|| next_protocol(packet)),
        };
        match self.program.backend {
            Backend::Nft if !v4 => basics::nft_param(packet, param),
            _ => param,
        }
    }

    /// Makes a rule's tests, left to right, and counts the packet if all hold.
    fn attempt(
        &mut self,
        table: &TableProgram,
        rule: &CompiledRule,
        stand: &mut Stand<'_>,
    ) -> Tried {
        if matches!(rule.step, Step::End) {
            return Tried::Matched(false);
        }
        match self.basics(rule, stand) {
            Tried::Matched(_) => {}
            other => return other,
        }
        let mut hotdrop = false;
        let tests = table.matches.get(rule.matches.clone()).unwrap_or_default();
        for (index, test) in (0..).zip(tests) {
            let mut cx = MatchCx {
                skb: &mut self.skb,
                param: stand.param,
                now: self.now,
                host: self.host,
                config: self.config,
                state: self.state,
                slot: test.slot,
            };
            let eval = matches::evaluate(&test.test, &mut cx);
            self.recorder.ask(&test.test);
            self.show_match(rule.rule, index, &eval);
            match eval {
                Eval::True => {}
                Eval::False => return if hotdrop { Tried::Hotdrop } else { Tried::Left },
                Eval::Hotdrop(false) => return Tried::Hotdrop,
                // nft_compat drops before the rule counts (`nft_match_eval`).
                Eval::Hotdrop(true) if self.program.backend == Backend::Nft => {
                    return Tried::Hotdrop;
                }
                Eval::Hotdrop(true) => hotdrop = true,
                Eval::Unknown(why) => {
                    let unknown = self.unknown(Some(rule.rule), Some(index), why);
                    if !self.oracle.ask_match(self.config, unknown) {
                        return if hotdrop { Tried::Hotdrop } else { Tried::Left };
                    }
                }
            }
        }
        self.count(table.counter(stand.place));
        self.tape.show(|| Event::RuleMatched {
            rule: rule.rule,
            skb: &self.skb,
        });
        Tried::Matched(hotdrop)
    }

    fn show_match(&mut self, rule: RuleRef, index: u32, eval: &Eval) {
        self.tape.show(|| {
            let (answer, why) = match eval {
                Eval::True => (Answer::True, ""),
                Eval::False => (Answer::False, ""),
                Eval::Hotdrop(_) => (Answer::Hotdrop, ""),
                Eval::Unknown(why) => (Answer::Unknown, why.as_ref()),
            };
            Event::Match {
                rule,
                index,
                answer,
                why,
            }
        });
    }

    /// Does what a matched rule does.
    fn perform(
        &mut self,
        table: &TableProgram,
        rule: &CompiledRule,
        stand: &mut Stand<'_>,
        policy: usize,
    ) -> Next {
        match &rule.step {
            Step::Count => Next::Go(stand.place + 1),
            Step::Accept => Next::Done(Says::Accept, None),
            Step::Drop => Next::Done(Says::Drop, None),
            Step::Queue => Next::Done(Says::Queue { bypass: false }, None),
            Step::Return => self.go_back(rule, Some(rule.rule), stand, policy),
            Step::End if stand.place == policy => self.policy(table, rule, policy),
            Step::End => self.go_back(rule, None, stand, policy),
            Step::Jump { chain, first, goto } => {
                self.tape.show(|| Event::Enter {
                    chain: *chain,
                    goto: *goto,
                });
                // The kernel's stack has room for every user chain, and one more.
                if !goto && stand.stack.len() > table.chains.len() {
                    return Next::Done(Says::Drop, Some(Reason::JumpStack));
                }
                if !goto {
                    stand.stack.push(stand.place + 1);
                }
                Next::Go(*first)
            }
            Step::Target { target, slot } => {
                let action = self.work(rule.rule, target, *slot, stand, None);
                self.act(rule.rule, action, stand)
            }
        }
    }

    /// Lets a target work, and again with an answer if it asks.
    fn work(
        &mut self,
        rule: RuleRef,
        target: &Target,
        slot: usize,
        stand: &Stand<'_>,
        answer: Option<u8>,
    ) -> Action {
        let mut notes = Vec::new();
        let mut cx = TargetCx {
            skb: &mut self.skb,
            param: stand.param,
            now: self.now,
            host: self.host,
            config: self.config,
            state: self.state,
            slot,
            answer,
            watched: self.tape.is_on(),
            notes: &mut notes,
        };
        let action = targets::apply(target, &mut cx);
        self.recorder.work(target);
        self.take_notes(rule, notes);
        match action {
            Action::Ask { ways, why } if answer.is_none() => {
                let unknown = self.unknown(Some(rule), None, why);
                let by_policy = u8::from(self.config.unknown == UnknownPolicy::Match);
                let answer = self.oracle.ask(ways, by_policy, unknown);
                self.work(rule, target, slot, stand, Some(answer))
            }
            action => action,
        }
    }

    /// Turns a target's answer into the traversal's next step.
    fn act(&mut self, rule: RuleRef, action: Action, stand: &mut Stand<'_>) -> Next {
        match action {
            Action::Continue => {
                // Only now are the addresses that later rules test read again.
                stand.view = View::of(&self.skb.packet);
                stand.candidates.forget();
                Next::Go(stand.place + 1)
            }
            Action::Accept => Next::Done(Says::Accept, None),
            Action::Drop(reason) => Next::Done(Says::Drop, reason),
            Action::Reject => Next::Done(Says::Reject, None),
            Action::Queue { bypass } => Next::Done(Says::Queue { bypass }, None),
            Action::Stolen(reason) => Next::Done(Says::Stolen, Some(reason)),
            Action::Ask { .. } => Next::Go(stand.place + 1),
            Action::Unknown(why) => {
                let unknown = self.unknown(Some(rule), None, why);
                match self.oracle.ask(3, 0, unknown) {
                    1 => Next::Done(Says::Accept, None),
                    2 => Next::Done(Says::Drop, None),
                    _ => Next::Go(stand.place + 1),
                }
            }
        }
    }

    /// RETURN, or the end of a user chain: behind the last jump, or to the built-in chain's policy.
    fn go_back(
        &mut self,
        rule: &CompiledRule,
        by: Option<RuleRef>,
        stand: &mut Stand<'_>,
        policy: usize,
    ) -> Next {
        self.tape.show(|| Event::Return {
            chain: rule.rule.chain,
            rule: by,
        });
        Next::Go(stand.stack.pop().unwrap_or(policy))
    }

    /// The built-in chain's policy decides, and counts.
    fn policy(&mut self, table: &TableProgram, rule: &CompiledRule, place: usize) -> Next {
        self.count(table.counter(place));
        self.tape.show(|| Event::Policy {
            rule: rule.rule,
            skb: &self.skb,
        });
        let chain = table.chains.get(rule.rule.chain as usize);
        match chain.and_then(|chain| chain.policy) {
            Some(Policy::Drop) => Next::Done(Says::Drop, None),
            Some(Policy::Accept) | None => Next::Done(Says::Accept, None),
        }
    }
}

const fn accept_unasked() -> Ruling {
    Ruling {
        says: Says::Accept,
        rule: None,
        reason: None,
    }
}

#[cfg(test)]
mod tests;
