//! Dump bytes as text without loss: bytes that are no UTF-8 become private-use characters, and back.
//!
//! Chain names, comments and prefixes may hold any bytes. Everything here works on `str`, so a byte `0xNN` that is not
//! part of valid UTF-8 is carried as U+F7NN. A genuine U+F780..=U+F7FF in the input is carried byte by byte too, which
//! keeps the mapping unambiguous.

use std::borrow::Cow;

const BASE: u32 = 0xf700;

fn carried(c: char) -> Option<u8> {
    let code = u32::from(c);
    (0xf780..=0xf7ff)
        .contains(&code)
        .then_some((code & 0xff) as u8)
}

fn carry(byte: u8) -> char {
    char::from_u32(BASE | u32::from(byte)).unwrap_or(char::REPLACEMENT_CHARACTER)
}

/// The bytes as text.
pub fn decode(bytes: &[u8]) -> Cow<'_, str> {
    match std::str::from_utf8(bytes) {
        Ok(text) if text.is_ascii() || !text.chars().any(|c| carried(c).is_some()) => {
            Cow::Borrowed(text)
        }
        _ => Cow::Owned(decode_slowly(bytes)),
    }
}

fn decode_slowly(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        for c in chunk.valid().chars() {
            if carried(c).is_some() {
                text.extend(c.encode_utf8(&mut [0; 4]).bytes().map(carry));
            } else {
                text.push(c);
            }
        }
        text.extend(chunk.invalid().iter().copied().map(carry));
    }
    text
}

/// The bytes that [`decode`] was given.
pub fn encode(text: &str) -> Cow<'_, [u8]> {
    if text.is_ascii() || !text.chars().any(|c| carried(c).is_some()) {
        return Cow::Borrowed(text.as_bytes());
    }
    let mut bytes = Vec::with_capacity(text.len());
    for c in text.chars() {
        match carried(c) {
            Some(byte) => bytes.push(byte),
            None => bytes.extend(c.encode_utf8(&mut [0; 4]).bytes()),
        }
    }
    Cow::Owned(bytes)
}

/// How many bytes [`encode`] gives: what the kernel's length limits count.
pub fn encoded_len(text: &str) -> usize {
    if text.is_ascii() {
        return text.len();
    }
    text.chars()
        .map(|c| {
            if carried(c).is_some() {
                1
            } else {
                c.len_utf8()
            }
        })
        .sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn any_bytes_survive(bytes: Vec<u8>) {
            let text = decode(&bytes);
            prop_assert_eq!(&*encode(&text), &bytes[..]);
            prop_assert_eq!(encoded_len(&text), bytes.len());
        }
    }

    #[test]
    fn latin_1_and_private_use_characters_survive() {
        let bytes = "caf\u{f7e9} \u{f8ff} ü"
            .bytes()
            .chain([0xe9])
            .collect::<Vec<_>>();
        assert_eq!(&*encode(&decode(&bytes)), &bytes[..]);
    }
}
