//! What the path itself answers when a packet cannot go on: ICMP errors.

use netverdict_host::{DropReason, Way};
use netverdict_net::Family;

use crate::answer::{Asked, IcmpError, icmp_error};
use crate::observe::Event;
use crate::walk::Walk;
use crate::{Emission, Reason};

impl Walk<'_, '_> {
    /// Routing had no way for it (`ip_error`, `ip6_pkt_drop`).
    pub(super) fn answer_unrouted(&mut self, why: DropReason) {
        let v4 = self.program.family == Family::V4;
        let (kind, code) = match (why, v4) {
            (DropReason::NoRoute, true) => (3, 0),
            (DropReason::Unreachable, true) => (3, 1),
            (DropReason::Prohibited, true) => (3, 13),
            (DropReason::NoRoute, false) => (1, 0),
            (DropReason::Unreachable, false) => (1, 3),
            (DropReason::Prohibited, false) => (1, 1),
            (DropReason::SourceLinkLocal, false) => (1, 2),
            _ => return,
        };
        self.answer(
            "unreachable",
            IcmpError {
                kind,
                code,
                info: 0,
            },
        );
    }

    /// It was not to be forwarded.
    pub(super) fn answer_unforwarded(&mut self, why: Reason, way: &Way) {
        let v4 = self.program.family == Family::V4;
        let info = way.mtu.unwrap_or(0);
        match why {
            Reason::TtlExceeded => {
                let kind = if v4 { 11 } else { 3 };
                self.answer(
                    "ttl exceeded",
                    IcmpError {
                        kind,
                        code: 0,
                        info: 0,
                    },
                );
            }
            Reason::PacketTooBig => {
                let (kind, code) = if v4 { (3, 4) } else { (2, 0) };
                self.answer("packet too big", IcmpError { kind, code, info });
            }
            _ => {}
        }
    }

    fn answer(&mut self, why: &str, error: IcmpError) {
        let asked = Asked {
            skb: &self.skb,
            host: self.host,
        };
        if let Ok(packet) = icmp_error(asked, error) {
            let emission = Emission {
                why: format!("ICMP {why}"),
                packet,
                untracked: false,
            };
            self.tape.show(|| Event::Emitted(&emission));
            self.trail.emitted.push(emission);
        }
    }
}
