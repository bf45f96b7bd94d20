//! The forwarding information base: routes and policy rules compiled for lookup (net/ipv4/fib_rules.c,
//! net/ipv4/fib_trie.c, net/ipv6/fib6_rules.c, net/ipv6/ip6_fib.c).

use std::collections::BTreeMap;
use std::net::IpAddr;

use netverdict_net::{AddrMask, Device, Family, InterfaceName, Protocol};

use crate::{Hop, PolicyRule, Route, RouteType, RuleAction, TableId};

mod policy;
mod prefix;
mod v4;
mod v6;

use prefix::PrefixTable;

/// What a lookup is keyed by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Flow {
    /// Where to.
    pub destination: IpAddr,
    /// Where from; the unspecified address where it is not chosen yet.
    pub source: IpAddr,
    /// IPv4 TOS or IPv6 traffic class.
    pub tos: u8,
    /// The packet's mark.
    pub mark: u32,
    /// The device it came in on; `lo` for packets made here.
    pub iif: Device,
    /// The device it must leave by.
    pub oif: Option<InterfaceName>,
    /// Its protocol, for rules that ask.
    pub protocol: Option<Protocol>,
    /// Its source and destination port, for rules that ask.
    pub ports: Option<(u16, u16)>,
    /// Its user, for rules that ask: 0 for packets that no socket made, `None` for a socket nobody knows.
    pub uid: Option<u32>,
}

impl Flow {
    /// A flow that the kernel itself would look up for a packet made here.
    pub fn output(source: IpAddr, destination: IpAddr) -> Self {
        Self {
            destination,
            source,
            tos: 0,
            mark: 0,
            iif: Device::Named(InterfaceName::loopback()),
            oif: None,
            protocol: None,
            ports: None,
            uid: Some(0),
        }
    }

    /// A flow of a packet that came in.
    pub fn input(source: IpAddr, destination: IpAddr, device: Device) -> Self {
        Self {
            iif: device,
            ..Self::output(source, destination)
        }
    }
}

/// Why a lookup has no route.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoRoute {
    /// Nothing matched (`ENETUNREACH`).
    Missing,
    /// An `unreachable` route (`EHOSTUNREACH`).
    Unreachable,
    /// A `prohibit` route or rule (`EACCES`).
    Prohibit,
    /// A `blackhole` route or rule (`EINVAL`).
    Blackhole,
}

/// Why a lookup cannot be decided from what is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Undecided {
    /// The policy rule of this priority asks something unknown.
    PolicyRule(u32),
    /// The device belongs to a VRF.
    Vrf,
}

/// Why a lookup failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Failure {
    None(NoRoute),
    Undecided(Undecided),
}

/// A lookup's answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Found<'a> {
    pub(crate) route: &'a Route,
    /// The hops that may carry the packet; several for multipath.
    pub(crate) hops: Hops<'a>,
    pub(crate) prefix_len: u8,
}

/// The usable hops of a route.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Hops<'a> {
    None,
    One(&'a Hop),
    /// Which one carries the packet depends on a hash seeded at boot.
    Several(&'a [Hop]),
}

impl Found<'_> {
    /// The device of the packet's hop, where there is one and it is certain.
    pub(crate) fn device(&self) -> Device {
        match self.hops {
            Hops::None => Device::Absent,
            Hops::One(hop) => hop.device.map_or(Device::Absent, Device::Named),
            Hops::Several(hops) => {
                let first = hops.first().and_then(|h| h.device);
                match first {
                    Some(name) if hops.iter().all(|h| h.device == first) => Device::Named(name),
                    _ => Device::Unknown,
                }
            }
        }
    }

    /// The gateway of the packet's hop: `None` is on-link or uncertain.
    pub(crate) fn gateway(&self) -> Option<IpAddr> {
        match self.hops {
            Hops::One(hop) => hop.gateway,
            Hops::None | Hops::Several(_) => None,
        }
    }

    /// Whether any hop of the route uses the device (`fib_info_nh_uses_dev`).
    pub(crate) fn uses(&self, device: &InterfaceName) -> bool {
        self.route.hops.iter().any(|h| h.device == Some(*device))
    }
}

/// How a table is searched.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Mode {
    /// Routes over links without carrier are skipped.
    pub(crate) ignore_link_down: bool,
    /// IPv6: the route's device must be the flow's (`RT6_LOOKUP_F_IFACE`).
    pub(crate) strict: bool,
    /// IPv6: `oif` prefers rather than filters, any metric (`rt6_device_match`).
    pub(crate) device_match: bool,
}

