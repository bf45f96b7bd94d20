//! `-m sctp` (net/netfilter/xt_sctp.c).

use netverdict_net::Beyond;
use netverdict_net::header::sctp::{Chunk, Sctp as Header};
use netverdict_ruleset::matches::{Sctp, SctpChunks, SctpScope, SctpTypes};

use super::tri::{self, all};
use crate::context::{Eval, MatchCx};

const CUT: &str = "SCTP header not captured";

pub(crate) fn evaluate(m: &Sctp, cx: &MatchCx<'_, '_>) -> Eval {
    if cx.param.fragment_offset != 0 {
        return Eval::False;
    }
    let Some(header) = Header::at(&cx.skb.packet, cx.param.transport_offset) else {
        return Eval::Hotdrop(false);
    };
    let any = netverdict_ruleset::Invertible::plain(netverdict_net::PortRange::ANY);
    let ports = all([
        tri::port(&m.source.unwrap_or(any), header.source_port(), CUT),
        tri::port(
            &m.destination.unwrap_or(any),
            header.destination_port(),
            CUT,
        ),
    ]);
    match (ports, &m.chunks) {
        (Ok(true), Some(test)) => match chunks(&test.value, header) {
            Ok(hit) => Eval::of(hit, test.inverted),
            // The walk says false, which the inversion turns round; the packet is dropped all the same.
            Err(Beyond::PacketEnd) => Eval::Hotdrop(test.inverted),
            Err(Beyond::Captured) => tri::unknown("SCTP chunks not captured"),
        },
        (ports, _) => tri::eval(ports),
    }
}

/// `match_packet`: a walk over the chunks that ends at the first decisive one.
fn chunks(test: &SctpChunks, header: Header<'_, '_>) -> Result<bool, Beyond> {
    let mut missing = wanted(test);
    let mut walked = false;
    for chunk in header.chunks() {
        let chunk = chunk?;
        walked = true;
        match (test.scope, hit(&test.types, &chunk)) {
            (SctpScope::Any, Some(true)) => return Ok(true),
            (SctpScope::Only, None | Some(false)) => return Ok(false),
            (SctpScope::All, Some(true)) => missing.remove(chunk.kind),
            _ => {}
        }
    }
    if !walked {
        return Err(Beyond::PacketEnd);
    }
    Ok(match test.scope {
        SctpScope::Any => false,
        SctpScope::Only => true,
        SctpScope::All => missing.is_empty(),
    })
}

/// Whether a chunk is of a listed type (`None` if not) and its flags are as listed.
fn hit(types: &SctpTypes, chunk: &Chunk) -> Option<bool> {
    match types {
        SctpTypes::All => Some(true),
        SctpTypes::None => None,
        SctpTypes::Listed(list) => {
            let listed = list.iter().find(|c| c.kind == chunk.kind)?;
            Some(chunk.flags & listed.flag_mask == listed.flags)
        }
    }
}

/// A set of chunk types.
struct Kinds([u64; 4]);

impl Kinds {
    fn remove(&mut self, kind: u8) {
        self.0[usize::from(kind >> 6)] &= !(1 << (kind & 63));
    }

    fn insert(&mut self, kind: u8) {
        self.0[usize::from(kind >> 6)] |= 1 << (kind & 63);
    }

    fn is_empty(&self) -> bool {
        self.0 == [0; 4]
    }
}

fn wanted(test: &SctpChunks) -> Kinds {
    let mut kinds = Kinds([0; 4]);
    match &test.types {
        SctpTypes::All => kinds = Kinds([u64::MAX; 4]),
        SctpTypes::None => {}
        SctpTypes::Listed(list) => list.iter().for_each(|c| kinds.insert(c.kind)),
    }
    kinds
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::matches::fixture::Scene;
    use netverdict_net::PortRange;
    use netverdict_ruleset::Invertible;
    use netverdict_ruleset::matches::SctpChunk;

    const DATA: [u8; 4] = [0, 3, 0, 4];
    const SACK: [u8; 4] = [3, 0, 0, 4];

    fn packet(chunks: &[[u8; 4]]) -> Vec<u8> {
        let mut bytes = vec![0, 7, 0, 9, 0, 0, 0, 0, 0, 0, 0, 0];
        bytes.extend(chunks.iter().flatten());
        bytes
    }

    fn types(scope: SctpScope, kinds: &[(u8, u8, u8)], inverted: bool) -> Sctp {
        let list = kinds.iter().map(|&(kind, flag_mask, flags)| SctpChunk {
            kind,
            flag_mask,
            flags,
        });
        let types = SctpTypes::Listed(list.collect());
        let value = SctpChunks { scope, types };
        Sctp {
            chunks: Some(Invertible { inverted, value }),
            ..Sctp::default()
        }
    }

    fn check(m: &Sctp, bytes: Vec<u8>) -> Eval {
        Scene::new(bytes).with(|cx| evaluate(m, cx))
    }

    #[test]
    fn ports_in_both_polarities() {
        for (port, hit) in [(9, true), (7, false)] {
            for inverted in [false, true] {
                let value = PortRange::single(port);
                let m = Sctp {
                    destination: Some(Invertible { inverted, value }),
                    ..Sctp::default()
                };
                assert_eq!(check(&m, packet(&[])), Eval::of(hit, inverted));
            }
        }
        assert_eq!(
            check(&Sctp::default(), packet(&[])[..11].to_vec()),
            Eval::Hotdrop(false)
        );
    }

    #[test]
    fn any_all_and_only() {
        let both = packet(&[DATA, SACK]);
        for (scope, kinds, hit) in [
            (SctpScope::Any, vec![(3, 0, 0), (9, 0, 0)], true),
            (SctpScope::Any, vec![(9, 0, 0)], false),
            (SctpScope::All, vec![(0, 0, 0), (3, 0, 0)], true),
            (SctpScope::All, vec![(0, 0, 0), (9, 0, 0)], false),
            (SctpScope::Only, vec![(0, 0, 0), (3, 0, 0), (9, 0, 0)], true),
            (SctpScope::Only, vec![(0, 0, 0)], false),
            (SctpScope::Any, vec![(0, 3, 3)], true),
            (SctpScope::Any, vec![(0, 4, 4)], false),
            (SctpScope::Only, vec![(0, 2, 0), (3, 0, 0)], false),
        ] {
            for inverted in [false, true] {
                let m = types(scope, &kinds, inverted);
                assert_eq!(check(&m, both.clone()), Eval::of(hit, inverted), "{m:?}");
            }
        }
    }

    #[test]
    fn a_broken_walk_drops_with_the_inverted_answer() {
        let m = |inverted| types(SctpScope::Any, &[(9, 0, 0)], inverted);
        for bytes in [packet(&[]), packet(&[DATA, [3, 0, 0, 0]])] {
            assert_eq!(check(&m(false), bytes.clone()), Eval::Hotdrop(false));
            assert_eq!(check(&m(true), bytes), Eval::Hotdrop(true));
        }
        // A hit before the break settles it.
        let early = types(SctpScope::Any, &[(0, 0, 0)], false);
        assert_eq!(check(&early, packet(&[DATA, [3, 0, 0, 0]])), Eval::True);
    }
}
