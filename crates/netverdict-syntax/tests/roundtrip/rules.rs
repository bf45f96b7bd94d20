//! Strategies for rules and rulesets.

use netverdict_net::{Family, Protocol};
use netverdict_ruleset::{
    Chain, ChainId, ChainKind, Counters, FragmentTest, Hook, Invertible, Match, Policy, Rule,
    Ruleset, Table, TableKind, Target,
};
use proptest::collection::{btree_set, vec};
use proptest::prelude::*;

use super::values::*;
use super::{matches, targets};

/// A rule and the built-in chain it is legal in.
type Placed = (TableKind, Hook, Rule);

fn counters() -> impl Strategy<Value = Counters> {
    (any::<u64>(), any::<u64>()).prop_map(|(packets, bytes)| Counters { packets, bytes })
}

/// The tests that need no extension; interfaces only where the hook has them.
fn tests(family: Family) -> impl Strategy<Value = Rule> {
    let is_test = |a: &Option<Invertible<netverdict_net::AddrMask>>| {
        a.is_none_or(|a| a.inverted || !a.value.is_any())
    };
    let address = move || maybe(inv(net(family))).prop_filter("tests something", is_test);
    let fragment = match family {
        Family::V4 => maybe(one(&[FragmentTest::Later, FragmentTest::HeadOrWhole])).boxed(),
        Family::V6 => Just(None).boxed(),
    };
    let interface = || maybe(inv(interface()));
    (
        address(),
        address(),
        interface(),
        interface(),
        fragment,
        counters(),
    )
        .prop_map(
            |(source, destination, in_interface, out_interface, fragment, counters)| Rule {
                source,
                destination,
                in_interface,
                out_interface,
                fragment,
                counters,
                ..Rule::default()
            },
        )
}

fn fit(mut rule: Rule, hook: Hook) -> Rule {
    if matches!(hook, Hook::Prerouting | Hook::Input) {
        rule.out_interface = None;
    }
    if matches!(hook, Hook::Output | Hook::Postrouting) {
        rule.in_interface = None;
    }
    rule
}

fn with_protocol(rule: Rule, protocol: Option<Protocol>) -> Rule {
    Rule {
        protocol: protocol.map(Invertible::plain).or(rule.protocol),
        ..rule
    }
}

/// A rule for any chain of any table.
fn free(family: Family) -> impl Strategy<Value = Rule> {
    let protocol = maybe(inv((1..=255u8).prop_map(Protocol)));
    let bound = maybe(matches::of_protocol(family));
    (
        tests(family),
        protocol,
        bound,
        vec(matches::anywhere(family), 0..4),
        maybe(targets::anywhere()),
    )
        .prop_map(|(rule, protocol, bound, mut matches, target)| {
            let needed = bound.as_ref().map(|(protocol, _)| *protocol);
            matches.extend(bound.map(|(_, m)| m));
            with_protocol(
                Rule {
                    protocol,
                    matches,
                    target,
                    ..rule
                },
                needed,
            )
        })
}

/// A rule that is legal only in some chains.
fn placed(family: Family) -> BoxedStrategy<Placed> {
    let by_match = (tests(family), matches::placed(family)).prop_map(|(rule, (table, hook, m))| {
        let rule = Rule {
            matches: vec![m],
            ..rule
        };
        (table, hook, rule)
    });
    let by_target = (
        tests(family),
        targets::placed(family),
        vec(matches::anywhere(family), 0..2),
    )
        .prop_map(|(rule, (table, hook, protocol, target), matches)| {
            let rule = Rule {
                matches,
                target: Some(target),
                ..rule
            };
            (table, hook, with_protocol(rule, protocol))
        });
    prop_oneof![by_match, by_target].boxed()
}

/// Tables with rules in built-in chains, user chains without special rules, and jumps downwards only.
pub(crate) fn ruleset(family: Family) -> impl Strategy<Value = Ruleset> {
    let chain_names = btree_set("[b-z][A-Za-z0-9_:.,|@-]{0,27}", 0..4);
    let parts = (
        chain_names,
        vec(free(family), 0..8),
        vec(placed(family), 0..8),
        vec(any::<(u8, u8, bool)>(), 0..6),
    );
    (parts, any::<[bool; 5]>(), counters()).prop_map(
        move |((names, free, placed, jumps), drops, counters)| {
            let mut tables: Vec<Table> = TableKind::ALL.into_iter().map(Table::new).collect();
            for (table, drop) in tables.iter_mut().zip(drops) {
                set_policies(table, drop, counters);
                table
                    .chains
                    .extend(names.iter().map(|name| Chain::user(name.clone(), 0)));
            }
            spread(&mut tables, free, placed);
            for table in &mut tables {
                jump(table, &jumps);
            }
            Ruleset {
                family,
                tables,
                ..Ruleset::new(family)
            }
        },
    )
}

fn set_policies(table: &mut Table, drop: bool, given: Counters) {
    for chain in &mut table.chains {
        if let ChainKind::Base {
            policy, counters, ..
        } = &mut chain.kind
        {
            *policy = if drop && table.kind != TableKind::Nat {
                Policy::Drop
            } else {
                Policy::Accept
            };
            *counters = given;
        }
    }
}

fn spread(tables: &mut [Table], free: Vec<Rule>, placed: Vec<Placed>) {
    for (index, rule) in free.into_iter().enumerate() {
        let table = &mut tables[index % 5];
        let chain = index % table.chains.len();
        let chain = &mut table.chains[chain];
        let rule = chain.hook().map_or(rule.clone(), |hook| fit(rule, hook));
        chain.rules.push(rule);
    }
    for (kind, hook, rule) in placed {
        for table in tables.iter_mut().filter(|table| table.kind == kind) {
            if let Some(base) = table.base(hook) {
                table.chains[base.index()]
                    .rules
                    .push(fit(rule.clone(), hook));
            }
        }
    }
}

/// Jumps and gotos from each chain to a user chain behind it.
fn jump(table: &mut Table, jumps: &[(u8, u8, bool)]) {
    let bases = table.kind.hooks().len();
    let len = table.chains.len();
    for (from, to, is_goto) in jumps {
        let from = usize::from(*from) % len;
        let first = (from + 1).max(bases);
        if first >= len {
            continue;
        }
        let to = ChainId((first + usize::from(*to) % (len - first)) as u32);
        let target = if *is_goto {
            Target::Goto(to)
        } else {
            Target::Jump(to)
        };
        let matches = vec![Match::Mark(netverdict_ruleset::matches::Mark {
            mark: Invertible::plain(netverdict_ruleset::MarkMask { value: 1, mask: 1 }),
        })];
        table.chains[from].rules.push(Rule {
            matches,
            target: Some(target),
            ..Rule::default()
        });
    }
}
