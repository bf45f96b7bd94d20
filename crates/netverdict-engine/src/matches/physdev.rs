//! `-m physdev` (net/netfilter/xt_physdev.c).

use netverdict_host::Role;
use netverdict_net::Device;
use netverdict_ruleset::matches::Physdev;

use super::tri::unknown;
use crate::context::{Eval, MatchCx};

pub(crate) fn evaluate(m: &Physdev, cx: &MatchCx<'_, '_>) -> Eval {
    match came_over_bridge(cx) {
        // The bridge's port is known to nobody but the bridge.
        Some(true) => unknown("the bridge port is not known"),
        None => unknown("the in-device is not known"),
        // Without bridge information it is true if, and only if, every option given is inverted.
        Some(false) => {
            let used_plain = [m.is_in, m.is_out, m.is_bridged].contains(&Some(false))
                || m.input.is_some_and(|port| !port.inverted)
                || m.output.is_some_and(|port| !port.inverted);
            Eval::of(!used_plain, false)
        }
    }
}

fn came_over_bridge(cx: &MatchCx<'_, '_>) -> Option<bool> {
    match cx.skb.in_device {
        Device::Absent => Some(false),
        Device::Unknown => None,
        Device::Named(name) => {
            let interface = cx.host.interface(&name);
            Some(interface.is_some_and(|i| i.role == Role::Bridge))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::matches::fixture::Scene;
    use netverdict_host::{Host, HostFacts, Interface};
    use netverdict_net::{InterfaceName, InterfacePattern};
    use netverdict_ruleset::Invertible;

    #[test]
    fn off_a_bridge_only_inverted_options_hold() {
        let mut scene = Scene::new(Vec::new());
        let port = |inverted| {
            Some(Invertible {
                inverted,
                value: InterfacePattern::new("eth+").unwrap(),
            })
        };
        for (is_bridged, input, hit) in [
            (Some(false), None, false),
            (Some(true), None, true),
            (Some(true), port(false), false),
            (None, port(true), true),
        ] {
            let m = Physdev {
                is_bridged,
                input,
                ..Physdev::default()
            };
            assert_eq!(
                scene.with(|cx| evaluate(&m, cx)),
                Eval::of(hit, false),
                "{m:?}"
            );
        }
    }

    #[test]
    fn the_port_of_a_bridge_is_unknown() {
        let mut scene = Scene::new(Vec::new());
        let mut bridge = Interface::new(InterfaceName::new("eth0").unwrap());
        bridge.role = Role::Bridge;
        scene.host = Host::new(HostFacts {
            interfaces: vec![bridge],
            ..HostFacts::default()
        });
        let m = Physdev::default();
        assert!(matches!(
            scene.with(|cx| evaluate(&m, cx)),
            Eval::Unknown(_)
        ));
        scene.skb.in_device = Device::Unknown;
        assert!(matches!(
            scene.with(|cx| evaluate(&m, cx)),
            Eval::Unknown(_)
        ));
    }
}
