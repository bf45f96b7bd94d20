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
        if wanted == Some(protocol) {
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
            _ => (usize::from(len) + 1) * 8,
        };
        protocol = Protocol(next);
        offset += size;
    }
}
