//! SCTP (nf_conntrack_proto_sctp.c).

mod chunks;
mod state;

pub use state::SctpState;

use chunks::{Chunk, Chunks, Kinds};

use super::checksum;
use super::entry::Memory;
use super::layer4::Fault;
use super::track::{Cx, Handled};
use super::{Direction, Entry, Status};

/// What a connection remembers of SCTP (`struct ip_ct_sctp`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Sctp {
    pub(super) state: SctpState,
    /// The verification tag packets of each direction carry; 0 while unknown.
    tags: [u32; 2],
    /// Which directions sent the INITs that count.
    inits: [bool; 2],
    /// The direction of a heartbeat that carried another tag.
    strange_heartbeat: Option<Direction>,
}

impl Default for Sctp {
    fn default() -> Self {
        Self {
            state: SctpState::None,
            tags: [0; 2],
            inits: [false; 2],
            strange_heartbeat: None,
        }
    }
}

const BAD_TAG: Fault = Fault::Invalid("SCTP verification tag does not fit");

pub(super) fn packet(entry: &mut Entry, cx: Cx<'_, '_>) -> Handled {
    match take(entry, &cx) {
        Ok(why) => Handled::Accept(why),
        Err(fault) => fault.into(),
    }
}

fn take(entry: &mut Entry, cx: &Cx<'_, '_>) -> Result<Option<&'static str>, Fault> {
    let offset = cx.at.offset;
    let header = cx
        .packet
        .array::<12>(offset)
        .map_err(Fault::reading("SCTP header beyond the packet"))?;
    let tag = u32::from_be_bytes([header[4], header[5], header[6], header[7]]);
    if cx.verify {
        checksum::verify_sctp(cx.packet, offset)?;
    }
    let kinds = chunks::check(cx.packet, offset)?;
    let confirmed = entry.is_confirmed();
    if !confirmed {
        entry.memory = Memory::Sctp(open(cx, tag, &kinds)?);
    }
    let Memory::Sctp(sctp) = &mut entry.memory else {
        return Err(Fault::Invalid("connection without an SCTP state"));
    };
    // What a packet learnt before it was found INVALID stays learnt, as in the kernel.
    let outcome = sctp.packet(cx, tag, &kinds, confirmed)?;
    if outcome.established {
        entry.status.insert(Status::ASSURED);
    }
    if outcome.ignored {
        return Ok(Some("SCTP packet that does not renew its connection"));
    }
    cx.refresh(entry, cx.settings.sctp[outcome.state as usize]);
    Ok(None)
}

/// A new connection's memory, or why these chunks open none.
fn open(cx: &Cx<'_, '_>, tag: u32, kinds: &Kinds) -> Result<Sctp, Fault> {
    const OUT_OF_THE_BLUE: Fault = Fault::Invalid("SCTP packet that opens no connection");
    if kinds.has_any(&[chunks::ABORT, chunks::SHUTDOWN_COMPLETE, chunks::COOKIE_ACK]) {
        return Err(OUT_OF_THE_BLUE);
    }
    let mut sctp = Sctp::default();
    for chunk in Chunks::new(cx.packet, cx.at.offset) {
        let next = state::next(Direction::Original, SctpState::None, chunk.kind);
        if next.is_none_or(|next| next == SctpState::None) {
            return Err(OUT_OF_THE_BLUE);
        }
        match chunk.kind {
            chunks::INIT if tag != 0 => return Err(BAD_TAG),
            chunks::INIT => {
                sctp.tags[1] = chunk.init_tag(cx.packet)?;
                sctp.inits[0] = true;
            }
            chunks::HEARTBEAT => sctp.tags[0] = tag,
            // Out of the blue: a SHUTDOWN COMPLETE is expected, which reflects the tag.
            chunks::SHUTDOWN_ACK => sctp.tags[1] = tag,
            _ => {}
        }
    }
    Ok(sctp)
}

struct Outcome {
    state: SctpState,
    established: bool,
    ignored: bool,
}

impl Sctp {
    /// An association that was there before the capture: its tags are not known.
    pub(super) fn resumed(state: SctpState) -> Self {
        Self {
            state,
            ..Self::default()
        }
    }

