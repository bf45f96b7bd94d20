//! Model and kernel side by side: what has to be equal, and what no dump and capture determine.

/// Whether two packets are the same but for what the kernel draws at random: the id by which IPv6 fragments of a
/// datagram that it cut itself belong together (`ipv6_select_ident`).
pub fn same_packet(one: &[u8], two: &[u8]) -> bool {
    match (fragment_id(one), fragment_id(two)) {
        (Some(a), Some(b)) if a == b => {
            let (start, end) = (a, a + 4);
            one.len() == two.len()
                && one.get(..start) == two.get(..start)
                && one.get(end..) == two.get(end..)
        }
        _ => one == two,
    }
}

/// Where an IPv6 packet's fragment header has its id.
fn fragment_id(packet: &[u8]) -> Option<usize> {
    const FRAGMENT: u8 = 44;
    const WALKED: [u8; 3] = [0, 43, 60];
    if packet.first()? >> 4 != 6 {
        return None;
    }
    let (mut next, mut at) = (*packet.get(6)?, 40);
    while WALKED.contains(&next) {
        next = *packet.get(at)?;
        at += (usize::from(*packet.get(at + 1)?) + 1) * 8;
    }
    (next == FRAGMENT && packet.len() >= at + 8).then_some(at + 4)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_id_of_an_ipv6_fragment_may_differ() {
        let mut packet = vec![0; 56];
        packet[0] = 0x60;
        packet[6] = 44;
        let mut other = packet.clone();
        other[47] = 9;
        assert!(same_packet(&packet, &other));
        other[50] = 1;
        assert!(!same_packet(&packet, &other));
        packet[6] = 17;
        let mut other = packet.clone();
        other[47] = 9;
        assert!(!same_packet(&packet, &other));
    }
}
