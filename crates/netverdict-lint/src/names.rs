//! Words for rules in findings.

use netverdict_ruleset::{ChainId, Rule, Table, Target};

/// `1 rule`, `3 rules`.
pub(crate) fn count(number: usize, what: &str) -> String {
    if number == 1 {
        format!("1 {what}")
    } else {
        format!("{number} {what}s")
    }
}

/// `rule 3`, `rules 3 and 4`, `rules 3, 4 and 7`; from indices.
pub(crate) fn rules(indices: &[usize]) -> String {
    let numbers: Vec<String> = indices.iter().map(|i| (i + 1).to_string()).collect();
    match numbers.split_last() {
        None => "no rule".to_owned(),
        Some((only, [])) => format!("rule {only}"),
        Some((last, rest)) => format!("rules {} and {last}", rest.join(", ")),
    }
}

/// What a rule does with a packet: `ACCEPT`, `jump to DOCKER`, `nothing but count`.
pub(crate) fn action(rule: &Rule, table: &Table) -> String {
    match &rule.target {
        None => "count only".to_owned(),
        Some(Target::Jump(to)) => format!("jump to {}", table.chain_name(*to)),
        Some(Target::Goto(to)) => format!("goto {}", table.chain_name(*to)),
        Some(target) => target.name().to_owned(),
    }
}

/// Rules that lead to a chain.
pub(crate) fn callers(table: &Table, to: ChainId) -> impl Iterator<Item = (ChainId, usize, &Rule)> {
    table.chains().flat_map(move |(id, chain)| {
        let rules = chain.rules.iter().enumerate();
        let calls = rules.filter(move |(_, rule)| {
            matches!(rule.target, Some(Target::Jump(c) | Target::Goto(c)) if c == to)
        });
        calls.map(move |(index, rule)| (id, index, rule))
    })
}

/// Chains that other programs fill at need, whether rules lead to them now or not.
const MANAGED: [&str; 15] = [
    "KUBE-",
    "DOCKER",
    "cali",
    "CNI-",
    "f2b-",
    "fail2ban",
    "ufw-",
    "ufw6-",
    "ISTIO_",
    "LIBVIRT_",
    "neutron-",
    "FLANNEL",
    "AZURE-NPM",
    "WEAVE",
    "ts-",
];

/// Whether another program writes a chain's rules.
pub(crate) fn is_managed(chain: &str) -> bool {
    MANAGED.iter().any(|m| chain.starts_with(m))
}