impl Mode {
    /// Whether the hop is in use.
    fn takes(self, hop: &Hop) -> bool {
        !(hop.dead || hop.link_down && self.ignore_link_down)
    }
}

/// One family's routes and rules.
#[derive(Debug, Clone)]
pub(crate) struct Fib {
    family: Family,
    routes: Vec<Route>,
    tables: Vec<PrefixTable<u32>>,
    local: Option<usize>,
    steps: Vec<Step>,
    /// Rules other than the kernel's own exist, so the local and main tables are apart.
    custom_rules: bool,
    custom_local_routes: bool,
    realms: bool,
    groups: BTreeMap<InterfaceName, u32>,
}

#[derive(Debug, Clone)]
struct Step {
    rule: PolicyRule,
    /// It selects every packet and suppresses no answer: most rules there are.
    plain: bool,
    action: Action,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Action {
    Lookup(Option<usize>),
    Goto(Option<usize>),
    Nop,
    Fail(NoRoute),
}

impl Fib {
    /// Compiles the routes of `family` under `rules`. `groups` are the interfaces' device groups.
    pub(crate) fn new(
        family: Family,
        routes: Vec<Route>,
        rules: &[PolicyRule],
        groups: BTreeMap<InterfaceName, u32>,
    ) -> Self {
        let custom_rules = !is_default(family, rules);
        let merge = family == Family::V4 && !custom_rules;
        let mut by_table: BTreeMap<TableId, Vec<u32>> = BTreeMap::new();
        for (route, index) in routes.iter().zip(0..) {
            // While nobody set rules, IPv4's local and main table share one trie.
            let table = match &route.table {
                t if merge && *t == TableId::LOCAL => TableId::MAIN,
                t => t.clone(),
            };
            by_table.entry(table).or_default().push(index);
        }
        let mut index_of = BTreeMap::new();
        let mut tables = Vec::new();
        for (id, mut members) in by_table {
            members.sort_by_key(|i| order(family, routes.get(*i as usize)));
            let entries = members
                .iter()
                .filter_map(|i| Some((routes.get(*i as usize)?.destination, *i)));
            index_of.insert(id, tables.len());
            tables.push(PrefixTable::new(entries));
        }
        if merge && let Some(main) = index_of.get(&TableId::MAIN).copied() {
            index_of.insert(TableId::LOCAL, main);
        }
        Self {
            family,
            local: index_of.get(&TableId::LOCAL).copied(),
            steps: steps(rules, &index_of, merge),
            custom_rules,
            custom_local_routes: routes
                .iter()
                .any(|r| r.kind == RouteType::Local && !r.by_kernel),
            realms: routes.iter().any(|r| r.realm.is_some()),
            routes,
            tables,
            groups,
        }
    }

    /// Whether source validation must ask the tables rather than the list of own addresses alone.
    pub(crate) fn needs_full_source_check(&self) -> bool {
        self.custom_rules || self.custom_local_routes
    }

    /// Whether any route names a realm (`fib_num_tclassid_users`).
    pub(crate) fn has_realms(&self) -> bool {
        self.realms
    }

    /// The routes, in the order given.
    pub(crate) fn routes(&self) -> &[Route] {
        &self.routes
    }

    /// Whether every rule asks what is known of a packet.
    pub(crate) fn is_decided(&self) -> bool {
        let mut rules = self.steps.iter().map(|step| &step.rule);
        rules.all(|rule| rule.unknown_selectors.is_empty())
    }

    /// Looks a flow up by the policy rules.
    pub(crate) fn lookup(&self, flow: &Flow, mode: Mode) -> Result<Found<'_>, Failure> {
        let mut at = 0;
        while let Some(step) = self.steps.get(at) {
            at += 1;
            let selected = if step.plain {
                Some(true)
            } else {
                policy::matches(&step.rule, flow)
            };
            match selected {
                None => {
                    let rule = Undecided::PolicyRule(step.rule.priority);
                    return Err(Failure::Undecided(rule));
                }
                Some(false) => continue,
                Some(true) => {}
            }
            match step.action {
                Action::Nop | Action::Goto(None) | Action::Lookup(None) => {}
                Action::Goto(Some(target)) => at = target,
                Action::Fail(why) => return Err(Failure::None(why)),
                Action::Lookup(Some(table)) => match self.search(table, flow, mode) {
                    Some(Ok(found)) if !step.plain && self.is_suppressed(&step.rule, &found) => {}
                    Some(Ok(found)) => return Ok(found),
                    Some(Err(why)) => return Err(Failure::None(why)),
                    None => {}
                },
            }
        }
        Err(Failure::None(NoRoute::Missing))
    }

