//! `-m connlimit` (net/netfilter/xt_connlimit.c); the counting is in [`crate::state`].

use netverdict_net::{AddrMask, Jiffies, Packet};
use netverdict_ruleset::matches::Connlimit;

use super::tri::unknown;
use crate::conntrack::{Conntrack, Entry, Fault, Status, Tuple, Zone};
use crate::context::{Eval, MatchCx};
use crate::state::{CountKey, RuleState, Slot, Subject};

pub(crate) fn evaluate(m: &Connlimit, cx: &mut MatchCx<'_, '_>) -> Eval {
    let now = cx.now.jiffies;
    let (conntrack, rules) = (&mut cx.state.conntrack, &mut cx.state.rules);
    let known = conntrack
        .of(cx.skb.connection)
        .map(|(entry, _)| of_entry(entry));
    let subject = known.map_or_else(|| of_packet(&cx.skb.packet, conntrack, now), Ok);
    let subject = match subject {
        Ok(subject) => subject,
        Err(Fault::Invalid(_)) => return Eval::Hotdrop(false),
        Err(Fault::Unread(why)) => return unknown(why),
    };
    let key = CountKey {
        address: address(m, &cx.skb.packet),
        // A packet without a connection is counted in zone 0.
        zone: known.map_or(0, |subject| subject.zone.id),
    };
    let Some(tree) = rules.slots.shared(cx.slot) else {
        return Eval::Hotdrop(false);
    };
    match rules.connlimit.count(tree, key, &subject, now, conntrack) {
        0 => Eval::Hotdrop(false),
        count => Eval::of(count > m.limit as usize, !m.above),
    }
}

fn of_entry(entry: &Entry) -> Subject {
    Subject {
        tuple: *entry.original(),
        zone: entry.zone,
        confirmed: entry.is_confirmed(),
        assured: entry.status.contains(Status::ASSURED),
    }
}

/// A packet that tracking left alone: the connection it would belong to, if there is one, else its own tuple.
fn of_packet(
    packet: &Packet<'_>,
    conntrack: &mut Conntrack,
    now: Jiffies,
) -> Result<Subject, Fault> {
    let tuple = Tuple::read(packet, packet.family(), 0)?;
    let found = conntrack.find(&tuple, Zone::default(), now);
    let entry = found.and_then(|(id, _)| conntrack.entry(id));
    Ok(entry.map_or(
        Subject {
            tuple,
            zone: Zone::default(),
            confirmed: false,
            assured: false,
        },
        of_entry,
    ))
}

fn address(m: &Connlimit, packet: &Packet<'_>) -> u128 {
    let addr = if m.by_destination {
        packet.destination()
    } else {
        packet.source()
    };
    match AddrMask::prefix(addr, m.prefix_len) {
        AddrMask::V4 { addr, .. } => u128::from(addr),
        AddrMask::V6 { addr, .. } => addr,
    }
}

