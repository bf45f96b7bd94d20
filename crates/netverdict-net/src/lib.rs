//! The words every other crate uses: families, addresses, ports, protocols, interface names, time and packets.
//!
//! Pure values, no I/O, no clock. A [`Packet`] is bytes from the IP header on, as a hook sees them; header readers over
//! it never panic and tell "beyond the packet's end" from "not captured".

mod address;
mod device;
mod family;
mod link;
mod packet;
mod port;
mod protocol;
mod time;

pub mod checksum;
pub mod header;

pub use address::{AddrMask, AddrParseError, AddrRange};
pub use device::{Device, InterfaceName, InterfaceNameError, InterfacePattern};
pub use family::Family;
pub use link::{Link, LinkKind, MacAddr, MacMask, MacParseError, PacketType};
pub use packet::{Beyond, Packet, PacketError};
pub use port::PortRange;
pub use protocol::Protocol;
pub use time::{Jiffies, Timestamp};
