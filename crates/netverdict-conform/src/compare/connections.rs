//! The connection tables at the end, entry by entry.

use std::fmt;

use netverdict_engine::{
    ConnectionView, Counter, ProtocolState, SctpState, Status, TcpState, Transport, Tuple,
};
use netverdict_net::{Family, Protocol};

use super::Difference;
use crate::kernel::{Connection, conntrack};

/// How far apart two timeouts of one entry may be, in seconds: both sides count whole ones, and the kernel meets a packet
/// a little after the moment that the model is told.
pub const TOLERANCE: u32 = 2;

/// The helpers that a kernel may name.
const HELPERS: [&str; 12] = [
    "ftp",
    "tftp",
    "irc",
    "sane",
    "amanda",
    "sip",
    "pptp",
    "snmp",
    "netbios-ns",
    "RAS",
    "Q.931",
    "H.245",
];

/// Adds what is in one table only, and what is not the same in both. An entry in its last seconds may be gone from one.
pub(super) fn compare(
    kernel: &[Connection],
    model: &[ConnectionView],
    found: &mut Vec<Difference>,
) {
    let mut ours: Vec<&ConnectionView> = model.iter().collect();
    let mut theirs: Vec<ConnectionView> = kernel.iter().map(view).collect();
    theirs.retain(|entry| {
        let Some(at) = ours.iter().position(|other| same(entry, other)) else {
            return true;
        };
        ours.remove(at);
        false
    });
    for entry in theirs {
        let partner = ours.iter().position(|other| is_partner(&entry, other));
        let partner = partner.map(|at| ours.remove(at).clone());
        if partner.is_some() || entry.expires > TOLERANCE {
            found.push(Difference::Connection {
                kernel: Some(Box::new(entry)),
                model: partner.map(Box::new),
            });
        }
    }
    let lasting = ours.into_iter().filter(|entry| entry.expires > TOLERANCE);
    found.extend(lasting.map(|entry| Difference::Connection {
        kernel: None,
        model: Some(Box::new(entry.clone())),
    }));
}

/// Equal in everything but a little time.
fn same(kernel: &ConnectionView, model: &ConnectionView) -> bool {
    let timely = ConnectionView {
        expires: kernel.expires,
        // Netlink does not tell it in the kernel's list.
        age: kernel.age,
        ..model.clone()
    };
    kernel.expires.abs_diff(model.expires) <= TOLERANCE && *kernel == timely
}

/// Whether both stand for the same first packet.
fn is_partner(kernel: &ConnectionView, model: &ConnectionView) -> bool {
    kernel.original == model.original && (kernel.zone == model.zone || kernel.reply == model.reply)
}

/// The kernel's entry in the model's terms.
fn view(entry: &Connection) -> ConnectionView {
    let tuple = |t: &conntrack::Tuple| {
        Tuple::of(&Transport {
            source: t.source,
            destination: t.destination,
            protocol: entry.protocol,
            source_port: t.source_port,
            destination_port: t.destination_port,
        })
    };
    let state = entry.state.map(usize::from);
    let counter = |(packets, bytes)| Counter { packets, bytes };
    let counted = entry.original_counters.zip(entry.reply_counters);
    ConnectionView {
        family: Family::of(entry.original.source),
        protocol: entry.protocol,
        expires: entry.timeout,
        state: state.and_then(|number| match entry.protocol {
            Protocol::TCP => TcpState::ALL.get(number).copied().map(ProtocolState::Tcp),
            Protocol::SCTP => SctpState::ALL.get(number).copied().map(ProtocolState::Sctp),
            _ => None,
        }),
        original: tuple(&entry.original),
        reply: tuple(&entry.reply),
        counters: counted.map(|(original, reply)| [counter(original), counter(reply)]),
        status: Status(entry.status),
        mark: entry.mark,
        zone: entry.zone,
        age: None,
        helper: entry.helper.as_ref().map(|name| {
            let known = HELPERS.into_iter().find(|known| known == name);
            known.unwrap_or("another")
        }),
    }
}

/// The entry as `conntrack -L -o extended` prints it, and the status bits, of which that shows a few only.
pub(super) fn write(f: &mut fmt::Formatter<'_>, entry: Option<&ConnectionView>) -> fmt::Result {
    let Some(entry) = entry else {
        return f.write_str("none");
    };
    let mut line = Vec::new();
    netverdict_report::conntrack::write(std::slice::from_ref(entry), &mut line)
        .map_err(|_| fmt::Error)?;
    let line = String::from_utf8_lossy(&line);
    write!(f, "{} status={:#x}", line.trim_end(), entry.status.0)
}

#[cfg(test)]
mod tests {
    use netverdict_engine::Zone;

    use super::*;

    fn entry(timeout: u32) -> Connection {
        let tuple = |source: [u8; 4], destination: [u8; 4]| conntrack::Tuple {
            source: source.into(),
            destination: destination.into(),
            source_port: 53,
            destination_port: 53,
        };
        Connection {
            protocol: Protocol::UDP,
            original: tuple([10, 0, 0, 1], [10, 0, 0, 2]),
            reply: tuple([10, 0, 0, 2], [10, 0, 0, 1]),
            status: Connection::CONFIRMED,
            timeout,
            mark: 0,
            zone: Zone::default(),
            state: None,
            original_counters: None,
            reply_counters: None,
            helper: None,
        }
    }

    fn told(kernel: &[Connection], model: &[Connection]) -> Vec<String> {
        let model: Vec<ConnectionView> = model.iter().map(view).collect();
        let mut found = Vec::new();
        compare(kernel, &model, &mut found);
        found.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_little_time_is_no_difference() {
        assert!(told(&[entry(30)], &[entry(28)]).is_empty());
        assert!(told(&[entry(2)], &[]).is_empty());
        assert!(told(&[], &[entry(1)]).is_empty());
    }

    #[test]
    fn both_sides_of_a_difference_are_told() {
        let marked = Connection {
            mark: 7,
            ..entry(30)
        };
        let line = |seconds, mark| {
            format!(
                "ipv4     2 udp      17 {seconds} src=10.0.0.1 dst=10.0.0.2 sport=53 dport=53 [UNREPLIED] src=10.0.0.2 \
                 dst=10.0.0.1 sport=53 dport=53 mark={mark} use=1 status=0x8"
            )
        };
        let expected = format!("connection: kernel {}, model {}", line(30, 0), line(30, 7));
        assert_eq!(told(&[entry(30)], &[marked]), [expected]);
        let expected = format!("connection: kernel {}, model none", line(30, 0));
        assert_eq!(told(&[entry(30)], &[]), [expected]);
        let expected = format!("connection: kernel {}, model {}", line(30, 0), line(27, 0));
        assert_eq!(told(&[entry(30)], &[entry(27)]), [expected]);
    }
}
