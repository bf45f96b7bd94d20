//! Which address of a range a connection gets (`find_best_ips_proto`): a hash of its addresses, so that a client always
//! gets the same one.

use std::net::IpAddr;

use netverdict_net::{AddrRange, Family};
use netverdict_ruleset::NatSide;

use crate::conntrack::{Tuple, addr};

/// Sets the translated side's address to one of the range.
pub(super) fn choose(
    tuple: &mut Tuple,
    range: AddrRange,
    side: NatSide,
    persistent: bool,
    zone: u16,
) {
    let (min, max) = (words(range.start), words(range.end));
    if range.start == range.end {
        *side_of(tuple, side) = addr(range.start);
        return;
    }
    let source = memory(tuple.source(), tuple.family);
    let mut destination = memory(tuple.destination(), tuple.family);
    let last = match tuple.family {
        Family::V4 => 0,
        Family::V6 => 3,
    };
    let initial = if persistent {
        0
    } else {
        destination[last] ^ u32::from(zone)
    };
    let mut hash = jhash2(source, initial);
    let mut chosen = [0; 4];
    let mut free = false;
    for index in 0..=last {
        let (low, span) = if free {
            (0, u32::MAX)
        } else {
            (
                min[index],
                max[index].wrapping_sub(min[index]).wrapping_add(1),
            )
        };
        chosen[index] = low.wrapping_add(scale(hash, span));
        free |= chosen[index] != max[index];
        if side == NatSide::Destination {
            // The kernel writes in place, and goes on with the word just written.
            destination[index] = chosen[index].swap_bytes();
        }
        if !persistent {
            hash ^= destination[index];
        }
    }
    *side_of(tuple, side) = match tuple.family {
        Family::V4 => u128::from(chosen[0]),
        Family::V6 => chosen
            .iter()
            .fold(0, |all, word| all << 32 | u128::from(*word)),
    };
}

const fn side_of(tuple: &mut Tuple, side: NatSide) -> &mut u128 {
    match side {
        NatSide::Source => &mut tuple.source,
        NatSide::Destination => &mut tuple.destination,
    }
}

/// An address's 32-bit words in host order, IPv4 in the first.
fn words(address: IpAddr) -> [u32; 4] {
    match address {
        IpAddr::V4(a) => [a.to_bits(), 0, 0, 0],
        IpAddr::V6(a) => {
            let bits = a.to_bits();
            [96, 64, 32, 0].map(|shift| (bits >> shift) as u32)
        }
    }
}

/// The words as a little-endian machine loads them, which is what the kernel hashes.
fn memory(address: IpAddr, family: Family) -> [u32; 4] {
    debug_assert_eq!(Family::of(address), family);
    words(address).map(u32::swap_bytes)
}

/// `reciprocal_scale`: 32 random bits to a number below `span`.
const fn scale(value: u32, span: u32) -> u32 {
    ((value as u64 * span as u64) >> 32) as u32
}

/// Jenkins' lookup3 over four words (include/linux/jhash.h, `jhash2`).
pub(crate) const fn jhash2(words: [u32; 4], initial: u32) -> u32 {
    let start = 0xdead_beef_u32.wrapping_add(4 << 2).wrapping_add(initial);
    let [mut a, mut b, mut c] = [start; 3];
    a = a.wrapping_add(words[0]);
    b = b.wrapping_add(words[1]);
    c = c.wrapping_add(words[2]);
    // __jhash_mix
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
    a = a.wrapping_add(words[3]);
    // __jhash_final
    c = (c ^ b).wrapping_sub(b.rotate_left(14));
    a = (a ^ c).wrapping_sub(c.rotate_left(11));
    b = (b ^ a).wrapping_sub(a.rotate_left(25));
    c = (c ^ b).wrapping_sub(b.rotate_left(16));
    a = (a ^ c).wrapping_sub(c.rotate_left(4));
    b = (b ^ a).wrapping_sub(a.rotate_left(14));
    (c ^ b).wrapping_sub(b.rotate_left(24))
}
