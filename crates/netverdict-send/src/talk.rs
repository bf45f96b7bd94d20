//! Conversations in one line: `in eth0 tcp-session 198.51.100.7:40000 > 203.0.113.1:22 request=hello`.
//!
//! A [`Talk`] says what each party sends when all arrives. Whether it arrives, and how the other side sees whom it came
//! from, is for whoever plays it.

use std::time::Duration;

use netverdict_net::{Device, Family, Protocol};

use crate::grammar::{self, Token};
use crate::{Endpoint, SendError, Way, When, Words};

/// How much of a stream fits a segment.
const SEGMENT: usize = 1400;
/// From a packet to its answer, unless `rtt=` says otherwise.
const RTT: i64 = 20_000_000;
/// From one question to the next, unless `every=` says otherwise.
const EVERY: i64 = 1_000_000_000;
/// The client's port, where the line names none.
const CLIENT_PORT: u16 = 40_000;
const PORT: &str = "the server's address with its port: 192.0.2.1:80 or [2001:db8::1]:80";

/// A conversation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Talk {
    /// Which way the client's packets go.
    pub way: Way,
    /// Where they come in, or leave.
    pub device: Device,
    pub protocol: Protocol,
    pub client: Endpoint,
    /// As the client calls it.
    pub server: Endpoint,
    /// When it begins.
    pub when: Option<When>,
    messages: Vec<Message>,
}

/// One packet of a conversation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    pub from: Party,
    pub words: Words,
    /// Nanoseconds since the packet before.
    pub after: i64,
}

/// Who sends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Party {
    Client,
    Server,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    TcpSession,
    UdpExchange,
    Ping,
}

/// How a TCP session ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Close {
    Client,
    Server,
    Reset,
    Open,
}

/// What the words say.
#[derive(Debug, Clone)]
struct Script {
    request: Vec<u8>,
    response: Vec<u8>,
    answered: bool,
    count: u16,
    every: i64,
    rtt: i64,
    close: Close,
    /// Words that each packet has.
    common: Words,
}

impl Talk {
    /// Whether a line is a conversation rather than a packet.
    pub fn is_talk(text: &str) -> bool {
        grammar::tokens(text)
            .get(2)
            .is_some_and(|token| kind(*token).is_ok())
    }

    /// Reads a line.
    ///
    /// # Errors
    /// It is none; the place and what was expected there.
    pub fn parse(text: &str) -> Result<Self, SendError> {
        let which = grammar::tokens(text).get(2).map(|token| kind(*token));
        let kind = which.unwrap_or(Ok(Kind::TcpSession))?;
        let is_v6 = text
            .split_whitespace()
            .nth(3)
            .is_some_and(|source| source.starts_with('[') || source.matches(':').count() > 1);
        let protocol = match kind {
            Kind::TcpSession => Protocol::TCP,
            Kind::UdpExchange => Protocol::UDP,
            Kind::Ping if is_v6 => Protocol::ICMPV6,
            Kind::Ping => Protocol::ICMP,
        };
        let head = grammar::head(text, |_| Ok(protocol))?;
        let family = Family::of(head.source.address);
        let mut client = head.source;
        if kind != Kind::Ping {
            let is_there = head.destination.port.is_some();
            let place = || grammar::tokens(text).get(5).map(|token| token.error(PORT));
            if let Some(error) = (!is_there).then(place).flatten() {
                return Err(error);
            }
            client.port = client.port.or(Some(CLIENT_PORT));
        }
        let mut script = Script::new(kind);
        for token in head.rest {
            script.word(token, kind, protocol, family)?;
        }
        Ok(Self {
            way: head.way,
            device: head.device,
            protocol,
            client,
            server: head.destination,
            when: script.common.when.take(),
            messages: script.messages(kind, protocol),
        })
    }

    /// What is sent, as long as all arrives.
    pub fn messages(&self) -> &[Message] {
        &self.messages
    }
}

fn kind(token: Token<'_>) -> Result<Kind, SendError> {
    match token.text {
        "tcp-session" => Ok(Kind::TcpSession),
        "udp-exchange" => Ok(Kind::UdpExchange),
        "ping" => Ok(Kind::Ping),
        _ => Err(token.error("tcp-session, udp-exchange or ping")),
    }
}

