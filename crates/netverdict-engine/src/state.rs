//! All that moves between packets, behind one seam: what a packet changed can be taken back.
//!
//! An undecidable match makes the engine follow a packet both ways. Only one way may leave traces, so every store here
//! can be rewound to the last checkpoint.

/// A store whose changes since the last checkpoint can be taken back.
pub(crate) trait Rewind {
    /// Starts recording changes. What was recorded before is forgotten.
    fn checkpoint(&mut self);
    /// Takes back every change since the checkpoint and stops recording.
    fn rollback(&mut self);
    /// Keeps the changes and stops recording.
    fn commit(&mut self);
}

/// The state of one network namespace.
#[derive(Debug, Default)]
pub(crate) struct State {
    // One field a store: conntrack, nat, defrag, sets, recent lists, hashlimit tables, rule slots, random numbers.
}
