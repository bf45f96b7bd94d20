//! Values of options, read as libxtables reads them.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use netverdict_net::{AddrMask, Family, InterfacePattern, MacAddr, PortRange, Protocol};
use netverdict_ruleset::matches::TosMask;
use netverdict_ruleset::{Interval, MarkMask, protocol, text};

use crate::problem::{Code, Parsed, Problem};
use crate::services;
use crate::spec::Arg;

/// An unsigned number in C notation (decimal, `0x…`, `0…`) at the start of `text`, and what follows it.
pub(crate) fn number_prefix(text: &str) -> Option<(u64, &str)> {
    let text = text.trim_start();
    let text = text.strip_prefix('+').unwrap_or(text);
    let hex = text
        .strip_prefix("0x")
        .or_else(|| text.strip_prefix("0X"))
        .filter(|t| t.starts_with(|c: char| c.is_ascii_hexdigit()));
    let (radix, digits) = match hex {
        Some(digits) => (16, digits),
        None if text.starts_with('0') => (8, text),
        None => (10, text),
    };
    let len = digits
        .find(|c: char| !c.is_digit(radix))
        .unwrap_or(digits.len());
    let (digits, rest) = digits.split_at_checked(len)?;
    u64::from_str_radix(digits, radix).ok().map(|n| (n, rest))
}

/// An unsigned number in C notation and nothing else.
pub(crate) fn number(text: &str) -> Option<u64> {
    number_prefix(text).and_then(|(n, rest)| rest.is_empty().then_some(n))
}

/// A number within bounds.
pub(crate) fn number_in(text: &str, min: u64, max: u64) -> Option<u64> {
    number(text).filter(|n| (min..=max).contains(n))
}

/// An IPv4 address as iptables completes it: `10` is `10.0.0.0`; each part in C notation.
pub(crate) fn numeric_v4(text: &str) -> Option<Ipv4Addr> {
    let mut octets = [0; 4];
    let mut parts = text.split('.');
    for octet in &mut octets {
        let Some(part) = parts.next() else { break };
        *octet = u8::try_from(number(part)?).ok()?;
    }
    parts.next().is_none().then(|| Ipv4Addr::from(octets))
}

/// An IPv4 address as the C library reads it: the last of one to four parts fills all bytes that are left.
fn inet_aton(text: &str) -> Option<Ipv4Addr> {
    // Four numbers without leading zeros are the usual form.
    if let Ok(address) = text.parse() {
        return Some(address);
    }
    let parts: Option<Vec<u64>> = text.split('.').map(number).collect();
    let parts = parts.filter(|parts| parts.len() <= 4)?;
    let (last, heads) = parts.split_last()?;
    let bits = 32 - 8 * heads.len() as u32;
    let mut addr = *last;
    if addr >= 1 << bits {
        return None;
    }
    for (head, shift) in heads.iter().zip([24, 16, 8]) {
        addr |= Some(*head).filter(|head| *head <= 255)? << shift;
    }
    u32::try_from(addr).ok().map(Ipv4Addr::from_bits)
}

/// A numeric address of the family; `localhost` is known too.
pub(crate) fn address(family: Family, text: &str) -> Option<IpAddr> {
    match (family, text) {
        (Family::V4, "localhost") => Some(Ipv4Addr::LOCALHOST.into()),
        (Family::V6, "localhost") => Some(Ipv6Addr::LOCALHOST.into()),
        (Family::V4, _) => inet_aton(text).map(Ipv4Addr::into),
        (Family::V6, _) => text.parse().ok().map(Ipv6Addr::into),
    }
}

/// The mask of a prefix length.
fn prefix_mask(family: Family, len: u64) -> IpAddr {
    match family {
        Family::V4 => {
            let bits = u32::MAX.checked_shl(32 - len as u32).unwrap_or(0);
            Ipv4Addr::from_bits(bits).into()
        }
        Family::V6 => {
            let bits = u128::MAX.checked_shl(128 - len as u32).unwrap_or(0);
            Ipv6Addr::from_bits(bits).into()
        }
    }
}

