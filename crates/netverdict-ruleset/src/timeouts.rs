//! Timeout policies of connection tracking: what `-j CT --timeout NAME` gives to connections.

use netverdict_net::{Family, Protocol};

/// A policy as `nfct list timeout` prints it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TimeoutPolicy {
    /// Its name.
    pub name: String,
    /// Whose connections may have it.
    pub family: Family,
    /// Whose connections may have it; 255 is every protocol without a tracker of its own.
    pub protocol: Protocol,
    /// Seconds for each state, by the state's printed name.
    pub seconds: Vec<(String, u32)>,
}
