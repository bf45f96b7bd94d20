//! Addresses in the headers of a translated connection's messages (`nf_nat_sip`).

use netverdict_net::Protocol;

use super::header::{self, Header, Search, Uri, Uris};
use super::{Message, Span, address};
use crate::conntrack::helper::text::begins;
use crate::conntrack::{Addr, Direction, ip};

impl Message<'_, '_, '_, '_> {
    /// `None` where a text cannot be put in: the packet is dropped.
    pub(super) fn translate(&mut self) -> Option<()> {
        let family = self.talk.family();
        let is_request = !begins(self.data(), b"SIP/2.0");
        if is_request && let Some(uri) = request_uri(self.data(), family) {
            self.map(uri.span, uri.address, uri.port)?;
        }
        self.translate_via(is_request)?;
        let mut contacts = Uris::default();
        while let Search::Found(uri) = contacts.next(self.data(), Header::CONTACT, family) {
            self.map(uri.span, uri.address, uri.port)?;
        }
        for header in [Header::FROM, Header::TO] {
            if let Search::Found(uri) = header::uri(self.data(), header, family) {
                self.map(uri.span, uri.address, uri.port)?;
            }
        }
        if self.talk.direction == Direction::Reply && self.memory.forced_port != 0 {
            self.talk.set_destination_port(self.memory.forced_port);
        }
        Some(())
    }

    /// The topmost Via and its parameters, if it is about this connection.
    fn translate_via(&mut self, is_request: bool) -> Option<()> {
        let family = self.talk.family();
        let header = match self.talk.protocol() {
            Protocol::TCP => Header::VIA_TCP,
            _ => Header::VIA_UDP,
        };
        let Search::Found(via) = header::uri(self.data(), header, family) else {
            return Some(());
        };
        let (own, other) = (*self.talk.own(), *self.talk.other());
        let end = if is_request {
            (own.source, own.source_port)
        } else {
            (own.destination, own.destination_port)
        };
        if (via.address, via.port) != end {
            return Some(());
        }
        let before = self.len;
        self.map(via.span, via.address, via.port)?;
        let from = via.span.0 + via.span.1 + self.len - before;
        let maddr = header::address_parameter(self.data(), from, b"maddr=", family, true);
        if let Some((address, span)) = maddr
            && address == own.source
            && address != other.destination
        {
            self.write(span, other.destination, true)?;
        }
        let received = header::address_parameter(self.data(), from, b"received=", family, false);
        if let Some((address, span)) = received
            && address == own.destination
            && address != other.source
        {
            self.write(span, other.source, false)?;
        }
        let rport = header::number_parameter(self.data(), from, b"rport=");
        if let Some((port, span)) = rport
            && port as u16 == own.destination_port
            && port as u16 != other.source_port
        {
            let text = other.source_port.to_string();
            self.replace(span, &text).then_some(())?;
        }
        Some(())
    }

    fn write(&mut self, span: Span, address: Addr, delimited: bool) -> Option<()> {
        let text = address::text(ip(self.talk.family(), address), delimited);
        self.replace(span, &text).then_some(())
    }

    /// Puts the translated end in place of one of the connection's (`map_addr`).
    fn map(&mut self, span: Span, address: Addr, port: u16) -> Option<()> {
        let (own, other) = (*self.talk.own(), *self.talk.other());
        let end = (address, port);
        let new = if end == (own.source, own.source_port) {
            (other.destination, other.destination_port)
        } else if end == (own.destination, own.destination_port) {
            let port = match self.memory.forced_port {
                0 => other.source_port,
                forced => forced,
            };
            (other.source, port)
        } else {
            return Some(());
        };
        if new == end {
            return Some(());
        }
        let host = address::text(ip(own.family, new.0), true);
        self.replace(span, &format!("{host}:{}", new.1))
            .then_some(())
    }
}

/// The address that a request is to (`ct_sip_parse_request`).
fn request_uri(data: &[u8], family: netverdict_net::Family) -> Option<Uri> {
    let method = data.iter().take_while(|b| b.is_ascii_alphabetic()).count();
    let mut at = method + 1;
    if method == 0 || at >= data.len() {
        return None;
    }
    while at + 4 < data.len() {
        match data[at] {
            b'\r' | b'\n' => return None,
            _ if begins(&data[at..], b"sip:") => {
                at += 4;
                break;
            }
            _ => at += 1,
        }
    }
    let (skipped, len) = header::host_behind_user(&data[at..], family);
    if len == 0 {
        return None;
    }
    let start = at + skipped;
    let (address, len) = address::parse(&data[start..], family, true)?;
    let (port, more) = address::port(&data[start + len..])?;
    Some(Uri {
        span: (start, len + more),
        address,
        port,
    })
}
