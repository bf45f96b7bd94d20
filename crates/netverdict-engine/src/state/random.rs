//! Randomness as a function of the seed and the packet alone.
//!
//! The kernel draws from its random pool; a replay must give the same answer each time, whatever other packets run
//! beside this one. So a draw depends on the seed, the packet's time and head, and how many draws that packet made.

use netverdict_net::{Packet, Timestamp};

use super::Rewind;

/// The source of all random numbers.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Random {
    seed: u64,
    now: Draws,
    before: Draws,
}

/// Which packet drew last, and how often.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Draws {
    packet: u64,
    count: u64,
}

impl Random {
    /// Starts from a seed.
    pub(crate) const fn new(seed: u64) -> Self {
        Self {
            seed,
            now: Draws {
                packet: 0,
                count: 0,
            },
            before: Draws {
                packet: 0,
                count: 0,
            },
        }
    }

    /// The next 32 random bits for this packet.
    pub(crate) fn draw(&mut self, time: Timestamp, packet: &Packet<'_>) -> u32 {
        let key = identity(self.seed, time, packet);
        let count = if self.now.packet == key {
            self.now.count + 1
        } else {
            0
        };
        self.now = Draws { packet: key, count };
        (mix(key ^ mix(count)) >> 32) as u32
    }
}

/// Time and the first bytes, which hold addresses, ports, identification and sequence numbers.
fn identity(seed: u64, time: Timestamp, packet: &Packet<'_>) -> u64 {
    let head = packet.captured().chunks(8).take(6);
    head.fold(mix(seed ^ mix(time.0 as u64)), |hash, chunk| {
        let mut word = [0; 8];
        word[..chunk.len()].copy_from_slice(chunk);
        mix(hash ^ u64::from_le_bytes(word))
    })
}

/// The finalizer of splitmix64.
const fn mix(value: u64) -> u64 {
    let value = value.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    value ^ (value >> 31)
}

impl Rewind for Random {
    fn checkpoint(&mut self) {
        self.before = self.now;
    }

    fn rollback(&mut self) {
        self.now = self.before;
    }

    fn commit(&mut self) {}
}

#[cfg(test)]
mod tests {
    use super::*;
    use netverdict_net::{Family, Link};

    fn packet(id: u8) -> Packet<'static> {
        let mut bytes = vec![0x45; 28];
        bytes[5] = id;
        Packet::owned(bytes, Family::V4, Link::default())
    }

    #[test]
    fn equal_seed_and_packet_draw_equal_numbers() {
        let draw = |seed, id| {
            let mut random = Random::new(seed);
            [0, 1].map(|_| random.draw(Timestamp(7), &packet(id)))
        };
        assert_eq!(draw(1, 2), draw(1, 2));
        assert_ne!(draw(1, 2), draw(2, 2));
        assert_ne!(draw(1, 2), draw(1, 3));
        let [first, second] = draw(1, 2);
        assert_ne!(first, second);
    }

    #[test]
    fn other_packets_between_do_not_matter() {
        let mut random = Random::new(1);
        random.draw(Timestamp(6), &packet(9));
        let after = random.draw(Timestamp(7), &packet(2));
        assert_eq!(after, Random::new(1).draw(Timestamp(7), &packet(2)));
    }

    #[test]
    fn rollback_draws_the_same_again() {
        let mut random = Random::new(1);
        random.draw(Timestamp(7), &packet(2));
        random.checkpoint();
        let first = random.draw(Timestamp(7), &packet(2));
        random.rollback();
        assert_eq!(first, random.draw(Timestamp(7), &packet(2)));
    }

    #[test]
    fn numbers_are_spread_evenly() {
        let mut random = Random::new(3);
        let low = (0..4000)
            .filter(|&i| random.draw(Timestamp(i), &packet(1)) < u32::MAX / 4)
            .count();
        assert!((850..1150).contains(&low), "{low} of 4000 below a quarter");
    }
}
