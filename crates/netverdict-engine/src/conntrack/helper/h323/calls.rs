//! Call signalling (Q.931, H.225.0).

use netverdict_host::{Flow, OutputRoute};
use netverdict_net::{Family, Protocol};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::per::{self, Node, Unread};
use super::schema::calls::USER_INFORMATION;
use super::{End, Message, Outcome, Refusal};
use crate::conntrack::expect::{Arrival, Expectation};
use crate::conntrack::helper::{Help, Helper};
use crate::conntrack::{Addr, ip};

const DISCRIMINATOR: u8 = 8;
const USER_USER: u8 = 0x7e;
/// `callForwarded`.
const FORWARDED: u32 = 1;

/// Finds the user-user element of a message and reads it (`DecodeQ931`).
pub(super) fn read(bytes: &[u8], len: usize) -> Result<Node, Unread> {
    let message = bytes.get(..len).ok_or(Unread::Undefined)?;
    let [DISCRIMINATOR, reference, rest @ ..] = message else {
        return Err(Unread::Broken);
    };
    // The message's type, perhaps something that has its highest bit set, then elements.
    let [_, rest @ ..] = rest.get(usize::from(*reference)..).ok_or(Unread::Broken)? else {
        return Err(Unread::Broken);
    };
    let mut rest = match rest {
        [] => return Err(Unread::Broken),
        [first, rest @ ..] if first & 0x80 != 0 => rest,
        _ => rest,
    };
    loop {
        match rest {
            [USER_USER, high, low, element @ ..] => {
                let length = usize::from(u16::from_be_bytes([*high, *low]));
                if length < 2 || element.len() < length {
                    return Err(Unread::Broken);
                }
                let start = len - element.len();
                return per::decode(bytes, start + 1, start + length, &USER_INFORMATION);
            }
            [USER_USER, ..] => return Err(Unread::Broken),
            [_, length, more @ ..] => {
                rest = more.get(usize::from(*length)..).ok_or(Unread::Broken)?;
            }
            _ => return Err(Unread::Broken),
        }
    }
}

impl Message<'_, '_, '_, '_> {
    /// `process_q931`.
    pub(super) fn call(&mut self, user: &Node) -> Result<(), Help> {
        let Some(pdu) = user.part("pdu") else {
            return Ok(());
        };
        if let Some(body) = pdu.part("body") {
            self.body(body)?;
        }
        for message in pdu.items("h245Control") {
            self.control(message).map_err(|Refusal| Help::Drop)?;
        }
        Ok(())
    }

    fn body(&mut self, body: &Node) -> Result<(), Help> {
        if let Some(facility) = body.part("facility")
            && facility
                .part("reason")
                .is_some_and(|reason| reason.value == FORWARDED)
        {
            return match facility.part("alternativeAddress") {
                Some(address) => self.forward(address),
                None => Ok(()),
            };
        }
        for part in &body.parts {
            self.announcements(part).map_err(|Refusal| Help::Drop)?;
        }
        Ok(())
    }

    /// What every message may announce; a setup also names both ends (`process_setup` and others).
    fn announcements(&mut self, part: &Node) -> Outcome {
        if let Some(address) = part.part("h245Address") {
            self.expect_control(address)?;
        }
        let other = *self.talk.other();
        let ends = [
            ("destCallSignalAddress", other.source, other.source_port),
            (
                "sourceCallSignalAddress",
                other.destination,
                other.destination_port,
            ),
        ];
        for (name, address, port) in ends {
            let named = part.part(name).filter(|_| self.is_translated());
            let end = named.and_then(|node| self.end(node));
            if let Some(end) = end.filter(|end| end.address != address) {
                self.write(end.at, address, port)?;
            }
        }
        for open in part.items("fastStart") {
            self.open_channel(open)?;
        }
        Ok(())
    }

    /// `expect_h245`.
    fn expect_control(&mut self, address: &Node) -> Outcome {
        let Some(end) = self.own_end(address) else {
            return Ok(());
        };
        let new = Expectation {
            helper: Some(Helper::H245),
            ..self.expectation(Protocol::TCP, end.port)
        };
        if self.is_hidden() {
            return self.expect_signals(new, end).map(drop);
        }
        self.expect(new)
    }

    /// The call goes on to somebody else (`expect_callforwarding`).
    fn forward(&mut self, address: &Node) -> Result<(), Help> {
        let Some(end) = self.end(address).filter(|end| end.port != 0) else {
            return Ok(());
        };
        let other = *self.talk.other();
        if self.is_same_way(end.address, other.source)? {
            return Ok(());
        }
        let new = Expectation {
            helper: Some(Helper::Q931),
            ..self
                .talk
                .expectation(Protocol::TCP, Some(other.source), (end.address, end.port))
        };
        let done = if self.is_hidden() {
            self.announce_forwarded(new, end)
        } else {
            self.expect(new)
        };
        done.map_err(|Refusal| Help::Drop)
    }

    /// `nat_callforwarding`.
    fn announce_forwarded(&mut self, new: Expectation, end: End) -> Outcome {
        let mut new = Expectation {
            saved: (end.address, end.port),
            arrival: Arrival::Forwarded(self.talk.direction.other()),
            ..new
        };
        new.tuple.destination = self.talk.other().destination;
        self.announce(new, end).map(drop)
    }

    /// Whether two addresses are reached the same way (`callforward_do_filter`).
    fn is_same_way(&self, one: Addr, other: Addr) -> Result<bool, Help> {
        let family = self.talk.family();
        let unspecified = match family {
            Family::V4 => IpAddr::V4(Ipv4Addr::UNSPECIFIED),
            Family::V6 => IpAddr::V6(Ipv6Addr::UNSPECIFIED),
        };
        let mut ways = Vec::new();
        for address in [one, other] {
            let to = ip(family, address);
            match self
                .talk
                .cx
                .host
                .route_output(&Flow::output(unspecified, to))
            {
                OutputRoute::Out { way, .. } if way.gateway_known => {
                    ways.push((way.device, way.gateway.unwrap_or(to)));
                }
                OutputRoute::Drop(_) => return Ok(false),
                _ => {
                    return Err(Help::Unknown(
                        "which way the call is forwarded is not known",
                    ));
                }
            }
        }
        Ok(ways[0] == ways[1])
    }
}
