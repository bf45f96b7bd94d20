//! The kernel as judge: a host in a network namespace of its own, real packets through real netfilter.
//!
//! [`kernel`] holds what only Linux can do: namespaces, TAP devices, netlink. [`rig`] builds a host from a plain
//! description, loads dumps with the real tools, injects packets where a capture would have seen them, and tells what
//! became of each.

pub mod captured;
pub mod case;
pub mod compare;
pub mod error;
pub mod helpers;
pub mod kernel;
pub mod model;
pub mod present;
pub mod random;
pub mod reach;
pub mod record;
pub mod rig;
pub mod shrink;

pub use captured::{ConformError, Conformed, assumed_ways, conform};
pub use case::{Case, Frame, KernelRun};
pub use error::RigError;
