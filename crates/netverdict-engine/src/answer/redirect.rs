//! Redirects of IPv6 (`ndisc_send_redirect`, RFC 4861).

use std::net::Ipv6Addr;

use netverdict_net::{MacAddr, Packet, Protocol};

use super::{Header, packet};

/// Most that a redirect is long: what every link carries.
const LIMIT: usize = 1280;
const IP_HEADER: usize = 40;
/// Type, code, checksum, four octets, and two addresses.
const FIXED: usize = 40;

/// Who tells whom of what.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Redirect {
    /// This host, on the link.
    pub(crate) own: Ipv6Addr,
    pub(crate) receiver: Ipv6Addr,
    /// The better next hop; the destination itself where that is on the link.
    pub(crate) target: Ipv6Addr,
    /// The device's address, if its link has any. The next hop's is told; it is in no bundle, and this one stands for it.
    pub(crate) link: Option<MacAddr>,
}

/// A redirect about a packet.
pub(crate) fn redirect(original: &Packet<'_>, what: Redirect) -> Packet<'static> {
    const TARGET_LINK: u8 = 2;
    const REDIRECTED: u8 = 4;
    let mut body = vec![137, 0, 0, 0, 0, 0, 0, 0];
    body.extend(what.target.octets());
    if let std::net::IpAddr::V6(destination) = original.destination() {
        body.extend(destination.octets());
    }
    let mut options = Vec::new();
    if let Some(link) = what.link {
        options.extend([TARGET_LINK, 1]);
        options.extend(link.0);
    }
    let room = LIMIT - IP_HEADER - FIXED - options.len();
    let len = room.min(original.len() + 8) & !7;
    options.extend([REDIRECTED, (len / 8) as u8, 0, 0, 0, 0, 0, 0]);
    options.extend(original.captured().iter().take(len - 8));
    body.extend(options);
    // What was not captured is not known.
    let whole = FIXED + what.link.map_or(0, |_| 8) + len;
    body.resize(whole, 0);
    let header = Header {
        source: what.own.into(),
        destination: what.receiver.into(),
        protocol: Protocol::ICMPV6,
        tos: 0,
        ttl: 255,
        dont_fragment: false,
    };
    packet(&header, body, 2, true)
}