    /// Looks an address up in the local table alone.
    pub(crate) fn lookup_local(&self, flow: &Flow) -> Option<Found<'_>> {
        self.search(self.local?, flow, Mode::default())?.ok()
    }

    /// `None` where the table has no answer and the next rule's turn comes.
    fn search(&self, table: usize, flow: &Flow, mode: Mode) -> Option<Result<Found<'_>, NoRoute>> {
        let table = self.tables.get(table)?;
        match self.family {
            Family::V4 => v4::search(table, &self.routes, flow, mode),
            Family::V6 => v6::search(table, &self.routes, flow, mode),
        }
    }

    fn is_suppressed(&self, rule: &PolicyRule, found: &Found<'_>) -> bool {
        // The first hop stands for all of them (`fib4_rule_suppress`).
        let first = found.route.hops.first().and_then(|h| h.device);
        let group = || self.groups.get(&first?).copied();
        rule.suppress_prefix_len
            .is_some_and(|len| found.prefix_len <= len)
            || rule.suppress_group.is_some_and(|g| group() == Some(g))
    }
}

/// The order of routes under one prefix: IPv4 local before main, then TOS down and metric up; IPv6 longer sources
/// first, then metric up.
fn order(family: Family, route: Option<&Route>) -> (bool, u8, u32) {
    let Some(route) = route else {
        return (true, 0, 0);
    };
    match family {
        Family::V4 => (
            route.table != TableId::LOCAL,
            u8::MAX - route.tos,
            route.metric,
        ),
        Family::V6 => {
            let source_len = route.source.and_then(AddrMask::prefix_len).unwrap_or(0);
            (false, u8::MAX - source_len, route.metric)
        }
    }
}

/// What a route's type makes of a packet.
enum Effect {
    Leads,
    /// The next rule's turn.
    GoesOn,
    Refuses(NoRoute),
}

impl Effect {
    fn of(kind: RouteType) -> Self {
        match kind {
            RouteType::Blackhole => Self::Refuses(NoRoute::Blackhole),
            RouteType::Unreachable => Self::Refuses(NoRoute::Unreachable),
            RouteType::Prohibit => Self::Refuses(NoRoute::Prohibit),
            RouteType::Throw => Self::GoesOn,
            RouteType::Unicast
            | RouteType::Local
            | RouteType::Broadcast
            | RouteType::Multicast
            | RouteType::Anycast => Self::Leads,
        }
    }
}

fn is_default(family: Family, rules: &[PolicyRule]) -> bool {
    rules == PolicyRule::defaults(family)
}

fn is_plain(rule: &PolicyRule) -> bool {
    let selects_all = PolicyRule {
        priority: rule.priority,
        action: rule.action.clone(),
        ..PolicyRule::lookup(0, TableId::MAIN)
    };
    *rule == selects_all
}

fn steps(rules: &[PolicyRule], tables: &BTreeMap<TableId, usize>, merge: bool) -> Vec<Step> {
    let mut sorted: Vec<&PolicyRule> = rules.iter().collect();
    sorted.sort_by_key(|r| r.priority);
    if merge {
        // The one trie is asked once.
        sorted.retain(|r| r.action != RuleAction::Lookup(TableId::LOCAL));
    }
    let target = |priority: u32| sorted.iter().position(|r| r.priority == priority);
    let action = |rule: &PolicyRule| match &rule.action {
        RuleAction::Lookup(id) => Action::Lookup(tables.get(id).copied()),
        RuleAction::Goto(priority) => Action::Goto(target(*priority)),
        // Only packets of a VRF's devices take it, and those are undecided before.
        RuleAction::Nop | RuleAction::L3Master => Action::Nop,
        RuleAction::Blackhole => Action::Fail(NoRoute::Blackhole),
        RuleAction::Unreachable => Action::Fail(NoRoute::Missing),
        RuleAction::Prohibit => Action::Fail(NoRoute::Prohibit),
    };
    sorted
        .iter()
        .map(|rule| Step {
            plain: is_plain(rule),
            rule: (*rule).clone(),
            action: action(rule),
        })
        .collect()
}
