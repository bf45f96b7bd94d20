//! A host as the model sees it: interfaces, routes, rules and settings, compiled for lookups.

use std::collections::BTreeMap;
use std::net::IpAddr;

use netverdict_net::{Device, Family, InterfaceName};

use crate::fib::{Fib, Undecided};
use crate::{
    DeviceSettings, Interface, PolicyRule, Role, Route, Sysctls, keys, synthesis::kernel_routes,
};

/// What is known of a host. [`Host::new`] compiles it.
#[derive(Debug, Clone, Default)]
pub struct HostFacts {
    /// Its interfaces in the kernel's order.
    pub interfaces: Vec<Interface>,
    /// Whether the interfaces and addresses are the host's own account. If not they are inferred, and nothing is dropped
    /// because an address or route seems missing or martian.
    pub addresses_known: bool,
    /// Every IPv4 route of every table; `None` where nobody gave them: the kernel's own are made from the addresses.
    pub routes_v4: Option<Vec<Route>>,
    /// Every IPv6 route of every table, likewise.
    pub routes_v6: Option<Vec<Route>>,
    /// Routes assumed on top of the kernel's own, of families whose routes nobody gave.
    pub assumed_routes: Vec<Route>,
    /// IPv4 policy rules; `None` is the kernel's defaults.
    pub rules_v4: Option<Vec<PolicyRule>>,
    /// IPv6 policy rules; `None` is the kernel's defaults.
    pub rules_v6: Option<Vec<PolicyRule>>,
    /// Settings.
    pub sysctls: Sysctls,
    /// Multicast groups joined beyond those that the kernel always joins.
    pub groups: Vec<Group>,
}

/// A joined multicast group.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Group {
    /// The group's address.
    pub address: IpAddr,
    /// Where it is joined; `None` is everywhere.
    pub device: Option<InterfaceName>,
}

/// A host, ready for lookups.
#[derive(Debug, Clone)]
pub struct Host {
    facts: HostFacts,
    v4: Fib,
    v6: Fib,
    /// Positions in `facts.interfaces`, by name.
    by_name: Vec<(InterfaceName, usize)>,
    settings: Vec<DeviceSettings>,
    own: Vec<IpAddr>,
    /// What a device has that nobody described.
    default_settings: DeviceSettings,
    has_vrf: bool,
}

impl Default for Host {
    /// A host of which nothing is known but that it has a loopback device and forwards.
    fn default() -> Self {
        let mut sysctls = Sysctls::default();
        for forward in ["net.ipv4.ip_forward=1", "net.ipv6.conf.all.forwarding=1"] {
            sysctls.set(forward).expect("a key and a number");
        }
        Self::new(HostFacts {
            interfaces: vec![Interface::loopback()],
            sysctls,
            ..HostFacts::default()
        })
    }
}

impl Host {
    /// Compiles what is known.
    pub fn new(facts: HostFacts) -> Self {
        let mut by_name: Vec<(InterfaceName, usize)> =
            facts.interfaces.iter().map(|i| i.name).zip(0..).collect();
        by_name.sort_unstable();
        let settings = facts
            .interfaces
            .iter()
            .map(|i| facts.sysctls.device(&i.name))
            .collect();
        let mut own: Vec<IpAddr> = facts
            .interfaces
            .iter()
            .flat_map(|i| i.addresses.iter().map(|a| a.local))
            .collect();
        own.sort_unstable();
        own.dedup();
        let default = InterfaceName::new("default").expect("seven bytes");
        Self {
            default_settings: facts.sysctls.device(&default),
            has_vrf: facts
                .interfaces
                .iter()
                .any(|i| matches!(i.role, Role::Vrf { .. })),
            v4: compile(&facts, Family::V4),
            v6: compile(&facts, Family::V6),
            by_name,
            settings,
            own,
            facts,
        }
    }

    /// What it was compiled from.
    pub fn facts(&self) -> &HostFacts {
        &self.facts
    }

    /// Its settings.
    pub fn sysctls(&self) -> &Sysctls {
        &self.facts.sysctls
    }

    /// Its interfaces in the kernel's order.
    pub fn interfaces(&self) -> &[Interface] {
        &self.facts.interfaces
    }

    /// Every route of a family, the synthesised ones included.
    pub fn routes(&self, family: Family) -> &[Route] {
        self.fib(family).routes()
    }

    /// An interface by name.
    pub fn interface(&self, name: &InterfaceName) -> Option<&Interface> {
        self.facts.interfaces.get(self.position(name)?)
    }

