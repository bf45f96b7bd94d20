//! TCP: the state table, the window tracking and their special cases (nf_conntrack_proto_tcp.c), as a function of the
//! connection's TCP state and one segment.

mod flags;
mod options;
mod segment;
mod state;
mod window;

pub use state::TcpState;
pub(super) use window::{after, before};

use netverdict_net::Protocol;

use flags::{Class, SideFlags};
use state::Next;
use window::Fit;

use super::checksum;
use super::entry::Memory;
use super::layer4::Fault;
use super::settings::TcpSettings;
use super::track::{Cx, Handled, Turn};
use super::{Direction, Entry, Status};
pub(crate) use segment::{Segment, of_header, parse};

/// One side's window (`struct ip_ct_tcp_state`). Numbers are sequence numbers unless said otherwise.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Side {
    /// Highest sequence end sent.
    pub(super) end: u32,
    /// Highest end the other side's window allows.
    pub(super) max_end: u32,
    /// Largest window advertised, in bytes; 0 while nothing was seen.
    pub(super) max_window: u32,
    /// Highest acknowledgement sent.
    pub(super) max_ack: u32,
    /// Window scale.
    pub(super) scale: u8,
    pub(super) flags: SideFlags,
}

/// What a connection remembers of TCP (`struct ip_ct_tcp`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Tcp {
    pub(super) sides: [Side; 2],
    pub(super) state: TcpState,
    pub(super) last_class: Class,
    pub(super) last_direction: Direction,
    pub(super) retransmissions: u8,
    pub(super) last_scale: u8,
    pub(super) last_flags: SideFlags,
    pub(super) last_window: u16,
    pub(super) last_sequence: u32,
    pub(super) last_ack: u32,
    pub(super) last_end: u32,
}

impl Default for Tcp {
    fn default() -> Self {
        Self {
            sides: [Side::default(); 2],
            state: TcpState::None,
            last_class: Class::None,
            last_direction: Direction::Original,
            retransmissions: 0,
            last_scale: 0,
            last_flags: SideFlags::default(),
            last_window: 0,
            last_sequence: 0,
            last_ack: 0,
            last_end: 0,
        }
    }
}

