//! SCTP states and the table of what leads where (`sctp_conntracks`).

use std::fmt;

use super::chunks;
use crate::conntrack::Direction;

/// A tracked association's state. The order is the kernel's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum SctpState {
    /// Before the first packet.
    None,
    /// INIT seen, or aborted.
    Closed,
    /// INIT ACK seen.
    CookieWait,
    /// COOKIE ECHO seen.
    CookieEchoed,
    /// COOKIE ACK seen.
    Established,
    /// SHUTDOWN of the first sender seen.
    ShutdownSent,
    /// SHUTDOWN of the other seen.
    ShutdownRecd,
    /// SHUTDOWN ACK seen.
    ShutdownAckSent,
    /// A heartbeat opened it.
    HeartbeatSent,
}

impl SctpState {
    /// Every state, in the kernel's order.
    pub const ALL: [Self; 9] = [
        Self::None,
        Self::Closed,
        Self::CookieWait,
        Self::CookieEchoed,
        Self::Established,
        Self::ShutdownSent,
        Self::ShutdownRecd,
        Self::ShutdownAckSent,
        Self::HeartbeatSent,
    ];

    /// The name `conntrack -L` prints.
    pub const fn name(self) -> &'static str {
        match self {
            Self::None => "NONE",
            Self::Closed => "CLOSED",
            Self::CookieWait => "COOKIE_WAIT",
            Self::CookieEchoed => "COOKIE_ECHOED",
            Self::Established => "ESTABLISHED",
            Self::ShutdownSent => "SHUTDOWN_SENT",
            Self::ShutdownRecd => "SHUTDOWN_RECD",
            Self::ShutdownAckSent => "SHUTDOWN_ACK_SENT",
            Self::HeartbeatSent => "HEARTBEAT_SENT",
        }
    }
}

impl fmt::Display for SctpState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

type Row = [Option<SctpState>; 9];

/// The next state, `None` where the chunk is not allowed. Chunks without a row leave the state as it is.
pub(super) fn next(direction: Direction, state: SctpState, chunk: u8) -> Option<SctpState> {
    let row = match chunk {
        chunks::INIT => 0,
        chunks::INIT_ACK => 1,
        chunks::ABORT => 2,
        chunks::SHUTDOWN => 3,
        chunks::SHUTDOWN_ACK => 4,
        chunks::ERROR => 5,
        chunks::COOKIE_ECHO => 6,
        chunks::COOKIE_ACK => 7,
        chunks::SHUTDOWN_COMPLETE => 8,
        chunks::HEARTBEAT => 9,
        chunks::HEARTBEAT_ACK => 10,
        _ => return Some(state),
    };
    let table: &[Row; 11] = match direction {
        Direction::Original => &ORIGINAL,
        Direction::Reply => &REPLY,
    };
    table[row][state as usize]
}

const IV: Option<SctpState> = None;
const CL: Option<SctpState> = Some(SctpState::Closed);
const CW: Option<SctpState> = Some(SctpState::CookieWait);
const CE: Option<SctpState> = Some(SctpState::CookieEchoed);
const ES: Option<SctpState> = Some(SctpState::Established);
const SS: Option<SctpState> = Some(SctpState::ShutdownSent);
const SR: Option<SctpState> = Some(SctpState::ShutdownRecd);
const SA: Option<SctpState> = Some(SctpState::ShutdownAckSent);
const HS: Option<SctpState> = Some(SctpState::HeartbeatSent);

/// Rows as in [`next`]. Columns: the states in order.
const ORIGINAL: [Row; 11] = [
    [CL, CL, CW, CE, ES, CL, CL, SA, CW],
    [CL, CL, CW, CE, ES, SS, SR, SA, CL],
    [CL, CL, CL, CL, CL, CL, CL, CL, CL],
    [CL, CL, CW, CE, SS, SS, SR, SA, CL],
    [SA, CL, CW, CE, ES, SA, SA, SA, SA],
    [CL, CL, CW, CE, ES, SS, SR, SA, CL],
    [CL, CL, CE, CE, ES, SS, SR, SA, CL],
    [CL, CL, CW, ES, ES, SS, SR, SA, CL],
    [CL, CL, CW, CE, ES, SS, SR, CL, CL],
    [HS, CL, CW, CE, ES, SS, SR, SA, HS],
    [CL, CL, CW, CE, ES, SS, SR, SA, HS],
];

const REPLY: [Row; 11] = [
    [IV, CL, CW, CE, ES, SS, SR, SA, IV],
    [IV, CW, CW, CE, ES, SS, SR, SA, IV],
    [IV, CL, CL, CL, CL, CL, CL, CL, IV],
    [IV, CL, CW, CE, SR, SS, SR, SA, IV],
    [IV, CL, CW, CE, ES, SA, SA, SA, IV],
    [IV, CL, CW, CL, ES, SS, SR, SA, IV],
    [IV, CL, CE, CE, ES, SS, SR, SA, IV],
    [IV, CL, CW, ES, ES, SS, SR, SA, IV],
    [IV, CL, CW, CE, ES, SS, SR, CL, IV],
    [IV, CL, CW, CE, ES, SS, SR, SA, HS],
    [IV, CL, CW, CE, ES, SS, SR, SA, ES],
];
