//! `-m ah` (net/ipv4/netfilter/ipt_ah.c; net/ipv6/netfilter/ip6t_ah.c, which looks for the header itself).

use netverdict_net::{Family, Protocol};
use netverdict_ruleset::matches::Ah;

use super::extension;
use super::tri::header;
use crate::context::{Eval, MatchCx};

const CUT: &str = "AH not captured";

pub(crate) fn evaluate(m: &Ah, cx: &MatchCx<'_, '_>) -> Eval {
    match cx.param.family {
        Family::V4 => v4(m, cx),
        Family::V6 => v6(m, cx).unwrap_or_else(|answer| answer),
    }
}

fn v4(m: &Ah, cx: &MatchCx<'_, '_>) -> Eval {
    if cx.param.fragment_offset != 0 {
        return Eval::False;
    }
    match header::<12>(&cx.skb.packet, cx.param.transport_offset, CUT) {
        Ok(bytes) => Eval::of(spi(m, &bytes), false),
        Err(answer) => answer,
    }
}

fn v6(m: &Ah, cx: &MatchCx<'_, '_>) -> Result<Eval, Eval> {
    let packet = &cx.skb.packet;
    let found = extension::find(packet, Protocol::AH, CUT)?;
    let bytes = header::<12>(packet, found.offset, CUT)?;
    let len = (u32::from(bytes[1]) + 2) * 4;
    if !packet.holds(found.offset, len as usize) {
        return Ok(Eval::Hotdrop(false));
    }
    // A length of 0 asks for nothing.
    let length = m
        .length
        .is_none_or(|test| test.value == 0 || test.test(|want| *want == len));
    let reserved = !m.reserved || bytes[2..4] == [0, 0];
    Ok(Eval::of(spi(m, &bytes) && length && reserved, false))
}

fn spi(m: &Ah, bytes: &[u8; 12]) -> bool {
    let [_, _, _, _, a, b, c, d, ..] = *bytes;
    m.spi
        .test(|range| range.contains(u32::from_be_bytes([a, b, c, d])))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::matches::fixture::Scene;
    use netverdict_ruleset::{Interval, Invertible};

    const HEADER: [u8; 24] = [
        59, 4, 0, 0, 0, 0, 0, 9, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
    ];

    fn spi_is(value: u32, inverted: bool) -> Ah {
        let value = Interval::single(value);
        Ah {
            spi: Invertible { inverted, value },
            ..Ah::default()
        }
    }

    #[test]
    fn the_index_in_both_families_and_polarities() {
        let scenes = [Scene::new(HEADER.to_vec()), Scene::v6(51, HEADER.to_vec())];
        for mut scene in scenes {
            for (value, hit) in [(9, true), (8, false)] {
                for inverted in [false, true] {
                    let m = spi_is(value, inverted);
                    assert_eq!(scene.with(|cx| evaluate(&m, cx)), Eval::of(hit, inverted));
                }
            }
        }
    }

    #[test]
    fn length_and_reserved_field_of_ipv6() {
        let mut scene = Scene::v6(51, HEADER.to_vec());
        let m = |length, inverted| Ah {
            length: Some(Invertible {
                inverted,
                value: length,
            }),
            reserved: true,
            ..Ah::default()
        };
        assert_eq!(scene.with(|cx| evaluate(&m(24, false), cx)), Eval::True);
        assert_eq!(scene.with(|cx| evaluate(&m(24, true), cx)), Eval::False);
        assert_eq!(scene.with(|cx| evaluate(&m(20, false), cx)), Eval::False);
        scene.skb.packet.captured_mut()[43] = 1;
        assert_eq!(scene.with(|cx| evaluate(&m(24, false), cx)), Eval::False);
    }

    #[test]
    fn absence_is_false_and_truncation_drops() {
        let mut none = Scene::v6(17, vec![0; 8]);
        assert_eq!(none.with(|cx| evaluate(&spi_is(9, true), cx)), Eval::False);
        let mut short = Scene::v6(51, HEADER[..11].to_vec());
        assert_eq!(
            short.with(|cx| evaluate(&Ah::default(), cx)),
            Eval::Hotdrop(false)
        );
        let mut shorter_than_it_says = Scene::v6(51, HEADER[..20].to_vec());
        let answer = shorter_than_it_says.with(|cx| evaluate(&Ah::default(), cx));
        assert_eq!(answer, Eval::Hotdrop(false));
        let mut short = Scene::new(HEADER[..11].to_vec());
        assert_eq!(
            short.with(|cx| evaluate(&Ah::default(), cx)),
            Eval::Hotdrop(false)
        );
    }
}
