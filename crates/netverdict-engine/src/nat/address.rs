//! Which address of a range a connection gets (`find_best_ips_proto`): a hash of its addresses, so that a client always
//! gets the same one.

use std::net::IpAddr;

use netverdict_net::{AddrRange, Family};
use netverdict_ruleset::NatSide;

use crate::conntrack::{Tuple, addr};
use crate::jhash::{jhash2, scale};

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
        set_side(tuple, side, addr(range.start));
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
    let mut hash = jhash2(&source, initial);
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
    let address = match tuple.family {
        Family::V4 => u128::from(chosen[0]),
        Family::V6 => chosen
            .iter()
            .fold(0, |all, word| all << 32 | u128::from(*word)),
    };
    set_side(tuple, side, address);
}

const fn set_side(tuple: &mut Tuple, side: NatSide, address: u128) {
    match side {
        NatSide::Source => tuple.source = address,
        NatSide::Destination => tuple.destination = address,
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
