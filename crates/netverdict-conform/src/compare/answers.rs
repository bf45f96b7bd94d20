//! What the host itself says to a packet: resets, ICMP errors, copies; before OUTPUT, and as it left.

use netverdict_engine::Outcome;

use super::Difference;
use crate::kernel::is_chatter;
use crate::rig::Observation;

/// Adds the frame if the two sides said different things to it, in whatever order.
pub(super) fn compare(
    frame: usize,
    seen: &Observation,
    outcome: Option<&Outcome>,
    found: &mut Vec<Difference>,
) {
    let emitted = || outcome.into_iter().flat_map(|o| &o.emitted);
    let made: Vec<&[u8]> = emitted().map(|e| e.packet.captured()).collect();
    // The inputs do not tell this host's address.
    if made.iter().any(|answer| is_sourceless(answer)) {
        return;
    }
    let left = emitted().filter_map(|e| e.left.as_ref());
    let left = left.map(|(packet, _)| packet.captured()).collect();
    let different = different(&seen.answers, made).or_else(|| different(&seen.answers_left, left));
    if let Some((kernel, model)) = different {
        found.push(Difference::Answer {
            frame,
            kernel,
            model,
        });
    }
}

fn is_sourceless(answer: &[u8]) -> bool {
    let source = match answer.first() {
        Some(byte) if byte >> 4 == 4 => answer.get(12..16),
        _ => answer.get(8..24),
    };
    source.is_some_and(|address| address.iter().all(|byte| *byte == 0))
}

type Packets = Vec<Vec<u8>>;

/// Both sides' packets in order of their bytes, if they are not the same.
fn different(kernel: &[Vec<u8>], model: Vec<&[u8]>) -> Option<(Packets, Packets)> {
    let mut kernel: Vec<Vec<u8>> = kernel.iter().filter_map(|a| determined(a)).collect();
    let mut model: Vec<Vec<u8>> = model
        .into_iter()
        // What looks like the kernel's own chatter was not read on its side.
        .filter(|packet| !is_chatter(packet))
        .filter_map(determined)
        .collect();
    kernel.sort_unstable();
    model.sort_unstable();
    (kernel != model).then_some((kernel, model))
}

/// The answer without what the kernel draws at random (IPv4's id, IPv6's flow label) or leaves to the device (TCP's
/// checksum). `None` for a redirect: the kernel sends those at a pace of its own, and IPv6's name the next hop's
/// link-layer address (`ip_rt_send_redirect`, `ndisc_send_redirect`).
fn determined(packet: &[u8]) -> Option<Vec<u8>> {
    const ICMP: u8 = 1;
    const TCP: u8 = 6;
    const REDIRECT: u8 = 5;
    const ICMPV6: u8 = 58;
    const REDIRECT_V6: u8 = 137;
    let mut packet = packet.to_vec();
    if packet.first()? >> 4 == 4 {
        let header = usize::from(packet.first()? & 15) * 4;
        if packet.get(9) == Some(&ICMP) && packet.get(header) == Some(&REDIRECT) {
            return None;
        }
        packet.get_mut(4..6)?.fill(0);
        packet.get_mut(10..12)?.fill(0);
        if packet.get(9) == Some(&TCP) {
            packet.get_mut(header + 16..header + 18)?.fill(0);
        }
    } else {
        if packet.get(6) == Some(&ICMPV6) && packet.get(40) == Some(&REDIRECT_V6) {
            return None;
        }
        if packet.get(6) == Some(&TCP) {
            packet.get_mut(56..58)?.fill(0);
        }
        *packet.get_mut(1)? &= 0xf0;
        packet.get_mut(2..4)?.fill(0);
    }
    Some(packet)
}

#[cfg(test)]
mod tests {
    use netverdict_forge::random::packet::Ip;
    use netverdict_net::Protocol;

    use super::*;

    #[test]
    fn the_id_and_a_redirect_do_not_count() {
        let ip = |id| Ip {
            id,
            ..Ip::new([10, 0, 0, 1].into(), [10, 0, 0, 2].into())
        };
        let error = |id, kind| determined(&ip(id).packet(Protocol::ICMP, &[kind, 3, 0, 0]));
        assert_eq!(error(1, 3), error(2, 3));
        assert_ne!(error(1, 3), error(1, 11));
        assert_eq!(error(1, 5), None);
    }
}
