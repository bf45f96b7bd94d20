//! Session descriptions: each announces the ports of its media, RTP on an even one and RTCP on the next.

use netverdict_net::Protocol;

use super::header::{self, Header};
use super::sdp::{self, Line};
use super::{Message, Span, address};
use crate::conntrack::expect::{Arrival, Expectation, Refused};
use crate::conntrack::helper::Help;
use crate::conntrack::helper::text::decimal;
use crate::conntrack::{Addr, Tuple, ip};

/// So many media of a description are looked at.
const MEDIA: usize = 3;
const KINDS: [(&[u8], u8); 3] = [(b"audio ", 1), (b"video ", 2), (b"image ", 3)];

/// One medium, and where its port stands.
#[derive(Debug, Clone, Copy)]
struct Medium {
    class: u8,
    port: u16,
    span: Span,
}

impl Message<'_, '_, '_, '_> {
    /// Expects what a description announces (`process_sdp`).
    pub(super) fn describe(&mut self) -> Help {
        let family = self.talk.family();
        let version = sdp::find(self.data(), 0, Line::Version, None, family);
        let Some((start, _)) = version.found() else {
            return Help::Accept;
        };
        let session = sdp::address(self.data(), start, Line::Connection, family);
        let mut last = session.map(|(address, _)| address);
        let (mut at, mut count) = (start, 0);
        while count < MEDIA {
            let found = sdp::find(self.data(), at, Line::Media, None, family).found();
            let Some((line, len)) = found else { break };
            let text = &self.data()[line..line + len];
            let kind = KINDS.iter().find(|(name, _)| text.starts_with(name));
            let Some((name, class)) = kind else {
                at = line + len;
                continue;
            };
            at = line + name.len();
            let (port, _) = decimal(&text[name.len()..]);
            if port == 0 {
                continue;
            }
            let Some(port) = u16::try_from(port).ok().filter(|port| *port >= 1024) else {
                return Help::Drop;
            };
            let own = sdp::address(self.data(), at, Line::Connection, family);
            let Some((mut address, _)) = own.or(session) else {
                return Help::Drop;
            };
            let medium = Medium {
                class: *class,
                port,
                span: (at, len - name.len()),
            };
            let said = self.expect_medium(&mut address, medium);
            if said != Help::Accept {
                return said;
            }
            last = Some(address);
            if own.is_some()
                && self.talk.is_translated()
                && self.write_address(at, address).is_none()
            {
                return Help::Drop;
            }
            count += 1;
        }
        match last.filter(|_| self.talk.is_translated()) {
            Some(address) if self.write_session(start, address).is_none() => Help::Drop,
            _ => Help::Accept,
        }
    }

    /// `set_expected_rtp_rtcp`. The address becomes the one that the description is to name.
    fn expect_medium(&mut self, address: &mut Addr, medium: Medium) -> Help {
        let (own, other) = (*self.talk.own(), *self.talk.other());
        if *address != own.source {
            return Help::Accept;
        }
        let sought = Tuple {
            source: other.source,
            destination: *address,
            source_port: 0,
            destination_port: medium.port,
            protocol: Protocol::UDP,
            family: own.family,
        };
        let (end, direct, known) = self.known_medium(sought, medium.class);
        *address = end.destination;
        let base = end.destination_port & !1;
        if direct && self.write_port(medium.span, base).is_none() {
            return Help::Drop;
        }
        if known {
            return Help::Accept;
        }
        let class = medium.class;
        let [rtp, rtcp] = [base, base.wrapping_add(1)].map(|port| {
            let end = (end.destination, port);
            let new = self
                .talk
                .expectation(Protocol::UDP, Some(other.source), end);
            Expectation {
                class,
                shared: true,
                ..new
            }
        });
        if self.talk.is_translated() && !direct {
            return self.expect_translated(rtp, rtcp, medium.span, address);
        }
        let first = self.talk.expect(rtp);
        if let Err(Refused::Busy | Refused::Full) = first {
            return Help::Drop;
        }
        match (self.talk.expect(rtcp), first) {
            (Ok(_) | Err(Refused::Already), _) => Help::Accept,
            (Err(_), Ok(id)) => {
                self.talk.conntrack.unexpect(id);
                Help::Drop
            }
            (Err(_), Err(_)) => Help::Drop,
        }
    }

