//! The IPv6 extension-header walk (`ipv6_find_hdr` and `ipv6_skip_exthdr` of net/ipv6/exthdrs_core.c).

use crate::{Beyond, Packet, Protocol};

/// Where a walk ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Found {
    /// The header's protocol number.
    pub protocol: Protocol,
    /// Its offset from the IPv6 header.
    pub offset: usize,
    /// The fragment offset in 8-byte units, 0 in an unfragmented packet or a first fragment.
    pub fragment_offset: u16,
}

/// Why a walk failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WalkError {
    /// The header sought is not there.
    Absent,
    /// A header's bytes could not be read.
    Beyond(Beyond),
    /// A non-first fragment hides the rest; the value is the fragment's next-header.
    Fragment {
        protocol: Protocol,
        fragment_offset: u16,
    },
}

/// Whether the walk steps over a header of this protocol (`ipv6_ext_hdr`).
pub const fn is_extension(protocol: Protocol) -> bool {
    matches!(
        protocol,
        Protocol::HOPOPTS
            | Protocol::ROUTING
            | Protocol::FRAGMENT
            | Protocol::AH
            | Protocol::NONE
            | Protocol::DSTOPTS
    )
}

/// Finds the header `wanted`, or with `None` the first that is no extension header, or NONE
/// (`ipv6_find_hdr` with target -1).
pub fn find(packet: &Packet<'_>, wanted: Option<Protocol>) -> Result<Found, WalkError> {
    let mut protocol = Protocol(
        *packet
            .captured()
            .get(6)
            .ok_or(WalkError::Beyond(Beyond::PacketEnd))?,
    );
    let mut offset = 40;
    let mut fragment_offset = 0;
    loop {
        let found = wanted == Some(protocol);
        if found && (!is_extension(protocol) || protocol == Protocol::NONE) {
            return Ok(Found {
                protocol,
                offset,
                fragment_offset,
            });
        }
        if !is_extension(protocol) || protocol == Protocol::NONE {
            return match wanted {
                None => Ok(Found {
                    protocol,
                    offset,
                    fragment_offset,
                }),
                Some(_) => Err(WalkError::Absent),
            };
        }
        let &[next, len] = packet.array::<2>(offset).map_err(WalkError::Beyond)?;
        let size = match protocol {
            Protocol::FRAGMENT => {
                let word = packet.u16(offset + 2).map_err(WalkError::Beyond)?;
                if word >> 3 != 0 {
                    let next = Protocol(next);
                    fragment_offset = word >> 3;
                    if found {
                        return Ok(Found {
                            protocol,
                            offset,
                            fragment_offset,
                        });
                    }
                    // As in the kernel, the fragment's own next-header is an answer only if it ends the chain.
                    return if wanted.is_none() && (!is_extension(next) || next == Protocol::NONE) {
                        Ok(Found {
                            protocol: next,
                            offset,
                            fragment_offset,
                        })
                    } else {
                        Err(WalkError::Fragment {
                            protocol: next,
                            fragment_offset,
                        })
                    };
                }
                8
            }
            Protocol::AH => (usize::from(len) + 2) * 4,
            Protocol::ROUTING => {
                // The walk reads up to the segments left.
                packet.array::<4>(offset).map_err(WalkError::Beyond)?;
                (usize::from(len) + 1) * 8
            }
            _ => (usize::from(len) + 1) * 8,
        };
        if found {
            return Ok(Found {
                protocol,
                offset,
                fragment_offset,
            });
        }
        protocol = Protocol(next);
        offset += size;
    }
}

/// Steps over all extension headers (`ipv6_skip_exthdr`): unlike [`find`] it fails on NONE and stops at the fragment
/// header of a non-first fragment.
pub fn skip(packet: &Packet<'_>) -> Result<Found, WalkError> {
    let mut found = Found {
        protocol: super::next_protocol(packet),
        offset: 40,
        fragment_offset: 0,
    };
    while is_extension(found.protocol) {
        if found.protocol == Protocol::NONE {
            return Err(WalkError::Absent);
        }
        let &[next, len] = packet.array(found.offset).map_err(WalkError::Beyond)?;
        let size = match found.protocol {
            Protocol::FRAGMENT => {
                found.fragment_offset =
                    packet.u16(found.offset + 2).map_err(WalkError::Beyond)? >> 3;
                if found.fragment_offset != 0 {
                    break;
                }
                8
            }
            Protocol::AH => (usize::from(len) + 2) * 4,
            _ => (usize::from(len) + 1) * 8,
        };
        found.protocol = Protocol(next);
        found.offset += size;
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Family, Link};

    fn packet(next: u8, payload: &[u8]) -> Packet<'static> {
        let mut bytes = vec![0; 40];
        bytes[0] = 0x60;
        bytes[5] = payload.len() as u8;
        bytes[6] = next;
        bytes.extend_from_slice(payload);
        Packet::owned(bytes, Family::V6, Link::default())
    }

    const HOP: [u8; 8] = [44, 0, 1, 4, 0, 0, 0, 0];

    fn fragment(next: u8, word: u16) -> Vec<u8> {
        let mut payload = HOP.to_vec();
        let [high, low] = word.to_be_bytes();
        payload.extend_from_slice(&[next, 0, high, low, 0, 0, 0, 1]);
        payload
    }

    #[test]
    fn a_first_fragment_is_walked_through() {
        let p = packet(0, &fragment(17, 1));
        let last = find(&p, None).unwrap();
        assert_eq!((last.protocol, last.offset), (Protocol::UDP, 56));
        let frag = find(&p, Some(Protocol::FRAGMENT)).unwrap();
        assert_eq!((frag.offset, frag.fragment_offset), (48, 0));
        assert_eq!(find(&p, Some(Protocol::AH)), Err(WalkError::Absent));
        assert_eq!(skip(&p).unwrap().protocol, Protocol::UDP);
    }

    #[test]
    fn a_later_fragment_shows_only_its_header() {
        let p = packet(0, &fragment(17, 8 << 3));
        let last = find(&p, None).unwrap();
        assert_eq!((last.protocol, last.fragment_offset), (Protocol::UDP, 8));
        let frag = find(&p, Some(Protocol::FRAGMENT)).unwrap();
        assert_eq!((frag.offset, frag.fragment_offset), (48, 8));
        assert!(matches!(
            find(&p, Some(Protocol::UDP)),
            Err(WalkError::Fragment { .. })
        ));
        let skipped = skip(&p).unwrap();
        assert_eq!((skipped.protocol, skipped.offset), (Protocol::FRAGMENT, 48));
    }

    #[test]
    fn none_ends_one_walk_and_fails_the_other() {
        let p = packet(59, &[]);
        assert_eq!(find(&p, None).unwrap().protocol, Protocol::NONE);
        assert_eq!(skip(&p), Err(WalkError::Absent));
    }

    #[test]
    fn a_header_past_the_end_is_beyond_even_when_it_is_the_one_sought() {
        let p = packet(0, &[44]);
        let beyond = Err(WalkError::Beyond(Beyond::PacketEnd));
        assert_eq!(find(&p, Some(Protocol::HOPOPTS)), beyond);
        assert_eq!(find(&p, None), beyond);
    }
}
