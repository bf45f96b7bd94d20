//! Memory for bytes that goes back to whoever fills it again.

use std::ops::Deref;
use std::sync::mpsc::Sender;

/// Bytes, and who wants their memory back.
#[derive(Debug, Default)]
pub(crate) struct Buffer {
    bytes: Vec<u8>,
    home: Option<Sender<Vec<u8>>>,
}

impl Buffer {
    /// Bytes whose memory goes back.
    pub(crate) const fn lent(bytes: Vec<u8>, home: Sender<Vec<u8>>) -> Self {
        Self {
            bytes,
            home: Some(home),
        }
    }

    pub(crate) fn get_mut(&mut self) -> &mut [u8] {
        &mut self.bytes
    }
}

impl From<Vec<u8>> for Buffer {
    fn from(bytes: Vec<u8>) -> Self {
        Self { bytes, home: None }
    }
}

impl Clone for Buffer {
    fn clone(&self) -> Self {
        self.bytes.clone().into()
    }
}

impl Deref for Buffer {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.bytes
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        if let Some(home) = self.home.take() {
            // At the end nobody wants it.
            drop(home.send(std::mem::take(&mut self.bytes)));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::channel;

    use super::*;

    #[test]
    fn memory_goes_back_once() {
        let (home, back) = channel();
        let buffer = Buffer::lent(vec![1, 2, 3], home);
        let copy = buffer.clone();
        drop(buffer);
        assert_eq!(*copy, [1, 2, 3]);
        drop(copy);
        assert_eq!(back.into_iter().collect::<Vec<_>>(), [vec![1, 2, 3]]);
    }
}
