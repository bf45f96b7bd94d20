//! Helpers: trackers of protocols that announce further connections in their payload. A connection has one only if a
//! `-j CT --helper` rule gave it.
//!
//! Payloads are read, not rewritten: where the kernel's NAT would put another address or port into one, the announced
//! connection is expected as it was announced.

mod amanda;
mod ftp;
mod irc;
mod sane;
mod tftp;

use netverdict_net::{Family, Jiffies, Packet, Protocol};

use super::expect::{Expectation, Follow, Policy};
use super::{Addr, Conntrack, Direction, Entry, Status, layer4};
use crate::{CtId, CtInfo, Skb};

/// A helper that is modelled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Helper {
    Ftp,
    Tftp,
    Irc,
    Sane,
    Amanda,
}

/// What a helper remembers of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum HelperState {
    Stateless,
    Ftp(ftp::Lines),
    /// Whether the next answer is to a request for a data connection.
    Sane {
        requested: bool,
    },
}

/// What a helper says of a packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Help {
    Accept,
    Drop,
}

/// A connection that a payload announces.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Announced {
    protocol: Protocol,
    /// Who will open it; `None` for anybody.
    source: Option<Addr>,
    destination: Addr,
    port: u16,
    follow: Option<Follow>,
}

/// What a helper found in a packet.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Found {
    Nothing,
    /// At most four at once, by amanda.
    Announced(Vec<Announced>),
    /// Half of an announcement: the kernel drops the packet, for its tracking would be wrong.
    Partial,
}

/// One packet as a helper sees it.
#[derive(Debug)]
struct Message<'m> {
    entry: &'m Entry,
    direction: Direction,
    /// Whether packets have flowed both ways.
    established: bool,
    /// TCP's sequence number.
    sequence: u32,
    payload: &'m [u8],
}

impl Helper {
    /// The helper of a kernel name; `None` for those not modelled.
    pub(crate) fn from_name(name: &str) -> Option<Self> {
        [Self::Ftp, Self::Tftp, Self::Irc, Self::Sane, Self::Amanda]
            .into_iter()
            .find(|helper| helper.name() == name)
    }

    /// The kernel's name.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Ftp => "ftp",
            Self::Tftp => "tftp",
            Self::Irc => "irc",
            Self::Sane => "sane",
            Self::Amanda => "amanda",
        }
    }

    const fn protocol(self) -> Protocol {
        match self {
            Self::Ftp | Self::Irc | Self::Sane => Protocol::TCP,
            Self::Tftp | Self::Amanda => Protocol::UDP,
        }
    }

    const fn policy(self) -> Policy {
        let (max, seconds) = match self {
            Self::Ftp | Self::Tftp | Self::Sane => (1, 300),
            Self::Irc => (8, 300),
            Self::Amanda => (4, 180),
        };
        Policy { max, seconds }
    }

    /// What it remembers of a new connection.
    pub(super) fn state(self) -> HelperState {
        match self {
            Self::Ftp => HelperState::Ftp(ftp::Lines::default()),
            Self::Sane => HelperState::Sane { requested: false },
            Self::Tftp | Self::Irc | Self::Amanda => HelperState::Stateless,
        }
    }

    fn read(self, message: &Message<'_>, state: &mut HelperState) -> Found {
        match (self, state) {
            (Self::Ftp, HelperState::Ftp(lines)) => ftp::read(message, lines),
            (Self::Sane, HelperState::Sane { requested }) => sane::read(message, requested),
            (Self::Tftp, _) => tftp::read(message),
            (Self::Irc, _) => irc::read(message),
            (Self::Amanda, _) => amanda::read(message),
            _ => Found::Nothing,
        }
    }
}

impl Conntrack {
    /// Shows a packet to its connection's helper (`nf_confirm`, before the connection enters the table).
    pub(super) fn help(&mut self, skb: &Skb<'_>, id: CtId, info: CtInfo, now: Jiffies) -> Help {
        let Some(entry) = self.table.get(id) else {
            return Help::Accept;
        };
        let Some((helper, mut state)) = entry.extra().and_then(|extra| extra.helper) else {
            return Help::Accept;
        };
        let Some((sequence, payload)) = payload(&skb.packet, helper.protocol()) else {
            return Help::Accept;
        };
        let direction = if info.is_reply() {
            Direction::Reply
        } else {
            Direction::Original
        };
        let message = Message {
            entry,
            direction,
            established: matches!(info, CtInfo::Established | CtInfo::EstablishedReply),
            sequence,
            payload,
        };
        let found = helper.read(&message, &mut state);
        let before = entry.extra().and_then(|extra| extra.helper);
        let zone = entry.zone;
        let family = entry.family();
        if before != Some((helper, state))
            && let Some(entry) = self.table.get_mut(id)
        {
            entry.extra_mut().helper = Some((helper, state));
        }
        if helper == Helper::Amanda && info.is_reply() {
            self.lengthen(id, amanda::MASTER_SECONDS, now);
        }
        let announced = match found {
            Found::Nothing => return Help::Accept,
            Found::Partial => return Help::Drop,
            Found::Announced(announced) => announced,
        };
        for one in announced {
            let expectation = Expectation {
                family,
                protocol: one.protocol,
                source: one.source,
                source_port: None,
                destination: one.destination,
                destination_port: one.port,
                master: id,
                zone,
                expires: 0,
                follow: one.follow,
            };
            if !self.expect(expectation, helper.policy(), now) {
                return Help::Drop;
            }
        }
        Help::Accept
    }

    /// Lets a connection live so many seconds from now, without counting the packet.
    fn lengthen(&mut self, id: CtId, seconds: i64, now: Jiffies) {
        let ticks = seconds * self.settings.hz;
        if let Some(entry) = self.table.get_mut(id) {
            entry.set_timeout(ticks, now);
        }
    }
}

/// The sequence number (TCP) and the payload, as far as it was captured.
fn payload<'p>(packet: &'p Packet<'_>, protocol: Protocol) -> Option<(u32, &'p [u8])> {
    let at = layer4::find(packet, packet.family(), 0).ok()?;
    if at.protocol != protocol {
        return None;
    }
    let (sequence, header_len) = match protocol {
        Protocol::TCP => {
            let header = packet.array::<20>(at.offset).ok()?;
            let sequence = u32::from_be_bytes([header[4], header[5], header[6], header[7]]);
            (sequence, usize::from(header[12] >> 4) * 4)
        }
        _ => (0, 8),
    };
    let start = at.offset + header_len;
    let bytes = packet.read(start, packet.len().checked_sub(start)?).ok()?;
    Some((sequence, bytes))
}

/// A decimal number at the start, wrapping as the kernel's do, and how many digits it has.
fn decimal(bytes: &[u8]) -> (u64, usize) {
    let digits = bytes.iter().take_while(|byte| byte.is_ascii_digit());
    digits.fold((0, 0), |(value, len): (u64, usize), digit| {
        let value = value.wrapping_mul(10).wrapping_add(u64::from(digit - b'0'));
        (value, len + 1)
    })
}

impl Message<'_> {
    /// The connection's tuple in the packet's direction.
    const fn own(&self) -> &super::Tuple {
        self.entry.tuple(self.direction)
    }

    /// The tuple of the other direction.
    const fn other(&self) -> &super::Tuple {
        self.entry.tuple(self.direction.other())
    }

    const fn is_v4(&self) -> bool {
        matches!(self.entry.family(), Family::V4)
    }

    const fn is_translated(&self) -> bool {
        self.entry.status.intersects(Status::NAT)
    }
}

#[cfg(test)]
mod tests;
