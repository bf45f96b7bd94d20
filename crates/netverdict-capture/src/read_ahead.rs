//! Decompression on a thread of its own: it costs more than all that is done with its output.

use std::io::{self, Read};
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};
use std::thread;

const BLOCK: usize = 256 << 10;
const BLOCKS_AHEAD: usize = 4;

/// Bytes read ahead. Its buffer is used again.
#[derive(Debug, Default)]
struct Block {
    /// As many as fit; only `filled` of them were read.
    bytes: Vec<u8>,
    filled: usize,
}

/// Reads what another thread has read before. An error comes once, at its place; then the end.
#[derive(Debug)]
pub(crate) struct ReadAhead {
    blocks: Option<Receiver<io::Result<Block>>>,
    /// Takes blocks back that were read.
    used: Sender<Block>,
    current: Block,
    /// How much of it was given.
    given: usize,
}

impl ReadAhead {
    /// Begins to read `input` ahead.
    ///
    /// # Errors
    /// The system gives no thread.
    pub(crate) fn spawn(input: impl Read + Send + 'static) -> io::Result<Self> {
        let (sender, receiver) = sync_channel(BLOCKS_AHEAD);
        let (used, free) = channel();
        thread::Builder::new()
            .name("decompress".to_owned())
            .spawn(move || pump(input, &sender, &free))?;
        Ok(Self {
            blocks: Some(receiver),
            used,
            current: Block::default(),
            given: 0,
        })
    }

    /// Adds up to `want` bytes, fewer only at the end or before an error.
    pub(crate) fn append(&mut self, bytes: &mut Vec<u8>, want: usize) -> io::Result<usize> {
        let mut left = want;
        while left > 0 {
            let rest = self.rest();
            if rest.is_empty() {
                if !self.advance()? {
                    break;
                }
                continue;
            }
            let taken = rest.get(..left).unwrap_or(rest);
            bytes.extend_from_slice(taken);
            let taken = taken.len();
            self.given += taken;
            left -= taken;
        }
        Ok(want - left)
    }

    /// What is left of the current block.
    fn rest(&self) -> &[u8] {
        let rest = self.current.bytes.get(self.given..self.current.filled);
        rest.unwrap_or_default()
    }

    /// Takes the next block; false at the end.
    fn advance(&mut self) -> io::Result<bool> {
        match self.blocks.as_ref().map(Receiver::recv) {
            Some(Ok(Ok(block))) => {
                self.given = 0;
                let used = std::mem::replace(&mut self.current, block);
                // At the end nobody wants it.
                drop(self.used.send(used));
                return Ok(true);
            }
            Some(Ok(Err(error))) => {
                self.blocks = None;
                return Err(error);
            }
            Some(Err(_)) | None => self.blocks = None,
        }
        Ok(false)
    }
}

/// Sends block after block, what came before an error first, until the end or nobody listens.
fn pump(mut input: impl Read, sender: &SyncSender<io::Result<Block>>, free: &Receiver<Block>) {
    loop {
        let mut block = free.try_recv().unwrap_or_default();
        let result = fill(&mut input, &mut block);
        let is_end = block.filled == 0;
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

/// Fills a block, or as much of it as there is.
fn fill(input: &mut impl Read, block: &mut Block) -> io::Result<()> {
    block.bytes.resize(BLOCK, 0);
    block.filled = 0;
    while let Some(room) = block
        .bytes
        .get_mut(block.filled..)
        .filter(|r| !r.is_empty())
    {
        match input.read(room) {
            Ok(0) => break,
            Ok(read) => block.filled += read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
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
