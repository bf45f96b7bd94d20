//! `-m addrtype` (net/netfilter/xt_addrtype.c).

use std::net::{IpAddr, Ipv6Addr};

use netverdict_host::AddressType;
use netverdict_net::{Device, InterfaceName};
use netverdict_ruleset::Invertible;
use netverdict_ruleset::matches::{AddrTypes, Addrtype, AddrtypeLimit};

use super::tri::{self, Tri, all};
use crate::context::{Eval, MatchCx};

pub(crate) fn evaluate(m: &Addrtype, cx: &MatchCx<'_, '_>) -> Eval {
    let device = match m.limit {
        None => Device::Absent,
        Some(AddrtypeLimit::In) => cx.skb.in_device,
        Some(AddrtypeLimit::Out) => cx.skb.out_device,
    };
    if device == Device::Unknown {
        return tri::unknown("the device is not known");
    }
    let packet = &cx.skb.packet;
    let side = |test: Option<Invertible<AddrTypes>>, addr: IpAddr| match test {
        None => Ok(true),
        Some(test) => {
            is_of(test.value, addr, device.name().copied(), cx).map(|hit| hit != test.inverted)
        }
    };
    tri::eval(all([
        side(m.source, packet.source()),
        side(m.destination, packet.destination()),
    ]))
}

/// No device is no limit.
fn is_of(
    types: AddrTypes,
    addr: IpAddr,
    device: Option<InterfaceName>,
    cx: &MatchCx<'_, '_>,
) -> Tri {
    match addr {
        IpAddr::V4(addr) => Ok(types.intersects(bit(cx.host.address_type(addr, device)))),
        IpAddr::V6(addr) => is_of_v6(types, addr, device, cx),
    }
}

const fn bit(kind: AddressType) -> AddrTypes {
    AddrTypes(match kind {
        AddressType::Unicast => 1 << 1,
        AddressType::Local => 1 << 2,
        AddressType::Broadcast => 1 << 3,
        AddressType::Anycast => 1 << 4,
        AddressType::Multicast => 1 << 5,
        AddressType::Blackhole => 1 << 6,
        AddressType::Unreachable => 1 << 7,
        AddressType::Prohibit => 1 << 8,
        AddressType::Throw => 1 << 9,
    })
}

/// `match_type6`: the classes that the address alone shows must all hold; of those that a route shows, one.
fn is_of_v6(
    types: AddrTypes,
    addr: Ipv6Addr,
    device: Option<InterfaceName>,
    cx: &MatchCx<'_, '_>,
) -> Tri {
    let class = |wanted, is: bool| !types.intersects(wanted) || is;
    let by_class = class(AddrTypes::MULTICAST, addr.is_multicast())
        && class(AddrTypes::UNICAST, is_unicast(addr))
        && class(AddrTypes::UNSPEC, addr.is_unspecified());
    if !by_class {
        return Ok(false);
    }
    let looked_up = AddrTypes(AddrTypes::LOCAL.0 | AddrTypes::ANYCAST.0 | AddrTypes::UNREACHABLE.0);
    if !types.intersects(looked_up) {
        return Ok(true);
    }
    let want_local = types.intersects(AddrTypes::LOCAL);
    let found = cx
        .host
        .address_types_v6(addr, device, want_local)
        .map_err(|_| "the route to the address is not decided")?;
    Ok((found.local && want_local)
        || (found.anycast && types.intersects(AddrTypes::ANYCAST))
        || (found.unreachable && types.intersects(AddrTypes::UNREACHABLE)))
}

