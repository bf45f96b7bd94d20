//! `-m rpfilter` (net/ipv4/netfilter/ipt_rpfilter.c, net/ipv6/netfilter/ip6t_rpfilter.c); the lookup is the host's.

use netverdict_host::{Flow, ReversePath};
use netverdict_ruleset::matches::Rpfilter;

use super::tri::unknown;
use crate::context::{Eval, MatchCx};

pub(crate) fn evaluate(m: &Rpfilter, cx: &MatchCx<'_, '_>) -> Eval {
    // The loopback device, and copies of what this host sent to many (`rpfilter_is_loopback`).
    if cx.skb.local {
        return Eval::of(true, m.invert);
    }
    let packet = &cx.skb.packet;
    let flow = Flow {
        iif: cx.skb.in_device,
        mark: cx.skb.mark,
        tos: packet.tos(),
        ..Flow::output(packet.source(), packet.destination())
    };
    let options = ReversePath {
        loose: m.loose,
        valid_mark: m.valid_mark,
        accept_local: m.accept_local,
    };
    match cx.host.reverse_path(&flow, options) {
        Ok(passes) => Eval::of(passes, m.invert),
        Err(_) => unknown("the route back to the source is not known"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::matches::fixture::{Scene, device};
    use netverdict_host::{Address, Host, HostFacts, Interface, kernel_routes};
    use netverdict_net::{Family, InterfaceName};

    fn scene() -> Scene {
        let mut eth0 = Interface::new(InterfaceName::new("eth0").unwrap());
        eth0.add(Address::new([192, 0, 2, 9].into(), 24));
        let interfaces = vec![Interface::loopback(), eth0];
        let mut scene = Scene::new(Vec::new());
        scene.host = Host::new(HostFacts {
            routes_v4: Some(kernel_routes(Family::V4, &interfaces, false)),
            interfaces,
            addresses_known: true,
            ..HostFacts::default()
        });
        scene
    }

    fn check(scene: &mut Scene, m: Rpfilter) -> [Eval; 2] {
        [false, true].map(|invert| scene.with(|cx| evaluate(&Rpfilter { invert, ..m }, cx)))
    }

    #[test]
    fn what_this_host_sent_itself_passes() {
        let mut scene = scene();
        scene.skb.in_device = device("eth5");
        scene.skb.local = true;
        assert_eq!(
            check(&mut scene, Rpfilter::default()),
            [Eval::True, Eval::False]
        );
    }

    #[test]
    fn the_answer_would_leave_by_the_device_it_came_in() {
        let mut scene = scene();
        assert_eq!(
            check(&mut scene, Rpfilter::default()),
            [Eval::True, Eval::False]
        );
        scene.skb.in_device = device("eth5");
        assert_eq!(
            check(&mut scene, Rpfilter::default()),
            [Eval::False, Eval::True]
        );
        let loose = Rpfilter {
            loose: true,
            ..Rpfilter::default()
        };
        assert_eq!(check(&mut scene, loose), [Eval::True, Eval::False]);
        scene.skb.packet.captured_mut()[12] = 9;
        assert_eq!(
            check(&mut scene, loose),
            [Eval::False, Eval::True],
            "no route at all"
        );
    }

    #[test]
    fn the_loopback_device_passes_and_missing_routes_are_unknown() {
        let mut scene = scene();
        scene.host = Host::default();
        let [plain, inverted] = check(&mut scene, Rpfilter::default());
        assert!(matches!(plain, Eval::Unknown(_)) && matches!(inverted, Eval::Unknown(_)));
        scene.skb.in_device = device("lo");
        assert_eq!(
            check(&mut scene, Rpfilter::default()),
            [Eval::True, Eval::False]
        );
    }
}
