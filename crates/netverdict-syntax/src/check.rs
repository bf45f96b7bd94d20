//! What the kernel checks when a table is loaded: loops, and whether every match and target is legal where it can be
//! reached.

use netverdict_ruleset::matches::{AddrtypeLimit, Match, Policy, PolicyDirection, TcpFlags};
use netverdict_ruleset::targets::Tcpmss;
use netverdict_ruleset::{Backend, ChainKind, Hook, Rule, TableKind, Target};

use crate::command::Draft;
use crate::problem::{Code, Parsed, Problem, Span};
use crate::spec::{has_protocol, protocol_problem};
use crate::table::{Late, TableDraft};

/// A set of hooks, one bit each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Hooks(u8);

impl Hooks {
    const fn of(hook: Hook) -> Self {
        Self(1 << hook as u8)
    }

    fn all(hooks: &[Hook]) -> Self {
        let bits = hooks.iter().fold(0, |all, hook| all | Self::of(*hook).0);
        Self(bits)
    }

    /// The first hook that is not among `allowed`.
    fn beyond(self, allowed: &[Hook]) -> Option<Hook> {
        let rest = self.0 & !Self::all(allowed).0;
        Hook::ALL
            .into_iter()
            .find(|hook| rest & Self::of(*hook).0 != 0)
    }
}

/// Reports everything the kernel would refuse and takes it out of the table.
pub(crate) fn run(table: &mut TableDraft, late: &mut Vec<Late>) {
    break_loops(table, late);
    let reached = reach(table);
    let place = (table.kind, table.backend);
    for (chain, reached) in table.chains.iter_mut().zip(&reached) {
        let mut hooks = reached.iter();
        chain.rules.retain(|draft| {
            let hooks = hooks.next().copied().unwrap_or_default();
            match legal(draft, place, hooks) {
                Ok(()) => true,
                Err(problem) => {
                    late.push(refused(draft, problem));
                    false
                }
            }
        });
    }
}

fn refused(draft: &Draft, problem: Problem) -> Late {
    Late {
        line: draft.rule.line,
        problem,
        is_warning: false,
    }
}

/// Where a rule sends a packet within the table.
const fn next_chain(rule: &Rule) -> Option<usize> {
    match rule.target {
        Some(Target::Jump(id) | Target::Goto(id)) => Some(id.index()),
        _ => None,
    }
}

/// Whether nothing behind the rule is reached: the kernel's walk ends at a bare verdict.
fn ends_walk(rule: &Rule) -> bool {
    let verdict = matches!(
        rule.target,
        Some(Target::Accept | Target::Drop | Target::Return | Target::Queue)
    );
    verdict
        && rule.source.is_none()
        && rule.destination.is_none()
        && rule.in_interface.is_none()
        && rule.out_interface.is_none()
        && rule.protocol.is_none()
        && rule.fragment.is_none()
        && rule.matches.is_empty()
}

/// How many rules of a chain the kernel's walk visits.
fn walked(rules: &[Draft]) -> usize {
    let end = rules.iter().position(|draft| ends_walk(&draft.rule));
    end.map_or(rules.len(), |end| end + 1)
}

/// A chain on the way from a built-in one: where the walk is in it.
struct Step {
    chain: usize,
    rule: usize,
    /// How many of its rules are visited.
    walked: usize,
}

impl Step {
    fn into(table: &TableDraft, chain: usize) -> Self {
        Self {
            chain,
            rule: 0,
            walked: walked(&table.chains[chain].rules),
        }
    }
}

/// Takes out jumps that lead back to a chain on their own way (`mark_source_chains` refuses the table for them).
fn break_loops(table: &mut TableDraft, late: &mut Vec<Late>) {
    let mut done = vec![false; table.chains.len()];
    let mut on_way = vec![false; table.chains.len()];
    for base in 0..table.chains.len() {
        if matches!(table.chains[base].kind, ChainKind::Base { .. }) {
            walk_for_loops(table, base, &mut done, &mut on_way, late);
        }
    }
}

