//! The hosts that random cases run on, and the small pools that rules and traffic both draw from, so that they meet.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use netverdict_host::{
    Address, HostFacts, Interface, InterfaceKind, Route, Sysctls, kernel_routes,
};
use netverdict_net::{AddrMask, Family, InterfaceName, MacAddr};

use super::Rng;

/// Ports of services: what rules name and clients call.
pub const SERVICES: [u16; 10] = [22, 25, 53, 80, 123, 443, 500, 3128, 5060, 8080];

/// One interface of a random host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Nic {
    /// Its name.
    pub name: InterfaceName,
    /// Its Ethernet address; `None` for an interface without link headers.
    pub mac: Option<MacAddr>,
    /// Its addresses with prefix lengths, the primary one first.
    pub addresses: Vec<(IpAddr, u8)>,
    /// Others on its link.
    pub peers: Vec<IpAddr>,
    /// The next hop for everything else, on the one interface that has it.
    pub gateways: Vec<IpAddr>,
}

/// A random host and those around it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Network {
    /// Interfaces, `lo` not among them.
    pub nics: Vec<Nic>,
    /// Others behind the default route.
    pub far: Vec<IpAddr>,
    /// Ports that clients call.
    pub services: Vec<u16>,
    /// Sysctls that differ from the kernel's defaults, as `sysctl -a` names them.
    pub sysctls: Vec<(String, String)>,
}

/// Who may be on the wire with a frame.
pub const NEIGHBOURS: [MacAddr; 3] = [
    MacAddr([2, 0, 0, 0, 0, 0xa1]),
    MacAddr([2, 0, 0, 0, 0, 0xa2]),
    MacAddr([0, 0x11, 0x22, 0x33, 0x44, 0x55]),
];

fn v4(a: u8, b: u8, c: u8, d: u8) -> IpAddr {
    Ipv4Addr::new(a, b, c, d).into()
}

fn v6(prefix: u16, net: u16, host: u16) -> IpAddr {
    Ipv6Addr::new(prefix, 0xdb8, net, 0, 0, 0, 0, host).into()
}

fn nic(index: u8, name: &str, net: [u8; 3]) -> Nic {
    let [a, b, c] = net;
    let v6_net = u16::from(index) + 1;
    Nic {
        name: InterfaceName::new(name).unwrap_or_else(|_| InterfaceName::loopback()),
        mac: Some(MacAddr([2, 0, 0, 0, 0, index + 1])),
        addresses: vec![(v4(a, b, c, 1), 24), (v6(0x2001, v6_net, 1), 64)],
        peers: vec![
            v4(a, b, c, 7),
            v4(a, b, c, 8),
            v4(a, b, c, 130),
            v6(0x2001, v6_net, 7),
            v6(0x2001, v6_net, 8),
            // Made of the first neighbour's link-layer address.
            Ipv6Addr::new(0x2001, 0xdb8, v6_net, 0, 0, 0xff, 0xfe00, 0xa1).into(),
        ],
        gateways: Vec::new(),
    }
}

impl Network {
    /// A host for a seed: a router of three legs, a server, or a router behind a point-to-point link.
    pub fn new(seed: u64) -> Self {
        let mut rng = Rng::new(seed, 1);
        let mut outside = nic(0, "eth0", [203, 0, 113]);
        outside.gateways = vec![v4(203, 0, 113, 254), v6(0x2001, 1, 0xfe)];
        let mut nics = match rng.below(8) {
            0..=4 => vec![
                outside,
                nic(1, "eth1", [192, 168, 1]),
                nic(2, "eth2", [10, 8, 0]),
            ],
            5..=6 => {
                outside.addresses.insert(1, (v4(203, 0, 113, 2), 24));
                outside.addresses.push((v6(0x2001, 1, 2), 64));
                vec![outside]
            }
            _ => {
                let mut line = nic(0, "ppp0", [203, 0, 113]);
                line.mac = None;
                line.addresses = vec![(v4(203, 0, 113, 1), 32), (v6(0x2001, 1, 1), 128)];
                line.peers.clear();
                vec![line, nic(1, "eth1", [192, 168, 1])]
            }
        };
        if nics.len() == 3 && rng.chance(30) {
            nics.truncate(2);
        }
        let sysctls = sysctls(&mut rng, nics.len());
        Self {
            nics,
            far: vec![
                v4(198, 51, 100, 5),
                v4(198, 51, 100, 77),
                v4(192, 0, 2, 53),
                v6(0x2001, 0xf, 5),
                v6(0x2001, 0xf, 0x77),
            ],
            services: SERVICES.to_vec(),
            sysctls,
        }
    }

    /// A host around somebody's rules: with the interfaces, addresses and ports that they name.
    pub fn around(interfaces: &[InterfaceName], addresses: &[IpAddr], ports: &[u16]) -> Self {
        let mut nics = Vec::new();
        for (index, name) in (0..4_u8).zip(interfaces) {
            let mut nic = nic(index, name.as_str(), [10, 200, index]);
            let named = addresses.iter().skip(usize::from(index)).step_by(7);
            for address in named.take(2) {
                nic.peers.push(*address);
            }
            nics.push(nic);
        }
        if nics.is_empty() {
            nics.push(nic(0, "eth0", [10, 200, 0]));
        }
        let own = addresses.iter().step_by(5).take(3);
        nics[0]
            .addresses
            .extend(own.map(|a| (*a, Family::of(*a).bits())));
        nics[0].gateways = vec![v4(10, 200, 0, 254), v6(0x2001, 1, 0xfe)];
        let mut far = vec![v4(198, 51, 100, 5), v6(0x2001, 0xf, 5)];
        far.extend(addresses.iter().take(40));
        let mut services = SERVICES[..4].to_vec();
        services.extend(ports.iter().take(40));
        let forward = ["net.ipv4.ip_forward", "net.ipv6.conf.all.forwarding"];
        Self {
            nics,
            far,
            services,
            sysctls: forward.map(|key| (key.to_owned(), "1".to_owned())).to_vec(),
        }
    }

