//! The host that the tests' packets pass.

use netverdict_host::{Address, HostFacts, Interface, Route, Sysctls};
use netverdict_net::{AddrMask, Family, InterfaceName, MacAddr};

/// A router: eth0 203.0.113.1/24 and 2001:db8::1/64 outside with the default route, eth1 10.0.0.1/24 and fd00::1/64.
pub(crate) fn router() -> HostFacts {
    let interface = |name: &str, v4: &str, v6: &str| {
        let mut interface = Interface::new(InterfaceName::new(name).unwrap());
        interface.mac = Some(mac(name));
        interface.add(Address::new(v4.parse().unwrap(), 24));
        interface.add(Address::new(v6.parse().unwrap(), 64));
        interface
    };
    let mut sysctls = Sysctls::default();
    for setting in ["net.ipv4.ip_forward=1", "net.ipv6.conf.all.forwarding=1"] {
        sysctls.set(setting).unwrap();
    }
    let gateway = "203.0.113.254".parse().ok();
    HostFacts {
        interfaces: vec![
            Interface::loopback(),
            interface("eth0", "203.0.113.1", "2001:db8::1"),
            interface("eth1", "10.0.0.1", "fd00::1"),
        ],
        addresses_known: true,
        assumed_routes: vec![
            Route::new(AddrMask::any(Family::V4)).via(InterfaceName::new("eth0").unwrap(), gateway),
        ],
        sysctls,
        ..HostFacts::default()
    }
}

/// The address of one of its interfaces.
pub(crate) fn mac(name: &str) -> MacAddr {
    MacAddr([2, 0, 0, 0, 0, u8::from(name == "eth1") + 1])
}
