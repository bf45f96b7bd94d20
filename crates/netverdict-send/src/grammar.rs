//! Reading a `--send` text: blanks separate tokens, each token keeps its place for the message that points at it.

use std::net::IpAddr;
use std::ops::Range;

use netverdict_net::{Device, Family, InterfaceName, MacAddr, Protocol, Timestamp};

use super::{Endpoint, Send, SendError, Way, When, Words};

/// A token and its place.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Token<'t> {
    pub(crate) text: &'t str,
    pub(crate) start: usize,
}

impl Token<'_> {
    fn span(&self) -> Range<usize> {
        self.start..self.start + self.text.len()
    }

    pub(crate) fn error(&self, expected: impl Into<String>) -> SendError {
        SendError {
            span: self.span(),
            found: format!("`{}`", self.text),
            expected: expected.into(),
        }
    }
}

/// Splits at blanks; blanks inside double quotes do not count.
pub(crate) fn tokens(text: &str) -> Vec<Token<'_>> {
    let mut tokens = Vec::new();
    let mut start = None;
    let mut quoted = false;
    for (at, letter) in text.char_indices() {
        quoted ^= letter == '"';
        match (letter.is_whitespace() && !quoted, start) {
            (true, Some(from)) => {
                tokens.push(Token {
                    text: &text[from..at],
                    start: from,
                });
                start = None;
            }
            (false, None) => start = Some(at),
            _ => {}
        }
    }
    if let Some(from) = start {
        tokens.push(Token {
            text: &text[from..],
            start: from,
        });
    }
    tokens
}

/// A packet's or a conversation's first words.
pub(crate) struct Head<'t> {
    pub(crate) way: Way,
    pub(crate) device: Device,
    pub(crate) protocol: Protocol,
    pub(crate) source: Endpoint,
    pub(crate) destination: Endpoint,
    /// The words behind them.
    pub(crate) rest: Vec<Token<'t>>,
}

pub(super) fn parse(text: &str) -> Result<Send, SendError> {
    let head = head(text, protocol)?;
    let family = Family::of(head.source.address);
    let mut words = Words::default();
    for token in head.rest {
        word(token, head.protocol, family, &mut words)?;
    }
    Ok(Send {
        way: head.way,
        device: head.device,
        protocol: head.protocol,
        source: head.source,
        destination: head.destination,
        words,
    })
}

/// `in eth0 tcp 198.51.100.7:40000 > 203.0.113.1:22`, where `protocol` reads the third word.
pub(crate) fn head<'t>(
    text: &'t str,
    protocol: impl Fn(Token<'t>) -> Result<Protocol, SendError>,
) -> Result<Head<'t>, SendError> {
    let mut rest = tokens(text).into_iter();
    let mut next = |expected: &str| {
        rest.next().ok_or_else(|| SendError {
            span: text.len()..text.len(),
            found: "the end of the text".to_owned(),
            expected: expected.to_owned(),
        })
    };
    let way = way(next("a direction: in or out")?)?;
    let device = device(next("an interface, or ? for an unknown one")?)?;
    let protocol_token = next("a protocol, such as tcp, udp or icmp")?;
    let protocol = protocol(protocol_token)?;
    let source = endpoint(next("a source address")?, protocol)?;
    let arrow = next("`>`")?;
    if !matches!(arrow.text, ">" | "->") {
        return Err(arrow.error("`>` between source and destination"));
    }
    let destination_token = next("a destination address")?;
    let destination = endpoint(destination_token, protocol)?;
    let family = Family::of(source.address);
    if family != Family::of(destination.address) {
        return Err(destination_token.error(format!("an {family} address, as the source is")));
    }
    let protocol = of_family(protocol_token, protocol, family)?;
    Ok(Head {
        way,
        device,
        protocol,
        source,
        destination,
        rest: rest.collect(),
    })
}

fn way(token: Token<'_>) -> Result<Way, SendError> {
    match token.text {
        "in" => Ok(Way::In),
        "out" => Ok(Way::Out),
        _ => Err(token.error("a direction: in or out")),
    }
}

