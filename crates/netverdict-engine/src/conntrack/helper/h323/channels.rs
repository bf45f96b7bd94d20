//! H.245: the media that a call opens.

use netverdict_net::Protocol;

use super::per::{self, Node, Unread};
use super::schema::channels::MESSAGE;
use super::{End, Message, Outcome, Refusal};
use crate::conntrack::expect::Expectation;
use crate::conntrack::helper::Help;

/// `separateLANStack`.
const SEPARATE_STACK: u32 = 10;

pub(super) fn read(bytes: &[u8], len: usize) -> Result<Node, Unread> {
    per::decode(bytes, 0, len, &MESSAGE)
}

impl Message<'_, '_, '_, '_> {
    /// A message of a control channel.
    pub(super) fn channel(&mut self, message: &Node) -> Result<(), Help> {
        self.control(message).map_err(|Refusal| Help::Drop)
    }

    /// `process_h245`.
    pub(super) fn control(&mut self, message: &Node) -> Outcome {
        if let Some(open) = message.path(&["request", "openLogicalChannel"]) {
            self.open_channel(open)?;
        }
        if let Some(ack) = message.path(&["response", "openLogicalChannelAck"]) {
            self.acknowledge_channel(ack)?;
        }
        Ok(())
    }

    /// `process_olc`.
    pub(super) fn open_channel(&mut self, open: &Node) -> Outcome {
        for way in ["forward", "reverse"] {
            self.media(open.path(&[way, "multiplex", "h2250"]))?;
        }
        let protocol = open.path(&["forward", "dataType", "data", "application", "t120"]);
        if protocol.is_some_and(|protocol| protocol.value == SEPARATE_STACK) {
            self.conference(open)?;
        }
        Ok(())
    }

    /// `process_olca`.
    fn acknowledge_channel(&mut self, ack: &Node) -> Outcome {
        self.media(ack.path(&["reverse", "multiplex", "h2250"]))?;
        self.media(ack.path(&["forward", "h2250"]))?;
        self.conference(ack)
    }

    /// RTP and RTCP of a channel (`process_h245_channel`).
    fn media(&mut self, channel: Option<&Node>) -> Outcome {
        for name in ["mediaChannel", "mediaControlChannel"] {
            if let Some(address) = channel.and_then(|channel| channel.part(name)) {
                self.expect_media(address)?;
            }
        }
        Ok(())
    }

    /// T.120 (`expect_t120`).
    fn conference(&mut self, open: &Node) -> Outcome {
        let names = ["separateStack", "networkAddress", "localAreaAddress"];
        let Some(end) = open.path(&names).and_then(|node| self.own_end(node)) else {
            return Ok(());
        };
        let new = Expectation {
            permanent: true,
            ..self.expectation(Protocol::TCP, end.port)
        };
        if self.is_hidden() {
            return self.expect_translated(new, end, end.port).map(drop);
        }
        self.expect(new)
    }

    /// `expect_rtp_rtcp`.
    fn expect_media(&mut self, address: &Node) -> Outcome {
        let Some(end) = self.own_end(address) else {
            return Ok(());
        };
        let port = end.port & !1;
        let pair = [port, port | 1].map(|port| self.expectation(Protocol::UDP, port));
        if self.is_hidden() {
            return self.expect_translated_pair(pair, End { ..end });
        }
        let [rtp, rtcp] = pair;
        let first = self.talk.expect(rtp).map_err(|_| Refusal)?;
        if self.talk.expect(rtcp).is_err() {
            self.talk.conntrack.unexpect(first);
            return Err(Refusal);
        }
        Ok(())
    }

    /// One from the receiver to a port of the sender, as the receiver knows it.
    pub(super) fn expectation(&self, protocol: Protocol, port: u16) -> Expectation {
        let other = self.talk.other();
        self.talk
            .expectation(protocol, Some(other.source), (other.destination, port))
    }

    /// What cannot be expected ends the packet.
    pub(super) fn expect(&mut self, new: Expectation) -> Outcome {
        self.talk.expect(new).map(drop).map_err(|_| Refusal)
    }
}