/// The number of the rule's own tree.
pub(super) fn slot(rules: &mut RuleState) -> Slot {
    Slot::Shared(rules.connlimit.add())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Connection;
    use crate::matches::fixture::{Scene, tcp};
    use crate::state::Rewind;

    const SYN: u8 = 0x02;
    const ACK: u8 = 0x10;
    const FIN: u8 = 0x11;
    const SYN_ACK: u8 = 0x12;

    /// A gateway that sees both sides of connections from one client; a tick is 4 ms.
    struct Gateway {
        scene: Scene,
        milliseconds: i64,
    }

    impl Gateway {
        fn new() -> Self {
            let mut scene = Scene::new(Vec::new());
            let slot = slot(&mut scene.state.rules);
            scene.slot = scene.state.rules.slots.add(slot);
            Self {
                scene,
                milliseconds: 0,
            }
        }

        fn wait(&mut self) {
            self.milliseconds += 100;
            self.scene.at(self.milliseconds);
        }

        fn packet(&mut self, port: u16, reply: bool, flags: u8, seq: u32, ack: u32) {
            let (from, to) = if reply { (80, port) } else { (port, 80) };
            let mut bytes = tcp(from, to, flags, &[]);
            bytes[4..8].copy_from_slice(&seq.to_be_bytes());
            bytes[8..12].copy_from_slice(&ack.to_be_bytes());
            bytes[14] = 4;
            let mut fresh = Scene::new(bytes);
            if reply {
                let data = fresh.skb.packet.captured_mut();
                let (source, destination) = data[12..20].split_at_mut(4);
                source.swap_with_slice(destination);
            }
            self.scene.skb = fresh.skb;
            self.scene.track();
        }

        /// How many connections the match counts for the packet under way; `None` if it drops it.
        fn count(&mut self) -> Option<u32> {
            let m = |limit| Connlimit {
                above: true,
                limit,
                prefix_len: 32,
                by_destination: false,
            };
            let mut count = |limit| {
                self.scene.state.checkpoint();
                let answer = self.scene.with(|cx| evaluate(&m(limit), cx));
                self.scene.state.rollback();
                answer
            };
            let counted = (0..9).find(|limit| count(*limit) != Eval::True)?;
            let answer = self.scene.with(|cx| evaluate(&m(counted), cx));
            (answer == Eval::False).then_some(counted)
        }

        /// A packet of the client that passes, and what was counted for it.
        fn pass(&mut self, port: u16, flags: u8, seq: u32, ack: u32) -> Option<u32> {
            self.packet(port, false, flags, seq, ack);
            let counted = self.count();
            self.scene.confirm();
            counted
        }

        /// The same of one that another rule drops.
        fn drop(&mut self, port: u16) -> Option<u32> {
            self.packet(port, false, SYN, 100, 0);
            let counted = self.count();
            let connection = self.scene.skb.connection;
            self.scene.state.conntrack.release(connection);
            counted
        }

        fn answer(&mut self, port: u16, flags: u8, seq: u32, ack: u32) {
            self.packet(port, true, flags, seq, ack);
        }

        fn establish(&mut self, port: u16) {
            self.pass(port, SYN, 100, 0);
            self.answer(port, SYN_ACK, 200, 101);
            self.pass(port, ACK, 101, 201);
        }
    }

    #[test]
    fn each_open_connection_counts_once() {
        let mut gateway = Gateway::new();
        for (port, count) in [(1, 1), (2, 2), (3, 3)] {
            gateway.wait();
            assert_eq!(gateway.pass(port, SYN, 100, 0), Some(count));
        }
        gateway.wait();
        assert_eq!(gateway.pass(3, SYN, 100, 0), Some(3), "sent again");
        gateway.scene.skb.packet.captured_mut()[12] = 9;
        gateway.scene.skb.connection = Connection::None;
        gateway.scene.track();
        assert_eq!(gateway.count(), Some(1), "another address");
    }

    /// What a 6.18.44 kernel counted for packets sent in a burst, within one tick, and apart.
    #[test]
    fn what_was_dropped_counts_until_the_next_sweep() {
        let mut gateway = Gateway::new();
        gateway.wait();
        let burst = [5000, 5001, 5002].map(|port| gateway.drop(port));
        assert_eq!(burst, [Some(1), Some(2), Some(3)]);
        gateway.wait();
        assert_eq!(gateway.drop(5003), Some(1));

        let mut gateway = Gateway::new();
        gateway.wait();
        let same = [5000; 3].map(|port| gateway.drop(port));
        assert_eq!(same, [Some(1), Some(2), Some(3)]);
        gateway.wait();
        assert_eq!(gateway.drop(5000), Some(1));
    }

    #[test]
    fn assured_connections_only_sweep() {
        let mut gateway = Gateway::new();
        gateway.establish(6001);
        gateway.establish(6002);
        gateway.wait();
        assert_eq!(gateway.drop(6003), Some(3));
        assert_eq!(gateway.pass(6001, ACK, 101, 201), Some(3), "the same tick");
        gateway.wait();
        assert_eq!(gateway.pass(6001, ACK, 101, 201), Some(2));
        assert_eq!(gateway.drop(6003), Some(3));
        assert_eq!(gateway.pass(6001, ACK, 101, 201), Some(3));
        gateway.wait();
        assert_eq!(gateway.pass(6001, ACK, 101, 201), Some(2));
    }

    /// The last ACK finds its connection in TIME_WAIT, which does not count: 0 drops the packet.
    #[test]
    fn the_last_packet_of_the_only_connection_is_dropped() {
        let mut gateway = Gateway::new();
        gateway.establish(2001);
        gateway.wait();
        assert_eq!(gateway.pass(2001, FIN, 101, 201), Some(1));
        gateway.answer(2001, FIN, 201, 102);
        gateway.wait();
        assert_eq!(gateway.pass(2001, ACK, 102, 202), None);
        gateway.wait();
        assert_eq!(gateway.pass(2002, SYN, 100, 0), Some(1));
    }

    #[test]
    fn a_packet_without_tuple_is_dropped_and_one_without_connection_counted() {
        let mut gateway = Gateway::new();
        gateway.packet(7009, false, 0x3f, 100, 0);
        assert_eq!(gateway.scene.skb.connection, Connection::None);
        assert_eq!(gateway.count(), Some(1));
        gateway.scene.skb = Scene::new(vec![0; 3]).skb;
        assert_eq!(gateway.count(), None);
    }
}
