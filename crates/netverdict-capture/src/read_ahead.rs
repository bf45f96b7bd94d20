//! Decompression on a thread of its own: it costs more than all that is done with its output.

use std::io::{self, Read};
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};
use std::thread;

use crate::buffer::Buffer;

/// Bytes decompressed at a time.
pub(crate) const BLOCK: usize = 256 << 10;
/// Bytes left free before them, for what the block before has of a record that ends in this one.
pub(crate) const ROOM: usize = 64 << 10;
const BLOCKS_AHEAD: usize = 4;

/// Bytes read ahead.
#[derive(Debug, Default)]
pub(crate) struct Block {
    bytes: Buffer,
    /// Where they begin: what lies before is of no use any more.
    start: usize,
}

impl Block {
    fn rest(&self) -> &[u8] {
        self.bytes.get(self.start..).unwrap_or_default()
    }

    /// The bytes with others, at most [`ROOM`], right before them, and where those begin.
    pub(crate) fn behind(mut self, others: &[u8]) -> (Buffer, usize) {
        let start = self.start.saturating_sub(others.len());
        if let Some(room) = self.bytes.get_mut().get_mut(start..self.start) {
            room.copy_from_slice(others);
        }
        (self.bytes, start)
    }
}

/// Reads what another thread has read before. An error comes once, at its place; then the end.
#[derive(Debug)]
pub(crate) struct ReadAhead {
    blocks: Option<Receiver<io::Result<Block>>>,
    /// What is left of the last block.
    current: Block,
}

impl ReadAhead {
    /// Begins to read `input` ahead.
    ///
    /// # Errors
    /// The system gives no thread.
    pub(crate) fn spawn(input: impl Read + Send + 'static) -> io::Result<Self> {
        let (sender, receiver) = sync_channel(BLOCKS_AHEAD);
        thread::Builder::new()
            .name("decompress".to_owned())
            .spawn(move || pump(input, &sender))?;
        Ok(Self {
            blocks: Some(receiver),
            current: Block::default(),
        })
    }

    /// Adds up to `want` bytes, fewer only at the end or before an error.
    pub(crate) fn append(&mut self, bytes: &mut Vec<u8>, want: usize) -> io::Result<usize> {
        let mut left = want;
        while left > 0 {
            let rest = self.current.rest();
            if rest.is_empty() {
                match self.next()? {
                    Some(block) => self.current = block,
                    None => break,
                }
                continue;
            }
            let taken = rest.get(..left).unwrap_or(rest);
            bytes.extend_from_slice(taken);
            let taken = taken.len();
            self.current.start += taken;
            left -= taken;
        }
        Ok(want - left)
    }

    /// The rest of the block at hand, or the next one; `None` at the end.
    pub(crate) fn block(&mut self) -> io::Result<Option<Block>> {
        if self.current.rest().is_empty() {
            self.next()
        } else {
            Ok(Some(std::mem::take(&mut self.current)))
        }
    }

    /// The next block.
    fn next(&mut self) -> io::Result<Option<Block>> {
        match self.blocks.as_ref().map(Receiver::recv) {
            Some(Ok(Ok(block))) => return Ok(Some(block)),
            Some(Ok(Err(error))) => {
                self.blocks = None;
                return Err(error);
            }
            Some(Err(_)) | None => self.blocks = None,
        }
        Ok(None)
    }
}

/// Sends block after block, what came before an error first, until the end or nobody listens.
fn pump(mut input: impl Read, sender: &SyncSender<io::Result<Block>>) {
    let (home, used): (Sender<Vec<u8>>, Receiver<Vec<u8>>) = channel();
    loop {
        let mut bytes = used.try_recv().unwrap_or_default();
        let result = fill(&mut input, &mut bytes);
        let is_end = bytes.len() == ROOM;
        let block = Block {
            bytes: Buffer::lent(bytes, home.clone()),
            start: ROOM,
        };
        if !is_end && sender.send(Ok(block)).is_err() {
            return;
        }
        match result {
            Err(error) => {
                // A reader that has gone does not want the error either.
                drop(sender.send(Err(error)));
                return;
            }
            Ok(()) if is_end => return,
            Ok(()) => {}
        }
    }
}

/// Fills a block behind its free room, or as much of it as there is.
fn fill(input: &mut impl Read, bytes: &mut Vec<u8>) -> io::Result<()> {
    bytes.resize(ROOM + BLOCK, 0);
    let mut filled = ROOM;
    let result = loop {
        let Some(room) = bytes.get_mut(filled..).filter(|room| !room.is_empty()) else {
            break Ok(());
        };
        match input.read(room) {
            Ok(0) => break Ok(()),
            Ok(read) => filled += read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => break Err(error),
        }
    };
    bytes.truncate(filled);
    result
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Fails;

    impl Read for Fails {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            Err(io::Error::other("broken"))
        }
    }

    #[test]
    fn bytes_come_before_the_error_that_followed_them() {
        let input = io::Cursor::new(vec![7; 600_000]).chain(Fails);
        let mut reader = ReadAhead::spawn(input).unwrap();
        let mut bytes = Vec::new();
        let error = reader.append(&mut bytes, 1_000_000).unwrap_err();
        assert_eq!(
            (bytes.len(), error.to_string().as_str()),
            (600_000, "broken")
        );
        assert_eq!(reader.append(&mut bytes, 4).unwrap(), 0);
    }

    #[test]
    fn blocks_are_the_rest_of_the_one_at_hand_and_then_whole() {
        let whole: Vec<u8> = (0..600_000_u32).map(|n| (n / 7) as u8).collect();
        let input = io::Cursor::new(whole.clone()).chain(Fails);
        let mut reader = ReadAhead::spawn(input).unwrap();
        let mut bytes = Vec::new();
        reader.append(&mut bytes, 4096).unwrap();
        let mut lengths = Vec::new();
        while let Ok(Some(block)) = reader.block() {
            assert!(block.start >= ROOM);
            lengths.push(block.rest().len());
            bytes.extend_from_slice(block.rest());
        }
        assert_eq!(lengths, [BLOCK - 4096, BLOCK, 600_000 - 2 * BLOCK]);
        assert_eq!(bytes, whole);
        assert!(reader.block().unwrap().is_none());
    }

    #[test]
    fn bytes_come_in_order_however_many_are_wanted() {
        let whole: Vec<u8> = (0..3_000_000_u32).map(|n| (n / 7) as u8).collect();
        let mut reader = ReadAhead::spawn(io::Cursor::new(whole.clone())).unwrap();
        let mut bytes = Vec::new();
        let wanted = [1, 4096, BLOCK, 1000, 3 * BLOCK, 10_000_000];
        let read = wanted.map(|want| reader.append(&mut bytes, want).unwrap());
        assert_eq!(read[..5], wanted[..5]);
        assert_eq!(bytes, whole);
    }
}
