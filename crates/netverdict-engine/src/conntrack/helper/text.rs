//! Reading numbers as the kernel does.

/// A decimal number at the start, wrapping as the kernel's do, and how many digits it has.
pub(super) fn decimal(bytes: &[u8]) -> (u64, usize) {
    let digits = bytes.iter().take_while(|byte| byte.is_ascii_digit());
    digits.fold((0, 0), |(value, len): (u64, usize), digit| {
        let value = value.wrapping_mul(10).wrapping_add(u64::from(digit - b'0'));
        (value, len + 1)
    })
}

/// A number in the base that its begin names (`0x`, `0`, or neither), and how long it is (`simple_strtoul`).
pub(super) fn number(bytes: &[u8]) -> (u64, usize) {
    let (base, skipped) = match bytes {
        [b'0', b'x' | b'X', digit, ..] if digit.is_ascii_hexdigit() => (16, 2),
        [b'0', ..] => (8, 0),
        _ => (10, 0),
    };
    let digits = bytes[skipped..]
        .iter()
        .map_while(|byte| char::from(*byte).to_digit(base));
    digits.fold((0, skipped), |(value, len): (u64, usize), digit| {
        let value = value
            .wrapping_mul(u64::from(base))
            .wrapping_add(u64::from(digit));
        (value, len + 1)
    })
}

/// Whether `bytes` begin with `word` in whatever case.
pub(super) fn begins(bytes: &[u8], word: &[u8]) -> bool {
    bytes
        .get(..word.len())
        .is_some_and(|start| start.eq_ignore_ascii_case(word))
}
