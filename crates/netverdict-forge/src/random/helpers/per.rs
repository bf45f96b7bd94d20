//! Writes aligned PER (ITU-T X.691), as far as H.323 needs it.

use std::net::IpAddr;

/// A message under way.
#[derive(Debug, Clone, Default)]
pub(super) struct Per {
    bytes: Vec<u8>,
    /// How many bits of the last octet are used; 0 where it is full.
    used: u32,
}

impl Per {
    /// A number of so many bits.
    pub(super) fn bits(&mut self, value: u32, bits: u32) {
        for bit in (0..bits).rev() {
            if self.used == 0 {
                self.bytes.push(0);
            }
            let set = (value >> bit & 1) as u8;
            if let Some(last) = self.bytes.last_mut() {
                *last |= set << (7 - self.used);
            }
            self.used = (self.used + 1) % 8;
        }
    }

    pub(super) fn flag(&mut self, set: bool) {
        self.bits(set.into(), 1);
    }

    /// Which optional components there are.
    pub(super) fn present(&mut self, there: &[bool]) {
        for one in there {
            self.flag(*one);
        }
    }

    /// The alternative of a choice that newer versions may add to.
    pub(super) fn choose(&mut self, index: u32, bits: u32) {
        self.flag(false);
        self.bits(index, bits);
    }

    /// An alternative that was added later, behind its length.
    pub(super) fn choose_added(&mut self, index: u32, of: &Self) {
        self.flag(true);
        self.bits(index, 7);
        self.open(of);
    }

    /// Octets from an octet's begin.
    pub(super) fn octets(&mut self, octets: &[u8]) {
        self.used = 0;
        self.bytes.extend(octets);
    }

    pub(super) fn word(&mut self, word: u16) {
        self.octets(&word.to_be_bytes());
    }

    pub(super) fn length(&mut self, len: usize) {
        if len < 0x80 {
            self.octets(&[len as u8]);
        } else {
            self.word(0x8000 | len as u16);
        }
    }

    /// An octet string of any length.
    pub(super) fn data(&mut self, data: &[u8]) {
        self.length(data.len());
        self.octets(data);
    }

    /// What stands behind its length.
    pub(super) fn open(&mut self, of: &Self) {
        self.data(&of.bytes);
    }

    /// A number of one to four octets.
    pub(super) fn long(&mut self, value: u32) {
        let octets = value.to_be_bytes();
        let skipped = octets[..3].iter().take_while(|octet| **octet == 0).count();
        self.bits(3 - skipped as u32, 2);
        self.octets(&octets[skipped..]);
    }

    /// Additions to a sequence: those that are there, of so many.
    pub(super) fn additions(&mut self, count: u32, there: &[(u32, Self)]) {
        self.bits(count - 1, 7);
        for index in 0..count {
            self.flag(there.iter().any(|(number, _)| *number == index));
        }
        for (_, addition) in there {
            self.open(addition);
        }
    }

    /// An address of H.225.0.
    pub(super) fn address(&mut self, address: IpAddr, port: u16) {
        match address {
            IpAddr::V4(a) => {
                self.choose(0, 3);
                self.octets(&a.octets());
            }
            IpAddr::V6(a) => {
                self.choose(3, 3);
                self.flag(false);
                self.octets(&a.octets());
            }
        }
        self.word(port);
    }

    /// An address of H.245.
    pub(super) fn channel_address(&mut self, address: IpAddr, port: u16) {
        self.choose(0, 1);
        match address {
            IpAddr::V4(a) => {
                self.choose(0, 3);
                self.flag(false);
                self.octets(&a.octets());
            }
            IpAddr::V6(a) => {
                self.choose(2, 3);
                self.flag(false);
                self.octets(&a.octets());
            }
        }
        self.word(port);
    }

    pub(super) fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bits_fill_octets_from_the_left() {
        let mut per = Per::default();
        per.bits(0b101, 3);
        per.flag(true);
        per.word(0x1234);
        per.long(0x0100);
        assert_eq!(per.into_bytes(), [0xb0, 0x12, 0x34, 0x40, 0x01, 0x00]);
    }

    #[test]
    fn an_address_is_as_in_h225() {
        let mut per = Per::default();
        per.address([10, 0, 0, 2].into(), 1720);
        assert_eq!(per.into_bytes(), [0, 10, 0, 0, 2, 6, 0xb8]);
    }
}
