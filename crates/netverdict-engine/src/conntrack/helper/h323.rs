//! H.323 (nf_conntrack_h323_main.c, nf_nat_h323.c): call signalling (Q.931) announces control channels (H.245), which
//! announce media; gatekeepers (RAS) are told where calls are taken. The module's parameters count as they are by
//! default: calls come from the gatekeeper only, a registration lasts 300 seconds, a call is forwarded only to another
//! side.

mod calls;
mod channels;
mod per;
mod registration;
mod schema;
mod translate;

use super::talk::Talk;
use super::{Help, unread};
use crate::conntrack::Addr;
use netverdict_net::{Family, Protocol};

use per::{Node, Unread};

/// How many RTP channels of a connection may be translated.
const CHANNELS: usize = 4;

/// What is remembered of a connection (`struct nf_ct_h323_master`), ports by direction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Memory {
    /// Where signals go, and as the other side knows it.
    signal: [u16; 2],
    media: [[u16; 2]; CHANNELS],
    /// How long a registration lasts, in seconds.
    lifetime: u32,
    /// How long the data is whose header came alone.
    announced: [u16; 2],
}

/// A message within a packet.
struct Message<'m, 't, 'p, 'c> {
    talk: &'m mut Talk<'t, 'p, 'c>,
    memory: &'m mut Memory,
    /// Where it begins in the payload.
    base: usize,
}

/// An address that a message names.
#[derive(Debug, Clone, Copy)]
struct End {
    address: Addr,
    port: u16,
    /// Where it stands in the payload.
    at: usize,
}

/// The packet is dropped.
struct Refusal;

/// What reading a message made of the packet; `Ok` is to go on.
type Outcome = Result<(), Refusal>;

const UNDEFINED: Help =
    Help::Unknown("the kernel reads a malformed H.323 message beyond what it has");

/// Call signalling.
pub(super) fn signals(talk: &mut Talk<'_, '_, '_>, memory: &mut Memory) -> Help {
    streamed(talk, memory, calls::read, |message, node| {
        message.call(node)
    })
}

/// Control channels.
pub(super) fn control(talk: &mut Talk<'_, '_, '_>, memory: &mut Memory) -> Help {
    streamed(talk, memory, channels::read, |message, node| {
        message.channel(node)
    })
}

/// Reads the messages of a segment one by one.
fn streamed(
    talk: &mut Talk<'_, '_, '_>,
    memory: &mut Memory,
    read: fn(&[u8], usize) -> Result<Node, Unread>,
    act: fn(&mut Message<'_, '_, '_, '_>, &Node) -> Result<(), Help>,
) -> Help {
    if talk.protocol() != Protocol::TCP {
        return Help::Unknown("H.323 helper on a connection that is not TCP");
    }
    if !talk.is_established() {
        return Help::Accept;
    }
    let mut last = None;
    loop {
        let payload = match talk.payload() {
            Ok(payload) => payload,
            Err(beyond) => return unread(beyond),
        };
        let announced = &mut memory.announced[talk.direction.index()];
        let Some((base, len)) = next(payload, last, announced) else {
            return Help::Accept;
        };
        last = Some((base, len));
        let node = match read(&payload[base..], len) {
            Ok(node) => node,
            Err(Unread::Broken) => return Help::Accept,
            Err(Unread::Undefined) => return UNDEFINED,
        };
        let mut message = Message { talk, memory, base };
        if let Err(said) = act(&mut message, &node) {
            return said;
        }
    }
}

/// Where the next message is and how long (`get_tpkt_data`, RFC 1006). A header may come in a segment of its own.
fn next(
    payload: &[u8],
    last: Option<(usize, usize)>,
    announced: &mut u16,
) -> Option<(usize, usize)> {
    let expected = usize::from(*announced);
    let start = last.map_or(0, |(base, len)| base + len);
    let rest = &payload[start..];
    let is_header = rest.len() >= 4 && rest.starts_with(&[3, 0]);
    if payload.is_empty() || last.is_some() && (rest.len() <= 4 || !is_header) {
        *announced = 0;
        return None;
    }
    if !is_header {
        *announced = 0;
        return (expected > 0 && expected <= rest.len()).then_some((0, expected));
    }
    let len = u16::from_be_bytes([rest[2], rest[3]]);
    *announced = 0;
    if len < 4 {
        return None;
    }
    if usize::from(len) > rest.len() {
        if rest.len() == 4 {
            *announced = len - 4;
        }
        return None;
    }
    Some((start + 4, usize::from(len) - 4))
}

/// Registration.
pub(super) fn registration(talk: &mut Talk<'_, '_, '_>, memory: &mut Memory) -> Help {
    if talk.protocol() != Protocol::UDP {
        return Help::Unknown("H.323 helper on a connection that is not UDP");
    }
    let payload = match talk.payload() {
        Ok([]) => return Help::Accept,
        Ok(payload) => payload,
        Err(beyond) => return unread(beyond),
    };
    let node = match registration::read(payload) {
        Ok(node) => node,
        Err(Unread::Broken) => return Help::Accept,
        Err(Unread::Undefined) => return UNDEFINED,
    };
    let mut message = Message {
        talk,
        memory,
        base: 0,
    };
    match message.register(&node) {
        Ok(()) => Help::Accept,
        Err(Refusal) => Help::Drop,
    }
}

impl Message<'_, '_, '_, '_> {
    const fn side(&self) -> usize {
        self.talk.direction.index()
    }

    const fn other_side(&self) -> usize {
        self.talk.direction.other().index()
    }

    /// The address of a node, if it is one of the connection's family (`get_h225_addr`, `get_h245_addr`).
    fn end(&self, node: &Node) -> Option<End> {
        let node = node.part("unicast").unwrap_or(node);
        let (family, len) = (
            self.talk.family(),
            if node.part("v4").is_some() { 4 } else { 16 },
        );
        let name = match family {
            Family::V4 => "v4",
            Family::V6 => "v6",
        };
        let at = self.base + node.path(&[name, "ip"])?.at;
        let payload = self.talk.payload().ok()?;
        let (address, rest) = payload.get(at..)?.split_at_checked(len)?;
        let [high, low] = *rest.first_chunk()?;
        let address = address
            .iter()
            .fold(0, |sum: Addr, byte| sum << 8 | Addr::from(*byte));
        Some(End {
            address,
            port: u16::from_be_bytes([high, low]),
            at,
        })
    }

    /// The address of a node, if it is the sender's and has a port.
    fn own_end(&self, node: &Node) -> Option<End> {
        self.end(node)
            .filter(|end| end.address == self.talk.own().source && end.port != 0)
    }

    /// Whether the payload is to be translated.
    fn is_translated(&self) -> bool {
        self.talk.is_translated() && self.talk.family() == Family::V4
    }

    /// Whether what the sender announces is to be translated.
    fn is_hidden(&self) -> bool {
        self.is_translated() && self.talk.own().source != self.talk.other().destination
    }
}

#[cfg(test)]
mod tests;