/// `IPV6_ADDR_UNICAST` of `__ipv6_addr_type`: all but multicast, `::` and v4-mapped addresses.
fn is_unicast(addr: Ipv6Addr) -> bool {
    !addr.is_multicast() && !addr.is_unspecified() && addr.to_ipv4_mapped().is_none()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::matches::fixture::{Scene, device};
    use netverdict_host::{Address, Host, HostFacts, Interface};

    fn scene(destination: [u8; 4]) -> Scene {
        let mut eth1 = Interface::new(InterfaceName::new("eth1").unwrap());
        let mut address = Address::new([198, 51, 100, 2].into(), 24);
        address.broadcast = Some([198, 51, 100, 255].into());
        eth1.add(address);
        let mut scene = Scene::new(Vec::new());
        scene.host = Host::new(HostFacts {
            interfaces: vec![Interface::loopback(), eth1],
            addresses_known: true,
            ..HostFacts::default()
        });
        scene.skb.packet.captured_mut()[16..20].copy_from_slice(&destination);
        scene
    }

    fn to(types: u16, inverted: bool) -> Addrtype {
        let value = AddrTypes(types);
        Addrtype {
            destination: Some(Invertible { inverted, value }),
            ..Addrtype::default()
        }
    }

    #[test]
    fn types_of_ipv4_destinations_in_both_polarities() {
        for (destination, kind) in [
            ([198, 51, 100, 2], 1 << 2),
            ([127, 0, 0, 9], 1 << 2),
            ([198, 51, 100, 255], 1 << 3),
            ([255, 255, 255, 255], 1 << 3),
            ([0, 0, 0, 0], 1 << 3),
            ([0, 1, 2, 3], 1 << 1),
            ([224, 0, 0, 1], 1 << 5),
            ([8, 8, 8, 8], 1 << 1),
        ] {
            let mut scene = scene(destination);
            for inverted in [false, true] {
                let yes = scene.with(|cx| evaluate(&to(kind | 1 << 7, inverted), cx));
                assert_eq!(yes, Eval::of(true, inverted), "{destination:?}");
                let no = scene.with(|cx| evaluate(&to(!kind, inverted), cx));
                assert_eq!(no, Eval::of(false, inverted), "{destination:?}");
            }
        }
    }

    #[test]
    fn a_limit_asks_for_addresses_of_that_device() {
        let mut scene = scene([198, 51, 100, 2]);
        let m = |limit| Addrtype {
            limit: Some(limit),
            ..to(1 << 2, false)
        };
        let out = m(AddrtypeLimit::Out);
        assert_eq!(scene.with(|cx| evaluate(&out, cx)), Eval::True);
        let input = m(AddrtypeLimit::In);
        assert_eq!(scene.with(|cx| evaluate(&input, cx)), Eval::False);
        scene.skb.out_device = Device::Unknown;
        assert!(matches!(
            scene.with(|cx| evaluate(&out, cx)),
            Eval::Unknown(_)
        ));
        scene.skb.out_device = device("eth0");
        assert_eq!(scene.with(|cx| evaluate(&out, cx)), Eval::False);
    }

    #[test]
    fn both_sides_must_hold() {
        let mut scene = scene([198, 51, 100, 2]);
        let m = |source| Addrtype {
            source: Some(Invertible::plain(AddrTypes(source))),
            ..to(1 << 2, false)
        };
        assert_eq!(scene.with(|cx| evaluate(&m(1 << 1), cx)), Eval::True);
        assert_eq!(scene.with(|cx| evaluate(&m(1 << 2), cx)), Eval::False);
    }

    #[test]
    fn classes_of_ipv6_addresses_are_all_asked_for() {
        let mut scene = Scene::v6(59, Vec::new());
        assert_eq!(
            scene.with(|cx| evaluate(&to(1 << 1, false), cx)),
            Eval::True
        );
        assert_eq!(
            scene.with(|cx| evaluate(&to(1 << 5, false), cx)),
            Eval::False
        );
        let both = to(1 << 1 | 1 << 5, false);
        assert_eq!(scene.with(|cx| evaluate(&both, cx)), Eval::False);
        scene.skb.packet.captured_mut()[24] = 0xff;
        assert_eq!(
            scene.with(|cx| evaluate(&to(1 << 5, false), cx)),
            Eval::True
        );
    }
}
