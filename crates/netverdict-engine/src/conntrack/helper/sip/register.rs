//! Registrations: once the registrar agrees, it may call the client where the client said.

use netverdict_net::Protocol;

use super::header::{self, Header, Search, Uris};
use super::{Message, SIGNALLING, address};
use crate::conntrack::expect::{Arrival, Expectation};
use crate::conntrack::helper::text::{begins, decimal};
use crate::conntrack::helper::{Help, Helper};
use crate::conntrack::{Status, ip};

impl Message<'_, '_, '_, '_> {
    /// `process_register_request`: expects calls, for when the answer comes.
    pub(super) fn register(&mut self, sequence: u32) -> Help {
        if self.talk.status.contains(Status::EXPECTED) {
            return Help::Accept;
        }
        let family = self.talk.family();
        let contact = match header::uri(self.data(), Header::CONTACT, family) {
            Search::Found(contact) => contact,
            Search::Broken(_) => return Help::Drop,
            Search::None => return Help::Accept,
        };
        let own = *self.talk.own();
        let end = contact.span.0 + contact.span.1;
        // Nobody registers for another.
        let Some(protocol) = (contact.address == own.source)
            .then(|| self.transport(end))
            .flatten()
        else {
            return Help::Accept;
        };
        if self.lifetime(end, self.expires()) == 0 {
            self.memory.register = sequence;
            return Help::Accept;
        }
        let source = self.talk.other().source;
        let new = Expectation {
            class: SIGNALLING,
            helper: Some(Helper::Sip),
            permanent: true,
            inactive: true,
            ..self
                .talk
                .expectation(protocol, Some(source), (contact.address, contact.port))
        };
        let done = if self.talk.is_translated() {
            self.expect_translated_call(new, contact.span).is_some()
        } else {
            self.talk.expect(new).is_ok()
        };
        if !done {
            return Help::Drop;
        }
        self.memory.register = sequence;
        Help::Accept
    }

    /// `nf_nat_sip_expect`.
    fn expect_translated_call(&mut self, mut new: Expectation, span: super::Span) -> Option<()> {
        let (own, other) = (*self.talk.own(), *self.talk.other());
        new.saved = (new.tuple.destination, new.tuple.destination_port);
        if own.source != other.destination {
            new.tuple.destination = other.destination;
        }
        let source_port = match self.memory.forced_port {
            0 => own.source_port,
            forced => forced,
        };
        if new.tuple.destination_port == source_port {
            new.tuple.destination_port = other.destination_port;
        }
        new.arrival = Arrival::Sip(self.talk.direction.other());
        let (saved, address) = (new.saved, new.tuple.destination);
        let (id, port) = self.talk.expect_anywhere(new)?;
        if saved == (address, port) {
            return Some(());
        }
        let host = address::text(ip(own.family, address), true);
        if !self.replace(span, &format!("{host}:{port}")) {
            self.talk.conntrack.unexpect(id);
            return None;
        }
        Some(())
    }

    /// `process_register_response`.
    pub(super) fn registered(&mut self, sequence: u32, code: u32) -> Help {
        if self.memory.register != sequence || matches!(code, 100..=199) {
            return Help::Accept;
        }
        if matches!(code, 200..=299) {
            let family = self.talk.family();
            let mut contacts = Uris::default();
            let expires = self.expires();
            loop {
                let contact = match contacts.next(self.data(), Header::CONTACT, family) {
                    Search::Found(contact) => contact,
                    Search::Broken(_) => return Help::Drop,
                    Search::None => break,
                };
                let end = contact.span.0 + contact.span.1;
                if contact.address != self.talk.own().destination {
                    continue;
                }
                let Some(protocol) = self.transport(end) else {
                    continue;
                };
                let seconds = self.lifetime(end, expires);
                if seconds == 0 {
                    break;
                }
                let (id, now) = (self.talk.id, self.talk.cx.now.jiffies);
                let end = (contact.address, contact.port);
                if self
                    .talk
                    .conntrack
                    .activate(id, SIGNALLING, protocol, end, seconds, now)
                {
                    return Help::Accept;
                }
            }
        }
        self.talk.conntrack.forget_newest(self.talk.id, SIGNALLING);
        Help::Accept
    }

    /// The Expires header; 0 without one.
    fn expires(&self) -> u32 {
        let data = self.data();
        let found = header::find(data, 0, Header::EXPIRES, self.talk.family()).found();
        found.map_or(0, |(at, len)| decimal(&data[at..at + len]).0 as u32)
    }

    /// A contact's own `expires=`, else that of the whole message.
    fn lifetime(&self, from: usize, expires: u32) -> u32 {
        let own = header::number_parameter(self.data(), from, b"expires=");
        own.map_or(expires, |(seconds, _)| seconds)
    }

    /// A contact's transport, if it is the connection's own.
    fn transport(&self, from: usize) -> Option<Protocol> {
        let own = self.talk.protocol();
        let Some(text) = header::text_parameter(self.data(), from, b"transport=") else {
            return Some(own);
        };
        let named = if begins(text, b"TCP") {
            Protocol::TCP
        } else if begins(text, b"UDP") {
            Protocol::UDP
        } else {
            return None;
        };
        (named == own).then_some(own)
    }
}