/// What a segment does to its connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Step {
    /// The packet is INVALID.
    Invalid(&'static str),
    /// INVALID, and the connection's remaining ticks sink to this value if they are more.
    InvalidShrink(&'static str, i64),
    /// The packet keeps its connection, but nothing is refreshed or counted.
    Ignore(&'static str),
    /// The connection was closed: the packet opens a new one in its place.
    Reopen,
    /// The packet counts and its connection ends.
    Kill,
    /// It fits: count it, and let the connection live so many ticks from now.
    Accept { timeout: i64, assured: bool },
}

/// What a segment meets.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Situation<'s> {
    pub(crate) direction: Direction,
    /// The connection's status before this packet.
    pub(crate) status: Status,
    /// The connection's remaining ticks.
    pub(crate) expires: i64,
    /// What a helper added to the numbers that the segment acknowledges.
    pub(crate) shift: u32,
    pub(crate) settings: &'s TcpSettings,
}

impl Tcp {
    /// A new connection's memory made from its first segment, or why there is none (`tcp_new`).
    pub(crate) fn open(
        segment: &Segment<'_>,
        settings: &TcpSettings,
    ) -> Result<Self, &'static str> {
        let mut tcp = Self::default();
        match state::next(Direction::Original, segment.class(), TcpState::None) {
            Next::To(TcpState::SynSent) => tcp.open_by_syn(segment),
            Next::To(_) if settings.loose => tcp.pick_up(segment),
            Next::To(_) => return Err("mid-stream packet, and tcp_loose is off"),
            Next::Invalid | Next::Ignore => return Err("not a packet that opens a connection"),
        }
        Ok(tcp)
    }

    /// A connection that was there before the capture: its windows are not known.
    pub(super) fn resumed(state: TcpState) -> Self {
        let side = Side {
            flags: SideFlags::SACK_PERMITTED | SideFlags::LIBERAL,
            ..Side::default()
        };
        Self {
            sides: [side; 2],
            state,
            ..Self::default()
        }
    }

    fn open_by_syn(&mut self, segment: &Segment<'_>) {
        let [original, _] = &mut self.sides;
        original.end = segment.end;
        original.max_end = segment.end;
        original.max_window = u32::from(segment.window).max(1);
        options::read(segment.options, original);
    }

    /// A connection whose beginning was not seen is judged liberally, for its window scale is not known.
    fn pick_up(&mut self, segment: &Segment<'_>) {
        for side in &mut self.sides {
            side.flags = SideFlags::SACK_PERMITTED | SideFlags::LIBERAL;
        }
        let [original, _] = &mut self.sides;
        original.end = segment.end;
        original.max_window = u32::from(segment.window).max(1);
        original.max_end = segment.end.wrapping_add(original.max_window);
    }

    /// Takes one segment (`nf_conntrack_tcp_packet` after its header checks).
    #[inline]
    pub(crate) fn step(&mut self, segment: &Segment<'_>, at: Situation<'_>) -> Step {
        let old = self.state;
        match state::next(at.direction, segment.class(), old) {
            Next::Invalid => Step::Invalid("TCP state does not allow this packet"),
            Next::Ignore => self.ignore(segment, at),
            Next::To(TcpState::SynSent) if old >= TcpState::TimeWait => {
                if self.may_reopen(at.direction) {
                    Step::Reopen
                } else {
                    self.ignore(segment, at)
                }
            }
            Next::To(TcpState::Close) if segment.class() == Class::Rst => self.reset(segment, at),
            Next::To(new) => self.advance(segment, at, new),
        }
    }

    /// The table's next state, but for what the table is too small to say.
    #[inline]
    fn advance(&mut self, segment: &Segment<'_>, at: Situation<'_>, mut new: TcpState) -> Step {
        let class = segment.class();
        match new {
            TcpState::TimeWait if self.is_challenge_ack(class, at.direction) => {
                self.last_flags.remove(SideFlags::CHALLENGE_ACK);
                return Step::Ignore("challenge ACK");
            }
            TcpState::SynSent2 => self.last_flags.insert(SideFlags::SIMULTANEOUS_OPEN),
            TcpState::SynRecv
                if at.direction == Direction::Reply
                    && class == Class::Ack
                    && self.last_flags.contains(SideFlags::SIMULTANEOUS_OPEN) =>
            {
                new = TcpState::Established;
            }
            _ => {}
        }
        self.fit(segment, at, self.state, new)
    }

    /// A closed connection's place may be taken by a new one: if its closing was seen, or the same side reset it.
    fn may_reopen(&self, direction: Direction) -> bool {
        let [original, reply] = &self.sides;
        (original.flags | reply.flags).contains(SideFlags::CLOSE_INIT)
            || self.last_direction == direction && self.last_class == Class::Rst
    }

    /// After a SYN in LAST_ACK, an ACK from the other side answers that SYN (RFC 5961), not the FIN.
    fn is_challenge_ack(&self, class: Class, direction: Direction) -> bool {
        self.state == TcpState::LastAck
            && class == Class::Ack
            && self.last_direction != direction
            && self.last_class == Class::Syn
            && self.last_flags.contains(SideFlags::CHALLENGE_ACK)
    }

    /// A packet the table ignores: it is noted, for what answers it may show that both ends agree and tracking does
    /// not. If this packet is such an answer, tracking catches up.
    #[cold]
    fn ignore(&mut self, segment: &Segment<'_>, at: Situation<'_>) -> Step {
        let class = segment.class();
        if class == Class::SynAck
            && self.last_class == Class::Syn
            && self.last_direction != at.direction
            && segment.ack == self.last_end
        {
            self.catch_up(at.direction);
            return self.fit(segment, at, TcpState::SynSent, TcpState::SynRecv);
        }
        self.last_class = class;
        self.last_direction = at.direction;
        self.last_sequence = segment.sequence;
        self.last_end = segment.end;
        self.last_window = segment.window;
        if class == Class::Syn && at.direction == Direction::Original {
            self.note_syn(segment);
        }
        if self.state == TcpState::SynSent
            && class == Class::Ack
            && at.direction == Direction::Reply
        {
            self.last_ack = segment.ack;
        }
        Step::Ignore("out of step with the connection's state")
    }

    fn catch_up(&mut self, direction: Direction) {
        let (last_end, last_window, last_scale) =
            (self.last_end, self.last_window, self.last_scale);
        self.last_flags.remove(SideFlags::CHALLENGE_ACK);
        let syn = &mut self.sides[self.last_direction.index()];
        syn.end = last_end;
        syn.max_end = last_end;
        syn.max_window = u32::from(last_window).max(1);
        syn.scale = last_scale;
        syn.flags = self.last_flags;
        let side = &mut self.sides[direction.index()];
        *side = Side {
            flags: side.flags & SideFlags::LIBERAL,
            ..Side::default()
        };
    }

    fn note_syn(&mut self, segment: &Segment<'_>) {
        let mut seen = Side::default();
        options::read(segment.options, &mut seen);
        self.last_flags = seen.flags & (SideFlags::WINDOW_SCALE | SideFlags::SACK_PERMITTED);
        self.last_scale = if seen.flags.contains(SideFlags::WINDOW_SCALE) {
            seen.scale
        } else {
            0
        };
        if self.state == TcpState::LastAck {
            self.last_flags.insert(SideFlags::CHALLENGE_ACK);
        }
    }

    /// A RST that the table believes: its sequence number must be believable too.
    #[cold]
    fn reset(&mut self, segment: &Segment<'_>, at: Situation<'_>) -> Step {
        let old = self.state;
        match self.judge_reset(segment, at) {
            Reset::Invalid => Step::Invalid("RST outside the window"),
            Reset::Unchecked(new) => self.accept(segment, at, old, new),
            Reset::Check(new) => self.fit(segment, at, old, new),
        }
    }

    fn judge_reset(&self, segment: &Segment<'_>, at: Situation<'_>) -> Reset {
        if self.state.is_closing() {
            return Reset::Unchecked(TcpState::Close);
        }
        let other = &self.sides[at.direction.other().index()];
        let established =
            self.state == TcpState::Established && at.status.contains(Status::ASSURED);
        let mut new = TcpState::Close;
        if other.flags.contains(SideFlags::MAX_ACK_SET) && self.last_class != Class::Syn {
            let sequence = segment.sequence;
            if sequence == 0 && !established {
                return Reset::Check(new);
            }
            if window::before(sequence, other.max_ack) && !at.settings.ignore_invalid_rst {
                return Reset::Invalid;
            }
            if !established || sequence == other.max_ack || self.is_train(sequence, at.direction) {
                return Reset::Check(new);
            }
            // An inexact sequence number: the receiver may answer with a challenge ACK.
            new = self.state;
        }
        if self.answers_ignored(segment, at) {
            Reset::Unchecked(new)
        } else {
            Reset::Check(new)
        }
    }

    /// A RST that answers a packet which tracking let through without believing it.
    fn answers_ignored(&self, segment: &Segment<'_>, at: Situation<'_>) -> bool {
        let Situation {
            status, direction, ..
        } = at;
        let ignored = status.contains(Status::SEEN_REPLY)
            && self.last_class == Class::Syn
            && self.last_direction != direction
            || !status.contains(Status::ASSURED) && self.last_class == Class::Ack;
        let challenged = self.state == TcpState::SynSent
            && self.last_class == Class::Ack
            && self.last_direction == Direction::Reply;
        ignored && segment.ack == self.last_end || challenged && segment.sequence == self.last_ack
    }

    /// A RST right behind the same side's last data.
    fn is_train(&self, sequence: u32, direction: Direction) -> bool {
        self.last_class == Class::Ack
            && self.last_direction == direction
            && sequence == self.last_end
    }

    #[inline]
    fn fit(
        &mut self,
        segment: &Segment<'_>,
        at: Situation<'_>,
        old: TcpState,
        new: TcpState,
    ) -> Step {
        match self.in_window(segment, at.direction, at.shift, at.settings.liberal) {
            Fit::Ignore(why) => Step::Ignore(why),
            Fit::Invalid(why) => self.outside(why, segment.class(), at),
            Fit::Accept => self.accept(segment, at, old, new),
        }
    }

    /// A RST or FIN outside the window, answering one of the other side: both ends are probably done.
    #[cold]
    fn outside(&mut self, why: &'static str, class: Class, at: Situation<'_>) -> Step {
        if !at.status.contains(Status::ASSURED)
            || at.status.contains(Status::FIXED_TIMEOUT)
            || !matches!(class, Class::Rst | Class::Fin)
        {
            return Step::Invalid(why);
        }
        let settings = at.settings;
        if self.last_direction == at.direction
            || !matches!(self.last_class, Class::Fin | Class::Rst)
        {
            self.last_class = class;
            self.last_direction = at.direction;
        } else if at.expires >= settings.shrink_above && at.expires > settings.unacknowledged {
            return Step::InvalidShrink(why, settings.unacknowledged);
        }
        Step::Invalid(why)
    }

    #[inline]
    fn accept(
        &mut self,
        segment: &Segment<'_>,
        at: Situation<'_>,
        old: TcpState,
        new: TcpState,
    ) -> Step {
        let class = segment.class();
        self.last_class = class;
        self.last_direction = at.direction;
        self.state = new;
        if old != new && new == TcpState::FinWait {
            self.sides[at.direction.index()]
                .flags
                .insert(SideFlags::CLOSE_INIT);
        }
        let timeout = self.timeout(class, new, at.settings);
        if !at.status.contains(Status::SEEN_REPLY) {
            return accept_unanswered(class, old, new, timeout, at.settings);
        }
        let assured = !at.status.contains(Status::ASSURED)
            && matches!(old, TcpState::SynRecv | TcpState::Established)
            && new == TcpState::Established;
        Step::Accept { timeout, assured }
    }

    /// A REJECT's RST closes the connection without being seen; the state before.
    pub(super) const fn close(&mut self) -> TcpState {
        let old = self.state;
        self.state = TcpState::Close;
        old
    }

    #[inline]
    fn timeout(&self, class: Class, new: TcpState, settings: &TcpSettings) -> i64 {
        let [original, reply] = &self.sides;
        let usual = settings.timeouts[new as usize];
        if self.retransmissions >= settings.max_retransmissions && usual > settings.retransmission {
            settings.retransmission
        } else if class == Class::Rst {
            settings.timeouts[TcpState::Close as usize]
        } else if (original.flags | reply.flags).contains(SideFlags::UNACKNOWLEDGED)
            && usual > settings.unacknowledged
        {
            settings.unacknowledged
        } else if self.last_window == 0 && usual > settings.retransmission {
            settings.retransmission
        } else {
            usual
        }
    }
}

