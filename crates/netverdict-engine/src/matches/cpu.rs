//! `-m cpu` (net/netfilter/xt_cpu.c): which processor took the packet, no input tells; a fact may.

use netverdict_ruleset::matches::Cpu;

use super::tri::unknown;
use crate::About;
use crate::context::{Eval, MatchCx};

pub(crate) fn evaluate(m: &Cpu, cx: &MatchCx<'_, '_>) -> Eval {
    let told = cx.fact(|about| match about {
        About::Cpu(number) => Some(*number),
        _ => None,
    });
    match told {
        Some(number) => Eval::of(number == m.cpu.value, m.cpu.inverted),
        None => unknown("the processor is not known"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::matches::fixture::Scene;
    use netverdict_ruleset::Invertible;

    #[test]
    fn only_a_fact_tells_the_processor() {
        let mut scene = Scene::new(Vec::new());
        let m = |cpu| Cpu { cpu };
        let zero = m(Invertible::plain(0));
        assert!(matches!(
            scene.with(|cx| evaluate(&zero, cx)),
            Eval::Unknown(_)
        ));
        scene.fact(About::Cpu(0));
        for (m, want) in [
            (zero, Eval::True),
            (m(Invertible::plain(1)), Eval::False),
            (m(Invertible::inverted(1)), Eval::True),
        ] {
            assert_eq!(scene.with(|cx| evaluate(&m, cx)), want);
        }
    }
}
