//! What only Linux can do: namespaces, TAP devices, netlink sockets, child programs.

pub mod conntrack;
pub(crate) mod groups;
pub mod namespace;
pub(crate) mod netlink;
pub(crate) mod nflog;
pub(crate) mod raw;
pub(crate) mod tap;
pub(crate) mod tool;
mod unchecked;

pub use conntrack::{Connection, Tuple};
pub use namespace::Namespace;
pub(crate) use nflog::is_chatter;
pub(crate) use tool::iptables_version;
