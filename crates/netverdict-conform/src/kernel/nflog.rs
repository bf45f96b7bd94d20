//! Packets that the rig's own nft chains log: what was delivered, and what the kernel made itself.

use netverdict_net::Family;

use super::netlink::{Attributes, NLM_F_ACK, Request, Socket};
use crate::RigError;

const ULOG_PACKET: u16 = 4 << 8;
const ULOG_CONFIG: u16 = 4 << 8 | 1;
const CONFIG_COMMAND: u16 = 1;
const CONFIG_MODE: u16 = 2;
const CONFIG_QUEUE_THRESHOLD: u16 = 5;
const COMMAND_BIND: u8 = 1;
const COPY_PACKET: u8 = 2;
const MARK: u16 = 2;
const IN_DEVICE: u16 = 4;
const OUT_DEVICE: u16 = 5;
const PAYLOAD: u16 = 9;

/// One logged packet, from the IP header on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Logged {
    /// Index of the device it came in by, 0 for none.
    pub(crate) in_index: u32,
    /// Index of the device it is to leave by, 0 for none.
    pub(crate) out_index: u32,
    /// `skb->mark`.
    pub(crate) mark: u32,
    /// The packet as it was at that point.
    pub(crate) packet: Vec<u8>,
}

/// A socket that one log group is delivered to, each packet at once.
#[derive(Debug)]
pub(crate) struct LogGroup(Socket);

impl LogGroup {
    pub(crate) fn bind(group: u16) -> Result<Self, RigError> {
        let socket = Socket::open()?;
        let config = || Request::new(ULOG_CONFIG, NLM_F_ACK, 0, group);
        let lacks = |error: RigError| RigError::MissingFeature {
            what: "nfnetlink_log",
            message: error.to_string(),
        };
        let mut mode = 0xffff_u32.to_be_bytes().to_vec();
        mode.extend([COPY_PACKET, 0]);
        for request in [
            config().attribute(CONFIG_COMMAND, &[COMMAND_BIND]),
            config().attribute(CONFIG_MODE, &mode),
            // Each packet is handed over before the hook goes on, not when a timer fires.
            config().attribute(CONFIG_QUEUE_THRESHOLD, &1_u32.to_be_bytes()),
        ] {
            socket.acknowledged(request).map_err(lacks)?;
        }
        Ok(Self(socket))
    }

    /// Takes the packets logged since the last call.
    pub(crate) fn drain(&self, mut each: impl FnMut(Logged)) -> Result<(), RigError> {
        self.0.drain(|kind, body| {
            if kind == ULOG_PACKET {
                each(parse(&Attributes(body)));
            }
        })
    }
}

fn parse(attributes: &Attributes<'_>) -> Logged {
    Logged {
        in_index: attributes.number(IN_DEVICE).unwrap_or(0) as u32,
        out_index: attributes.number(OUT_DEVICE).unwrap_or(0) as u32,
        mark: attributes.number(MARK).unwrap_or(0) as u32,
        packet: attributes.get(PAYLOAD).unwrap_or_default().to_vec(),
    }
}

/// Whether a packet belongs to the chatter by which the kernel finds its neighbours and groups (IGMP, MLD, ND): no
/// answer to any injected packet.
pub(crate) fn is_chatter(packet: &[u8]) -> bool {
    let at = |offset: usize| packet.get(offset).copied();
    match family(packet) {
        Some(Family::V4) => at(9) == Some(2) && at(8) == Some(1),
        Some(Family::V6) => {
            let (protocol, offset) = match at(6) {
                // MLD carries a router alert.
                Some(0) => (at(40), 48),
                protocol => (protocol, 40),
            };
            // The kernel sends its own with these hop limits; copies of passing ones have lost at least one.
            let hops = at(7);
            protocol == Some(58)
                && match at(offset) {
                    Some(130..=132 | 143) => hops == Some(1),
                    Some(133..=136) => hops == Some(255),
                    _ => false,
                }
        }
        None => false,
    }
}

/// The family by the version nibble.
pub(crate) fn family(packet: &[u8]) -> Option<Family> {
    match packet.first()? >> 4 {
        4 => Some(Family::V4),
        6 => Some(Family::V6),
        _ => None,
    }
}
