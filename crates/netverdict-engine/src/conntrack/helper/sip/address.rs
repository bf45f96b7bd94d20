//! Addresses in messages, as far as they go (`sip_parse_addr`, in4_pton, in6_pton).

use std::net::{IpAddr, Ipv6Addr};

use netverdict_net::Family;

use super::DEFAULT_PORT;
use crate::conntrack::Addr;
use crate::conntrack::helper::text::decimal;

/// An address at the start of a text, and how long it is. IPv6 ones stand in brackets where `delimited`.
pub(super) fn parse(text: &[u8], family: Family, delimited: bool) -> Option<(Addr, usize)> {
    match family {
        Family::V4 => v4(text),
        Family::V6 => v6(text, delimited),
    }
}

fn v4(text: &[u8]) -> Option<(Addr, usize)> {
    let mut address = 0_u32;
    let mut at = 0;
    for place in 0..4 {
        let rest = text.get(at..)?;
        let digits = rest.iter().take_while(|b| b.is_ascii_digit()).count();
        let value = rest[..digits].iter().try_fold(0_u32, |value, digit| {
            let value = value * 10 + u32::from(digit - b'0');
            (value <= 255).then_some(value)
        })?;
        if digits == 0 {
            return None;
        }
        address = address << 8 | value;
        at += digits;
        if place < 3 {
            (text.get(at) == Some(&b'.')).then_some(())?;
            at += 1;
        }
    }
    match text.get(at) {
        Some(b'.' | b'a'..=b'f' | b'A'..=b'F') => None,
        _ => Some((address.into(), at)),
    }
}

fn v6(text: &[u8], delimited: bool) -> Option<(Addr, usize)> {
    let bracket = text.first() == Some(&b'[');
    if delimited && !bracket {
        return None;
    }
    let start = usize::from(bracket);
    let rest = text.get(start..)?;
    let is_part = |byte: &&u8| byte.is_ascii_hexdigit() || matches!(byte, b':' | b'.');
    let len = rest.iter().take_while(is_part).count();
    let address: Ipv6Addr = std::str::from_utf8(&rest[..len]).ok()?.parse().ok()?;
    let end = start + len;
    match text.get(end) {
        Some(b']') => Some((address.to_bits(), end + 1)),
        _ if delimited => None,
        _ => Some((address.to_bits(), end)),
    }
}

/// How long an address with its port is; 0 for none (`epaddr_len`).
pub(super) fn len_with_port(text: &[u8], family: Family) -> usize {
    let Some((_, len)) = parse(text, family, true) else {
        return 0;
    };
    port(&text[len..]).map_or(0, |(_, more)| len + more)
}

/// No port has more digits (`sip_parse_port`).
const DIGITS: usize = 5;

/// The port behind an address, and what of the text it takes. Only unprivileged ports are believed, and nothing at the
/// very end of a message.
pub(super) fn port(text: &[u8]) -> Option<(u16, usize)> {
    if *text.first()? != b':' {
        return Some((DEFAULT_PORT, 0));
    }
    let (port, digits) = decimal(&text[1..]);
    let port = u16::try_from(port).ok()?;
    let is_complete = digits <= DIGITS && text.len() > 1 + digits;
    (port >= 1024 && is_complete).then_some((port, 1 + digits))
}

/// An address as messages have it; IPv6 in brackets where `delimited`.
pub(super) fn text(address: IpAddr, delimited: bool) -> String {
    match address {
        IpAddr::V6(address) if delimited => format!("[{address}]"),
        address => address.to_string(),
    }
}