impl Script {
    fn new(kind: Kind) -> Self {
        let (request, response) = match kind {
            Kind::TcpSession => (64, 512),
            Kind::UdpExchange => (32, 64),
            Kind::Ping => (56, 56),
        };
        Self {
            request: filler(request),
            response: filler(response),
            answered: true,
            count: 1,
            every: EVERY,
            rtt: RTT,
            close: Close::Client,
            common: Words::default(),
        }
    }

    fn word(
        &mut self,
        token: Token<'_>,
        kind: Kind,
        protocol: Protocol,
        family: Family,
    ) -> Result<(), SendError> {
        if token.text == "unanswered" {
            self.answered = false;
            return Ok(());
        }
        let (key, value) = token.text.split_once('=').unwrap_or((token.text, ""));
        let value = Token {
            text: value,
            start: token.start + key.len() + 1,
        };
        match (key, kind) {
            ("request", _) => self.request = grammar::payload(value)?,
            ("response", Kind::TcpSession | Kind::UdpExchange) => {
                self.response = grammar::payload(value)?;
            }
            ("request-len", _) => self.request = filler(grammar::number::<u16>(value)?),
            ("response-len", Kind::TcpSession | Kind::UdpExchange) => {
                self.response = filler(grammar::number::<u16>(value)?);
            }
            ("rtt", _) => self.rtt = span(value)?,
            ("count", Kind::UdpExchange | Kind::Ping) => self.count = grammar::number(value)?,
            ("every", Kind::UdpExchange | Kind::Ping) => self.every = span(value)?,
            ("close", Kind::TcpSession) => self.close = close(value)?,
            ("ttl" | "tos" | "at" | "src-mac" | "dst-mac", _) => {
                grammar::word(token, protocol, family, &mut self.common)?;
            }
            ("mss" | "window", Kind::TcpSession) | ("id", Kind::Ping) => {
                grammar::word(token, protocol, family, &mut self.common)?;
            }
            _ => return Err(token.error(known(kind))),
        }
        Ok(())
    }

    fn messages(&self, kind: Kind, protocol: Protocol) -> Vec<Message> {
        match kind {
            Kind::TcpSession => self.tcp(),
            Kind::UdpExchange => self.exchanges(|_, _| Words::default()),
            Kind::Ping => self.exchanges(|party, seq| Words {
                icmp_type: Some(echo(protocol, party)),
                seq: Some(u32::from(seq)),
                ..Words::default()
            }),
        }
    }

    /// Questions, each with its answer.
    fn exchanges(&self, words: impl Fn(Party, u16) -> Words) -> Vec<Message> {
        let mut messages = Vec::new();
        for seq in 1..=self.count {
            let pause = if self.answered {
                (self.every - self.rtt / 2).max(0)
            } else {
                self.every
            };
            messages.push(self.message(
                Party::Client,
                if seq == 1 { 0 } else { pause },
                Words {
                    payload: Some(self.request.clone()),
                    ..words(Party::Client, seq)
                },
            ));
            if self.answered {
                messages.push(self.message(
                    Party::Server,
                    self.rtt / 2,
                    Words {
                        payload: Some(self.response.clone()),
                        ..words(Party::Server, seq)
                    },
                ));
            }
        }
        messages
    }

    /// Handshake, request, response, end.
    fn tcp(&self) -> Vec<Message> {
        use Party::{Client, Server};
        let mut tcp = Tcp {
            script: self,
            next: [1000, 500_000],
            messages: Vec::new(),
        };
        tcp.say(Client, flag::SYN, &[]);
        if !self.answered {
            return tcp.messages;
        }
        tcp.say(Server, flag::SYN | flag::ACK, &[]);
        tcp.say(Client, flag::ACK, &[]);
        for part in self.request.chunks(SEGMENT) {
            tcp.say(Client, flag::PSH | flag::ACK, part);
            tcp.say(Server, flag::ACK, &[]);
        }
        for part in self.response.chunks(SEGMENT) {
            tcp.say(Server, flag::PSH | flag::ACK, part);
            tcp.say(Client, flag::ACK, &[]);
        }
        let (first, second) = match self.close {
            Close::Client => (Client, Server),
            Close::Server => (Server, Client),
            Close::Reset => {
                tcp.say(Client, flag::RST | flag::ACK, &[]);
                return tcp.messages;
            }
            Close::Open => return tcp.messages,
        };
        tcp.say(first, flag::FIN | flag::ACK, &[]);
        tcp.say(second, flag::FIN | flag::ACK, &[]);
        tcp.say(first, flag::ACK, &[]);
        tcp.messages
    }

