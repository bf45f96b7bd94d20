//! Decompression on a thread of its own: it costs more than all that is done with its output.

use std::io::{self, Cursor, Read};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;

const BLOCK: u64 = 256 << 10;
const BLOCKS_AHEAD: usize = 4;

/// Reads what another thread has read before. An error comes once, at its place; then the end.
#[derive(Debug)]
pub(crate) struct ReadAhead {
    blocks: Option<Receiver<io::Result<Vec<u8>>>>,
    current: Cursor<Vec<u8>>,
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
            current: Cursor::default(),
        })
    }

    /// Takes the next block; false at the end.
    fn advance(&mut self) -> io::Result<bool> {
        match self.blocks.as_ref().map(Receiver::recv) {
            Some(Ok(Ok(block))) => {
                self.current = Cursor::new(block);
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

impl Read for ReadAhead {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            let read = self.current.read(buffer)?;
            if read > 0 || buffer.is_empty() || !self.advance()? {
                return Ok(read);
            }
        }
    }
}

/// Sends block after block, what came before an error first, until the end or nobody listens.
fn pump(mut input: impl Read, sender: &SyncSender<io::Result<Vec<u8>>>) {
    loop {
        let mut block = Vec::new();
        let result = (&mut input).take(BLOCK).read_to_end(&mut block);
        let is_end = block.is_empty();
        if !is_end && sender.send(Ok(block)).is_err() {
            return;
        }
        match result {
            Err(error) => {
                // A reader that has gone does not want the error either.
                drop(sender.send(Err(error)));
                return;
            }
            Ok(_) if is_end => return,
            Ok(_) => {}
        }
    }
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
        let input = Cursor::new(vec![7; 600_000]).chain(Fails);
        let mut reader = ReadAhead::spawn(input).unwrap();
        let mut bytes = Vec::new();
        let error = reader.read_to_end(&mut bytes).unwrap_err();
        assert_eq!(
            (bytes.len(), error.to_string().as_str()),
            (600_000, "broken")
        );
        assert_eq!(reader.read(&mut [0; 4]).unwrap(), 0);
    }
}