fn walk_for_loops(
    table: &mut TableDraft,
    base: usize,
    done: &mut [bool],
    on_way: &mut [bool],
    late: &mut Vec<Late>,
) {
    let mut way = vec![Step::into(table, base)];
    on_way[base] = true;
    while let Some(step) = way.last_mut() {
        let rules = &mut table.chains[step.chain].rules;
        if step.rule >= step.walked {
            on_way[step.chain] = false;
            done[step.chain] = true;
            way.pop();
            continue;
        }
        let at = step.rule;
        step.rule += 1;
        let Some(next) = next_chain(&rules[at].rule).filter(|next| !done[*next]) else {
            continue;
        };
        if on_way[next] {
            let draft = rules.remove(at);
            step.rule = at;
            step.walked -= 1;
            late.push(refused(&draft, loop_problem(&draft)));
        } else {
            on_way[next] = true;
            way.push(Step::into(table, next));
        }
    }
}

fn loop_problem(draft: &Draft) -> Problem {
    let name = draft.jump.as_ref().map(|jump| &jump.name);
    let message = match name {
        Some(name) => format!("the jump to `{}` makes a loop", name.text),
        None => "the jump makes a loop".to_owned(),
    };
    let problem = Problem::new(Code::Loop, message);
    match name {
        Some(name) => problem.at(name.span),
        None => problem,
    }
}

/// From which hooks each rule of each chain can be reached.
fn reach(table: &TableDraft) -> Vec<Vec<Hooks>> {
    let unreached = |chain: &crate::table::ChainDraft| vec![Hooks::default(); chain.rules.len()];
    let mut reached: Vec<_> = table.chains.iter().map(unreached).collect();
    for (base, chain) in table.chains.iter().enumerate() {
        let ChainKind::Base { hook, .. } = chain.kind else {
            continue;
        };
        let mut seen = vec![false; table.chains.len()];
        let mut todo = vec![base];
        while let Some(index) = todo.pop() {
            if std::mem::replace(&mut seen[index], true) {
                continue;
            }
            let rules = &table.chains[index].rules;
            for (draft, hooks) in rules.iter().zip(&mut reached[index]).take(walked(rules)) {
                hooks.0 |= Hooks::of(hook).0;
                todo.extend(next_chain(&draft.rule));
            }
        }
    }
    reached
}

fn legal(draft: &Draft, place: (TableKind, Option<Backend>), hooks: Hooks) -> Parsed<()> {
    let (table, backend) = place;
    for part in &draft.parts {
        let allowed = part.place.tables;
        if !allowed.is_empty() && !allowed.contains(&table) {
            let names: Vec<_> = allowed.iter().map(|t| t.name()).collect();
            let message = format!("{} cannot be used in the {table} table", part.name);
            return Err(Problem::new(Code::Place, message)
                .at(part.span)
                .expected(format!("the {} table", names.join(" or "))));
        }
        if !part.place.hooks.is_empty() {
            in_hooks(part.name, part.span, hooks, part.place.hooks)?;
        }
        let protocols = part.place.protocols;
        if !protocols.is_empty() && !has_protocol(draft.rule.protocol, protocols) {
            return Err(protocol_problem(part.name, protocols).at(part.span));
        }
    }
    matches_legal(draft, hooks)?;
    target_legal(draft, table, hooks)?;
    if backend == Some(Backend::Nft) {
        return Ok(());
    }
    syn_is_tested(draft)
}

fn in_hooks(name: &str, span: Span, hooks: Hooks, allowed: &[Hook]) -> Parsed<()> {
    let Some(beyond) = hooks.beyond(allowed) else {
        return Ok(());
    };
    let names: Vec<_> = allowed.iter().map(|hook| hook.chain_name()).collect();
    let message = format!("{name} cannot be used where {beyond} leads");
    Err(Problem::new(Code::Place, message)
        .at(span)
        .expected(format!("a way from {} only", names.join(", "))))
}

