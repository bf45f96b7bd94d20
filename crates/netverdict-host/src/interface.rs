//! Network interfaces and their addresses, as `ip -j addr` lists them.

use std::net::{IpAddr, Ipv4Addr};

use netverdict_net::{AddrMask, Family, InterfaceName, MacAddr};

/// What kind of device it is, from its link type.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub enum InterfaceKind {
    /// The loopback device.
    Loopback,
    /// `ether`.
    #[default]
    Ethernet,
    /// `none`, `ppp`, `ipip`, `sit`, `gre`…: no link-layer addresses that matter here. The text is the link type.
    Other(Box<str>),
}

/// What an interface is a port or slave of, and what it is itself, as far as routing cares.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Role {
    /// Nothing special.
    #[default]
    Plain,
    /// A bridge.
    Bridge,
    /// A bond or team master.
    Bond,
    /// A VRF master device with its table.
    Vrf {
        /// The table its slaves route by.
        table: u32,
    },
}

/// How far an address or route reaches (`rt_scope_t`). A greater value is narrower.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct Scope(pub u8);

impl Scope {
    /// Everywhere.
    pub const UNIVERSE: Self = Self(0);
    /// Within the site.
    pub const SITE: Self = Self(200);
    /// On the attached link.
    pub const LINK: Self = Self(253);
    /// On this host.
    pub const HOST: Self = Self(254);
    /// Nowhere.
    pub const NOWHERE: Self = Self(255);
}

/// One address of an interface.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Address {
    /// The host's own address.
    pub local: IpAddr,
    /// The other end of a point-to-point address; the prefix then belongs to it.
    pub peer: Option<IpAddr>,
    /// Length of the on-link prefix.
    pub prefix_len: u8,
    /// The broadcast address, where one is set (IPv4).
    pub broadcast: Option<Ipv4Addr>,
    /// Its scope.
    pub scope: Scope,
    /// A later address of a subnet that already has one (IPv4).
    pub secondary: bool,
    /// IPv6: duplicate address detection has not finished, or failed.
    pub tentative: bool,
    /// IPv6: no longer preferred as a source.
    pub deprecated: bool,
    /// IPv6: a temporary (privacy) address.
    pub temporary: bool,
    /// No connected route was made for it (`noprefixroute`).
    pub no_prefix_route: bool,
    /// The IPv4 label (`eth0:1`), where it differs from the interface's name.
    pub label: Option<Box<str>>,
}

impl Address {
    /// An address with its prefix as `ip addr add` gives it: no broadcast address, the scope its class has.
    pub fn new(local: IpAddr, prefix_len: u8) -> Self {
        Self {
            local,
            peer: None,
            prefix_len,
            broadcast: None,
            scope: default_scope(local),
            secondary: false,
            tentative: false,
            deprecated: false,
            temporary: false,
            no_prefix_route: false,
            label: None,
        }
    }

    /// The address family.
    pub fn family(&self) -> Family {
        Family::of(self.local)
    }

    /// The on-link prefix: the peer's for a point-to-point address.
    pub fn prefix(&self) -> AddrMask {
        AddrMask::prefix(self.peer.unwrap_or(self.local), self.prefix_len)
    }
}

fn default_scope(addr: IpAddr) -> Scope {
    match addr {
        a if a.is_loopback() => Scope::HOST,
        IpAddr::V6(a) if a.is_unicast_link_local() => Scope::LINK,
        _ => Scope::UNIVERSE,
    }
}

/// A network interface.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Interface {
    /// The kernel's number for it; 0 where nobody told.
    pub index: u32,
    /// Its name.
    pub name: InterfaceName,
    /// Its link-layer address, where it has one and it is known.
    pub mac: Option<MacAddr>,
    /// Its kind.
    pub kind: InterfaceKind,
    /// Largest packet it sends, in bytes.
    pub mtu: u32,
    /// Administratively up.
    pub up: bool,
    /// Has a carrier.
    pub carrier: bool,
    /// Takes and sends broadcasts.
    pub broadcast: bool,
    /// A point-to-point link.
    pub point_to_point: bool,
    /// Device group (`-m devgroup`): 0 is `default`, `None` a name whose number nobody told.
    pub group: Option<u32>,
    /// What it is itself.
    pub role: Role,
    /// The bridge, bond or VRF it belongs to.
    pub master: Option<InterfaceName>,
    /// Its addresses in the kernel's order (the order `ip addr` prints).
    pub addresses: Vec<Address>,
}

impl Interface {
    /// An Ethernet interface that is up, with nothing else known: MTU 1500, no addresses.
    pub fn new(name: InterfaceName) -> Self {
        let loopback = name == InterfaceName::loopback();
        Self {
            index: u32::from(loopback),
            name,
            mac: None,
            kind: if loopback {
                InterfaceKind::Loopback
            } else {
                InterfaceKind::Ethernet
            },
            mtu: if loopback { 65536 } else { 1500 },
            up: true,
            carrier: true,
            broadcast: !loopback,
            point_to_point: false,
            group: Some(0),
            role: Role::Plain,
            master: None,
            addresses: Vec::new(),
        }
    }

    /// The loopback device with its usual addresses.
    pub fn loopback() -> Self {
        let mut lo = Self::new(InterfaceName::loopback());
        lo.addresses = vec![
            Address::new(IpAddr::from([127, 0, 0, 1]), 8),
            Address::new(IpAddr::from(1_u128.to_be_bytes()), 128),
        ];
        lo
    }

    /// Whether it is the loopback device.
    pub fn is_loopback(&self) -> bool {
        self.kind == InterfaceKind::Loopback
    }

    /// Its addresses of one family, in the kernel's order.
    pub fn addresses_of(&self, family: Family) -> impl Iterator<Item = &Address> + Clone {
        self.addresses.iter().filter(move |a| a.family() == family)
    }

    /// Whether `addr` is one of its own.
    pub fn has(&self, addr: IpAddr) -> bool {
        self.addresses.iter().any(|a| a.local == addr)
    }

    /// Adds an address where the kernel would put it (`__inet_insert_ifa`, `ipv6_link_dev_addr`): a later address of a
    /// known IPv4 subnet is secondary and goes last, IPv6 addresses are sorted by scope, the newest first.
    pub fn add(&mut self, mut address: Address) {
        if self.has(address.local) {
            return;
        }
        let at = match address.family() {
            Family::V4 => {
                address.secondary = self.addresses_of(Family::V4).any(|a| {
                    !a.secondary
                        && a.prefix_len == address.prefix_len
                        && a.prefix() == address.prefix()
                });
                self.v4_position(&address)
            }
            Family::V6 => self
                .addresses
                .iter()
                .position(|a| a.family() == Family::V6 && address.scope <= a.scope)
                .unwrap_or(self.addresses.len()),
        };
        self.addresses.insert(at, address);
    }

    fn v4_position(&self, address: &Address) -> usize {
        let after = |keep: &dyn Fn(&Address) -> bool| {
            self.addresses
                .iter()
                .rposition(|a| a.family() == Family::V4 && keep(a))
                .map_or(0, |i| i + 1)
        };
        if address.secondary {
            after(&|_| true)
        } else {
            after(&|a| !a.secondary && address.scope <= a.scope)
        }
    }
}