    fn message(&self, from: Party, after: i64, words: Words) -> Message {
        let common = &self.common;
        // A link-layer address is of the client's side.
        let macs = |mac| if from == Party::Client { mac } else { None };
        Message {
            from,
            after,
            words: Words {
                ttl: common.ttl,
                tos: common.tos,
                id: common.id,
                window: common.window,
                source_mac: macs(common.source_mac),
                destination_mac: macs(common.destination_mac),
                ..words
            },
        }
    }
}

/// The type of an echo's packets.
const fn echo(protocol: Protocol, from: Party) -> u8 {
    match (protocol, from) {
        (Protocol::ICMP, Party::Client) => 8,
        (Protocol::ICMP, Party::Server) => 0,
        (_, Party::Client) => 128,
        (_, Party::Server) => 129,
    }
}

mod flag {
    pub(super) const FIN: u8 = 0x01;
    pub(super) const SYN: u8 = 0x02;
    pub(super) const RST: u8 = 0x04;
    pub(super) const PSH: u8 = 0x08;
    pub(super) const ACK: u8 = 0x10;
}

/// A TCP session being written: each party's next sequence number.
struct Tcp<'s> {
    script: &'s Script,
    next: [u32; 2],
    messages: Vec<Message>,
}

impl Tcp<'_> {
    fn say(&mut self, from: Party, flags: u8, payload: &[u8]) {
        let [client, server] = self.next;
        let (seq, acked) = match from {
            Party::Client => (client, server),
            Party::Server => (server, client),
        };
        let is_syn = flags & flag::SYN != 0;
        let after = match self.messages.last() {
            None => 0,
            // One party's packets in a row come together; an answer takes half a round trip.
            Some(before) if before.from == from => 1_000_000,
            Some(_) => self.script.rtt / 2,
        };
        let words = Words {
            tcp_flags: Some(flags),
            seq: Some(seq),
            ack_seq: (flags & flag::ACK != 0).then_some(acked),
            mss: is_syn.then_some(self.script.common.mss.unwrap_or(1460)),
            payload: Some(payload.to_vec()),
            ..Words::default()
        };
        let message = self.script.message(from, after, words);
        self.messages.push(message);
        let taken = payload.len() as u32 + u32::from(flags & (flag::SYN | flag::FIN) != 0);
        let next = match from {
            Party::Client => &mut self.next[0],
            Party::Server => &mut self.next[1],
        };
        *next = next.wrapping_add(taken);
    }
}

fn filler(len: u16) -> Vec<u8> {
    (b'a'..=b'z').cycle().take(len.into()).collect()
}

fn close(token: Token<'_>) -> Result<Close, SendError> {
    Ok(match token.text {
        "client" => Close::Client,
        "server" => Close::Server,
        "reset" => Close::Reset,
        "none" => Close::Open,
        _ => return Err(token.error("client, server, reset or none")),
    })
}

/// `20ms`, `1.5s`, `2` (seconds), in nanoseconds.
fn span(token: Token<'_>) -> Result<i64, SendError> {
    let (number, unit) = match token.text {
        text if text.ends_with("ms") => (text.trim_end_matches("ms"), 1_000_000),
        text => (text.trim_end_matches('s'), 1_000_000_000),
    };
    let nanos = grammar::nanoseconds(number)
        .and_then(|nanos| nanos.checked_mul(unit))
        .map(|nanos| nanos / 1_000_000_000)
        .filter(|nanos| Duration::from_nanos(nanos.unsigned_abs()) <= Duration::from_secs(1 << 31));
    nanos.ok_or_else(|| token.error("a time such as 20ms or 1.5s"))
}

