//! `-m srh` (net/ipv6/netfilter/ip6t_srh.c): whatever is not sound is false, never a drop.

use std::net::Ipv6Addr;

use netverdict_net::header::ipv6::{self, WalkError};
use netverdict_net::{Beyond, Packet, Protocol};
use netverdict_ruleset::Invertible;
use netverdict_ruleset::matches::{Srh, SrhPrefix};

use super::tri::absent;
use crate::context::{Eval, MatchCx};

/// The routing type of segment routing.
const SEGMENT_ROUTING: u8 = 4;

pub(crate) fn evaluate(m: &Srh, cx: &MatchCx<'_, '_>) -> Eval {
    match holds(m, &cx.skb.packet) {
        Ok(holds) => Eval::of(holds, false),
        Err(beyond) => absent(beyond, "segment routing header not captured"),
    }
}

fn holds(m: &Srh, packet: &Packet<'_>) -> Result<bool, Beyond> {
    let at = match ipv6::find(packet, Some(Protocol::ROUTING)) {
        Ok(found) => found.offset,
        Err(WalkError::Beyond(beyond)) => return Err(beyond),
        Err(WalkError::Absent | WalkError::Fragment { .. }) => return Ok(false),
    };
    let [next, len, kind, left, last, _, high, low] = *packet.array(at)?;
    let sound =
        packet.holds(at, (usize::from(len) + 1) * 8) && kind == SEGMENT_ROUTING && left <= last;
    // The kernel compares the field with a number in the host's order: `--srh-tag 1` is 0x0100 on the wire.
    let tag = u16::from_le_bytes([high, low]);
    let fields = m.next_header.is_none_or(|t| t.test(|want| *want == next))
        && m.length.matches(len)
        && m.segments_left.matches(left)
        && m.last_entry.matches(last)
        && m.tag.is_none_or(|t| t.test(|want| *want == tag));
    if !sound || !fields {
        return Ok(false);
    }
    let segment = |test: Option<Invertible<SrhPrefix>>, index: Option<u8>| match (test, index) {
        (None, _) => Ok(true),
        (Some(_), None) => Ok(false),
        (Some(test), Some(index)) => {
            let bytes = packet.array::<16>(at + 8 + usize::from(index) * 16)?;
            let addr = Ipv6Addr::from(*bytes);
            Ok(test.test(|prefix| prefix.contains(addr)))
        }
    };
    // The list is in reverse order: the segment before is the one above.
    let previous = if left == last {
        None
    } else {
        left.checked_add(1)
    };
    Ok(segment(m.previous, previous)?
        && segment(m.next, left.checked_sub(1))?
        && segment(m.last, Some(0))?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::matches::fixture::Scene;
    use netverdict_ruleset::matches::SrhNumber;

    /// Segments ::1 (the last to visit), ::2, ::3; one left, and a tag of 7 to a little-endian host.
    fn scene() -> Scene {
        let mut bytes = vec![59, 6, 4, 1, 2, 0, 7, 0];
        for n in 1..=3u128 {
            bytes.extend(n.to_be_bytes());
        }
        Scene::v6(43, bytes)
    }

    fn check(m: &Srh) -> Eval {
        scene().with(|cx| evaluate(m, cx))
    }

    fn net(n: u128, inverted: bool) -> Option<Invertible<SrhPrefix>> {
        let value = SrhPrefix {
            addr: n.into(),
            len: 128,
        };
        Some(Invertible { inverted, value })
    }

    #[test]
    fn segments_are_found_by_how_many_are_left() {
        for inverted in [false, true] {
            for (n, hits) in [(1, [false, true, true]), (3, [true, false, false])] {
                let d = Srh::default();
                let test = net(n, inverted);
                let all = [
                    Srh {
                        previous: test,
                        ..d
                    },
                    Srh { next: test, ..d },
                    Srh { last: test, ..d },
                ];
                for (m, hit) in all.iter().zip(hits) {
                    assert_eq!(check(m), Eval::of(hit, inverted), "{m:?}");
                }
            }
        }
    }

    #[test]
    fn fields_in_both_polarities() {
        let d = Srh::default();
        for inverted in [false, true] {
            let tag = |value| Some(Invertible { inverted, value });
            assert_eq!(check(&Srh { tag: tag(7), ..d }), Eval::of(true, inverted));
            assert_eq!(check(&Srh { tag: tag(8), ..d }), Eval::of(false, inverted));
            let next_header = Some(Invertible {
                inverted,
                value: 59,
            });
            assert_eq!(check(&Srh { next_header, ..d }), Eval::of(true, inverted));
            let above = |value| SrhNumber {
                value,
                greater: Some(inverted),
                ..SrhNumber::default()
            };
            let m = |value| Srh {
                segments_left: above(value),
                ..d
            };
            assert_eq!(check(&m(0)), Eval::of(true, inverted));
            assert_eq!(check(&m(1)), Eval::of(false, inverted));
        }
    }

    #[test]
    fn what_is_not_sound_is_false() {
        let check = |mut scene: Scene| scene.with(|cx| evaluate(&Srh::default(), cx));
        assert_eq!(check(scene()), Eval::True);
        let mut other_type = scene();
        other_type.skb.packet.captured_mut()[42] = 0;
        assert_eq!(check(other_type), Eval::False);
        let mut left = scene();
        left.skb.packet.captured_mut()[43] = 3;
        assert_eq!(check(left), Eval::False);
        let mut long = scene();
        long.skb.packet.captured_mut()[41] = 7;
        assert_eq!(check(long), Eval::False);
        assert_eq!(check(Scene::v6(43, vec![59])), Eval::False);
        assert_eq!(check(Scene::v6(17, vec![0; 8])), Eval::False);
    }
}
