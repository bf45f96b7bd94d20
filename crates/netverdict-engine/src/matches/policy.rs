//! `-m policy` (net/netfilter/xt_policy.c): a packet's IPsec transformations, which only facts tell.

use netverdict_ruleset::Invertible;
use netverdict_ruleset::matches::{Policy, PolicyDirection, PolicyElement};

use super::tri::{self, Tri, all, unknown};
use crate::context::{Eval, MatchCx};
use crate::{About, IpsecState};

const UNKNOWN: &str = "the host's IPsec policies are not known";

pub(crate) fn evaluate(m: &Policy, cx: &MatchCx<'_, '_>) -> Eval {
    let out = m.direction == PolicyDirection::Out;
    let told = cx.fact(|about| match about {
        About::Policy(policy) if policy.out.is_none_or(|of| of == out) => {
            Some(policy.states.as_slice())
        }
        _ => None,
    });
    match told {
        None => unknown(UNKNOWN),
        Some([]) => Eval::of(!m.ipsec, false),
        Some(_) if !m.ipsec => Eval::False,
        Some(states) => tri::eval(if m.strict {
            strictly(m, states)
        } else {
            loosely(m, states)
        }),
    }
}

/// Any transformation passes the first element.
fn loosely(m: &Policy, states: &[IpsecState]) -> Tri {
    let Some(element) = m.elements.first() else {
        return Ok(true);
    };
    let mut undecided = None;
    for state in states {
        match passes(element, state) {
            Ok(true) => return Ok(true),
            Ok(false) => {}
            // The first reason stands.
            Err(why) => undecided = undecided.or(Some(why)),
        }
    }
    undecided.map_or(Ok(false), Err)
}

/// As many transformations as elements, and each passes its own.
fn strictly(m: &Policy, states: &[IpsecState]) -> Tri {
    if m.elements.len() != states.len() {
        return Ok(false);
    }
    // What came in is compared from the outermost transformation on, and the kernel counts elements downwards from the
    // first: beyond it, it reads other memory.
    if m.direction == PolicyDirection::In && states.len() > 1 {
        return Err("policy: --dir in --strict with several elements reads beyond them");
    }
    let answers = m.elements.iter().zip(states);
    all(answers.map(|(element, state)| passes(element, state)))
}

fn passes(element: &PolicyElement, state: &IpsecState) -> Tri {
    all([
        test(element.tunnel_source, state.source, |net, address| {
            net.contains(*address)
        }),
        test(
            element.tunnel_destination,
            state.destination,
            |net, address| net.contains(*address),
        ),
        test(element.protocol, Some(state.protocol), |a, b| a == b),
        test(element.mode, Some(state.mode), |a, b| a == b),
        test(element.spi, state.spi, |a, b| a == b),
        test(element.reqid, state.reqid, |a, b| a == b),
    ])
}

fn test<W, T>(wanted: Option<Invertible<W>>, told: Option<T>, hit: impl Fn(&W, &T) -> bool) -> Tri {
    match (wanted, told) {
        (None, _) => Ok(true),
        (Some(_), None) => Err("the IPsec transformation is not wholly known"),
        (Some(wanted), Some(told)) => Ok(wanted.test(|wanted| hit(wanted, &told))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::PolicyFact;
    use crate::matches::fixture::Scene;
    use netverdict_net::Protocol;
    use netverdict_ruleset::matches::PolicyMode;

    fn asks(ipsec: bool, strict: bool, elements: Vec<PolicyElement>) -> Policy {
        Policy {
            direction: PolicyDirection::In,
            ipsec,
            strict,
            elements,
        }
    }

    fn check(m: &Policy, states: Option<Vec<IpsecState>>) -> Eval {
        let mut scene = Scene::new(Vec::new());
        if let Some(states) = states {
            scene.fact(About::Policy(PolicyFact { out: None, states }));
        }
        scene.with(|cx| evaluate(m, cx))
    }

    #[test]
    fn without_ipsec_only_none_matches() {
        for ipsec in [false, true] {
            let m = asks(ipsec, false, Vec::new());
            assert!(matches!(check(&m, None), Eval::Unknown(_)));
            assert_eq!(check(&m, Some(Vec::new())), Eval::of(!ipsec, false));
        }
    }

    #[test]
    fn elements_are_compared_with_transformations() {
        let esp = IpsecState {
            protocol: Protocol::ESP,
            mode: PolicyMode::Tunnel,
            reqid: Some(1),
            spi: None,
            source: None,
            destination: None,
        };
        let ah = IpsecState {
            protocol: Protocol::AH,
            ..esp
        };
        let reqid = |value, inverted| PolicyElement {
            reqid: Some(Invertible { inverted, value }),
            ..PolicyElement::default()
        };
        let proto = |protocol| PolicyElement {
            protocol: Some(Invertible::plain(protocol)),
            ..PolicyElement::default()
        };
        for (strict, elements, states, hit) in [
            (false, vec![PolicyElement::default()], vec![esp], true),
            (false, vec![reqid(1, false)], vec![esp], true),
            (false, vec![reqid(1, true)], vec![esp], false),
            (false, vec![proto(Protocol::AH)], vec![esp, ah], true),
            (true, vec![proto(Protocol::AH)], vec![esp, ah], false),
            (true, vec![proto(Protocol::ESP)], vec![esp], true),
        ] {
            let m = asks(true, strict, elements);
            assert_eq!(check(&m, Some(states)), Eval::of(hit, false), "{m:?}");
        }
        let spi = PolicyElement {
            spi: Some(Invertible::plain(7)),
            ..PolicyElement::default()
        };
        let m = asks(true, false, vec![spi]);
        assert!(matches!(check(&m, Some(vec![esp])), Eval::Unknown(_)));
    }
}
