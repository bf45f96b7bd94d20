//! SIP (nf_conntrack_sip.c, nf_nat_sip.c): registrations let calls in, session descriptions let media in. The kernel's
//! defaults hold: signalling comes from the registrar only, media only between those who signal.

mod address;
mod header;
mod media;
mod register;
mod sdp;
mod translate;

use netverdict_net::{Family, Protocol};

use super::talk::Talk;
use super::text::{begins, decimal};
use super::{Help, unread};
use crate::conntrack::expect::Policy;

use header::Header;

/// How long a connection with a SIP message then lives.
const SECONDS: i64 = 3600;
/// The shortest message: `SIP/2.0 200`.
const SHORTEST: usize = 11;
const DEFAULT_PORT: u16 = 5060;
const SIGNALLING: u8 = 0;

/// What is remembered of a connection (`struct nf_ct_sip_master`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Memory {
    register: u32,
    invite: u32,
    /// Where the client listens, which sends from elsewhere.
    forced_port: u16,
}

/// One message of a packet.
pub(super) struct Message<'m, 't, 'p, 'c> {
    talk: &'m mut Talk<'t, 'p, 'c>,
    memory: &'m mut Memory,
    /// Where it begins in the payload, and how long it is.
    start: usize,
    len: usize,
}

/// Where something stands in a message: offset and length.
type Span = (usize, usize);

/// What a request or an answer to it does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Method {
    Invite,
    Update,
    Ack,
    Prack,
    Bye,
    Register,
}

/// In the order in which they are looked for.
const METHODS: [(&[u8], Method); 6] = [
    (b"INVITE", Method::Invite),
    (b"UPDATE", Method::Update),
    (b"ACK", Method::Ack),
    (b"PRACK", Method::Prack),
    (b"BYE", Method::Bye),
    (b"REGISTER", Method::Register),
];

/// Signalling, audio, video, image.
pub(super) const fn policy(class: u8) -> Policy {
    let max = match class {
        SIGNALLING => 1,
        1 | 2 => 4,
        _ => 2,
    };
    Policy { max, seconds: 180 }
}

pub(super) fn help(talk: &mut Talk<'_, '_, '_>, memory: &mut Memory) -> Help {
    let over_tcp = talk.protocol() == Protocol::TCP;
    if talk.len() == 0 || over_tcp && !talk.is_established() {
        return Help::Accept;
    }
    talk.lengthen(SECONDS);
    if talk.len() < SHORTEST {
        return Help::Accept;
    }
    if let Err(beyond) = talk.payload() {
        return unread(beyond);
    }
    if over_tcp {
        return stream(talk, memory);
    }
    let len = talk.len();
    let mut message = Message {
        talk,
        memory,
        start: 0,
        len,
    };
    message.help()
}

/// A segment may hold several messages, each as long as its Content-Length says (`sip_help_tcp`).
fn stream(talk: &mut Talk<'_, '_, '_>, memory: &mut Memory) -> Help {
    let sequence = talk.sequence();
    let (mut start, mut grown) = (0, 0_i32);
    let mut said = Help::Accept;
    while let Some(len) = message_len(talk.payload().unwrap_or_default(), start) {
        if start + len > talk.len() {
            return Help::Accept;
        }
        let mut message = Message {
            talk: &mut *talk,
            memory: &mut *memory,
            start,
            len,
        };
        said = message.help();
        if said != Help::Accept {
            break;
        }
        grown = grown.wrapping_add(message.len as i32 - len as i32);
        start += message.len;
    }
    if said == Help::Accept && talk.is_translated() {
        // The kernel keeps 16 bits.
        talk.shift(sequence, i32::from(grown as i16));
    }
    said
}

