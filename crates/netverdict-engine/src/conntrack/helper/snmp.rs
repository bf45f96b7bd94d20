//! Addresses in SNMP messages of translated connections (nf_nat_snmp_basic_main.c): those of versions 1 and 2c, in answers
//! and in what a trap's sender says. The kernel drops what it cannot parse; here only messages of the usual form are
//! parsed, and what it makes of others is unknown.

use netverdict_net::checksum;

use super::talk::Talk;
use super::{Direction, Help, unread};

pub(super) const PORT: u16 = 161;
const TRAP_PORT: u16 = 162;

const INTEGER: u8 = 0x02;
const OCTETS: u8 = 0x04;
const NULL: u8 = 0x05;
const OBJECT: u8 = 0x06;
const SEQUENCE: u8 = 0x30;
const ADDRESS: u8 = 0x40;
/// Counter, gauge, ticks, opaque, big counter.
const OTHER_VALUES: [u8; 5] = [0x41, 0x42, 0x43, 0x44, 0x46];
/// No such object, no such instance, end of the view.
const EXCEPTIONS: [u8; 3] = [0x80, 0x81, 0x82];

const CONSTRUCTED: u8 = 0x20;

const STRANGE: Help = Help::Unknown("an SNMP message of an unusual form");

pub(super) fn translate(talk: &mut Talk<'_, '_, '_>) -> Help {
    let (own, other) = (*talk.own(), *talk.other());
    let original = talk.direction == Direction::Original;
    let passed = if original {
        own.source_port == PORT
    } else {
        own.destination_port == TRAP_PORT
    };
    if passed || !talk.is_translated() {
        return Help::Accept;
    }
    if !talk.is_whole_datagram() {
        return Help::Drop;
    }
    let (from, to) = if original {
        (own.source, other.destination)
    } else {
        (other.source, own.destination)
    };
    if from == to {
        return Help::Accept;
    }
    let payload = match talk.payload() {
        Ok(payload) => payload,
        Err(beyond) => return unread(beyond),
    };
    let places = match addresses(payload) {
        Ok(places) => places,
        Err(said) => return said,
    };
    let (from, to) = ((from as u32).to_be_bytes(), (to as u32).to_be_bytes());
    for at in places {
        if talk
            .payload()
            .is_ok_and(|all| all.get(at..at + 4) == Some(&from))
        {
            talk.patch(at, from, to);
        }
    }
    Help::Accept
}

/// The checksum after four bytes at `at` of the payload changed.
pub(super) fn patched(check: u16, at: usize, from: [u8; 4], to: [u8; 4]) -> u16 {
    let pad = |[a, b, c, d]: [u8; 4]| {
        if at.is_multiple_of(2) {
            [a, b, c, d, 0, 0]
        } else {
            [0, a, b, c, d, 0]
        }
    };
    checksum::update(check, &pad(from), &pad(to))
}

/// One element: its tag, and where its content begins and ends.
#[derive(Debug, Clone, Copy)]
struct Element {
    tag: u8,
    start: usize,
    end: usize,
}

/// Reads elements one behind the other, up to an end.
#[derive(Debug, Clone, Copy)]
struct Reader<'d> {
    data: &'d [u8],
    at: usize,
    end: usize,
}

impl Reader<'_> {
    fn next(&mut self) -> Option<Element> {
        let data = self.data.get(..self.end)?;
        let &[tag, first, ..] = data.get(self.at..)? else {
            return None;
        };
        let (len, header) = match first {
            0..=0x7f => (usize::from(first), 2),
            0x81 => (usize::from(*data.get(self.at + 2)?), 3),
            0x82 => {
                let word = data.get(self.at + 2..self.at + 4)?;
                (usize::from(word[0]) << 8 | usize::from(word[1]), 4)
            }
            _ => return None,
        };
        let start = self.at + header;
        let end = start + len;
        (end <= self.end).then_some(())?;
        self.at = end;
        Some(Element { tag, start, end })
    }

    /// The next element, which must have this tag. The kernel drops a message with another one there; of what is missing
    /// at an end it asks nothing, which is not modelled.
    fn expect(&mut self, tag: u8) -> Result<Element, Help> {
        let element = self.next().ok_or(STRANGE)?;
        match element.tag ^ tag {
            0 => Ok(element),
            CONSTRUCTED => Err(STRANGE),
            _ => Err(Help::Drop),
        }
    }

    /// Nothing may follow: the kernel drops a message with more.
    const fn finish(&self) -> Result<(), Help> {
        if self.at == self.end {
            Ok(())
        } else {
            Err(Help::Drop)
        }
    }

    const fn inside(&self, element: Element) -> Self {
        Self {
            data: self.data,
            at: element.start,
            end: element.end,
        }
    }

    const fn is_over(&self) -> bool {
        self.at == self.end
    }
}

