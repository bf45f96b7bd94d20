//! `-m ipv6header` (net/ipv6/netfilter/ip6t_ipv6header.c).

use netverdict_net::{Packet, Protocol, header};
use netverdict_ruleset::matches::{Ipv6Headers, Ipv6header};

use super::tri::hotdrop;
use crate::context::{Eval, MatchCx};

pub(crate) fn evaluate(m: &Ipv6header, cx: &MatchCx<'_, '_>) -> Eval {
    let present = match collect(&cx.skb.packet) {
        Ok(present) => present.0,
        Err(answer) => return answer,
    };
    let (wanted, inverted) = (m.headers.value.0, m.headers.inverted);
    if m.soft {
        // Inverted, none of the listed ones may be there.
        let there = if inverted { !present } else { present };
        Eval::of(wanted & !there == 0, false)
    } else {
        Eval::of(present == wanted, inverted)
    }
}

/// The kinds of headers in the chain. Too little room for the next one is false, an unreadable one drops.
fn collect(packet: &Packet<'_>) -> Result<Ipv6Headers, Eval> {
    let mut next = header::next_protocol(packet);
    let mut at = 40;
    let mut present = 0;
    while let Some(kind) = kind(next) {
        present |= kind.0;
        if next == Protocol::NONE {
            return Ok(Ipv6Headers(present));
        }
        if !packet.holds(at, 2) {
            return Err(Eval::False);
        }
        if next == Protocol::ESP {
            return Ok(Ipv6Headers(present));
        }
        let &[following, units] = packet
            .array(at)
            .map_err(|beyond| hotdrop(beyond, "extension headers not captured"))?;
        at += match next {
            Protocol::FRAGMENT => 8,
            Protocol::AH => (usize::from(units) + 2) * 4,
            _ => (usize::from(units) + 1) * 8,
        };
        next = Protocol(following);
        if at > packet.len() {
            break;
        }
    }
    if !matches!(next, Protocol::NONE | Protocol::ESP) {
        present |= Ipv6Headers::PROTOCOL.0;
    }
    Ok(Ipv6Headers(present))
}

const fn kind(protocol: Protocol) -> Option<Ipv6Headers> {
    Some(match protocol {
        Protocol::HOPOPTS => Ipv6Headers::HOP_BY_HOP,
        Protocol::ROUTING => Ipv6Headers::ROUTING,
        Protocol::FRAGMENT => Ipv6Headers::FRAGMENT,
        Protocol::ESP => Ipv6Headers::ENCRYPTED,
        Protocol::AH => Ipv6Headers::AUTHENTICATION,
        Protocol::NONE => Ipv6Headers::NO_NEXT,
        Protocol::DSTOPTS => Ipv6Headers::DESTINATION,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::matches::fixture::Scene;
    use netverdict_ruleset::Invertible;

    const HOP: u8 = Ipv6Headers::HOP_BY_HOP.0;
    const FRAG: u8 = Ipv6Headers::FRAGMENT.0;
    const PROTO: u8 = Ipv6Headers::PROTOCOL.0;
    const NONE: u8 = Ipv6Headers::NO_NEXT.0;

    fn check(next: u8, payload: &[u8], wanted: u8, soft: bool, inverted: bool) -> Eval {
        let value = Ipv6Headers(wanted);
        let m = Ipv6header {
            headers: Invertible { inverted, value },
            soft,
        };
        Scene::v6(next, payload.to_vec()).with(|cx| evaluate(&m, cx))
    }

    /// Hop-by-hop, then UDP.
    const CHAIN: [u8; 16] = [17, 0, 1, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 8, 0, 0];

    #[test]
    fn exactly_the_listed_headers() {
        for (wanted, hit) in [
            (HOP | PROTO, true),
            (HOP, false),
            (HOP | PROTO | FRAG, false),
        ] {
            for inverted in [false, true] {
                let answer = check(0, &CHAIN, wanted, false, inverted);
                assert_eq!(answer, Eval::of(hit, inverted));
            }
        }
        assert_eq!(check(59, &[], NONE, false, false), Eval::True);
    }

    #[test]
    fn soft_asks_for_the_listed_ones_and_inverted_for_none_of_them() {
        for (wanted, all, none) in [
            (HOP, true, false),
            (HOP | PROTO, true, false),
            (HOP | FRAG, false, false),
            (FRAG, false, true),
        ] {
            assert_eq!(check(0, &CHAIN, wanted, true, false), Eval::of(all, false));
            assert_eq!(check(0, &CHAIN, wanted, true, true), Eval::of(none, false));
        }
    }

    #[test]
    fn a_chain_that_ends_too_early_is_false_even_inverted() {
        assert_eq!(check(0, &[17], HOP, false, true), Eval::False);
        assert_eq!(check(50, &[0], HOP, false, true), Eval::False);
    }

    #[test]
    fn a_header_longer_than_the_packet_ends_the_walk() {
        assert_eq!(
            check(0, &[17, 9, 1, 4], HOP | PROTO, false, false),
            Eval::True
        );
    }
}
