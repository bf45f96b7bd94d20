//! Random conversations of the protocols that conntrack helpers read, put through both sides.

use netverdict_forge::random::{HELPER_MACS, HelperTalk};
use netverdict_host::{Address, HostFacts, Interface, Route};
use netverdict_net::{AddrMask, Family, InterfaceName};

use crate::kernel::Namespace;
use crate::random::{Compared, judge};
use crate::rig::{Backend, Emitted};
use crate::{Case, Frame, RigError};

/// A router: the outside on eth0, with the default routes, the inside on eth1.
pub fn router() -> Result<HostFacts, RigError> {
    let wrong = |what: &str| RigError::Host(format!("`{what}` cannot be read"));
    let mut facts = HostFacts {
        addresses_known: true,
        ..HostFacts::default()
    };
    facts.interfaces.push(Interface::loopback());
    for setting in ["net.ipv4.ip_forward=1", "net.ipv6.conf.all.forwarding=1"] {
        facts.sysctls.set(setting).map_err(|_| wrong(setting))?;
    }
    let nics = [
        ("eth0", ["203.0.113.1", "2001:db8::1"]),
        ("eth1", ["10.0.0.1", "fd00::1"]),
    ];
    for ((name, addresses), mac) in nics.into_iter().zip(HELPER_MACS) {
        let mut interface = Interface::new(InterfaceName::new(name).map_err(|_| wrong(name))?);
        interface.mac = Some(mac);
        for (address, len) in addresses.into_iter().zip([24, 64]) {
            let local = address.parse().map_err(|_| wrong(address))?;
            interface.add(Address::new(local, len));
        }
        facts.interfaces.push(interface);
    }
    let outside = InterfaceName::new("eth0").map_err(|_| wrong("eth0"))?;
    for (prefix, gateway) in [("0.0.0.0", "203.0.113.254"), ("::", "2001:db8::fe")] {
        let prefix = prefix.parse().map_err(|_| wrong(prefix))?;
        let gateway = gateway.parse().map_err(|_| wrong(gateway))?;
        let route = Route::new(AddrMask::prefix(prefix, 0)).via(outside, Some(gateway));
        facts.assumed_routes.push(route);
    }
    Ok(facts)
}

/// The conversation of a seed through the kernel, as it is drawn, and through the model.
pub fn compare(seed: u64) -> Result<Compared, RigError> {
    let mut talk = HelperTalk::new(seed);
    let rules = Some(talk.rules());
    let (v4, v6) = match talk.family() {
        Family::V4 => (rules, None),
        Family::V6 => (None, rules),
    };
    let mut case = Case {
        facts: router()?,
        v4,
        v6,
        ipset: None,
        timeouts: None,
        backend: Backend::Legacy,
        frames: Vec::new(),
    };
    let kernel = Namespace::isolated(|inside| {
        let rig = case.rig(inside)?;
        let mut seen = Vec::new();
        while let Some(frame) = talk.next_frame() {
            let frame = Frame::drawn(frame);
            let made = rig.inject(&frame.injection())?;
            talk.observe(made.emitted.first().map(Emitted::packet));
            case.frames.push(frame);
            seen.push(made);
        }
        case.finish(&rig, seen)
    })?;
    judge(case, kernel)
}
