//! `-m cluster`: this node's share of connections.

use std::fmt;

use crate::Invertible;

/// Tests whether the hash of the connection's source falls to one of the masked nodes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cluster {
    /// `--cluster-local-nodemask` (`--cluster-local-node` sets one bit).
    pub nodes: Invertible<u32>,
    /// `--cluster-total-nodes`, 1..=32.
    pub total: u32,
    /// `--cluster-hash-seed`.
    pub seed: u32,
}

impl fmt::Display for Cluster {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { nodes, total, seed } = self;
        write!(
            f,
            "{} --cluster-local-nodemask 0x{:08x}",
            nodes.bang(),
            nodes.value
        )?;
        write!(
            f,
            " --cluster-total-nodes {total} --cluster-hash-seed 0x{seed:08x}"
        )
    }
}
