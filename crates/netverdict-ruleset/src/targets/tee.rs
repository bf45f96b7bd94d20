//! `-j TEE`: sends a copy to another host.

use std::fmt;
use std::net::IpAddr;

use netverdict_net::InterfaceName;

/// Sends a copy of the packet to a neighbour and goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tee {
    /// `--gateway`.
    pub gateway: IpAddr,
    /// `--oif`: the device to send on.
    pub out_interface: Option<InterfaceName>,
}

impl fmt::Display for Tee {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, " --gateway {}", self.gateway)?;
        match &self.out_interface {
            Some(name) => write!(f, " --oif {name}"),
            None => Ok(()),
        }
    }
}