    /// Whether another call announced the medium already: where it really is, whether both are translated and can reach
    /// each other directly, and whether nothing is left to expect.
    fn known_medium(&self, mut sought: Tuple, class: u8) -> (Tuple, bool, bool) {
        let mut direct = false;
        loop {
            let found = self
                .talk
                .conntrack
                .known_expectation(self.talk.id, &sought, class);
            let Some((saved, end)) = found else {
                return (sought, direct, false);
            };
            if direct || saved == end || !self.talk.is_translated() {
                return (sought, direct, true);
            }
            (sought.destination, sought.destination_port) = saved;
            direct = true;
        }
    }

    /// `nf_nat_sdp_media`.
    fn expect_translated(
        &mut self,
        mut rtp: Expectation,
        mut rtcp: Expectation,
        span: Span,
        address: &mut Addr,
    ) -> Help {
        let (own, other) = (*self.talk.own(), *self.talk.other());
        if own.source != other.destination {
            *address = other.destination;
        }
        let saved = (rtp.tuple.destination, rtp.tuple.destination_port);
        for new in [&mut rtp, &mut rtcp] {
            new.saved = (new.tuple.destination, new.tuple.destination_port);
            new.tuple.destination = *address;
            new.arrival = Arrival::Sip(self.talk.direction.other());
        }
        let mut port = saved.1;
        while port != 0 {
            rtp.tuple.destination_port = port;
            rtcp.tuple.destination_port = port.wrapping_add(1);
            match self.talk.expect(rtp.clone()) {
                Err(Refused::Busy) => {}
                Err(_) => return Help::Drop,
                Ok(id) => match self.talk.expect(rtcp.clone()) {
                    Ok(_) => break,
                    Err(refused) => {
                        self.talk.conntrack.unexpect(id);
                        if refused != Refused::Busy {
                            return Help::Drop;
                        }
                    }
                },
            }
            port = port.wrapping_add(2);
        }
        if port == 0 || port != saved.1 && self.write_port(span, port).is_none() {
            return Help::Drop;
        }
        Help::Accept
    }

    /// `nf_nat_sdp_port`.
    fn write_port(&mut self, span: Span, port: u16) -> Option<()> {
        self.replace(span, &port.to_string()).then_some(())?;
        self.write_content_length()
    }

    /// `nf_nat_sdp_addr`.
    fn write_address(&mut self, from: usize, address: Addr) -> Option<()> {
        self.write_line(from, Line::Connection, address)
            .filter(|done| *done)?;
        self.write_content_length()
    }

    /// `nf_nat_sdp_session`: owner and connection of the whole session, the latter where there is one.
    fn write_session(&mut self, from: usize, address: Addr) -> Option<()> {
        self.write_line(from, Line::Owner, address)
            .filter(|done| *done)?;
        self.write_line(from, Line::Connection, address)?;
        self.write_content_length()
    }

    /// Whether there was such a line; `None` where it could not be written.
    fn write_line(&mut self, from: usize, line: Line, address: Addr) -> Option<bool> {
        let family = self.talk.family();
        let found = sdp::find(self.data(), from, line, Some(Line::Media), family).found();
        let Some(span) = found else {
            return Some(false);
        };
        let text = address::text(ip(family, address), false);
        self.replace(span, &text).then_some(true)
    }

    /// `mangle_content_len`.
    fn write_content_length(&mut self) -> Option<()> {
        let family = self.talk.family();
        let version = sdp::find(self.data(), 0, Line::Version, None, family);
        let (start, _) = version.found()?;
        let body = self.len - start + 2;
        let span = header::find(self.data(), 0, Header::CONTENT_LENGTH, family).found()?;
        self.replace(span, &body.to_string()).then_some(())
    }
}
