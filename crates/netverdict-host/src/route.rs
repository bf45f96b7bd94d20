//! Routes and policy rules, as `ip -j route show table all` and `ip -j rule` list them.

use std::fmt;
use std::net::IpAddr;

use netverdict_net::{AddrMask, Family, InterfaceName, PortRange, Protocol};

use crate::Scope;

/// A routing table: by number, or by a name whose number only the host's `rt_tables` knows.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum TableId {
    /// By number.
    Number(u32),
    /// By a name of the host's own.
    Name(Box<str>),
}

impl TableId {
    /// 253.
    pub const DEFAULT: Self = Self::Number(253);
    /// 254.
    pub const MAIN: Self = Self::Number(254);
    /// 255.
    pub const LOCAL: Self = Self::Number(255);

    /// Reads a number or name as iproute2 prints it.
    pub fn parse(text: &str) -> Self {
        match text {
            "default" => Self::DEFAULT,
            "main" => Self::MAIN,
            "local" => Self::LOCAL,
            _ => text
                .parse()
                .map_or_else(|_| Self::Name(text.into()), Self::Number),
        }
    }
}

impl fmt::Display for TableId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(253) => f.write_str("default"),
            Self::Number(254) => f.write_str("main"),
            Self::Number(255) => f.write_str("local"),
            Self::Number(n) => write!(f, "{n}"),
            Self::Name(name) => f.write_str(name),
        }
    }
}

/// What a route says about its destinations (`RTN_*`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RouteType {
    Unicast,
    Local,
    Broadcast,
    Multicast,
    Anycast,
    Blackhole,
    Unreachable,
    Prohibit,
    Throw,
}

/// One way out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hop {
    /// The device, where the route names one.
    pub device: Option<InterfaceName>,
    /// The next router, of either family; `None` is on-link.
    pub gateway: Option<IpAddr>,
    /// Its share among the hops of a multipath route.
    pub weight: u32,
    /// The kernel marked it dead.
    pub dead: bool,
    /// Its device has no carrier.
    pub link_down: bool,
}

/// A route.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Route {
    /// Its table.
    pub table: TableId,
    /// Its type.
    pub kind: RouteType,
    /// The destinations.
    pub destination: AddrMask,
    /// IPv6 source-specific routing: only these sources.
    pub source: Option<AddrMask>,
    /// IPv4: only this TOS; 0 is any.
    pub tos: u8,
    /// Priority: lower wins within one prefix.
    pub metric: u32,
    /// Its scope.
    pub scope: Scope,
    /// The source address that locally made packets take.
    pub preferred_source: Option<IpAddr>,
    /// Where it leads; several for multipath, none for a route that rejects.
    pub hops: Vec<Hop>,
    /// Path MTU of the route, in bytes.
    pub mtu: Option<u32>,
    /// The realm (`-m realm`).
    pub realm: Option<u32>,
    /// IPv6 router preference: 1 low, 2 medium, 3 high.
    pub preference: u8,
    /// Added by the kernel itself, not by an administrator or daemon.
    pub by_kernel: bool,
}

impl Route {
    /// A unicast route of the main table with nothing but a destination.
    pub fn new(destination: AddrMask) -> Self {
        Self {
            table: TableId::MAIN,
            kind: RouteType::Unicast,
            destination,
            source: None,
            tos: 0,
            metric: match destination.family() {
                Family::V4 => 0,
                Family::V6 => 1024,
            },
            scope: Scope::UNIVERSE,
            preferred_source: None,
            hops: Vec::new(),
            mtu: None,
            realm: None,
            preference: 2,
            by_kernel: false,
        }
    }

    /// Leads to `device`, by way of `gateway`.
    pub fn via(mut self, device: InterfaceName, gateway: Option<IpAddr>) -> Self {
        if gateway.is_none() && self.destination.family() == Family::V4 {
            self.scope = Scope::LINK;
        }
        self.hops.push(Hop {
            device: Some(device),
            gateway,
            weight: 1,
            dead: false,
            link_down: false,
        });
        self
    }

    /// The address family.
    pub fn family(&self) -> Family {
        self.destination.family()
    }
}

/// What a policy rule does with a packet that it matches.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RuleAction {
    /// Look the destination up in this table; go on if it has no answer.
    Lookup(TableId),
    /// Go on at the first rule of this priority.
    Goto(u32),
    /// Nothing.
    Nop,
    /// No route, silently.
    Blackhole,
    /// No route, network unreachable.
    Unreachable,
    /// No route, administratively prohibited.
    Prohibit,
    /// Look the destination up in the table of the packet's VRF.
    L3Master,
}

/// A policy rule (`ip rule`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolicyRule {
    /// Rules are tried from the lowest priority value up.
    pub priority: u32,
    /// `not`: the selectors must fail.
    pub not: bool,
    /// Sources.
    pub from: Option<AddrMask>,
    /// Destinations.
    pub to: Option<AddrMask>,
    /// TOS; 0 is any.
    pub tos: u8,
    /// Full DSCP (`dscp` keyword); compared whole.
    pub dscp: Option<u8>,
    /// Mark.
    pub mark: u32,
    /// The bits of the mark that count; 0 is any mark.
    pub mark_mask: u32,
    /// In-device; `lo` is packets made here.
    pub iif: Option<InterfaceName>,
    /// Out-device that a socket is bound to.
    pub oif: Option<InterfaceName>,
    /// Protocol.
    pub protocol: Option<Protocol>,
    /// Source ports.
    pub source_ports: Option<PortRange>,
    /// Destination ports.
    pub destination_ports: Option<PortRange>,
    /// Users, as a range of ids.
    pub uids: Option<(u32, u32)>,
    /// What it does.
    pub action: RuleAction,
    /// Take no answer from a prefix of this length or shorter.
    pub suppress_prefix_len: Option<u8>,
    /// Take no answer that leaves by a device of this group.
    pub suppress_group: Option<u32>,
    /// Selectors that the model does not know, by name: whether the rule matches cannot be told.
    pub unknown_selectors: Vec<Box<str>>,
}

impl PolicyRule {
    /// A rule for every packet that looks up `table`.
    pub fn lookup(priority: u32, table: TableId) -> Self {
        Self {
            priority,
            not: false,
            from: None,
            to: None,
            tos: 0,
            dscp: None,
            mark: 0,
            mark_mask: 0,
            iif: None,
            oif: None,
            protocol: None,
            source_ports: None,
            destination_ports: None,
            uids: None,
            action: RuleAction::Lookup(table),
            suppress_prefix_len: None,
            suppress_group: None,
            unknown_selectors: Vec::new(),
        }
    }

    /// The rules of a host that never set any: local, main and (IPv4) default.
    pub fn defaults(family: Family) -> Vec<Self> {
        let mut rules = vec![
            Self::lookup(0, TableId::LOCAL),
            Self::lookup(32766, TableId::MAIN),
        ];
        if family == Family::V4 {
            rules.push(Self::lookup(32767, TableId::DEFAULT));
        }
        rules
    }
}
