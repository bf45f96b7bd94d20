//! What the path itself answers when a packet cannot go on: ICMP errors.

use netverdict_host::{DropReason, Way};
use netverdict_net::{Device, Family};

use crate::answer::{Asked, IcmpError, icmp_error, needs_device, reply_mark, within_limits};
use crate::conntrack::Conntrack;
use crate::observe::Event;
use crate::walk::{End, Tape, Walk};
use crate::{Connection, Emission, EmissionKind, Fate, Reason, Skb};

/// Answers to answers end after so many.
const ANSWERS: usize = 8;

impl<'p> Walk<'_, 'p> {
    /// Routing had no way for it (`ip_error`, `ip6_pkt_drop`).
    pub(super) fn answer_unrouted(&mut self, why: DropReason) {
        let v4 = self.program.family == Family::V4;
        // ip6_forward looks at the hop limit first.
        if why == DropReason::SourceLinkLocal && self.skb.packet.ttl() <= 1 {
            return self.answer_unforwarded(Reason::TtlExceeded, &Way::UNKNOWN);
        }
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

    pub(super) fn answer(&mut self, why: &str, error: IcmpError) {
        // The rate limit decides anew for each packet.
        self.recorder.give_up();
        let asked = Asked {
            skb: &self.skb,
            host: self.host,
        };
        let mark = reply_mark(asked);
        let kind = EmissionKind::Icmp;
        let allowed = icmp_error(asked, error).and_then(|packet| {
            let peers = &mut self.state.peers;
            within_limits(packet, kind, self.host, peers, self.now.jiffies)
        });
        if let Ok(packet) = allowed {
            self.emit(Emission {
                why: format!("ICMP {why}"),
                kind,
                packet,
                mark,
                toward: None,
                fate: Fate::Sent,
                left: None,
            });
        }
    }

    /// Takes what the host made on the packet's account through OUTPUT and POSTROUTING, while the packet waits where it
    /// is; an answer's connection is that of the packet answered.
    pub(crate) fn emit(&mut self, emission: Emission) {
        self.tape.show(|| Event::Emitted(&emission));
        let place = self.trail.emitted.len();
        let mut skb = self.answering(&emission);
        let (toward, emission_kind) = (emission.toward, emission.kind);
        self.trail.emitted.push(emission);
        if place >= ANSWERS {
            return;
        }
        // Whoever looks at the packet does not look at its answers.
        let tape = std::mem::replace(&mut self.tape, Tape::silent());
        // What tracking said of the packet before it walked is nothing to its answers.
        let tracked = self.tracked.take();
        let on_link = emission_kind == EmissionKind::Discovery;
        let device = if on_link || needs_device(skb.packet.destination()) {
            self.skb.in_device
        } else {
            Device::Unknown
        };
        let mut end: Option<End> = None;
        let _ended = self.aside(&mut skb, |walk| {
            let (Ok(ended) | Err(ended)) = match toward {
                Some((neighbour, by)) => walk.send_toward(neighbour, by),
                None => walk.send(device),
            };
            end = Some(ended);
            Ok(())
        });
        self.tape = tape;
        self.tracked = tracked;
        let fate = end.map_or(Fate::Dropped, |end| end.fate);
        // A connection that only the answer opened goes with it.
        if fate == Fate::Dropped && emission_opened(self.skb.connection, skb.connection) {
            self.state.conntrack.release(skb.connection);
        }
        if let Some(emission) = self.trail.emitted.get_mut(place) {
            emission.fate = fate;
            let gone = matches!(fate, Fate::Sent | Fate::Local | Fate::Forwarded);
            let device = skb.out_device;
            emission.left = gone.then(|| (skb.packet.into_owned(), device));
        }
    }

    fn answering(&self, emission: &Emission) -> Skb<'p> {
        let answered = self.skb.connection;
        let mut skb = Skb::new(emission.packet.clone());
        skb.connection = match (emission.kind, answered) {
            (EmissionKind::Copy, _) => Connection::Untracked,
            (EmissionKind::Discovery, _) => Connection::None,
            // `nf_conntrack_attach` leaves nothing of what is untracked: the answer is tracked by itself.
            (_, Connection::Untracked) => Connection::None,
            (_, connection) => Conntrack::attach(connection),
        };
        skb.answers_untracked = matches!(emission.kind, EmissionKind::Icmp | EmissionKind::Reset)
            && answered == Connection::Untracked;
        skb.mark = emission.mark;
        skb.made_by = Some(emission.kind);
        skb.checksum_trusted = match emission.kind {
            // There from the start, and may be spoilt.
            EmissionKind::Icmp | EmissionKind::Discovery => false,
            // Left to the device.
            EmissionKind::Reset => true,
            EmissionKind::Copy => {
                self.skb.checksum_trusted || self.skb.checksum_proven || self.skb.summed
            }
        };
        // `nf_skb_duplicated` is the processor's.
        skb.copied = self.skb.copied || emission.kind == EmissionKind::Copy;
        skb
    }
}

/// Whether an answer was tracked by itself, beside the packet that it answers.
fn emission_opened(answered: Connection, answer: Connection) -> bool {
    let id = |connection| match connection {
        Connection::Tracked { id, .. } => Some(id),
        Connection::None | Connection::Untracked => None,
    };
    id(answer).is_some() && id(answer) != id(answered)
}
