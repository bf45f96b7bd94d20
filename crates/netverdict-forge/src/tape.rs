//! A tape: frames that capturing devices saw, put in order of time at the end.

use netverdict_net::Timestamp;

/// Whether a frame came into the capturing host or left it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    In,
    Out,
}

/// One captured frame.
#[derive(Debug, Clone)]
pub struct Shot {
    pub time: Timestamp,
    /// Index of the capturing interface on the tape.
    pub interface: usize,
    pub way: Way,
    pub frame: Vec<u8>,
}

/// What a capture on some interfaces holds.
#[derive(Debug, Clone, Default)]
pub struct Tape {
    /// The interfaces' names.
    pub interfaces: Vec<String>,
    shots: Vec<Shot>,
}

impl Tape {
    /// A tape of these interfaces.
    pub fn new(interfaces: &[&str]) -> Self {
        Self {
            interfaces: interfaces.iter().map(|i| (*i).to_owned()).collect(),
            shots: Vec::new(),
        }
    }

    /// Records a frame.
    pub fn record(&mut self, shot: Shot) {
        self.shots.push(shot);
    }

    /// All frames in order of time; those of one instant in order of recording.
    pub fn finish(mut self) -> (Vec<String>, Vec<Shot>) {
        self.shots.sort_by_key(|s| s.time);
        (self.interfaces, self.shots)
    }
}
