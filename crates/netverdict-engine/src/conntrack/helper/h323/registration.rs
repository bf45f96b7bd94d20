//! RAS: how terminals and gatekeepers find each other, and where calls are taken.

use netverdict_net::Protocol;

use super::per::{self, Node, Unread};
use super::schema::registration::MESSAGE;
use super::translate::is_loopback;
use super::{Message, Outcome};
use crate::conntrack::expect::Expectation;
use crate::conntrack::helper::Helper;
use crate::conntrack::{Addr, Status};

/// How long a registration lasts that does not say (`default_rrq_ttl`).
const LIFETIME: u32 = 300;
/// How long an unregistration waits for its answer.
const PARTING: u32 = 30;

pub(super) fn read(bytes: &[u8]) -> Result<Node, Unread> {
    per::decode(bytes, 0, bytes.len(), &MESSAGE)
}

impl Message<'_, '_, '_, '_> {
    /// `process_ras`.
    pub(super) fn register(&mut self, message: &Node) -> Outcome {
        let Some(part) = message.parts.first() else {
            return Ok(());
        };
        match part.name {
            "gatekeeperRequest" => self.write_registrars(part, "rasAddress"),
            "gatekeeperConfirm" => self.gatekeeper_confirm(part),
            "registrationRequest" => self.registration_request(part),
            "registrationConfirm" => self.registration_confirm(part),
            "unregistrationRequest" => self.unregistration(part),
            "admissionRequest" => self.admission_request(part),
            "admissionConfirm" => self.admission_confirm(part),
            "locationRequest" => self.write_registrars(part, "replyAddress"),
            "locationConfirm" => self.location_confirm(part),
            _ => self.information(part),
        }
    }

    /// The address at which the sender takes RAS messages (`process_grq`, `process_lrq`).
    fn write_registrars(&mut self, part: &Node, name: &str) -> Outcome {
        match part.part(name) {
            Some(node) if self.is_translated() => self.write_source([node]),
            _ => Ok(()),
        }
    }

    fn write_signals(&mut self, part: &Node) -> Outcome {
        if self.is_translated() {
            self.write_signal(part.items("callSignalAddress"))
        } else {
            Ok(())
        }
    }

    /// A gatekeeper may take registrations elsewhere (`process_gcf`).
    fn gatekeeper_confirm(&mut self, part: &Node) -> Outcome {
        let Some(end) = part.part("rasAddress").and_then(|node| self.end(node)) else {
            return Ok(());
        };
        let own = *self.talk.own();
        if (end.address, end.port) == (own.source, own.source_port)
            || self.talk.status.contains(Status::EXPECTED)
        {
            return Ok(());
        }
        let new = self.call_to(end.address, end.port, Protocol::UDP);
        self.expect(Expectation {
            helper: Some(Helper::Ras),
            ..new
        })
    }

    /// `process_rrq`.
    fn registration_request(&mut self, part: &Node) -> Outcome {
        self.expect_calls(part.items("callSignalAddress"))?;
        if self.is_translated() {
            self.write_source(part.items("rasAddress"))?;
        }
        let lifetime = part.part("timeToLive").map_or(LIFETIME, |node| node.value);
        self.memory.lifetime = lifetime;
        Ok(())
    }

    /// Calls that the gatekeeper puts through (`expect_q931`).
    fn expect_calls(&mut self, nodes: &[Node]) -> Outcome {
        let Some(end) = nodes.iter().find_map(|node| self.own_end(node)) else {
            return Ok(());
        };
        let new = Expectation {
            helper: Some(Helper::Q931),
            permanent: true,
            ..self.expectation(Protocol::TCP, end.port)
        };
        if !self.is_translated() {
            self.expect(new)?;
            let side = self.side();
            self.memory.signal[side] = end.port;
            return Ok(());
        }
        if self.expect_signals(new, end)? {
            self.write_loopback(nodes, end.at);
        }
        Ok(())
    }

    /// Some terminals name their loopback first. The kernel does not look whether writing there works.
    fn write_loopback(&mut self, nodes: &[Node], taken: usize) {
        let first = nodes.first().and_then(|node| self.end(node));
        if let Some(first) = first.filter(|end| end.at != taken && is_loopback(end.address)) {
            let port = self.memory.signal[self.other_side()];
            let _ = self.write(first.at, self.talk.other().destination, port);
        }
    }

    /// `process_rcf`. The kernel also means to let the expectation live as long, but never finds it.
    fn registration_confirm(&mut self, part: &Node) -> Outcome {
        self.write_signals(part)?;
        if let Some(lifetime) = part.part("timeToLive") {
            self.memory.lifetime = lifetime.value;
        }
        if self.memory.lifetime > 0 {
            self.talk.lengthen_wrapping(self.memory.lifetime);
        }
        Ok(())
    }

    /// `process_urq`.
    fn unregistration(&mut self, part: &Node) -> Outcome {
        self.write_signals(part)?;
        let id = self.talk.id;
        self.talk.conntrack.forget_expected(id, |_| true);
        self.memory.signal = [0, 0];
        self.talk.lengthen_wrapping(PARTING);
        Ok(())
    }

    /// `process_arq`: who answers a call names where it was called, who calls where from.
    fn admission_request(&mut self, part: &Node) -> Outcome {
        if !self.is_translated() {
            return Ok(());
        }
        let (own, other) = (self.talk.own().source, self.talk.other().destination);
        let [known, port] = [
            self.memory.signal[self.side()],
            self.memory.signal[self.other_side()],
        ];
        let called = self.named(part, "destCallSignalAddress", own);
        if let Some((at, _)) = called.filter(|(_, port)| *port == known) {
            return self.write(at, other, port);
        }
        match self.named(part, "srcCallSignalAddress", own) {
            Some((at, port)) => self.write(at, other, port),
            None => Ok(()),
        }
    }

    /// Where a part stands and its port, if it has this address.
    fn named(&self, part: &Node, name: &str, address: Addr) -> Option<(usize, u16)> {
        let end = part.part(name).and_then(|node| self.end(node))?;
        (end.address == address).then_some((end.at, end.port))
    }

    /// `process_acf`.
    fn admission_confirm(&mut self, part: &Node) -> Outcome {
        let node = part.part("destCallSignalAddress");
        let Some((node, end)) = node.and_then(|node| self.end(node).map(|end| (node, end))) else {
            return Ok(());
        };
        if end.address != self.talk.own().destination {
            return self.expect_call_to(end.address, end.port);
        }
        if self.is_translated() {
            return self.write_signal(std::slice::from_ref(node));
        }
        Ok(())
    }

    /// `process_lcf`.
    fn location_confirm(&mut self, part: &Node) -> Outcome {
        let node = part.part("callSignalAddress");
        match node.and_then(|node| self.end(node)) {
            Some(end) => self.expect_call_to(end.address, end.port),
            None => Ok(()),
        }
    }

    fn expect_call_to(&mut self, address: Addr, port: u16) -> Outcome {
        let new = self.call_to(address, port, Protocol::TCP);
        self.expect(Expectation {
            helper: Some(Helper::Q931),
            permanent: true,
            ..new
        })
    }

    /// A connection of the receiver to an address that it was told.
    fn call_to(&self, address: Addr, port: u16, protocol: Protocol) -> Expectation {
        let source = self.talk.other().source;
        self.talk
            .expectation(protocol, Some(source), (address, port))
    }

    /// `process_irr`.
    fn information(&mut self, part: &Node) -> Outcome {
        self.write_registrars(part, "rasAddress")?;
        self.write_signals(part)
    }
}
