//! The TCP options that tracking reads.

use super::window::after;
use super::{Side, SideFlags};

const END: u8 = 0;
const NOP: u8 = 1;
const WINDOW_SCALE: u8 = 3;
const SACK_PERMITTED: u8 = 4;
const SACK: u8 = 5;
const MAX_SCALE: u8 = 14;

/// Options as `(kind, value)`; ends at the end mark or the first option that is malformed.
struct Options<'o>(&'o [u8]);

impl<'o> Iterator for Options<'o> {
    type Item = (u8, &'o [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let (&kind, rest) = self.0.split_first()?;
            match kind {
                END => return None,
                NOP => self.0 = rest,
                _ => {
                    let size = usize::from(*rest.first()?);
                    let value = self.0.get(2..size)?;
                    self.0 = self.0.get(size..)?;
                    return Some((kind, value));
                }
            }
        }
    }
}

/// Reads a SYN's window scale and SACK permission into a side, whose other notes but LIBERAL go (`tcp_options`). A
/// header without options changes nothing.
pub(super) fn read(options: &[u8], side: &mut Side) {
    if options.is_empty() {
        return;
    }
    side.scale = 0;
    side.flags = side.flags & SideFlags::LIBERAL;
    for option in Options(options) {
        match option {
            (SACK_PERMITTED, []) => side.flags.insert(SideFlags::SACK_PERMITTED),
            (WINDOW_SCALE, [scale]) => {
                side.scale = (*scale).min(MAX_SCALE);
                side.flags.insert(SideFlags::WINDOW_SCALE);
            }
            _ => {}
        }
    }
}

/// The highest right edge of the first SACK option's blocks, if it is beyond `ack` (`tcp_sack`).
pub(super) fn sack(options: &[u8], ack: u32) -> u32 {
    let blocks = Options(options).find_map(|(kind, value)| {
        (kind == SACK && value.len() >= 8 && value.len() % 8 == 0).then_some(value)
    });
    let mut highest = ack;
    for block in blocks.unwrap_or_default().chunks_exact(8) {
        let edge = u32::from_be_bytes([block[4], block[5], block[6], block[7]]);
        if after(edge, highest) {
            highest = edge;
        }
    }
    highest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_malformed_option_ends_the_list() {
        let mut side = Side::default();
        read(&[2, 4, 5, 180, 3, 3, 20, 4, 2], &mut side);
        assert_eq!(side.scale, 14);
        assert!(
            side.flags
                .contains(SideFlags::WINDOW_SCALE | SideFlags::SACK_PERMITTED)
        );
        read(&[8, 1, 3, 3, 7, 0], &mut side);
        assert_eq!(side.scale, 0);
        assert_eq!(side.flags, SideFlags::default());
    }

    #[test]
    fn sack_takes_the_highest_edge_of_its_blocks() {
        let blocks = [1, 1, 5, 18, 0, 0, 0, 5, 0, 0, 0, 9, 0, 0, 0, 1, 0, 0, 0, 3];
        assert_eq!(sack(&blocks, 2), 9);
        assert_eq!(sack(&blocks, 100), 100);
        assert_eq!(sack(&[5, 9, 0, 0, 0, 1, 0, 0, 0], 1), 1);
    }
}
