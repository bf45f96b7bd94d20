//! The accounting objects of `-m nfacct` whose quota the user states (net/netfilter/nfnetlink_acct.c).

use super::Rewind;
use super::journal::Journal;

/// What passed each object, by name; those of both families are the same.
#[derive(Debug, Clone, Default)]
pub(crate) struct Accounts {
    names: Vec<String>,
    /// Packets and bytes.
    used: Vec<[u64; 2]>,
    journal: Journal<(usize, [u64; 2])>,
}

impl Accounts {
    /// The place of an object.
    pub(crate) fn place(&mut self, name: &str) -> usize {
        if let Some(at) = self.names.iter().position(|known| known == name) {
            return at;
        }
        self.names.push(name.to_owned());
        self.used.push([0; 2]);
        self.names.len() - 1
    }

    /// Counts a packet and gives what passed so far.
    pub(crate) fn count(&mut self, place: usize, len: u64) -> [u64; 2] {
        let Some(used) = self.used.get_mut(place) else {
            return [0; 2];
        };
        let before = *used;
        self.journal.note(|| (place, before));
        let [packets, bytes] = used;
        *packets = packets.wrapping_add(1);
        *bytes = bytes.wrapping_add(len);
        *used
    }
}

impl Rewind for Accounts {
    fn checkpoint(&mut self) {
        self.journal.start();
    }

    fn rollback(&mut self) {
        for (place, old) in self.journal.take().into_iter().rev() {
            if let Some(used) = self.used.get_mut(place) {
                *used = old;
            }
        }
    }

    fn commit(&mut self) {
        self.journal.stop();
    }
}