const IN: &[Hook] = &[Hook::Prerouting, Hook::Input, Hook::Forward];
const OUT: &[Hook] = &[Hook::Forward, Hook::Output, Hook::Postrouting];

/// What matches ask for only with certain options.
fn matches_legal(draft: &Draft, hooks: Hooks) -> Parsed<()> {
    for m in &draft.rule.matches {
        if !matches!(
            m,
            Match::Policy(_) | Match::Devgroup(_) | Match::Addrtype(_) | Match::Physdev(_)
        ) {
            continue;
        }
        let span = span_of(draft, m.name());
        match m {
            Match::Policy(policy) => policy_legal(policy, span, hooks)?,
            Match::Devgroup(groups) => {
                if groups.source.is_some() {
                    in_hooks("devgroup --src-group", span, hooks, IN)?;
                }
                if groups.destination.is_some() {
                    in_hooks("devgroup --dst-group", span, hooks, OUT)?;
                }
            }
            Match::Addrtype(types) => match types.limit {
                Some(AddrtypeLimit::In) => in_hooks("addrtype --limit-iface-in", span, hooks, IN)?,
                Some(AddrtypeLimit::Out) => {
                    in_hooks("addrtype --limit-iface-out", span, hooks, OUT)?;
                }
                None => {}
            },
            Match::Physdev(ports) => {
                let out = ports.output.is_some() || ports.is_out.is_some();
                if out && ports.is_bridged != Some(false) {
                    let but_output = [
                        Hook::Prerouting,
                        Hook::Input,
                        Hook::Forward,
                        Hook::Postrouting,
                    ];
                    in_hooks("physdev --physdev-out", span, hooks, &but_output)?;
                }
            }
            _ => {}
        }
    }
    Ok(())
}

fn policy_legal(policy: &Policy, span: Span, hooks: Hooks) -> Parsed<()> {
    match policy.direction {
        PolicyDirection::In => in_hooks("policy --dir in", span, hooks, IN),
        PolicyDirection::Out => in_hooks("policy --dir out", span, hooks, OUT),
    }
}

/// What targets ask for only with certain options.
fn target_legal(draft: &Draft, table: TableKind, hooks: Hooks) -> Parsed<()> {
    match &draft.rule.target {
        Some(Target::Tcpmss(change)) => {
            let span = span_of(draft, "TCPMSS");
            if *change == Tcpmss::ClampToPmtu {
                in_hooks("TCPMSS --clamp-mss-to-pmtu", span, hooks, OUT)?;
            }
            Ok(())
        }
        Some(Target::Set(set)) if set.map.is_some() => {
            let span = span_of(draft, "SET");
            if table != TableKind::Mangle {
                let message = format!("SET --map-set cannot be used in the {table} table");
                return Err(Problem::new(Code::Place, message)
                    .at(span)
                    .expected("the mangle table"));
            }
            if set.map_priority || set.map_queue {
                in_hooks("SET --map-prio or --map-queue", span, hooks, OUT)?;
            }
            Ok(())
        }
        _ => Ok(()),
    }
}

/// TCPMSS only works on SYN packets and wants the rule to say so; under nf_tables it cannot tell (tcpmss_tg4_check).
fn syn_is_tested(draft: &Draft) -> Parsed<()> {
    let is_syn = |m: &Match| match m {
        Match::Tcp(tcp) => !tcp.flags.inverted && tcp.flags.value.set & TcpFlags::SYN.set != 0,
        _ => false,
    };
    let is_mss = matches!(draft.rule.target, Some(Target::Tcpmss(_)));
    if !is_mss || draft.rule.matches.iter().any(is_syn) {
        return Ok(());
    }
    Err(
        Problem::new(Code::Combination, "TCPMSS works on SYN packets only")
            .at(span_of(draft, "TCPMSS"))
            .expected("`-m tcp --tcp-flags SYN,RST SYN` in this rule"),
    )
}

fn span_of(draft: &Draft, name: &str) -> Span {
    let part = draft.parts.iter().find(|part| part.name == name);
    part.map_or_else(Span::default, |part| part.span)
}