fn accept_unanswered(
    class: Class,
    old: TcpState,
    new: TcpState,
    timeout: i64,
    settings: &TcpSettings,
) -> Step {
    match class {
        // A RST as the only answer: there never was a connection.
        Class::Rst => Step::Kill,
        // Else a client that reuses its port could keep the entry alive for ever.
        Class::Syn if old == TcpState::SynSent => Step::Ignore("SYN retransmitted"),
        _ => Step::Accept {
            timeout: if new == TcpState::Established {
                timeout.min(settings.unacknowledged)
            } else {
                timeout
            },
            assured: false,
        },
    }
}

/// Takes one packet of a TCP connection.
pub(super) fn packet(entry: &mut Entry, cx: Cx<'_, '_>) -> Handled {
    match read(&cx) {
        Ok(segment) => take(entry, &segment, cx.turn()),
        Err(fault) => fault.into(),
    }
}

/// Takes one segment of a TCP connection, whose header was read and found right.
#[inline]
pub(super) fn take(entry: &mut Entry, segment: &Segment<'_>, cx: Turn<'_>) -> Handled {
    if !entry.is_confirmed() {
        match Tcp::open(segment, &cx.settings.tcp) {
            Ok(tcp) => entry.memory = Memory::Tcp(tcp),
            Err(why) => return Fault::Invalid(why).into(),
        }
    }
    let at = Situation {
        direction: cx.direction,
        status: entry.status,
        expires: entry.ticks_left(cx.now),
        shift: entry.shift(cx.direction.other(), segment.ack.wrapping_sub(1)),
        settings: &cx.settings.tcp,
    };
    let Memory::Tcp(tcp) = &mut entry.memory else {
        return Fault::Invalid("connection without a TCP state").into();
    };
    match tcp.step(segment, at) {
        Step::Invalid(why) => Fault::Invalid(why).into(),
        Step::InvalidShrink(why, ticks) => {
            entry.set_timeout(ticks, cx.now);
            Fault::Invalid(why).into()
        }
        Step::Ignore(why) => Handled::Accept(Some(why)),
        Step::Reopen => Handled::Repeat,
        Step::Kill => {
            cx.count(entry);
            Handled::Kill
        }
        Step::Accept { timeout, assured } => {
            if assured {
                entry.status.insert(Status::ASSURED);
            }
            cx.refresh(entry, timeout);
            Handled::Accept(None)
        }
    }
}

fn read<'c>(cx: &Cx<'c, '_>) -> Result<Segment<'c>, Fault> {
    let segment = parse(cx.packet, cx.at.offset)?;
    if cx.verify {
        checksum::verify(cx.packet, cx.at.offset, Protocol::TCP, None)?;
    }
    segment.check_flags()?;
    Ok(segment)
}

enum Reset {
    Invalid,
    /// Believed without a look at the window.
    Unchecked(TcpState),
    /// To be checked against the window.
    Check(TcpState),
}

#[cfg(test)]
mod tests;