/// A mask as `-s` takes it: a prefix length, or written out, with holes if need be.
pub(crate) fn mask(family: Family, text: &str) -> Option<IpAddr> {
    if let Some(len) = number_in(text, 0, u64::from(family.bits())) {
        return Some(prefix_mask(family, len));
    }
    match family {
        Family::V4 => numeric_v4(text)
            .filter(|_| text.split('.').count() == 4)
            .map(Ipv4Addr::into),
        Family::V6 => text.parse().ok().map(Ipv6Addr::into),
    }
}

/// A mask as extensions take it: libxtables makes the full one of a mask with holes.
fn extension_mask(family: Family, text: &str) -> Option<IpAddr> {
    if let Some(len) = number_in(text, 0, u64::from(family.bits())) {
        return Some(prefix_mask(family, len));
    }
    let mask = address(family, text)?;
    let len = masked(mask, mask).prefix_len().unwrap_or(family.bits());
    Some(prefix_mask(family, u64::from(len)))
}

/// Puts an address under a mask of the same family.
pub(crate) fn masked(addr: IpAddr, mask: IpAddr) -> AddrMask {
    match (addr, mask) {
        (IpAddr::V4(a), IpAddr::V4(m)) => AddrMask::v4(a.to_bits(), m.to_bits()),
        (IpAddr::V6(a), IpAddr::V6(m)) => AddrMask::v6(a.to_bits(), m.to_bits()),
        (addr, _) => AddrMask::host(addr),
    }
}

/// A port as number in C notation, or the name of a service of this protocol.
fn port(text: &str, protocol: &str) -> Option<u16> {
    match number(text) {
        Some(n) => u16::try_from(n).ok(),
        None => services::port(text, Some(protocol)),
    }
}

/// A port as `getaddrinfo` resolves it: a decimal number, of which the lower 16 bits count, or the name of any service.
fn resolved_port(text: &str) -> Option<u16> {
    match text.parse::<u32>() {
        Ok(n) if !text.starts_with('+') => Some(n as u16),
        _ => services::port(text, None),
    }
}

/// A protocol as number or name; `all` is 0.
pub(crate) fn protocol(text: &str) -> Option<Protocol> {
    match number(text) {
        Some(n) => u8::try_from(n).ok().map(Protocol),
        None => protocol::from_name(text),
    }
}

impl<'a> Arg<'a> {
    /// A problem with this value.
    pub(crate) fn bad(&self, expected: impl Into<String>) -> Problem {
        let message = format!("bad value `{}` for `--{}`", self.text, self.option);
        Problem::new(Code::Value, message)
            .at(self.span)
            .expected(expected)
    }

    /// A part of this value, for messages at the same place.
    pub(crate) fn part(self, text: &'a str) -> Self {
        Self { text, ..self }
    }

    /// A number from `min` to `max`.
    pub(crate) fn number(self, min: u64, max: u64) -> Parsed<u64> {
        number_in(self.text, min, max)
            .ok_or_else(|| self.bad(format!("a number from {min} to {max}")))
    }

    pub(crate) fn u8(self) -> Parsed<u8> {
        self.number(0, 0xff).map(|n| n as u8)
    }

    pub(crate) fn u16(self) -> Parsed<u16> {
        self.number(0, 0xffff).map(|n| n as u16)
    }

    pub(crate) fn u32(self) -> Parsed<u32> {
        self.number(0, u64::from(u32::MAX)).map(|n| n as u32)
    }

    pub(crate) fn u64(self) -> Parsed<u64> {
        self.number(0, u64::MAX)
    }

    /// `a`, `a:b`, `a:`, `:b` or `:`; an open end reaches as far as it can.
    pub(crate) fn range(self, max: u64) -> Parsed<(Interval<u64>, bool)> {
        let bad = || self.bad(format!("a number or range from 0 to {max}"));
        let mut parts = self.text.split(':');
        let mut next = |default: u64| match parts.next() {
            None => Ok(None),
            Some("") => Ok(Some(default)),
            Some(part) => number_in(part, 0, max).map(Some).ok_or_else(bad),
        };
        let first = next(0)?.unwrap_or(0);
        let last = next(max)?;
        if next(0)?.is_some() {
            return Err(self.bad("at most one colon"));
        }
        let range = Interval {
            first,
            last: last.unwrap_or(first),
        };
        Ok((range, last.is_some()))
    }