fn known(kind: Kind) -> &'static str {
    match kind {
        Kind::TcpSession => {
            "request=, response=, request-len=, response-len=, close=, unanswered, rtt=, mss=, window=, ttl=, tos=, \
             src-mac=, dst-mac= or at="
        }
        Kind::UdpExchange => {
            "request=, response=, request-len=, response-len=, count=, every=, unanswered, rtt=, ttl=, tos=, src-mac=, \
             dst-mac= or at="
        }
        Kind::Ping => {
            "count=, every=, id=, request=, request-len=, unanswered, rtt=, ttl=, tos=, src-mac=, dst-mac= or at="
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn talk(text: &str) -> Talk {
        Talk::parse(text).unwrap_or_else(|e| panic!("{text}: {e:?}"))
    }

    #[test]
    fn each_segment_acknowledges_all_that_came() {
        let text = "in eth0 tcp-session 192.0.2.9 > 203.0.113.1:22 request-len=3000 response=hello";
        let talk = talk(text);
        assert_eq!(talk.client.port, Some(CLIENT_PORT));
        let mut next: [Option<u32>; 2] = [None; 2];
        for message in talk.messages() {
            let words = &message.words;
            let (me, you) = match message.from {
                Party::Client => (0, 1),
                Party::Server => (1, 0),
            };
            let seq = words.seq.unwrap();
            assert_eq!(next[me].unwrap_or(seq), seq);
            assert_eq!(words.ack_seq, next[you]);
            let flags = words.tcp_flags.unwrap();
            let taken =
                words.payload.as_ref().map_or(0, Vec::len) as u32 + u32::from(flags & 3 != 0);
            next[me] = Some(seq + taken);
        }
        // SYN, 3000 bytes and FIN of one party; SYN, 5 bytes and FIN of the other.
        assert_eq!(next, [Some(1000 + 3002), Some(500_000 + 7)]);
    }

    #[test]
    fn a_ping_is_of_its_addresses_family() {
        let types = |text: &str| -> Vec<u8> {
            let talk = talk(text);
            talk.messages()
                .iter()
                .filter_map(|m| m.words.icmp_type)
                .collect()
        };
        assert_eq!(types("in eth0 ping 192.0.2.9 > 203.0.113.1"), [8, 0]);
        assert_eq!(
            types("in eth0 ping 2001:db8::9 > 2001:db8::1 count=2"),
            [128, 129, 128, 129]
        );
        assert_eq!(
            types("in eth0 ping 192.0.2.9 > 203.0.113.1 unanswered count=2"),
            [8, 8]
        );
    }

    #[test]
    fn times_are_of_the_round_trip() {
        let talk = talk(
            "out eth0 udp-exchange 192.0.2.9:1 > 203.0.113.1:53 rtt=30ms count=2 every=1.5s at=7",
        );
        assert_eq!(
            talk.when,
            Some(When::At(netverdict_net::Timestamp::new(7, 0)))
        );
        let after: Vec<_> = talk
            .messages()
            .iter()
            .map(|m| m.after / 1_000_000)
            .collect();
        assert_eq!(after, [0, 15, 1485, 15]);
    }

    #[test]
    fn errors_point_at_the_word() {
        let complaint = |text: &str| {
            let error = Talk::parse(text).unwrap_err();
            format!(
                "{}: {} <- {}",
                text,
                &text[error.span.clone()],
                error.expected
            )
        };
        let complaints = [
            "in eth0 tcp-session 192.0.2.9:1 > 203.0.113.1",
            "in eth0 tcp-session 192.0.2.9:1 > 203.0.113.1:22 close=never",
            "in eth0 ping 192.0.2.9 > 203.0.113.1 response=x",
            "in eth0 ping 192.0.2.9 > 203.0.113.1 every=soon",
            "in eth0 udp-exchange 192.0.2.9 > 2001:db8::1 count=2",
        ];
        insta::assert_snapshot!(complaints.map(complaint).join("\n"));
    }
}