fn device(token: Token<'_>) -> Result<Device, SendError> {
    if token.text == "?" {
        return Ok(Device::Unknown);
    }
    InterfaceName::new(token.text)
        .map(Device::Named)
        .map_err(|_| token.error("an interface name of at most 15 bytes"))
}

fn protocol(token: Token<'_>) -> Result<Protocol, SendError> {
    Ok(match token.text {
        "tcp" => Protocol::TCP,
        "udp" => Protocol::UDP,
        "udplite" => Protocol::UDPLITE,
        "sctp" => Protocol::SCTP,
        "dccp" => Protocol::DCCP,
        "icmp" => Protocol::ICMP,
        "icmp6" | "icmpv6" => Protocol::ICMPV6,
        "esp" => Protocol::ESP,
        "ah" => Protocol::AH,
        "gre" => Protocol::GRE,
        number => Protocol(number.parse().map_err(|_| {
            token.error("a protocol: tcp, udp, udplite, sctp, dccp, icmp, icmp6, esp, ah, gre or a number up to 255")
        })?),
    })
}

/// ICMP belongs to one family; its number may be sent in either.
fn of_family(token: Token<'_>, protocol: Protocol, family: Family) -> Result<Protocol, SendError> {
    match (token.text, family) {
        ("icmp", Family::V6) => Err(token.error("icmp6 with IPv6 addresses")),
        ("icmp6" | "icmpv6", Family::V4) => Err(token.error("icmp with IPv4 addresses")),
        _ => Ok(protocol),
    }
}

fn has_ports(protocol: Protocol) -> bool {
    matches!(
        protocol,
        Protocol::TCP | Protocol::UDP | Protocol::UDPLITE | Protocol::SCTP | Protocol::DCCP
    )
}

/// `ADDRESS`, `V4:PORT` or `[V6]:PORT`.
fn endpoint(token: Token<'_>, protocol: Protocol) -> Result<Endpoint, SendError> {
    let bad = || {
        token.error(if has_ports(protocol) {
            "an address with a port: 192.0.2.1:80 or [2001:db8::1]:80"
        } else {
            "an address: 192.0.2.1 or 2001:db8::1"
        })
    };
    let (address, port) = if let Ok(address) = token.text.parse::<IpAddr>() {
        (address, None)
    } else {
        let (address, port) = token.text.rsplit_once(':').ok_or_else(bad)?;
        let bare = address.strip_prefix('[').and_then(|a| a.strip_suffix(']'));
        let address: IpAddr = bare.unwrap_or(address).parse().map_err(|_| bad())?;
        (address, Some(port.parse().map_err(|_| bad())?))
    };
    if port.is_some() && !has_ports(protocol) {
        return Err(token.error(format!("an address without a port: {protocol} has none")));
    }
    Ok(Endpoint { address, port })
}

/// One word behind the addresses.
pub(crate) fn word(
    token: Token<'_>,
    protocol: Protocol,
    family: Family,
    words: &mut Words,
) -> Result<(), SendError> {
    let Some((key, value)) = token.text.split_once('=') else {
        return flag(token, protocol, words);
    };
    let value = Token {
        text: value,
        start: token.start + key.len() + 1,
    };
    match key {
        "ttl" => words.ttl = Some(number(value)?),
        "tos" => words.tos = Some(number(value)?),
        "len" => words.len = Some(number(value)?),
        "payload" => words.payload = Some(payload(value)?),
        "ip-id" => words.ip_id = Some(number(value)?),
        "frag" => words.fragment = Some(fragment(value, family)?),
        "src-mac" => words.source_mac = Some(mac(value)?),
        "dst-mac" => words.destination_mac = Some(mac(value)?),
        "at" => words.when = Some(when(value)?),
        "window" if protocol == Protocol::TCP => words.window = Some(number(value)?),
        "mss" if protocol == Protocol::TCP => words.mss = Some(number(value)?),
        "seq" if is_icmp(protocol) => words.seq = Some(number::<u16>(value)?.into()),
        "seq" if protocol == Protocol::TCP => words.seq = Some(number(value)?),
        "ack-seq" if protocol == Protocol::TCP => words.ack_seq = Some(number(value)?),
        "type" if is_icmp(protocol) => words.icmp_type = Some(number(value)?),
        "code" if is_icmp(protocol) => words.icmp_code = Some(number(value)?),
        "id" if is_icmp(protocol) => words.id = Some(number(value)?),
        "chunk" if protocol == Protocol::SCTP => words.chunk = Some(number(value)?),
        "spi" if matches!(protocol, Protocol::ESP | Protocol::AH) => {
            words.spi = Some(number(value)?);
        }
        _ => return Err(token.error(known_words(protocol))),
    }
    Ok(())
}

