//! What a packet's in-device says of its link header, for the matches and sets that read MAC addresses.

use netverdict_host::{Host, InterfaceKind};

use crate::Skb;

/// Whether the in-device is one of type ARPHRD_ETHER; one that nobody described is, if its frames look so. Packets of any
/// other device have no link header where the kernel looks for Ethernet's.
pub(crate) fn is_ethernet(host: &Host, skb: &Skb<'_>) -> bool {
    let interface = skb.in_device.name().and_then(|name| host.interface(name));
    interface.is_none_or(|interface| interface.kind == InterfaceKind::Ethernet)
}
