//! `-j NFQUEUE`: lets a program decide.

use std::fmt;

/// Hands the packet to the listener of a queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Nfqueue {
    /// `--queue-num`, or the first of `--queue-balance`.
    pub first: u16,
    /// How many queues share the packets, at least 1.
    pub count: u16,
    /// `--queue-bypass`: go on if nobody listens.
    pub bypass: bool,
    /// `--queue-cpu-fanout`: the processor chooses the queue.
    pub cpu_fanout: bool,
}

impl fmt::Display for Nfqueue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.count > 1 {
            let last = u32::from(self.first) + u32::from(self.count) - 1;
            write!(f, " --queue-balance {}:{last}", self.first)?;
        } else {
            write!(f, " --queue-num {}", self.first)?;
        }
        f.write_str(if self.bypass { " --queue-bypass" } else { "" })?;
        f.write_str(if self.cpu_fanout {
            " --queue-cpu-fanout"
        } else {
            ""
        })
    }
}