/// A word without a value.
fn flag(token: Token<'_>, protocol: Protocol, words: &mut Words) -> Result<(), SendError> {
    match (protocol, token.text) {
        (_, "df") => words.dont_fragment = true,
        (_, "mf") => words.more_fragments = true,
        (Protocol::TCP, text) => {
            let flags = tcp_flags(text).ok_or_else(|| token.error(known_words(protocol)))?;
            words.tcp_flags = Some(flags);
        }
        (Protocol::SCTP, "init") => words.chunk = Some(1),
        (Protocol::SCTP, "data") => words.chunk = Some(0),
        (Protocol::ICMP, "echo-request") => words.icmp_type = Some(8),
        (Protocol::ICMP, "echo-reply") => words.icmp_type = Some(0),
        (Protocol::ICMPV6, "echo-request") => words.icmp_type = Some(128),
        (Protocol::ICMPV6, "echo-reply") => words.icmp_type = Some(129),
        _ => return Err(token.error(known_words(protocol))),
    }
    Ok(())
}

fn is_icmp(protocol: Protocol) -> bool {
    matches!(protocol, Protocol::ICMP | Protocol::ICMPV6)
}

fn known_words(protocol: Protocol) -> String {
    let own = match protocol {
        Protocol::TCP => "flags such as syn or syn+ack, seq=, ack-seq=, window=, mss=, ",
        Protocol::ICMP | Protocol::ICMPV6 => "echo-request, echo-reply, type=, code=, id=, seq=, ",
        Protocol::SCTP => "init, data, chunk=, ",
        Protocol::ESP | Protocol::AH => "spi=, ",
        _ => "",
    };
    format!("{own}ttl=, tos=, len=, payload=, ip-id=, df, mf, frag=, src-mac=, dst-mac= or at=")
}

/// Flag names joined by `+` or `,`.
fn tcp_flags(text: &str) -> Option<u8> {
    if text == "none" {
        return Some(0);
    }
    text.split(['+', ',']).try_fold(0, |flags, name| {
        let bit = match name {
            "fin" => 0x01,
            "syn" => 0x02,
            "rst" => 0x04,
            "psh" => 0x08,
            "ack" => 0x10,
            "urg" => 0x20,
            "ece" => 0x40,
            "cwr" => 0x80,
            _ => return None,
        };
        Some(flags | bit)
    })
}

/// A decimal number or one with `0x`.
pub(crate) fn number<T: TryFrom<u64>>(token: Token<'_>) -> Result<T, SendError> {
    let parsed = match token.text.strip_prefix("0x") {
        Some(hex) => u64::from_str_radix(hex, 16),
        None => token.text.parse(),
    };
    let largest = if size_of::<T>() >= 8 {
        u64::MAX
    } else {
        (1 << (size_of::<T>() * 8)) - 1
    };
    let bad = || token.error(format!("a number from 0 to {largest}"));
    T::try_from(parsed.map_err(|_| bad())?).map_err(|_| bad())
}

