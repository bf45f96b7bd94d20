//! IPv4 options, looked at between routing and the next hook (`__ip_options_compile`, `ip_rcv_options`).

use netverdict_net::Packet;
use netverdict_net::header::network_header_len;

use crate::{Reason, rewrite};

const END: u8 = 0;
const NOP: u8 = 1;
const RECORD_ROUTE: u8 = 7;
const TIMESTAMP: u8 = 68;
const LOOSE_ROUTE: u8 = 131;
const ALERT: u8 = 148;
const STRICT_ROUTE: u8 = 137;

/// Refuses options that cannot be, and source routes, which no host takes unless it is told to.
pub(super) fn check(packet: &Packet<'_>, takes_source_routes: bool) -> Result<(), Reason> {
    let end = network_header_len(packet);
    let Some(mut options) = packet.captured().get(20..end) else {
        return Ok(());
    };
    let mut seen = 0u8;
    while let Some((&kind, rest)) = options.split_first() {
        match kind {
            END => break,
            NOP => options = rest,
            _ => {
                let len = usize::from(rest.first().copied().unwrap_or(0));
                let Some(option) = options.get(..len).filter(|_| len >= 2) else {
                    return Err(Reason::BadIpHeader);
                };
                if !is_well_formed(option, &mut seen) {
                    return Err(Reason::BadIpHeader);
                }
                if matches!(kind, LOOSE_ROUTE | STRICT_ROUTE) && !takes_source_routes {
                    return Err(Reason::BadIpHeader);
                }
                options = options.get(len..).unwrap_or_default();
            }
        }
    }
    Ok(())
}

/// What follows the end of the list is cleared; the checksum is left as it came.
pub(super) fn clear_behind_end(packet: &mut Packet<'_>) {
    let end = network_header_len(packet);
    let mut at = 20;
    while at < end {
        match packet.array::<1>(at) {
            Ok(&[END]) => break,
            Ok(&[NOP]) => at += 1,
            _ => {
                let len = packet.array::<2>(at).map_or(0, |option| option[1]);
                at += usize::from(len).max(1);
            }
        }
    }
    let behind = packet.captured().get(at..end).unwrap_or_default();
    if behind.iter().any(|byte| *byte != 0) {
        let zeros = vec![0; behind.len()];
        rewrite::put_bytes(packet, at, &zeros);
    }
}

/// One whole option; `seen` holds a bit for each kind that may be there once.
fn is_well_formed(option: &[u8], seen: &mut u8) -> bool {
    let len = option.len();
    let byte = |at: usize| usize::from(option.get(at).copied().unwrap_or(0));
    let mut once = |bit: u8| {
        let first = *seen & bit == 0;
        *seen |= bit;
        first
    };
    let pointer = byte(2);
    match option.first() {
        Some(&(LOOSE_ROUTE | STRICT_ROUTE)) => len >= 3 && pointer >= 4 && once(1),
        Some(&RECORD_ROUTE) => {
            let fits = pointer > len || pointer + 3 <= len;
            len >= 3 && pointer >= 4 && fits && once(2)
        }
        Some(&TIMESTAMP) => {
            let (overflow, flags) = (byte(3) >> 4, byte(3) & 15);
            let entry = match flags {
                0 => 3,
                1 | 3 => 7,
                _ => 3,
            };
            let room = if pointer <= len {
                pointer + entry <= len
            } else {
                overflow < 15
            };
            len >= 4 && pointer >= 5 && room && once(4)
        }
        Some(&ALERT) => len >= 4,
        _ => true,
    }
}

/// Where a record-route option with room left is, and where its next address goes.
pub(super) fn record_route(packet: &Packet<'_>) -> Option<(usize, usize)> {
    let end = network_header_len(packet);
    let mut at = 20;
    while at < end {
        let &[kind] = packet.array::<1>(at).ok()?;
        match kind {
            END => return None,
            NOP => at += 1,
            RECORD_ROUTE => {
                let &[_, len, pointer] = packet.array::<3>(at).ok()?;
                return (pointer <= len).then_some((at, at + usize::from(pointer) - 1));
            }
            _ => at += usize::from(packet.array::<2>(at).ok()?[1]).max(1),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::seal_v4;
    use netverdict_net::Link;

    fn checked(options: &[u8]) -> Result<(), Reason> {
        let mut bytes = crate::testing::udp_packet("198.51.100.7", "203.0.113.1", (1, 2), b"");
        bytes.splice(20..20, options.iter().copied());
        bytes[0] = 0x45 + options.len() as u8 / 4;
        let total = bytes.len() as u16;
        bytes[2..4].copy_from_slice(&total.to_be_bytes());
        seal_v4(&mut bytes);
        check(
            &Packet::new(&bytes, bytes.len(), Link::default()).unwrap(),
            false,
        )
    }

    #[test]
    fn nothing_is_left_behind_the_end() {
        let mut bytes = crate::testing::udp_packet("198.51.100.7", "203.0.113.1", (1, 2), b"");
        bytes.splice(20..20, [130, 2, 0, 120, 120, 120, 1, 9]);
        bytes[0] = 0x47;
        bytes[3] += 8;
        let mut packet = Packet::owned(bytes, netverdict_net::Family::V4, Link::default());
        clear_behind_end(&mut packet);
        assert_eq!(packet.captured()[20..28], [130, 2, 0, 0, 0, 0, 0, 0]);
    }

    #[test]
    fn what_the_kernel_takes_and_refuses() {
        assert_eq!(checked(&[1, 1, 1, 0]), Ok(()));
        assert_eq!(checked(&[148, 4, 0, 0]), Ok(()));
        assert_eq!(checked(&[7, 7, 4, 0, 0, 0, 0, 0]), Ok(()));
        assert_eq!(checked(&[7, 9, 4, 0]), Err(Reason::BadIpHeader));
        assert_eq!(checked(&[7, 1, 4, 0]), Err(Reason::BadIpHeader));
        assert_eq!(
            checked(&[131, 7, 4, 10, 0, 0, 9, 0]),
            Err(Reason::BadIpHeader)
        );
        assert_eq!(checked(&[200, 4, 9, 9]), Ok(()));
    }
}