/// Header and body of the message at `start`; `None` where its end cannot be told.
fn message_len(payload: &[u8], start: usize) -> Option<usize> {
    let data = payload.get(start..)?;
    let (at, _) = header::find(data, 0, Header::CONTENT_LENGTH, Family::V4).found()?;
    let (body, digits) = decimal(&data[at..]);
    let end = at + digits;
    let blank = data.get(end..)?.windows(4).position(|w| w == b"\r\n\r\n")?;
    (digits > 0).then_some(end + blank + 4 + body as u32 as usize)
}

impl Message<'_, '_, '_, '_> {
    fn data(&self) -> &[u8] {
        let payload = self.talk.payload().unwrap_or_default();
        let end = payload.len().min(self.start + self.len);
        payload.get(self.start..end).unwrap_or_default()
    }

    /// Puts other text in place of what stands at `span`.
    fn replace(&mut self, (at, len): Span, with: &str) -> bool {
        let done = self.talk.splice(self.start + at, len, with.as_bytes());
        if done {
            self.len = self.len + with.len() - len;
        }
        done
    }

    /// `process_sip_msg`.
    fn help(&mut self) -> Help {
        let said = if begins(self.data(), b"SIP/2.0 ") {
            self.answer()
        } else {
            self.request()
        };
        if said == Help::Accept && self.talk.is_translated() && self.translate().is_none() {
            return Help::Drop;
        }
        said
    }

    /// The number of the request that this message is, or answers; `None` where it has none, or 0.
    fn sequence(&self) -> Option<(u32, usize)> {
        let data = self.data();
        let (at, len) = header::find(data, 0, Header::CSEQ, self.talk.family()).found()?;
        let (number, _) = decimal(&data[at..at + len]);
        (number as u32 != 0).then_some((number as u32, at + len + 1))
    }

    fn request(&mut self) -> Help {
        self.note_forced_port();
        let data = self.data();
        let method = METHODS
            .iter()
            .find(|(name, _)| begins(data, name) && has_object(&data[name.len()..]));
        let Some((_, method)) = method else {
            return Help::Accept;
        };
        let Some((sequence, _)) = self.sequence() else {
            return Help::Drop;
        };
        match method {
            Method::Invite => {
                self.forget_media();
                let said = self.describe();
                if said == Help::Accept {
                    self.memory.invite = sequence;
                }
                said
            }
            Method::Update | Method::Ack | Method::Prack => self.describe(),
            Method::Bye => {
                self.forget_media();
                Help::Accept
            }
            Method::Register => self.register(sequence),
        }
    }

    /// Many Cisco phones send from a high port, but listen on the one in Via.
    fn note_forced_port(&mut self) {
        let own = *self.talk.own();
        let via = header::uri(self.data(), Header::VIA_UDP, self.talk.family());
        if let Some(via) = via.found()
            && via.address == own.source
            && via.port != own.source_port
        {
            self.memory.forced_port = via.port;
        }
    }

    fn answer(&mut self) -> Help {
        let data = self.data();
        if data.len() < SHORTEST {
            return Help::Accept;
        }
        let (code, _) = decimal(&data[8..]);
        let Some((sequence, at)) = (code as u32 != 0).then(|| self.sequence()).flatten() else {
            return Help::Drop;
        };
        let rest = self.data().get(at..).unwrap_or_default();
        let answered = METHODS
            .iter()
            .filter(|(_, method)| !matches!(method, Method::Ack | Method::Bye))
            .find(|(name, _)| begins(rest, name));
        match answered {
            None => Help::Accept,
            Some((_, Method::Register)) => self.registered(sequence, code as u32),
            Some(_) if matches!(code as u32, 100..=299) => self.describe(),
            Some(_) => {
                if self.memory.invite == sequence {
                    self.forget_media();
                }
                Help::Accept
            }
        }
    }

    fn forget_media(&mut self) {
        let id = self.talk.id;
        self.talk
            .conntrack
            .forget_expected(id, |class| class != SIGNALLING);
    }
}

/// Whether a method is followed by what it is asked of.
fn has_object(rest: &[u8]) -> bool {
    matches!(rest, [b' ', letter, ..] if letter.is_ascii_alphabetic())
}
