//! Jenkins' lookup3 over 32-bit words, as include/linux/jhash.h computes it.

/// The arbitrary initial value of every jhash.
const INITVAL: u32 = 0xdead_beef;

/// Hashes an array of words (`jhash2`).
pub(crate) fn jhash2(words: &[u32], initval: u32) -> u32 {
    let start = INITVAL
        .wrapping_add((words.len() as u32) << 2)
        .wrapping_add(initval);
    let mut state = [start; 3];
    let mut rest = words;
    while let [a, b, c, tail @ ..] = rest {
        if tail.is_empty() {
            break;
        }
        state = mix(add(state, [*a, *b, *c]));
        rest = tail;
    }
    if rest.is_empty() {
        return state[2];
    }
    let mut last = [0; 3];
    last[..rest.len()].copy_from_slice(rest);
    finish(add(state, last))
}

/// Hashes one word (`jhash_1word`).
pub(crate) fn jhash_1word(word: u32, initval: u32) -> u32 {
    jhash2(&[word], initval)
}

/// Hashes three words (`jhash_3words`).
pub(crate) fn jhash_3words(words: [u32; 3], initval: u32) -> u32 {
    jhash2(&words, initval)
}

/// Scales a hash to `0..limit` (`reciprocal_scale`).
pub(crate) const fn scale(hash: u32, limit: u32) -> u32 {
    ((hash as u64 * limit as u64) >> 32) as u32
}

fn add(state: [u32; 3], words: [u32; 3]) -> [u32; 3] {
    std::array::from_fn(|i| state[i].wrapping_add(words[i]))
}

fn mix([mut a, mut b, mut c]: [u32; 3]) -> [u32; 3] {
    a = a.wrapping_sub(c) ^ c.rotate_left(4);
    c = c.wrapping_add(b);
    b = b.wrapping_sub(a) ^ a.rotate_left(6);
    a = a.wrapping_add(c);
    c = c.wrapping_sub(b) ^ b.rotate_left(8);
    b = b.wrapping_add(a);
    a = a.wrapping_sub(c) ^ c.rotate_left(16);
    c = c.wrapping_add(b);
    b = b.wrapping_sub(a) ^ a.rotate_left(19);
    a = a.wrapping_add(c);
    c = c.wrapping_sub(b) ^ b.rotate_left(4);
    b = b.wrapping_add(a);
    [a, b, c]
}

fn finish([mut a, mut b, mut c]: [u32; 3]) -> u32 {
    c = (c ^ b).wrapping_sub(b.rotate_left(14));
    a = (a ^ c).wrapping_sub(c.rotate_left(11));
    b = (b ^ a).wrapping_sub(a.rotate_left(25));
    c = (c ^ b).wrapping_sub(b.rotate_left(16));
    a = (a ^ c).wrapping_sub(c.rotate_left(4));
    b = (b ^ a).wrapping_sub(a.rotate_left(14));
    (c ^ b).wrapping_sub(b.rotate_left(24))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// lookup3.c's own driver5 vectors: "Four score and seven years ago" is 30 bytes, so only whole-word inputs are
    /// taken here; hashword() of no words gives the initial value.
    #[test]
    fn no_words_give_the_start_value() {
        assert_eq!(jhash2(&[], 0), 0xdead_beef);
        assert_eq!(jhash2(&[], 0xdead_beef), 0xbd5b_7dde);
    }

    #[test]
    fn one_word_is_an_array_of_one() {
        assert_eq!(jhash_1word(0x0a00_0001, 7), jhash2(&[0x0a00_0001], 7));
    }

    #[test]
    fn scaling_keeps_to_the_limit() {
        assert_eq!(scale(0, 4), 0);
        assert_eq!(scale(u32::MAX, 4), 3);
        assert_eq!(scale(1 << 31, 4), 2);
    }
}