/// Where in a message addresses stand.
pub(super) fn addresses(data: &[u8]) -> Result<Vec<usize>, Help> {
    // What does not begin as a message at all, the kernel drops for sure.
    if !data.is_empty() && (data.len() < 2 || data[0] != SEQUENCE) {
        return Err(Help::Drop);
    }
    let mut all = Reader {
        data,
        at: 0,
        end: data.len(),
    };
    let message = all.expect(SEQUENCE)?;
    let mut parts = all.inside(message);
    let version = parts.expect(INTEGER)?;
    // The kernel drops versions that it does not know.
    if version.end - version.start != 1 || data[version.start] > 1 {
        return Err(Help::Drop);
    }
    parts.expect(OCTETS)?;
    let pdu = parts.next().ok_or(STRANGE)?;
    if !matches!(pdu.tag, 0xa0..=0xa3 | 0xa5..=0xa8) {
        return Err(if pdu.tag & 0xe0 == 0xa0 {
            Help::Drop
        } else {
            STRANGE
        });
    }
    parts.finish()?;
    let mut fields = parts.inside(pdu);
    for _ in 0..3 {
        fields.expect(INTEGER)?;
    }
    let list = fields.expect(SEQUENCE)?;
    fields.finish()?;
    bindings(fields.inside(list))
}

/// Where addresses stand in a list of variables and their values.
fn bindings(mut list: Reader<'_>) -> Result<Vec<usize>, Help> {
    // The kernel's decoder loses its place in an empty list, and drops the message.
    if list.is_over() {
        return Err(Help::Drop);
    }
    let mut places = Vec::new();
    while !list.is_over() {
        let binding = list.expect(SEQUENCE)?;
        let mut pair = list.inside(binding);
        pair.expect(OBJECT)?;
        let value = pair.next().ok_or(STRANGE)?;
        match value.tag {
            ADDRESS if value.end - value.start != 4 => return Err(Help::Drop),
            ADDRESS => places.push(value.start),
            INTEGER | OCTETS | NULL | OBJECT => {}
            tag if OTHER_VALUES.contains(&tag) || EXCEPTIONS.contains(&tag) => {}
            _ => return Err(STRANGE),
        }
        pair.finish()?;
    }
    Ok(places)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// A response with one address.
    const RESPONSE: [u8; 32] = [
        0x30, 30, 2, 1, 1, 4, 1, b'p', 0xa2, 22, 2, 1, 1, 2, 1, 0, 2, 1, 0, 0x30, 11, 0x30, 9, 6,
        1, 43, 0x40, 4, 10, 0, 0, 2,
    ];

    #[test]
    fn addresses_are_found_in_the_usual_form_only() {
        assert_eq!(addresses(&RESPONSE), Ok(vec![28]));
        let mut third = RESPONSE;
        third[4] = 3;
        assert_eq!(addresses(&third), Err(Help::Drop));
        assert_eq!(addresses(&RESPONSE[..31]), Err(STRANGE));
        assert_eq!(addresses(&[0]), Err(Help::Drop));
        let mut odd = RESPONSE;
        odd[8] = 0xa4;
        assert_eq!(addresses(&odd), Err(Help::Drop));
    }

    proptest! {
        #[test]
        fn any_bytes_may_come(
            mut bytes in prop::collection::vec(any::<u8>(), 0..40),
            places in prop::collection::vec((0_usize..32, any::<u8>()), 0..4),
        ) {
            let _read = addresses(&bytes);
            bytes = RESPONSE.to_vec();
            for (at, byte) in places {
                bytes[at] = byte;
            }
            if let Ok(found) = addresses(&bytes) {
                prop_assert!(found.iter().all(|at| at + 4 <= bytes.len()));
            }
        }
    }
}
