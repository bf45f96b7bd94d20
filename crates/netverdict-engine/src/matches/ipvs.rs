//! `-m ipvs` (net/netfilter/xt_ipvs.c): what IPVS has to do with a packet, which only facts tell.

use netverdict_ruleset::Invertible;
use netverdict_ruleset::matches::Ipvs;

use super::tri::{self, Tri, all, unknown};
use crate::context::{Eval, MatchCx};
use crate::{About, IpvsFact};

const UNKNOWN: &str = "the IPVS service is not wholly known";

pub(crate) fn evaluate(m: &Ipvs, cx: &MatchCx<'_, '_>) -> Eval {
    let told = cx.fact(|about| match about {
        About::Ipvs(service) => Some(*service),
        _ => None,
    });
    let Some(service) = told else {
        return unknown("the IPVS services are not known");
    };
    match (service, m.property) {
        // Alone, `--ipvs` asks whether IPVS has the packet; beside other options it is not asked.
        (service, Some(inverted)) if is_alone(m) => Eval::of(service.is_some(), inverted),
        (None, _) => Eval::False,
        (Some(service), _) => tri::eval(tests(m, service)),
    }
}

fn tests(m: &Ipvs, service: IpvsFact) -> Tri {
    all([
        test(m.protocol, Some(service.protocol.0), |a, b| a == b),
        test(m.address, Some(service.address), |net, address| {
            net.contains(*address)
        }),
        test(m.port, Some(service.port), |a, b| a == b),
        test(
            m.direction.map(Invertible::plain),
            service.direction,
            |a, b| a == b,
        ),
        test(m.method, service.method, |a, b| a == b),
        test(m.control_port, service.control_port, |a, b| a == b),
    ])
}

fn test<W, T>(wanted: Option<Invertible<W>>, told: Option<T>, hit: impl Fn(&W, &T) -> bool) -> Tri {
    match (wanted, told) {
        (None, _) => Ok(true),
        (Some(_), None) => Err(UNKNOWN),
        (Some(wanted), Some(told)) => Ok(wanted.test(|wanted| hit(wanted, &told))),
    }
}

const fn is_alone(m: &Ipvs) -> bool {
    m.protocol.is_none()
        && m.address.is_none()
        && m.port.is_none()
        && m.direction.is_none()
        && m.method.is_none()
        && m.control_port.is_none()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::matches::fixture::Scene;
    use netverdict_net::{AddrMask, Protocol};
    use netverdict_ruleset::matches::IpvsMethod;

    #[test]
    fn facts_tell_the_service() {
        let service = IpvsFact {
            protocol: Protocol::TCP,
            address: "203.0.113.1".parse().unwrap(),
            port: 80,
            method: None,
            direction: None,
            control_port: None,
        };
        let blank = Ipvs::default();
        let net = AddrMask::prefix("203.0.113.0".parse().unwrap(), 24);
        for (fact, m, want) in [
            (
                None,
                Ipvs {
                    property: Some(false),
                    ..blank
                },
                Some(false),
            ),
            (
                None,
                Ipvs {
                    property: Some(true),
                    ..blank
                },
                Some(true),
            ),
            (
                None,
                Ipvs {
                    port: Some(Invertible::inverted(80)),
                    ..blank
                },
                Some(false),
            ),
            (
                Some(service),
                Ipvs {
                    property: Some(false),
                    ..blank
                },
                Some(true),
            ),
            (
                Some(service),
                Ipvs {
                    address: Some(Invertible::plain(net)),
                    ..blank
                },
                Some(true),
            ),
            (
                Some(service),
                Ipvs {
                    port: Some(Invertible::inverted(80)),
                    ..blank
                },
                Some(false),
            ),
            (
                Some(service),
                Ipvs {
                    method: Some(Invertible::plain(IpvsMethod::Masq)),
                    ..blank
                },
                None,
            ),
        ] {
            let mut scene = Scene::new(Vec::new());
            scene.fact(About::Ipvs(fact));
            let answer = scene.with(|cx| evaluate(&m, cx));
            match want {
                Some(hit) => assert_eq!(answer, Eval::of(hit, false), "{m:?}"),
                None => assert!(matches!(answer, Eval::Unknown(_)), "{m:?}"),
            }
        }
    }
}
