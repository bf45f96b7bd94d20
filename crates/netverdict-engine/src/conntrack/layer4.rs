//! Where layer 4 begins, as connection tracking looks for it.

use netverdict_net::header::ipv6::is_extension;
use netverdict_net::{Beyond, Family, Packet, Protocol};

/// Why a packet belongs to no connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// The kernel calls it INVALID, and why.
    Invalid(&'static str),
    /// The capture's snap length cut off what the kernel would have read.
    Unread(&'static str),
}

impl Fault {
    /// The fault of a failed read: the packet is too short, or only its capture.
    pub(crate) fn reading(why: &'static str) -> impl Fn(Beyond) -> Self + Copy {
        move |beyond| match beyond {
            Beyond::PacketEnd => Self::Invalid(why),
            Beyond::Captured => Self::Unread(why),
        }
    }
}

/// The protocol after all extension headers, and its offset from the start of the packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Layer4 {
    pub(crate) protocol: Protocol,
    pub(crate) offset: usize,
}

/// Finds layer 4 behind the IP header at `network` (`get_l4proto`).
pub(crate) fn find(packet: &Packet<'_>, family: Family, network: usize) -> Result<Layer4, Fault> {
    match family {
        Family::V4 => find_v4(packet, network),
        Family::V6 => find_v6(packet, network),
    }
}

fn find_v4(packet: &Packet<'_>, network: usize) -> Result<Layer4, Fault> {
    let header = packet
        .array::<20>(network)
        .map_err(Fault::reading("IPv4 header beyond the packet"))?;
    if u16::from_be_bytes([header[6], header[7]]) & 0x1fff != 0 {
        return Err(Fault::Invalid("non-first fragment"));
    }
    let offset = network + usize::from(header[0] & 15) * 4;
    if offset > packet.len() {
        return Err(Fault::Invalid("IPv4 options beyond the packet"));
    }
    Ok(Layer4 {
        protocol: Protocol(header[9]),
        offset,
    })
}

fn find_v6(packet: &Packet<'_>, network: usize) -> Result<Layer4, Fault> {
    let [next] = *packet
        .array::<1>(network + 6)
        .map_err(Fault::reading("IPv6 header beyond the packet"))?;
    match skip_extensions(packet, Protocol(next), network + 40) {
        Ok(walk) if walk.fragment_offset != 0 => Err(Fault::Invalid("non-first fragment")),
        Ok(walk) => Ok(walk.layer4),
        Err(fault) => Err(fault),
    }
}

/// The end of [`skip_extensions`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Walk {
    pub(crate) layer4: Layer4,
    /// In 8-byte units.
    pub(crate) fragment_offset: u16,
}

/// Steps over extension headers from `offset` on (`ipv6_skip_exthdr`). A non-first fragment's header ends the walk.
pub(crate) fn skip_extensions(
    packet: &Packet<'_>,
    first: Protocol,
    mut offset: usize,
) -> Result<Walk, Fault> {
    let mut protocol = first;
    while is_extension(protocol) {
        if protocol == Protocol::NONE {
            return Err(Fault::Invalid("no next header"));
        }
        let broken = Fault::reading("broken extension header chain");
        let &[next, len] = packet.array::<2>(offset).map_err(broken)?;
        let size = match protocol {
            Protocol::FRAGMENT => {
                let fragment_offset = packet.u16(offset + 2).map_err(broken)? >> 3;
                if fragment_offset != 0 {
                    let layer4 = Layer4 { protocol, offset };
                    return Ok(Walk {
                        layer4,
                        fragment_offset,
                    });
                }
                8
            }
            Protocol::AH => (usize::from(len) + 2) * 4,
            _ => (usize::from(len) + 1) * 8,
        };
        protocol = Protocol(next);
        offset += size;
    }
    Ok(Walk {
        layer4: Layer4 { protocol, offset },
        fragment_offset: 0,
    })
}
