//! The window: whether a segment's numbers fit what both sides said so far (`tcp_in_window`).

use super::flags::Class;
use super::{Segment, Side, SideFlags, Tcp, TcpState, options};
use crate::conntrack::Direction;

/// An acknowledgement may lag this far behind (`MAXACKWINCONST`).
const MAX_ACK_WINDOW: u32 = 66_000;

/// Whether a segment fits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fit {
    Accept,
    /// It stays with its connection, but tells nothing new.
    Ignore(&'static str),
    Invalid(&'static str),
}

/// Whether `a` comes before `b` in sequence space.
pub(in crate::conntrack) const fn before(a: u32, b: u32) -> bool {
    (a.wrapping_sub(b) as i32) < 0
}

/// Whether `a` comes after `b` in sequence space.
pub(in crate::conntrack) const fn after(a: u32, b: u32) -> bool {
    before(b, a)
}

impl Side {
    const fn max_ack_window(&self) -> u32 {
        if self.max_window > MAX_ACK_WINDOW {
            self.max_window
        } else {
            MAX_ACK_WINDOW
        }
    }

    /// The side's first SYN or SYN/ACK (`tcp_init_sender`).
    fn init(&mut self, other: &mut Self, segment: &Segment<'_>, direction: Direction) {
        self.end = segment.end;
        self.max_end = segment.end;
        self.max_window = u32::from(segment.window).max(1);
        options::read(segment.options, self);
        // RFC 1323: scaling holds only if both sides offer it.
        if direction == Direction::Reply
            && !(self.flags & other.flags).contains(SideFlags::WINDOW_SCALE)
        {
            self.scale = 0;
            other.scale = 0;
        }
    }

    /// The side's first packet where its SYN was not seen.
    fn init_in_midstream(&mut self, other: &mut Self, segment: &Segment<'_>, sack: u32) {
        self.end = segment.end;
        self.max_window = (u32::from(segment.window) << self.scale).max(1);
        self.max_end = segment.end.wrapping_add(self.max_window);
        if other.max_window == 0 {
            other.end = sack;
            other.max_end = sack;
        } else if sack == other.end.wrapping_add(1) {
            // An answer to a keepalive.
            other.end = other.end.wrapping_add(1);
        }
    }
}

/// The numbers of a segment, once corrected.
#[derive(Debug, Clone, Copy)]
struct Numbers {
    sequence: u32,
    end: u32,
    ack: u32,
    /// The highest number acknowledged, selectively or not.
    sack: u32,
}

impl Tcp {
    /// Holds a segment against the windows and updates them.
    #[inline]
    pub(super) fn in_window(
        &mut self,
        segment: &Segment<'_>,
        direction: Direction,
        shift: u32,
        liberal: bool,
    ) -> Fit {
        let state = self.state;
        let [original, reply] = &mut self.sides;
        let (sender, receiver) = match direction {
            Direction::Original => (original, reply),
            Direction::Reply => (reply, original),
        };
        let mut numbers = Numbers {
            sequence: segment.sequence,
            end: segment.end,
            ack: segment.ack,
            sack: segment.ack,
        };
        if receiver.flags.contains(SideFlags::SACK_PERMITTED) {
            numbers.sack = options::sack(segment.options, segment.ack);
        }
        numbers.ack = numbers.ack.wrapping_sub(shift);
        numbers.sack = numbers.sack.wrapping_sub(shift);
        if begin(sender, receiver, segment, direction, state, numbers.sack) {
            return Fit::Accept;
        }
        correct(&mut numbers, sender, receiver, segment, state);
        match check(sender, receiver, numbers) {
            Fit::Accept => {}
            _ if liberal || sender.flags.contains(SideFlags::LIBERAL) => return Fit::Accept,
            fit => return fit,
        }
        update(sender, receiver, segment, numbers);
        if segment.class() == Class::Ack {
            self.count_retransmission(segment, direction, numbers);
        }
        Fit::Accept
    }

    #[inline]
    fn count_retransmission(
        &mut self,
        segment: &Segment<'_>,
        direction: Direction,
        numbers: Numbers,
    ) {
        if self.last_direction == direction
            && self.last_sequence == numbers.sequence
            && self.last_ack == numbers.ack
            && self.last_end == numbers.end
            && self.last_window == segment.window
        {
            self.retransmissions = self.retransmissions.wrapping_add(1);
            return;
        }
        self.last_direction = direction;
        self.last_sequence = numbers.sequence;
        self.last_ack = numbers.ack;
        self.last_end = numbers.end;
        self.last_window = segment.window;
        self.retransmissions = 0;
    }
}

/// Sets up a side that was not seen before, or that starts again. True for a SYN that needs no further check.
#[inline]
fn begin(
    sender: &mut Side,
    receiver: &mut Side,
    segment: &Segment<'_>,
    direction: Direction,
    state: TcpState,
    sack: u32,
) -> bool {
    if sender.max_window == 0 {
        if !segment.has_syn() {
            sender.init_in_midstream(receiver, segment, sack);
            return false;
        }
        sender.init(receiver, segment, direction);
        return !segment.has_ack();
    }
    if segment.has_syn()
        && after(segment.end, sender.end)
        && matches!(state, TcpState::SynSent | TcpState::SynRecv)
    {
        sender.init(receiver, segment, direction);
        return direction == Direction::Reply && !segment.has_ack();
    }
    false
}

/// Makes up the numbers a segment does not have.
#[inline]
fn correct(
    numbers: &mut Numbers,
    sender: &Side,
    receiver: &Side,
    segment: &Segment<'_>,
    state: TcpState,
) {
    let broken_rst = segment.has_rst() && numbers.ack == 0;
    if !segment.has_ack() || broken_rst {
        numbers.ack = receiver.end;
        numbers.sack = receiver.end;
    }
    if segment.has_rst() && numbers.sequence == 0 && state == TcpState::SynSent {
        numbers.sequence = sender.end;
        numbers.end = sender.end;
    }
}

#[inline]
fn check(sender: &mut Side, receiver: &Side, numbers: Numbers) -> Fit {
    let Numbers {
        sequence,
        end,
        sack,
        ..
    } = numbers;
    let lowest_end = sender.end.wrapping_sub(receiver.max_window).wrapping_sub(1);
    let lowest_sack = receiver
        .end
        .wrapping_sub(sender.max_ack_window())
        .wrapping_sub(1);
    let ack_seen = before(sack, receiver.end.wrapping_add(1));
    if !before(sequence, sender.max_end.wrapping_add(1)) {
        let overshot = end.wrapping_sub(sender.max_end).wrapping_add(1);
        let tolerable = receiver.max_window != 0
            && after(end, lowest_end)
            && after(sack, lowest_sack)
            && overshot <= receiver.max_window
            && ack_seen;
        if tolerable {
            sender.end = end;
            sender.flags.insert(SideFlags::UNACKNOWLEDGED);
            return Fit::Ignore("sequence number a little beyond the receiver's window");
        }
        return Fit::Invalid("sequence number beyond the receiver's window");
    }
    if !ack_seen {
        return Fit::Invalid("acknowledges data not seen");
    }
    if receiver.max_window != 0 && !after(end, lowest_end) {
        return Fit::Ignore("data already acknowledged");
    }
    if !after(sack, lowest_sack) {
        return Fit::Ignore("acknowledgement much too late");
    }
    Fit::Accept
}

#[inline]
fn update(sender: &mut Side, receiver: &mut Side, segment: &Segment<'_>, numbers: Numbers) {
    let Numbers { end, ack, sack, .. } = numbers;
    let mut window = u32::from(segment.window);
    if !segment.has_syn() {
        window <<= sender.scale;
    }
    sender.max_window = sender
        .max_window
        .max(window.wrapping_add(sack.wrapping_sub(ack)));
    if after(end, sender.end) {
        sender.end = end;
        sender.flags.insert(SideFlags::UNACKNOWLEDGED);
    }
    if segment.has_ack() {
        if !sender.flags.contains(SideFlags::MAX_ACK_SET) || after(ack, sender.max_ack) {
            sender.max_ack = ack;
        }
        sender.flags.insert(SideFlags::MAX_ACK_SET);
    }
    if receiver.max_window != 0 && after(end, sender.max_end) {
        receiver.max_window = receiver
            .max_window
            .wrapping_add(end.wrapping_sub(sender.max_end));
    }
    let edge = sack.wrapping_add(window);
    if after(edge, receiver.max_end.wrapping_sub(1)) {
        receiver.max_end = edge.wrapping_add(u32::from(window == 0));
    }
    if ack == receiver.end {
        receiver.flags.remove(SideFlags::UNACKNOWLEDGED);
    }
}
