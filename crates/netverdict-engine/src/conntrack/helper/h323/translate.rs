//! Addresses in payloads of translated connections, and the ports that are announced in their stead (nf_nat_h323.c).

use super::per::Node;
use super::{End, Memory, Message, Outcome, Refusal};
use crate::conntrack::Addr;
use crate::conntrack::expect::{Arrival, Expectation, ExpectationId, Refused};

const LOOPBACK: Addr = 127;

impl Message<'_, '_, '_, '_> {
    /// Puts another address where one stands (`set_addr`).
    pub(super) fn write(&mut self, at: usize, address: Addr, port: u16) -> Outcome {
        let mut bytes = (address as u32).to_be_bytes().to_vec();
        bytes.extend(port.to_be_bytes());
        if self.talk.replace(at, bytes.len(), &bytes) {
            Ok(())
        } else {
            Err(Refusal)
        }
    }

    /// The expectation of what the sender announces, translated like the connection.
    fn following(&self, new: Expectation) -> Expectation {
        Expectation {
            saved: (0, new.tuple.destination_port),
            arrival: Arrival::Follow(self.talk.direction.other()),
            ..new
        }
    }

    /// Expects a connection to `port` or one near it and names it to the receiver: the port, if there was one
    /// (`nat_t120`).
    pub(super) fn expect_translated(
        &mut self,
        new: Expectation,
        end: End,
        port: u16,
    ) -> Result<Option<u16>, Refusal> {
        let mut new = self.following(new);
        new.tuple.destination_port = port;
        self.announce(new, end)
    }

    /// Expects a connection where it may be and names that place to the receiver.
    pub(super) fn announce(&mut self, new: Expectation, end: End) -> Result<Option<u16>, Refusal> {
        let address = self.talk.other().destination;
        let Some((id, port)) = self.talk.expect_anywhere(new) else {
            return Ok(None);
        };
        if self.write(end.at, address, port).is_err() {
            self.talk.conntrack.unexpect(id);
            return Err(Refusal);
        }
        Ok(Some(port))
    }

    /// A connection for signals: the port that was announced before is announced again (`nat_h245`, `nat_q931`).
    /// Whether there was a port.
    pub(super) fn expect_signals(&mut self, new: Expectation, end: End) -> Result<bool, Refusal> {
        let (side, other) = (self.side(), self.other_side());
        let port = match self.memory.signal[side] {
            known if known == end.port => self.memory.signal[other],
            _ => end.port,
        };
        if port == 0 {
            return Ok(false);
        }
        let announced = self.expect_translated(new, end, port)?;
        if let Some(port) = announced {
            self.memory.signal[side] = end.port;
            self.memory.signal[other] = port;
        }
        Ok(announced.is_some())
    }

    /// RTP and RTCP on ports that lie together (`nat_rtp_rtcp`).
    pub(super) fn expect_translated_pair(&mut self, pair: [Expectation; 2], end: End) -> Outcome {
        let (side, other) = (self.side(), self.other_side());
        let Some(channel) = free_channel(self.memory, side, end.port & !1) else {
            return Ok(());
        };
        let pair = pair.map(|new| self.following(new));
        let mut port = end.port & !1;
        let ids = loop {
            if port == 0 {
                return Ok(());
            }
            match self.try_pair(&pair, port) {
                Ok(ids) => break ids,
                Err(Refused::Busy) => port = port.wrapping_add(2),
                Err(Refused::Already | Refused::Full) => return Ok(()),
            }
        };
        let address = self.talk.other().destination;
        if self.write(end.at, address, port | end.port & 1).is_err() {
            for id in ids {
                self.talk.conntrack.unexpect(id);
            }
            return Err(Refusal);
        }
        self.memory.media[channel][side] = end.port & !1;
        self.memory.media[channel][other] = port;
        Ok(())
    }

    fn try_pair(
        &mut self,
        pair: &[Expectation; 2],
        port: u16,
    ) -> Result<[ExpectationId; 2], Refused> {
        let [mut rtp, mut rtcp] = pair.clone();
        rtp.tuple.destination_port = port;
        rtcp.tuple.destination_port = port + 1;
        let first = self.talk.expect(rtp)?;
        match self.talk.expect(rtcp) {
            Ok(second) => Ok([first, second]),
            Err(refused) => {
                self.talk.conntrack.unexpect(first);
                Err(refused)
            }
        }
    }

    /// Of several signal addresses, the one that was translated before is translated again (`set_sig_addr`).
    pub(super) fn write_signal(&mut self, nodes: &[Node]) -> Outcome {
        let (own, other) = (*self.talk.own(), *self.talk.other());
        let (known, port) = (
            self.memory.signal[self.side()],
            self.memory.signal[self.other_side()],
        );
        for (number, node) in nodes.iter().enumerate() {
            let Some(end) = self.end(node).filter(|end| end.port == known) else {
                continue;
            };
            if end.address == own.source {
                let first = nodes.first().and_then(|first| self.end(first));
                let at = match first {
                    // Some terminals name their loopback first.
                    Some(first) if number > 0 && is_loopback(first.address) => first.at,
                    _ => end.at,
                };
                return self.write(at, other.destination, port);
            }
            if end.address == own.destination {
                return self.write(end.at, other.source, port);
            }
        }
        Ok(())
    }

    /// Translates the address that the packet comes from (`set_ras_addr`).
    pub(super) fn write_source<'n>(
        &mut self,
        nodes: impl IntoIterator<Item = &'n Node>,
    ) -> Outcome {
        let (own, other) = (*self.talk.own(), *self.talk.other());
        for node in nodes {
            let end = self.end(node);
            let found = end.filter(|end| (end.address, end.port) == (own.source, own.source_port));
            if let Some(end) = found {
                return self.write(end.at, other.destination, other.destination_port);
            }
        }
        Ok(())
    }
}

pub(super) const fn is_loopback(address: Addr) -> bool {
    address >> 24 == LOOPBACK
}

/// The channel that has this port, or the first that has none.
fn free_channel(memory: &Memory, side: usize, port: u16) -> Option<usize> {
    memory
        .media
        .iter()
        .position(|channel| channel[side] == port || channel[side] == 0)
}