    /// An interface by the kernel's number for it.
    pub fn interface_by_index(&self, index: u32) -> Option<&Interface> {
        self.facts.interfaces.iter().find(|i| i.index == index)
    }

    /// Whether the address belongs to one of its interfaces.
    pub fn is_own(&self, addr: IpAddr) -> bool {
        self.own.binary_search(&addr).is_ok()
    }

    /// The device group (`-m devgroup`); 0 for an interface that nobody described, `None` for an unknown one.
    pub fn device_group(&self, device: Device) -> Option<u32> {
        match device {
            Device::Named(name) => self.interface(&name).map_or(Some(0), |i| i.group),
            Device::Absent => Some(0),
            Device::Unknown => None,
        }
    }

    /// The largest packet a device sends, where it is described.
    pub fn mtu(&self, device: Device) -> Option<u32> {
        device.name().and_then(|n| self.interface(n)).map(|i| i.mtu)
    }

    /// The settings of a device; those of an unknown one are what any device has that nobody set up by name.
    pub fn settings(&self, device: Device) -> DeviceSettings {
        let known = device
            .name()
            .and_then(|n| self.position(n))
            .and_then(|i| self.settings.get(i));
        match (known, device) {
            (Some(settings), _) => *settings,
            (None, Device::Named(name)) => self.facts.sysctls.device(&name),
            (None, Device::Absent | Device::Unknown) => self.default_settings,
        }
    }

    /// Whether bridges show packets of a family to the hooks of routed ones (br_netfilter); `None` where nobody tells.
    pub fn bridges_call(&self, family: Family) -> Option<bool> {
        let key = match family {
            Family::V4 => "net/bridge/bridge-nf-call-iptables",
            Family::V6 => "net/bridge/bridge-nf-call-ip6tables",
        };
        let value: i64 = self.sysctls().text(key)?.trim().parse().ok()?;
        Some(value != 0)
    }

    /// Whether the routes of a family are the host's own account.
    pub fn routes_known(&self, family: Family) -> bool {
        match family {
            Family::V4 => self.facts.routes_v4.is_some(),
            Family::V6 => self.facts.routes_v6.is_some(),
        }
    }

    /// Whether any route of a family names a realm.
    pub fn has_realms(&self, family: Family) -> bool {
        self.fib(family).has_realms()
    }

    pub(crate) fn fib(&self, family: Family) -> &Fib {
        match family {
            Family::V4 => &self.v4,
            Family::V6 => &self.v6,
        }
    }

    /// Whether a packet's way always follows from its headers, mark and device.
    pub fn is_decided(&self, family: Family) -> bool {
        !self.has_vrf && self.fib(family).is_decided()
    }

    /// A VRF's devices are routed by a table of their own, which is not modelled.
    pub(crate) fn vrf(&self, device: Device) -> Option<Undecided> {
        if !self.has_vrf {
            return None;
        }
        let interface = self.interface(device.name()?)?;
        let master = interface.master.and_then(|m| self.interface(&m));
        let is_vrf = |i: &Interface| matches!(i.role, Role::Vrf { .. });
        (is_vrf(interface) || master.is_some_and(is_vrf)).then_some(Undecided::Vrf)
    }

    fn position(&self, name: &InterfaceName) -> Option<usize> {
        let at = self.by_name.partition_point(|(n, _)| n < name);
        self.by_name
            .get(at)
            .filter(|(n, _)| n == name)
            .map(|(_, i)| *i)
    }
}

fn compile(facts: &HostFacts, family: Family) -> Fib {
    let (given, rules) = match family {
        Family::V4 => (&facts.routes_v4, &facts.rules_v4),
        Family::V6 => (&facts.routes_v6, &facts.rules_v6),
    };
    let routes = given.clone().unwrap_or_else(|| {
        let forwarding = facts.sysctls.is_on(keys::IPV6_FORWARDING);
        let mut routes = kernel_routes(family, &facts.interfaces, forwarding);
        routes.extend(
            facts
                .assumed_routes
                .iter()
                .filter(|r| r.family() == family)
                .cloned(),
        );
        routes
    });
    let groups: BTreeMap<_, _> = facts
        .interfaces
        .iter()
        .filter_map(|i| Some((i.name, i.group?)))
        .collect();
    let defaults = PolicyRule::defaults(family);
    Fib::new(family, routes, rules.as_ref().unwrap_or(&defaults), groups)
}
