//! `-m connbytes` (net/netfilter/xt_connbytes.c). Loading it turns accounting on.

use netverdict_ruleset::matches::{Connbytes, ConnbytesDirection, ConnbytesMode};

use crate::conntrack::Counter;
use crate::context::{Eval, MatchCx};

pub(crate) fn evaluate(m: &Connbytes, cx: &MatchCx<'_, '_>) -> Eval {
    let entry = cx.state.conntrack.of(cx.skb.connection);
    let Some(counters) = entry.and_then(|(entry, _)| entry.counters()) else {
        return Eval::False;
    };
    let counted = count(m, counters);
    // User space writes an inverted range by exchanging its ends: a range of one value cannot be inverted.
    let inverted = m.inverted && m.range.first != m.range.last;
    Eval::of(m.range.contains(counted), inverted)
}

fn count(m: &Connbytes, [original, reply]: &[Counter; 2]) -> u64 {
    let (packets, bytes) = match m.direction {
        ConnbytesDirection::Original => (original.packets, original.bytes),
        ConnbytesDirection::Reply => (reply.packets, reply.bytes),
        ConnbytesDirection::Both => (
            original.packets + reply.packets,
            original.bytes + reply.bytes,
        ),
    };
    match m.mode {
        ConnbytesMode::Packets => packets,
        ConnbytesMode::Bytes => bytes,
        ConnbytesMode::AveragePacket => bytes.checked_div(packets).unwrap_or(0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::conntrack::Direction;
    use crate::matches::fixture::{Scene, tcp};
    use crate::{Connection, CtId};
    use netverdict_ruleset::Interval;

    fn connbytes(mode: ConnbytesMode, direction: ConnbytesDirection) -> Connbytes {
        Connbytes {
            inverted: false,
            range: Interval { first: 0, last: 0 },
            mode,
            direction,
        }
    }

    fn scene() -> Scene {
        let mut scene = Scene::new(tcp(1, 2, 2, &[]));
        scene.state.conntrack.enable_accounting();
        scene.track();
        let Connection::Tracked { id, .. } = scene.skb.connection else {
            panic!("a tracked packet");
        };
        fill(&mut scene, id);
        scene
    }

    /// Two packets of 40 and 101 bytes, and one of 60 back; the SYN itself is counted by tracking.
    fn fill(scene: &mut Scene, id: CtId) {
        let entry = scene.state.conntrack.entry_mut(id).unwrap();
        entry.count(Direction::Original, 101);
        entry.count(Direction::Reply, 60);
    }

    #[test]
    fn modes_and_directions() {
        use ConnbytesDirection::{Both, Original, Reply};
        use ConnbytesMode::{AveragePacket, Bytes, Packets};
        for (mode, direction, value) in [
            (Packets, Original, 2),
            (Packets, Both, 3),
            (Bytes, Original, 141),
            (Bytes, Reply, 60),
            (Bytes, Both, 201),
            (AveragePacket, Original, 70),
            (AveragePacket, Both, 67),
        ] {
            let m = |first, last, inverted| Connbytes {
                inverted,
                range: Interval { first, last },
                ..connbytes(mode, direction)
            };
            let mut scene = scene();
            let mut check = |m: &Connbytes| scene.with(|cx| evaluate(m, cx));
            assert_eq!(
                check(&m(value, value, false)),
                Eval::True,
                "{mode:?} {direction:?}"
            );
            assert_eq!(check(&m(value + 1, u64::MAX, false)), Eval::False);
            assert_eq!(check(&m(value + 1, u64::MAX, true)), Eval::True);
            assert_eq!(check(&m(0, value, true)), Eval::False);
            assert_eq!(
                check(&m(value, value, true)),
                Eval::True,
                "one value is not inverted"
            );
        }
    }

    #[test]
    fn without_connection_or_counters_it_is_false() {
        let mut scene = Scene::new(tcp(1, 2, 2, &[]));
        let m = Connbytes {
            inverted: true,
            range: Interval { first: 7, last: 9 },
            ..connbytes(ConnbytesMode::Packets, ConnbytesDirection::Both)
        };
        assert_eq!(scene.with(|cx| evaluate(&m, cx)), Eval::False);
        scene.track();
        assert_eq!(scene.with(|cx| evaluate(&m, cx)), Eval::False);
    }
}
