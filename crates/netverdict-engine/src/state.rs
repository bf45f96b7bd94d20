//! All that moves between packets, behind one seam: what a packet changed can be taken back.
//!
//! An undecidable match makes the engine follow a packet both ways. Only one way may leave traces, so every store here
//! can be rewound to the last checkpoint.
