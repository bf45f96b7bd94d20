//! `-m physdev` (net/netfilter/xt_physdev.c): a bridge's ports. A capture below a bridge that shows its packets to these
//! hooks tells the port that they came by; the rest only facts tell.

use netverdict_host::Role;
use netverdict_net::{Device, InterfaceName, InterfacePattern};
use netverdict_ruleset::matches::Physdev;
use netverdict_ruleset::{Hook, Invertible};

use super::tri::{self, Tri, all, unknown};
use crate::context::{Eval, MatchCx};
use crate::{About, PhysdevFact};

const UNKNOWN: &str = "the bridge port is not known";

/// A port.
#[derive(Debug, Clone, Copy)]
enum Port {
    /// There is none.
    None,
    Named(InterfaceName),
    /// There is one, nobody tells which.
    Some,
    /// Nobody tells whether there is one.
    Unknown,
}

/// The ports that the packet came in and goes out by.
struct Ports {
    input: Port,
    output: Port,
}

pub(crate) fn evaluate(m: &Physdev, cx: &MatchCx<'_, '_>) -> Eval {
    let told = cx.fact(|about| match about {
        About::Physdev(ports) => Some(*ports),
        _ => None,
    });
    let calls = || cx.host.bridges_call(cx.skb.packet.family());
    match (told, came_over_bridge(cx)) {
        (Some(Some(ports)), _) => tri::eval(with_ports(m, &of_fact(ports, cx))),
        (Some(None), _) | (None, Some(false)) => without_bridge(m),
        (None, Some(true)) => match calls() {
            Some(true) => tri::eval(with_ports(m, &of_frame(cx))),
            Some(false) => without_bridge(m),
            None => unknown(UNKNOWN),
        },
        (None, None) => unknown("the in-device is not known"),
    }
}

/// Without bridge information it is true if, and only if, every option given is inverted.
fn without_bridge(m: &Physdev) -> Eval {
    let used_plain = [m.is_in, m.is_out, m.is_bridged].contains(&Some(false))
        || m.input.is_some_and(|port| !port.inverted)
        || m.output.is_some_and(|port| !port.inverted);
    Eval::of(!used_plain, false)
}

fn of_fact(ports: PhysdevFact, cx: &MatchCx<'_, '_>) -> Ports {
    let named = |port: Option<InterfaceName>| port.map_or(Port::Unknown, Port::Named);
    Ports {
        input: match ports.input {
            None if cx.skb.local => Port::None,
            port => named(port),
        },
        output: if is_leaving(cx) {
            named(ports.output)
        } else {
            Port::None
        },
    }
}

/// What the frame shows: a capture below the bridge has the port that it came by. Only what the bridge passes on has one
/// that it goes out by, and no capture tells it beforehand.
fn of_frame(cx: &MatchCx<'_, '_>) -> Ports {
    Ports {
        input: cx.skb.packet.link.port.map_or(Port::Some, Port::Named),
        output: if cx.skb.bridged && is_leaving(cx) {
            Port::Some
        } else {
            Port::None
        },
    }
}

/// Where the packet leaves is known to the bridge once it forwards.
fn is_leaving(cx: &MatchCx<'_, '_>) -> bool {
    matches!(cx.param.hook, Hook::Forward | Hook::Postrouting)
}

fn with_ports(m: &Physdev, ports: &Ports) -> Tri {
    all([
        is_there(m.is_bridged, ports.output),
        is_there(m.is_in, ports.input),
        is_there(m.is_out, ports.output),
        // A missing in-port passes, a missing out-port does not.
        named(m.input, ports.input, true),
        named(m.output, ports.output, false),
    ])
}

fn is_there(wanted: Option<bool>, port: Port) -> Tri {
    match (wanted, port) {
        (None, _) => Ok(true),
        (Some(_), Port::Unknown) => Err(UNKNOWN),
        (Some(inverted), Port::None) => Ok(inverted),
        (Some(inverted), Port::Named(_) | Port::Some) => Ok(!inverted),
    }
}

fn named(wanted: Option<Invertible<InterfacePattern>>, port: Port, missing: bool) -> Tri {
    match (wanted, port) {
        (None, _) => Ok(true),
        (Some(_), Port::Unknown | Port::Some) => Err(UNKNOWN),
        (Some(_), Port::None) => Ok(missing),
        (Some(wanted), Port::Named(name)) => {
            Ok(wanted.test(|pattern| pattern.matches(name.as_str())))
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

    #[test]
    fn facts_tell_the_ports() {
        let port = |name: &str, inverted| {
            Some(Invertible {
                inverted,
                value: InterfacePattern::new(name).unwrap(),
            })
        };
        let named = |name| Some(InterfaceName::new(name).unwrap());
        let blank = Physdev::default();
        for (hook, output, m, want) in [
            (
                Hook::Forward,
                named("p2"),
                Physdev {
                    input: port("p1", false),
                    ..blank
                },
                Some(true),
            ),
            (
                Hook::Forward,
                named("p2"),
                Physdev {
                    input: port("p2", false),
                    ..blank
                },
                Some(false),
            ),
            (
                Hook::Forward,
                named("p2"),
                Physdev {
                    output: port("p+", false),
                    ..blank
                },
                Some(true),
            ),
            (
                Hook::Forward,
                named("p2"),
                Physdev {
                    output: port("p2", true),
                    ..blank
                },
                Some(false),
            ),
            (
                Hook::Forward,
                named("p2"),
                Physdev {
                    is_bridged: Some(false),
                    ..blank
                },
                Some(true),
            ),
            (
                Hook::Input,
                named("p2"),
                Physdev {
                    is_bridged: Some(false),
                    ..blank
                },
                Some(false),
            ),
            (
                Hook::Input,
                named("p2"),
                Physdev {
                    is_in: Some(false),
                    ..blank
                },
                Some(true),
            ),
            (
                Hook::Forward,
                None,
                Physdev {
                    is_out: Some(false),
                    ..blank
                },
                None,
            ),
        ] {
            let mut scene = Scene::new(Vec::new());
            scene.param.hook = hook;
            let input = named("p1");
            scene.fact(About::Physdev(Some(PhysdevFact { input, output })));
            let answer = scene.with(|cx| evaluate(&m, cx));
            match want {
                Some(hit) => assert_eq!(answer, Eval::of(hit, false), "{m:?}"),
                None => assert!(matches!(answer, Eval::Unknown(_)), "{m:?}"),
            }
        }
    }
}
