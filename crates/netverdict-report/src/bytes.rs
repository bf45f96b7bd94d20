//! Values of JSON as bytes at the end of a buffer, for lists as long as the traffic.

use std::io::Write;
use std::net::IpAddr;

use netverdict_net::Timestamp;

/// Adds bytes that are known beforehand: as many are copied without a call.
#[inline]
pub(crate) fn put<const N: usize>(out: &mut Vec<u8>, bytes: &[u8; N]) {
    out.extend_from_slice(bytes);
}

/// Adds bytes as they are.
pub(crate) fn add(out: &mut Vec<u8>, bytes: &[u8]) {
    out.extend_from_slice(bytes);
}

/// Adds a decimal number.
#[inline]
pub(crate) fn number(out: &mut Vec<u8>, value: u64) {
    add(out, itoa::Buffer::new().format(value).as_bytes());
}

/// Adds a text in quotes.
pub(crate) fn text(out: &mut Vec<u8>, text: &str) {
    let is_plain = |byte: u8| matches!(byte, b' '..=b'~') && !matches!(byte, b'"' | b'\\');
    if text.bytes().all(is_plain) {
        out.push(b'"');
        add(out, text.as_bytes());
        out.push(b'"');
    } else if serde_json::to_writer(&mut *out, text).is_err() {
        debug_assert!(false, "nothing fails that is written to memory");
    }
}

/// Adds a text in quotes, or null.
pub(crate) fn optional_text(out: &mut Vec<u8>, value: Option<&str>) {
    match value {
        Some(value) => text(out, value),
        None => put(out, b"null"),
    }
}

/// Adds an address in quotes.
pub(crate) fn address(out: &mut Vec<u8>, address: IpAddr) {
    out.push(b'"');
    match address {
        IpAddr::V4(address) => octets(out, address.octets()),
        IpAddr::V6(address) => {
            if write!(out, "{address}").is_err() {
                debug_assert!(false, "nothing fails that is written to memory");
            }
        }
    }
    out.push(b'"');
}

/// Adds an IPv4 address.
fn octets(out: &mut Vec<u8>, octets: [u8; 4]) {
    // Each octet is written with its dot and room to spare, the next one over that.
    let mut text = [0; 19];
    let mut end = 0;
    for octet in octets {
        let (digits, len) = OCTETS[usize::from(octet)];
        if let Some(room) = text.get_mut(end..).and_then(<[u8]>::first_chunk_mut) {
            *room = digits;
        }
        end += usize::from(len);
    }
    // The last dot is none.
    add(out, text.get(..end - 1).unwrap_or_default());
}

/// The digits of each octet and a dot, and how many characters those are.
const OCTETS: [([u8; 4], u8); 256] = {
    let mut all = [([b'.'; 4], 0); 256];
    let mut octet = 0;
    while octet < 256 {
        let (mut text, mut len) = ([b'.'; 4], 0);
        if octet >= 100 {
            text[len] = b'0' + (octet / 100) as u8;
            len += 1;
        }
        if octet >= 10 {
            text[len] = b'0' + (octet / 10 % 10) as u8;
            len += 1;
        }
        text[len] = b'0' + (octet % 10) as u8;
        all[octet] = (text, len as u8 + 2);
        octet += 1;
    }
    all
};

/// Adds seconds with nine digits, in quotes.
pub(crate) fn time(out: &mut Vec<u8>, time: Timestamp) {
    out.push(b'"');
    if time.seconds() < 0 {
        out.push(b'-');
    }
    number(out, time.seconds().unsigned_abs());
    out.push(b'.');
    // A digit more than there may be, so that all are written.
    let nanoseconds = u64::from(time.subsec_nanos()) + 1_000_000_000;
    let mut digits = itoa::Buffer::new();
    add(
        out,
        digits
            .format(nanoseconds)
            .as_bytes()
            .get(1..)
            .unwrap_or_default(),
    );
    out.push(b'"');
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn written(add: impl FnOnce(&mut Vec<u8>)) -> String {
        let mut out = Vec::new();
        add(&mut out);
        String::from_utf8(out).unwrap()
    }

    proptest! {
        #[test]
        fn values_are_written_as_serde_writes_their_text(
            value: u64, nanoseconds: i64, address_of: IpAddr, any_text: String
        ) {
            let json = |text: &str| serde_json::to_string(text).unwrap();
            prop_assert_eq!(written(|out| number(out, value)), value.to_string());
            prop_assert_eq!(written(|out| number(out, value % 100)), (value % 100).to_string());
            let at = Timestamp(nanoseconds);
            prop_assert_eq!(written(|out| time(out, at)), json(&at.to_string()));
            prop_assert_eq!(written(|out| address(out, address_of)), json(&address_of.to_string()));
            prop_assert_eq!(written(|out| text(out, &any_text)), json(&any_text));
        }
    }

    #[test]
    fn all_digits_are_there() {
        assert_eq!(written(|out| number(out, u64::MAX)), u64::MAX.to_string());
        assert_eq!(written(|out| number(out, 0)), "0");
        assert_eq!(
            written(|out| time(out, Timestamp(-1))),
            format!("\"{}\"", Timestamp(-1))
        );
        assert_eq!(
            written(|out| text(out, "\u{7f}é\"\\\n")),
            "\"\u{7f}é\\\"\\\\\\n\""
        );
    }
}