/// `0xHEX`, `"text with blanks"` or a word.
pub(crate) fn payload(token: Token<'_>) -> Result<Vec<u8>, SendError> {
    let Some(hex) = token.text.strip_prefix("0x") else {
        let text = token
            .text
            .strip_prefix('"')
            .and_then(|t| t.strip_suffix('"'))
            .unwrap_or(token.text);
        return Ok(text.as_bytes().to_vec());
    };
    let bad = || token.error("pairs of hexadecimal digits after 0x");
    if hex.len() % 2 != 0 || !hex.is_ascii() {
        return Err(bad());
    }
    (0..hex.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&hex[at..at + 2], 16).map_err(|_| bad()))
        .collect()
}

/// A fragment's offset in bytes.
fn fragment(token: Token<'_>, family: Family) -> Result<u16, SendError> {
    let bad = || token.error("the fragment's offset in bytes: a multiple of 8 up to 65528");
    if family == Family::V6 {
        return Err(token.error("IPv4 addresses: fragments of IPv6 are not made"));
    }
    let bytes: u16 = number(token).map_err(|_| bad())?;
    if bytes.is_multiple_of(8) {
        Ok(bytes)
    } else {
        Err(bad())
    }
}

fn mac(token: Token<'_>) -> Result<MacAddr, SendError> {
    token
        .text
        .parse()
        .map_err(|_| token.error("a MAC address: 02:00:5e:10:00:01"))
}

/// `SECONDS`, `+SECONDS`, or a UTC date and time.
fn when(token: Token<'_>) -> Result<When, SendError> {
    let bad = || {
        token.error("seconds since 1970 (1700000000.5), +seconds, or a time in UTC such as 2026-03-02T08:00:00")
    };
    if let Some(seconds) = token.text.strip_prefix('+') {
        return nanoseconds(seconds).map(When::After).ok_or_else(bad);
    }
    if let Some((date, time)) = token.text.split_once('T') {
        return civil(date, time.trim_end_matches('Z'))
            .map(When::At)
            .ok_or_else(bad);
    }
    nanoseconds(token.text)
        .map(|n| When::At(Timestamp(n)))
        .ok_or_else(bad)
}

/// Decimal seconds with at most nine digits of fraction.
pub fn nanoseconds(text: &str) -> Option<i64> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let is_digits = |t: &str| t.bytes().all(|b| b.is_ascii_digit());
    if whole.is_empty() || !is_digits(whole) || !is_digits(fraction) || fraction.len() > 9 {
        return None;
    }
    let nanos: i64 = format!("{fraction:0<9}").parse().ok()?;
    whole
        .parse::<i64>()
        .ok()?
        .checked_mul(Timestamp::SECOND)?
        .checked_add(nanos)
}

/// `2026-03-02` and `08:00:00[.5]` in UTC.
fn civil(date: &str, time: &str) -> Option<Timestamp> {
    let [year, month, day]: [i64; 3] = numbers(date, '-')?;
    let (clock, fraction) = time.split_once('.').unwrap_or((time, "0"));
    let [hour, minute, second]: [i64; 3] = numbers(clock, ':')?;
    let in_range = (1..=12).contains(&month)
        && (1..=31).contains(&day)
        && hour < 24
        && minute < 60
        && second < 60;
    if !in_range || !(1970..=2200).contains(&year) {
        return None;
    }
    // Days since 1970 with years that begin in March, so that a leap day is a year's last.
    let (y, m) = if month > 2 {
        (year, month - 3)
    } else {
        (year - 1, month + 9)
    };
    let days = 365 * y + y / 4 - y / 100 + y / 400 + (153 * m + 2) / 5 + day - 1 - 719_468;
    let nanos = nanoseconds(&format!("0.{fraction}"))?;
    Some(Timestamp::new(days * 86_400 + hour * 3600 + minute * 60 + second, 0) + nanos)
}

fn numbers(text: &str, separator: char) -> Option<[i64; 3]> {
    let parts: Vec<i64> = text
        .split(separator)
        .map(|p| p.parse::<u32>().map(i64::from))
        .collect::<Result<_, _>>()
        .ok()?;
    parts.try_into().ok()
}
