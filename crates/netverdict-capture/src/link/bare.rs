//! Links without addresses: raw IP, and the address family word of NULL and LOOP.

use netverdict_net::Family;

use super::{Bytes, Decoded};
use crate::frame::{Layer, Network, SkipReason};

const FAMILY_LEN: usize = 4;

pub(crate) fn raw(bytes: Bytes<'_>, family: Option<Family>) -> Decoded {
    Decoded {
        network: bytes.ip(family),
        ..Decoded::default()
    }
}

/// The word is in the capturing host's byte order: families are small, so a word with upper bits is swapped.
pub(crate) fn null(bytes: Bytes<'_>) -> Decoded {
    word(bytes, |family| {
        if family & 0xffff_0000 == 0 {
            family
        } else {
            family.swap_bytes()
        }
    })
}

pub(crate) fn loopback(bytes: Bytes<'_>) -> Decoded {
    word(bytes, |family| family)
}

fn word(bytes: Bytes<'_>, order: fn(u32) -> u32) -> Decoded {
    let network = match bytes.rest().first_chunk() {
        None => bytes.missing(FAMILY_LEN, Layer::Null),
        Some(word) => match order(u32::from_be_bytes(*word)) {
            2 => bytes.skip(FAMILY_LEN).ip(Some(Family::V4)),
            // Linux, NetBSD and OpenBSD, FreeBSD, Darwin.
            10 | 24 | 28 | 30 => bytes.skip(FAMILY_LEN).ip(Some(Family::V6)),
            family => Network::Skipped(SkipReason::AddressFamily(family)),
        },
    };
    Decoded {
        network,
        ..Decoded::default()
    }
}