    pub(crate) fn range_u32(self) -> Parsed<Interval<u32>> {
        self.range(u64::from(u32::MAX)).map(|(r, _)| Interval {
            first: r.first as u32,
            last: r.last as u32,
        })
    }

    pub(crate) fn range_u16(self) -> Parsed<PortRange> {
        self.range(0xffff).map(|(r, _)| PortRange {
            start: r.first as u16,
            end: r.last as u16,
        })
    }

    /// One port, number or service: of a protocol, or as `getaddrinfo` resolves it.
    pub(crate) fn port(self, protocol: Option<&str>) -> Parsed<u16> {
        let port = match protocol {
            Some(protocol) => port(self.text, protocol),
            None => resolved_port(self.text),
        };
        port.ok_or_else(|| {
            self.bad("a port from 0 to 65535 or a service name")
                .help("only the usual service names are known; write the number")
        })
    }

    /// `a`, `a:b`, `a:`, `:b` or `:` of ports.
    pub(crate) fn ports(self, protocol: Option<&str>) -> Parsed<PortRange> {
        let end = |text: &'a str, default: u16| {
            if text.is_empty() {
                Ok(default)
            } else {
                self.part(text).port(protocol)
            }
        };
        match self.text.split_once(':') {
            // libxtables takes no port at all for port 0; the tcp match refuses it.
            None if self.text.is_empty() && protocol.is_none() => Ok(PortRange::single(0)),
            None => self.port(protocol).map(PortRange::single),
            Some((start, last)) => Ok(PortRange {
                start: end(start, 0)?,
                end: end(last, u16::MAX)?,
            }),
        }
    }

    /// `value` or `value/mask`.
    pub(crate) fn mark(self) -> Parsed<MarkMask> {
        let part = |text: &str| number_in(text, 0, u64::from(u32::MAX)).map(|n| n as u32);
        let (value, mask) = match self.text.split_once('/') {
            Some((value, mask)) => (part(value), part(mask)),
            None => (part(self.text), Some(u32::MAX)),
        };
        match (value, mask) {
            (Some(value), Some(mask)) => Ok(MarkMask { value, mask }),
            _ => Err(self.bad("a 32-bit number, perhaps with `/mask`")),
        }
    }

    /// One address without a mask.
    pub(crate) fn host(self) -> Parsed<IpAddr> {
        address(self.family, self.text).ok_or_else(|| self.bad_address())
    }

    fn bad_address(self) -> Problem {
        self.bad(format!("an {} address", self.family_name()))
            .help("host names are not looked up; write the address")
    }

    fn family_name(self) -> &'static str {
        match self.family {
            Family::V4 => "IPv4",
            Family::V6 => "IPv6",
        }
    }

    /// A prefix length or a mask written out.
    pub(crate) fn mask(self) -> Parsed<IpAddr> {
        extension_mask(self.family, self.text).ok_or_else(|| {
            self.bad(format!(
                "a prefix length from 0 to {} or a mask",
                self.family.bits()
            ))
        })
    }

    /// An address, perhaps with `/mask`; not masked.
    pub(crate) fn host_and_mask(self) -> Parsed<(IpAddr, IpAddr)> {
        if let Some((addr, mask)) = self.text.split_once('/') {
            return Ok((self.part(addr).host()?, self.part(mask).mask()?));
        }
        let full = prefix_mask(self.family, u64::from(self.family.bits()));
        Ok((self.host()?, full))
    }

    /// An address, perhaps with `/mask`.
    pub(crate) fn net(self) -> Parsed<AddrMask> {
        self.host_and_mask().map(|(addr, mask)| masked(addr, mask))
    }

    /// An address, perhaps with `/mask`, that is kept as it is written.
    pub(crate) fn unmasked_net(self) -> Parsed<AddrMask> {
        self.host_and_mask()
            .map(|(addr, mask)| AddrMask::unmasked(addr, mask))
    }

    pub(crate) fn protocol(self) -> Parsed<Protocol> {
        protocol(self.text)
            .ok_or_else(|| self.bad("a protocol number from 0 to 255 or a protocol name"))
    }

    /// A MAC address, or `None` for one that was made unreadable.
    pub(crate) fn mac(self) -> Parsed<Option<MacAddr>> {
        let hidden = self.text.split(':').count() == 6
            && self.text.split(':').all(|part| matches!(part, "XX" | "xx"));
        if hidden {
            return Ok(None);
        }
        self.text
            .parse()
            .map(Some)
            .map_err(|_| self.bad("six hexadecimal bytes, `00:11:22:33:44:55`"))
    }

    /// `value` or `value/mask`, or the name of a type of service, which implies `name_mask`.
    pub(crate) fn tos(self, name_mask: u8) -> Parsed<TosMask> {
        const NAMES: [(&str, u8); 5] = [
            ("Minimize-Delay", 0x10),
            ("Maximize-Throughput", 0x08),
            ("Maximize-Reliability", 0x04),
            ("Minimize-Cost", 0x02),
            ("Normal-Service", 0x00),
        ];
        let named = NAMES
            .iter()
            .find(|(name, _)| name.eq_ignore_ascii_case(self.text));
        if let Some((_, value)) = named {
            return Ok(TosMask {
                value: *value,
                mask: name_mask,
            });
        }
        let byte = |text| number_in(text, 0, 0xff).map(|n| n as u8);
        let (value, mask) = match self.text.split_once('/') {
            Some((value, mask)) => (byte(value), byte(mask)),
            None => (byte(self.text), Some(0xff)),
        };
        match (value, mask) {
            (Some(value), Some(mask)) => Ok(TosMask { value, mask }),
            _ => Err(self.bad("a number from 0 to 255, perhaps with `/mask`, or `Minimize-Delay`, `Maximize-Throughput`, `Maximize-Reliability`, `Minimize-Cost`, `Normal-Service`")),
        }
    }

    /// An interface name or prefix.
    pub(crate) fn interface(self) -> Parsed<InterfacePattern> {
        InterfacePattern::new(self.text)
            .map_err(|_| self.bad("an interface name of at most 15 bytes"))
    }

    /// A text of at least `min` and at most `max` bytes.
    pub(crate) fn text(self, min: usize, max: usize) -> Parsed<String> {
        let len = text::encoded_len(self.text);
        if (min..=max).contains(&len) {
            return Ok(self.text.to_owned());
        }
        Err(self.bad(format!("{min} to {max} bytes")))
    }

    /// A text that is cut behind `max` bytes, as libxtables does silently.
    pub(crate) fn cut_text(self, min: usize, max: usize) -> Parsed<String> {
        if text::encoded_len(self.text) < min {
            return Err(self.bad(format!("at least {min} bytes")));
        }
        let bytes = text::encode(self.text);
        let kept = bytes.get(..max).unwrap_or(&bytes);
        Ok(text::decode(kept).into_owned())
    }

    /// One of `names`.
    pub(crate) fn one_of<T: Copy>(self, names: &[(&str, T)]) -> Parsed<T> {
        let found = names.iter().find(|(name, _)| *name == self.text);
        found.map(|(_, value)| *value).ok_or_else(|| {
            let names: Vec<_> = names.iter().map(|(name, _)| format!("`{name}`")).collect();
            self.bad(names.join(", "))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_those_of_strtoul() {
        assert_eq!(number("0x1F"), Some(31));
        assert_eq!(number("010"), Some(8));
        assert_eq!(number("0"), Some(0));
        assert_eq!(number("-1"), None);
        assert_eq!(number(""), None);
        assert_eq!(number("08"), None);
        assert_eq!(number_prefix("12:3"), Some((12, ":3")));
    }

    #[test]
    fn short_networks_are_completed() {
        assert_eq!(numeric_v4("10"), Some(Ipv4Addr::new(10, 0, 0, 0)));
        assert_eq!(numeric_v4("192.168"), Some(Ipv4Addr::new(192, 168, 0, 0)));
        assert_eq!(numeric_v4("1.2.3.4.5"), None);
        assert_eq!(numeric_v4("256"), None);
    }
}
