//! How an expected connection is translated when it comes (`exp->expectfn`).

use netverdict_ruleset::NatSide;

use super::{Expectation, tuple_of};
use crate::conntrack::{Addr, Conntrack, Direction, Status, Tuple};

/// Which function of the kernel translates an expected connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::conntrack) enum Arrival {
    /// Like any other.
    Plain,
    /// As the one that announced it (`nf_nat_follow_master`). The direction is `exp->dir`.
    Follow(Direction),
    /// `nf_nat_sip_expected`.
    Sip(Direction),
    /// To whom a call is forwarded (`ip_nat_callforwarding_expect`).
    Forwarded(Direction),
    /// `pptp_expectfn`, with NAT `pptp_nat_expected`.
    Pptp {
        direction: Direction,
        /// The call ids as the server knows them, the client's and its own.
        calls: (u16, u16),
    },
}

/// One side of a translation to be set up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Binding {
    pub(crate) side: NatSide,
    pub(crate) address: Addr,
    pub(crate) port: Option<u16>,
}

/// What to set up, in this order.
pub(crate) type Bindings = [Option<Binding>; 2];

impl Arrival {
    pub(super) const fn is_pptp(self) -> bool {
        matches!(self, Self::Pptp { .. })
    }
}

impl Expectation {
    /// The translation of a connection whose first packet is `first`; `master` are the announcer's tuples.
    pub(super) fn bindings(&self, master: &[Tuple; 2], first: &Tuple) -> Option<Bindings> {
        let (address, port) = self.saved;
        let bind = |side, address, port| {
            Some(Binding {
                side,
                address,
                port,
            })
        };
        let source = NatSide::Source;
        let destination = NatSide::Destination;
        match self.arrival {
            Arrival::Plain => None,
            Arrival::Follow(direction) => {
                let far = tuple_of(master, direction.other());
                Some([
                    bind(source, far.destination, None),
                    bind(destination, far.source, Some(port)),
                ])
            }
            Arrival::Sip(direction) => {
                let far = tuple_of(master, direction.other());
                let from_there = first.source == tuple_of(master, direction).source;
                Some([
                    bind(destination, address, Some(port)),
                    bind(source, far.destination, None).filter(|_| from_there),
                ])
            }
            Arrival::Forwarded(direction) => {
                let own = match direction {
                    Direction::Reply => first.source,
                    Direction::Original => first.destination,
                };
                Some([
                    bind(source, own, None),
                    bind(destination, address, Some(port)),
                ])
            }
            Arrival::Pptp { direction, .. } => {
                let translated = tuple_of(master, Direction::Original).invert()
                    != Some(*tuple_of(master, Direction::Reply));
                let far = tuple_of(master, direction.other());
                let outbound = direction == Direction::Original;
                translated.then_some([
                    bind(source, far.destination, outbound.then_some(port)),
                    bind(destination, far.source, (!outbound).then_some(port)),
                ])
            }
        }
    }
}

impl Conntrack {
    /// A PPTP call's data flow both ways is one connection: the expectation of the other direction goes.
    pub(super) fn unexpect_other_way(
        &mut self,
        expectation: &Expectation,
        master: &[Tuple; 2],
        status: Status,
    ) {
        let Arrival::Pptp { direction, calls } = expectation.arrival else {
            return;
        };
        let other = match (status.intersects(Status::NAT), direction) {
            (false, _) => expectation.tuple.invert(),
            (true, Direction::Original) => Some(Tuple {
                source_port: calls.1,
                destination_port: calls.0,
                protocol: expectation.tuple.protocol,
                ..*tuple_of(master, Direction::Reply)
            }),
            // The kernel looks for call ids that it forgot to copy, and finds none.
            (true, Direction::Reply) => None,
        };
        let found = other.and_then(|tuple| self.find_expectation(&tuple, expectation.zone));
        if let Some(id) = found.map(|(id, _)| id) {
            self.unexpect(id);
        }
    }
}