    /// The host as the model and the rig take it.
    pub fn facts(&self) -> HostFacts {
        let mut sysctls = Sysctls::default();
        for (key, value) in &self.sysctls {
            sysctls
                .set(&format!("{key}={value}"))
                .expect("the pool's settings are numbers");
        }
        let mut interfaces = vec![Interface::loopback()];
        interfaces.extend(
            self.nics
                .iter()
                .zip(2..)
                .map(|(nic, index)| nic.interface(index)),
        );
        let forwarding = self
            .sysctls
            .iter()
            .any(|(key, _)| key.contains("ipv6.conf.all.forwarding"));
        let routes = |family| {
            let mut routes = kernel_routes(family, &interfaces, forwarding);
            let ours = self.nics.iter().flat_map(Nic::default_routes);
            routes.extend(ours.filter(|route| route.family() == family));
            Some(routes)
        };
        HostFacts {
            addresses_known: true,
            routes_v4: routes(Family::V4),
            routes_v6: routes(Family::V6),
            interfaces,
            sysctls,
            ..HostFacts::default()
        }
    }

    /// The interface with the default route.
    pub fn outside(&self) -> &Nic {
        &self.nics[0]
    }

    /// This host's own addresses.
    pub fn own(&self, family: Family) -> Vec<IpAddr> {
        let all = self.nics.iter().flat_map(|n| &n.addresses);
        all.map(|(address, _)| *address)
            .filter(|a| Family::of(*a) == family)
            .collect()
    }

    /// Everybody's addresses: ours, our neighbours' and those of far hosts.
    pub fn everybody(&self, family: Family) -> Vec<IpAddr> {
        let peers = self.nics.iter().flat_map(|n| &n.peers).chain(&self.far);
        let mut all = self.own(family);
        all.extend(peers.filter(|a| Family::of(**a) == family));
        all
    }

    /// Addresses of groups and of everyone.
    pub fn groups(&self, family: Family) -> Vec<IpAddr> {
        match family {
            Family::V4 => {
                let mut all = vec![
                    v4(224, 0, 0, 1),
                    v4(224, 0, 0, 251),
                    v4(239, 1, 2, 3),
                    v4(255, 255, 255, 255),
                ];
                for (address, len) in self.nics.iter().flat_map(|n| &n.addresses) {
                    if let (IpAddr::V4(a), 24) = (address, len) {
                        all.push(Ipv4Addr::from_bits(a.to_bits() | 0xff).into());
                    }
                }
                all
            }
            Family::V6 => {
                let group = |scope, id| Ipv6Addr::new(scope, 0, 0, 0, 0, 0, 0, id).into();
                vec![group(0xff02, 1), group(0xff02, 0xfb), group(0xff05, 0x101)]
            }
        }
    }
}

impl Nic {
    fn interface(&self, index: u32) -> Interface {
        let mut interface = Interface::new(self.name);
        interface.index = index;
        interface.mac = self.mac;
        if self.mac.is_none() {
            interface.kind = InterfaceKind::Other("none".into());
            interface.broadcast = false;
            interface.point_to_point = true;
        }
        for (address, len) in &self.addresses {
            interface.add(Address::new(*address, *len));
        }
        interface
    }

    /// By a gateway, or straight into the line of a point-to-point interface.
    fn default_routes(&self) -> Vec<Route> {
        let any = |family| Route::new(AddrMask::any(family));
        if self.mac.is_none() {
            let line = |family| any(family).via(self.name, None);
            return Family::ALL.map(line).to_vec();
        }
        let by = |gateway: &IpAddr| any(Family::of(*gateway)).via(self.name, Some(*gateway));
        self.gateways.iter().map(by).collect()
    }
}

fn sysctls(rng: &mut Rng, nics: usize) -> Vec<(String, String)> {
    let mut all = Vec::new();
    let mut set = |key: &str, value: &str| all.push((key.to_owned(), value.to_owned()));
    if nics > 1 && rng.chance(92) {
        set("net.ipv4.ip_forward", "1");
        set("net.ipv6.conf.all.forwarding", "1");
    }
    for (percent, key, value) in [
        (10, "net.ipv4.conf.all.rp_filter", "1"),
        (10, "net.ipv4.conf.all.rp_filter", "2"),
        (5, "net.ipv4.conf.all.route_localnet", "1"),
        (5, "net.ipv4.conf.all.accept_local", "1"),
        (10, "net.netfilter.nf_conntrack_tcp_loose", "0"),
        (10, "net.netfilter.nf_conntrack_tcp_be_liberal", "1"),
        (8, "net.netfilter.nf_conntrack_checksum", "0"),
        (8, "net.netfilter.nf_conntrack_tcp_ignore_invalid_rst", "1"),
        (20, "net.netfilter.nf_conntrack_acct", "1"),
    ] {
        if rng.chance(percent) {
            set(key, value);
        }
    }
    all
}
