//! Fragments that left the host, put together again: the model says what the datagram was, not how it was cut.

/// The packets as they were before the host cut them, in the order of their first pieces.
pub(super) fn reassembled(packets: &[&[u8]]) -> Vec<Vec<u8>> {
    let mut whole: Vec<(Option<Key>, Vec<u8>)> = Vec::new();
    for packet in packets {
        let Some(piece) = Piece::of(packet) else {
            whole.push((None, packet.to_vec()));
            continue;
        };
        let started = whole.iter().position(|(key, _)| *key == Some(piece.key));
        match started {
            Some(at) => whole[at].1.extend_from_slice(piece.payload),
            None => whole.push((Some(piece.key), piece.head())),
        }
    }
    whole
        .into_iter()
        .map(|(key, packet)| {
            if key.is_some() {
                relabel(packet)
            } else {
                packet
            }
        })
        .collect()
}

/// What fragments of one datagram share: addresses, id and protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Key {
    addresses: [u8; 32],
    id: u32,
    protocol: u8,
}

struct Piece<'p> {
    key: Key,
    header: &'p [u8],
    payload: &'p [u8],
}

impl<'p> Piece<'p> {
    fn of(packet: &'p [u8]) -> Option<Self> {
        if packet.first()? >> 4 == 4 {
            Self::v4(packet)
        } else {
            Self::v6(packet)
        }
    }

    fn v4(packet: &'p [u8]) -> Option<Self> {
        let word = |at: usize| Some(u16::from_be_bytes(*packet.get(at..)?.first_chunk()?));
        if word(6)? << 2 == 0 {
            return None;
        }
        let header_len = usize::from(packet.first()? & 15) * 4;
        let (header, payload) = packet.split_at_checked(header_len)?;
        let mut addresses = [0; 32];
        addresses[..8].copy_from_slice(packet.get(12..20)?);
        Some(Self {
            key: Key {
                addresses,
                id: u32::from(word(4)?),
                protocol: *packet.get(9)?,
            },
            header,
            payload,
        })
    }

    /// Atomic ones too: what was cut before is sent on with a fragment header, even if it fits.
    fn v6(packet: &'p [u8]) -> Option<Self> {
        let at = super::fragment_header(packet)?;
        let (header, rest) = packet.split_at_checked(at)?;
        let (fragment, payload) = rest.split_at_checked(8)?;
        let mut addresses = [0; 32];
        addresses.copy_from_slice(header.get(8..40)?);
        Some(Self {
            key: Key {
                addresses,
                id: u32::from_be_bytes(*fragment.last_chunk()?),
                protocol: fragment[0],
            },
            header,
            payload,
        })
    }

    fn head(&self) -> Vec<u8> {
        let mut bytes = self.header.to_vec();
        if let Some(next) = (bytes[0] >> 4 == 6)
            .then(|| last_next_header(&bytes))
            .flatten()
        {
            bytes[next] = self.key.protocol;
        }
        bytes.extend(self.payload);
        bytes
    }
}

/// Where the last of an IPv6 packet's headers says what comes behind it.
fn last_next_header(headers: &[u8]) -> Option<usize> {
    let (mut field, mut at) = (6, 40);
    while at < headers.len() {
        field = at;
        at += (usize::from(*headers.get(at + 1)?) + 1) * 8;
    }
    Some(field)
}

/// Makes the lengths say what is there, and clears the fragment word.
fn relabel(mut packet: Vec<u8>) -> Vec<u8> {
    let len = packet.len();
    if packet[0] >> 4 == 4 {
        packet[2..4].copy_from_slice(&(len as u16).to_be_bytes());
        packet[6..8].copy_from_slice(&[0, 0]);
        let header = usize::from(packet[0] & 15) * 4;
        packet[10..12].copy_from_slice(&[0, 0]);
        let sum = netverdict_net::checksum::sum(&packet[..header], 0);
        let sum = netverdict_net::checksum::finish(sum);
        packet[10..12].copy_from_slice(&sum.to_be_bytes());
    } else {
        packet[4..6].copy_from_slice(&((len - 40) as u16).to_be_bytes());
    }
    packet
}

#[cfg(test)]
mod tests {
    use netverdict_forge::random::packet::{self, Ip};
    use netverdict_net::Protocol;

    use super::*;

    #[test]
    fn what_was_cut_is_whole_again() {
        let v4 = |a, b| Ip {
            fragment: 0,
            id: 7,
            ..Ip::new([10, 0, 0, a].into(), [10, 0, 0, b].into())
        };
        let one = v4(1, 2).packet(Protocol::UDP, &[1; 100]);
        let other = v4(3, 4).packet(Protocol::UDP, &[2; 30]);
        let pieces = packet::fragments_v4(&one, 48);
        let sent: Vec<&[u8]> = vec![&pieces[0], &other, &pieces[1], &pieces[2]];
        assert_eq!(reassembled(&sent), [one, other]);
        let ip = Ip::new([0x20; 16].into(), [0x21; 16].into());
        let six = ip.packet(Protocol::UDP, &[3; 100]);
        let pieces = packet::fragments_v6(&six, 64, 9);
        let sent: Vec<&[u8]> = pieces.iter().map(Vec::as_slice).collect();
        assert_eq!(reassembled(&sent), [six]);
    }
}