    fn packet(
        &mut self,
        cx: &Cx<'_, '_>,
        tag: u32,
        kinds: &Kinds,
        confirmed: bool,
    ) -> Result<Outcome, Fault> {
        const FREE_TAG: [u8; 7] = [
            chunks::INIT,
            chunks::SHUTDOWN_COMPLETE,
            chunks::COOKIE_ECHO,
            chunks::ABORT,
            chunks::SHUTDOWN_ACK,
            chunks::HEARTBEAT,
            chunks::HEARTBEAT_ACK,
        ];
        let direction = cx.direction;
        if !kinds.has_any(&FREE_TAG) && tag != self.tags[direction.index()] {
            return Err(BAD_TAG);
        }
        let mut outcome = Outcome {
            state: SctpState::None,
            established: false,
            ignored: false,
        };
        for chunk in Chunks::new(cx.packet, cx.at.offset) {
            if self.check_tag(&chunk, tag, direction, kinds, outcome.ignored)? {
                outcome.ignored = true;
                continue;
            }
            let old = self.state;
            let new = state::next(direction, old, chunk.kind)
                .ok_or(Fault::Invalid("SCTP state does not allow this chunk"))?;
            match chunk.kind {
                chunks::INIT => {
                    let tag = chunk.init_tag(cx.packet)?;
                    self.init(direction, tag);
                    // A repeated INIT must not keep the entry alive for ever.
                    outcome.ignored |=
                        old == SctpState::Closed && new == SctpState::Closed && confirmed;
                }
                chunks::INIT_ACK => self.init_ack(direction, chunk.init_tag(cx.packet)?)?,
                _ => {}
            }
            self.state = new;
            outcome.established |= old != new && new == SctpState::Established;
            outcome.state = new;
        }
        Ok(outcome)
    }

    fn init(&mut self, direction: Direction, tag: u32) {
        let (own, other) = (direction.index(), direction.other().index());
        // Sent again, or stale.
        if self.tags[other] == tag {
            return;
        }
        if self.inits == [true; 2] {
            self.inits[other] = false;
        }
        self.inits[own] = true;
        self.tags[other] = tag;
    }

    /// When both ends sent an INIT, or one restarted, an answer with another tag belongs to an older attempt.
    fn init_ack(&mut self, direction: Direction, tag: u32) -> Result<(), Fault> {
        let other = direction.other().index();
        let known = self.tags[other];
        let stale = !self.inits[other] && known != 0 && known != tag;
        let collision = self.inits == [true; 2] && known != tag;
        if stale || collision {
            return Err(BAD_TAG);
        }
        self.tags[other] = tag;
        Ok(())
    }

    /// Holds a chunk against the verification tags (RFC 4960, 8.5.1). True for a heartbeat whose tag may turn out to be
    /// that of a new association.
    fn check_tag(
        &mut self,
        chunk: &Chunk,
        tag: u32,
        direction: Direction,
        kinds: &Kinds,
        ignored: bool,
    ) -> Result<bool, Fault> {
        let own = self.tags[direction.index()];
        let other = self.tags[direction.other().index()];
        let fits = match chunk.kind {
            chunks::INIT => tag == 0,
            chunks::ABORT | chunks::SHUTDOWN_COMPLETE => {
                tag == if chunk.has_t_flag() { other } else { own }
            }
            chunks::COOKIE_ECHO => tag == own,
            chunks::HEARTBEAT | chunks::HEARTBEAT_ACK if own == 0 => {
                self.tags[direction.index()] = tag;
                true
            }
            chunks::HEARTBEAT | chunks::HEARTBEAT_ACK if own == tag => {
                self.strange_heartbeat = None;
                true
            }
            chunks::HEARTBEAT => {
                if kinds.has_any(&[chunks::DATA]) || ignored {
                    return Err(BAD_TAG);
                }
                self.strange_heartbeat = Some(direction);
                return Ok(true);
            }
            chunks::HEARTBEAT_ACK => {
                let answered = self.strange_heartbeat == Some(direction.other());
                if kinds.has_any(&[chunks::DATA]) || ignored || !answered {
                    return Err(BAD_TAG);
                }
                self.strange_heartbeat = None;
                self.tags[direction.index()] = tag;
                self.tags[direction.other().index()] = 0;
                true
            }
            _ => true,
        };
        if fits { Ok(false) } else { Err(BAD_TAG) }
    }
}
