//! Lines of `packets` through the host: single packets, and conversations in which each party answers what it got.

use netverdict_engine::{Entry, Fate, Input, NullObserver, Outcome, Transport};
use netverdict_net::{Device, Timestamp};
use netverdict_replay::{Record, Session, has_ports};
use netverdict_send::{Endpoint, Message, Party, Send, Talk, Way};

use crate::case::What;

/// Sends a line's packets; `take` gets each one's record.
pub(crate) fn play(session: &mut Session<'_>, line: &What, take: &mut dyn FnMut(&Record)) {
    match line {
        What::Packet(packet) => {
            let time = packet.time(session.latest());
            take(&send(session, packet, time).0);
        }
        What::Talk(talk) => converse(session, talk, take),
    }
}

fn send(session: &mut Session<'_>, packet: &Send, time: Timestamp) -> (Record, Outcome) {
    let input = Input {
        packet: packet.packet(),
        time,
        entry: match packet.way {
            Way::In => Entry::Prerouting {
                in_device: packet.device,
            },
            Way::Out => Entry::Output {
                out_device: packet.device,
            },
        },
    };
    let (mut record, outcome) = session.send(input, &mut NullObserver);
    if record.interface == Device::Unknown && packet.way == Way::Out {
        // Routing said which.
        record.interface = record.out_device;
    }
    (record, outcome)
}

/// How the far side of the host sees a conversation.
#[derive(Debug, Clone, Copy)]
struct Far {
    way: Way,
    device: Device,
    client: Endpoint,
    server: Endpoint,
    /// The id of an echo, which NAT may have changed.
    id: Option<u16>,
}

/// Plays a conversation until a packet does not arrive: nobody answers what they did not get.
fn converse(session: &mut Session<'_>, talk: &Talk, take: &mut dyn FnMut(&Record)) {
    let mut far = None;
    for (message, index) in talk.messages().iter().zip(0..) {
        let Some(packet) = packet(talk, message, far) else {
            return;
        };
        let time = match (index, session.latest()) {
            (0, latest) => packet.time(latest),
            (_, Some(latest)) => latest + message.after,
            (_, None) => Timestamp::default(),
        };
        let (record, outcome) = send(session, &packet, time);
        take(&record);
        let arrives = matches!(outcome.fate, Fate::Local | Fate::Forwarded | Fate::Sent);
        let arrived = record.nat.map(|nat| nat.after).or(record.transport);
        let Some(arrived) = arrived.filter(|_| arrives) else {
            return;
        };
        if message.from == Party::Client && far.is_none() {
            far = Some(seen_from_there(&outcome, &arrived));
        }
    }
}

fn seen_from_there(outcome: &Outcome, arrived: &Transport) -> Far {
    let port = |port| has_ports(arrived.protocol).then_some(port);
    let (way, device) = match outcome.fate {
        // The host itself answers, by the interface that its routes say.
        Fate::Local => (Way::Out, Device::Unknown),
        _ => (Way::In, outcome.out_device),
    };
    Far {
        way,
        device,
        client: Endpoint {
            address: arrived.source,
            port: port(arrived.source_port),
        },
        server: Endpoint {
            address: arrived.destination,
            port: port(arrived.destination_port),
        },
        id: (!has_ports(arrived.protocol)).then_some(arrived.source_port),
    }
}

fn packet(talk: &Talk, message: &Message, far: Option<Far>) -> Option<Send> {
    let mut words = message.words.clone();
    let (way, device, source, destination) = match message.from {
        Party::Client => {
            words.when = talk.when;
            (talk.way, talk.device, talk.client, talk.server)
        }
        Party::Server => {
            let far = far?;
            words.id = far.id;
            (far.way, far.device, far.server, far.client)
        }
    };
    Some(Send {
        way,
        device,
        protocol: talk.protocol,
        source,
        destination,
        words,
    })
}
