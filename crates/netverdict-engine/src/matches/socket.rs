//! `-m socket` (net/netfilter/xt_socket.c): asks for this host's sockets, which only facts tell.

use netverdict_ruleset::matches::Socket;

use super::tri::unknown;
use crate::context::{Eval, MatchCx};
use crate::{About, SocketFact};

pub(crate) fn evaluate(m: &Socket, cx: &mut MatchCx<'_, '_>) -> Eval {
    let told = cx.fact(|about| match about {
        About::Socket(socket) => Some(*socket),
        _ => None,
    });
    let Some(socket) = told else {
        return unknown("the host's sockets are not known");
    };
    let Some(SocketFact {
        transparent,
        wildcard,
        mark,
    }) = socket
    else {
        return Eval::False;
    };
    let counts = (!wildcard || m.no_wildcard) && (transparent || !m.transparent);
    if counts && m.restore_mark {
        cx.skb.mark = mark;
    }
    Eval::of(counts, false)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::matches::fixture::Scene;

    #[test]
    fn options_say_which_sockets_count_and_the_mark_is_theirs() {
        let socket = |transparent, wildcard| {
            Some(SocketFact {
                transparent,
                wildcard,
                mark: 9,
            })
        };
        let m = |transparent, no_wildcard| Socket {
            transparent,
            no_wildcard,
            restore_mark: true,
        };
        for (fact, m, hit) in [
            (None, m(false, false), false),
            (socket(false, false), m(false, false), true),
            (socket(false, false), m(true, false), false),
            (socket(true, false), m(true, false), true),
            (socket(false, true), m(false, false), false),
            (socket(false, true), m(false, true), true),
        ] {
            let mut scene = Scene::new(Vec::new());
            scene.fact(About::Socket(fact));
            let answer = scene.with(|cx| evaluate(&m, cx));
            assert_eq!(answer, Eval::of(hit, false), "{fact:?} {m:?}");
            assert_eq!(scene.skb.mark, if hit { 9 } else { 0 });
        }
    }
}
