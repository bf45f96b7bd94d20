//! `-m osf` (net/netfilter/nfnetlink_osf.c): compares a SYN with the fingerprints that are loaded, which no dump tells. The
//! kernel does not look at `!`, nor, with `--log`, at the genre.

use netverdict_net::Beyond;
use netverdict_net::header::tcp::Tcp;
use netverdict_ruleset::fingerprints::{Fingerprint, OptionKind, Window};
use netverdict_ruleset::matches::Osf;

use super::tri::unknown;
use crate::context::{Eval, MatchCx};

const SYN: u8 = 2;
const DONT_FRAGMENT: u16 = 0x4000;
/// `--ttl`: not above the fingerprint's.
const TTL_LESS: u32 = 1;
/// `--ttl`: any.
const TTL_ANY: u32 = 2;
/// Segment sizes that modems make of others.
const USUAL_SIZES: [u32; 2] = [1460, 1448];

pub(crate) fn evaluate(test: &Osf, cx: &MatchCx<'_, '_>) -> Eval {
    // It does not look at the fragment offset either.
    let flags = Tcp::at(&cx.skb.packet, cx.param.transport_offset).map(Tcp::flags);
    match flags {
        None => return Eval::False,
        Some(Ok(flags)) if flags & SYN == 0 => return Eval::False,
        Some(Ok(_)) => {}
        Some(Err(_)) => return unknown("TCP header not captured"),
    }
    let Some(fingerprints) = &cx.state.rules.fingerprints else {
        return unknown("the fingerprints that are loaded are not known [pf.os]");
    };
    match Syn::read(cx) {
        Ok(syn) => {
            let is_meant = |f: &Fingerprint| test.log.is_some() || f.genre == test.genre.value;
            let fits = |f: &Fingerprint| is_meant(f) && syn.fits(f) && ttl_fits(test, f, cx);
            Eval::of(fingerprints.iter().any(fits), false)
        }
        Err(Beyond::PacketEnd) => Eval::False,
        Err(Beyond::Captured) => unknown("TCP options not captured"),
    }
}

/// What a fingerprint is compared with.
struct Syn<'p> {
    dont_fragment: bool,
    length: u16,
    window: u32,
    options: &'p [u8],
}

impl<'p> Syn<'p> {
    fn read(cx: &'p MatchCx<'_, '_>) -> Result<Self, Beyond> {
        let (packet, at) = (&cx.skb.packet, cx.param.transport_offset);
        let offset = usize::from(packet.array::<1>(at + 12)?[0] >> 4) * 4;
        let options = offset.saturating_sub(20);
        Ok(Self {
            dont_fragment: packet.u16(6)? & DONT_FRAGMENT != 0,
            length: packet.u16(2)?,
            window: packet.u16(at + 14)?.into(),
            options: if options == 0 {
                &[]
            } else {
                packet.read(at + 20, options)?
            },
        })
    }

    /// `nf_osf_match_one`, but for the TTL.
    fn fits(&self, print: &Fingerprint) -> bool {
        let len: usize = print.options.iter().map(|o| o.size()).sum();
        self.dont_fragment == print.dont_fragment
            && self.length == print.length
            && self.options.len() == len
            && self
                .walk(&print.options)
                .is_some_and(|mss| self.window_fits(print.window, mss))
    }

    /// The segment size among these options, 0 without one; `None` where others stand in the packet. How far the next
    /// option is, the fingerprint says.
    fn walk(&self, options: &[OptionKind]) -> Option<u32> {
        let mut mss = 0;
        let mut rest = self.options;
        for option in options {
            let (here, behind) = rest.split_at_checked(option.size())?;
            match *here {
                [kind, ..] if kind != option.number() => return None,
                [_, _, high, low] => mss = u16::from_be_bytes([high, low]).into(),
                _ => {}
            }
            rest = behind;
        }
        Some(mss)
    }

    fn window_fits(&self, window: Window, mss: u32) -> bool {
        let sizes = || [mss, USUAL_SIZES[0], USUAL_SIZES[1]].into_iter();
        match window {
            Window::Exactly(value) => value == 0 || self.window == value,
            Window::Segments(count) => sizes().any(|s| self.window == count.wrapping_mul(s)),
            Window::Packets(count) => sizes().any(|s| self.window == count.wrapping_mul(s + 40)),
            Window::Multiple(of) => self.window.is_multiple_of(of),
        }
    }
}

/// `nf_osf_ttl`.
fn ttl_fits(test: &Osf, print: &Fingerprint, cx: &MatchCx<'_, '_>) -> bool {
    let ttl = cx.skb.packet.ttl();
    match test.ttl {
        Some(TTL_ANY) => true,
        // A neighbour's must be what it sent, the kernel says, and asks only where it is more.
        Some(TTL_LESS) => ttl <= print.ttl,
        _ => ttl == print.ttl,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::matches::fixture::{Scene, tcp};
    use netverdict_ruleset::Invertible;

    fn osf(genre: &str) -> Osf {
        Osf {
            genre: Invertible::plain(genre.to_owned()),
            ttl: Some(2),
            log: None,
        }
    }

    #[test]
    fn only_a_syn_has_a_fingerprint() {
        let eval = |flags| Scene::new(tcp(1, 2, flags, &[])).with(|cx| evaluate(&osf("Linux"), cx));
        assert_eq!(eval(0x10), Eval::False);
        assert!(matches!(eval(0x02), Eval::Unknown(_)));
        assert!(matches!(eval(0x12), Eval::Unknown(_)));
    }

    fn eval(print: Fingerprint, test: &Osf, options: &[u8]) -> Eval {
        let mut scene = Scene::new(tcp(1, 2, SYN, options));
        scene.with(|cx| {
            cx.state.rules.fingerprints = Some(vec![print]);
            evaluate(test, cx)
        })
    }

    /// What the scene's SYN looks like.
    fn print(cx: &MatchCx<'_, '_>) -> Fingerprint {
        let packet = &cx.skb.packet;
        Fingerprint {
            window: Window::Exactly(0),
            ttl: packet.ttl(),
            dont_fragment: packet.u16(6).unwrap() & DONT_FRAGMENT != 0,
            length: packet.u16(2).unwrap(),
            options: vec![OptionKind::Mss],
            genre: "Linux".to_owned(),
        }
    }

    #[test]
    fn all_of_a_fingerprint_has_to_fit() {
        let options = [2, 4, 5, 0xb4];
        let right = Scene::new(tcp(1, 2, SYN, &options)).with(|cx| print(cx));
        assert_eq!(eval(right.clone(), &osf("Linux"), &options), Eval::True);
        assert_eq!(eval(right.clone(), &osf("Windows"), &options), Eval::False);
        let any = Osf {
            log: Some(0),
            ..osf("Windows")
        };
        assert_eq!(eval(right.clone(), &any, &options), Eval::True);
        let wrong = [
            Fingerprint {
                length: right.length + 1,
                ..right.clone()
            },
            Fingerprint {
                dont_fragment: !right.dont_fragment,
                ..right.clone()
            },
            Fingerprint {
                options: vec![OptionKind::Nop; 4],
                ..right.clone()
            },
            Fingerprint {
                window: Window::Exactly(1),
                ..right
            },
        ];
        for print in wrong {
            assert_eq!(
                eval(print.clone(), &osf("Linux"), &options),
                Eval::False,
                "{print:?}"
            );
        }
    }
}
