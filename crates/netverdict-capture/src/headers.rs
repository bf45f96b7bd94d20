//! Headers that etherparse reads; the only place that knows the crate.
//!
//! Only its per-layer slices are used: the whole-packet types stop at the third tag, know no PPPoE and no MPLS, and cost
//! far more. Its Linux cooked slice refuses all but five hardware types, tunnels and loopback among the rest, so that
//! header is read in [`link::cooked`](crate::link::cooked).

use etherparse::{Ethernet2HeaderSlice, SingleVlanHeaderSlice, ether_type};
use netverdict_net::MacAddr;

pub(crate) const IPV4: u16 = ether_type::IPV4.0;
pub(crate) const IPV6: u16 = ether_type::IPV6.0;
pub(crate) const ARP: u16 = ether_type::ARP.0;
pub(crate) const VLAN: u16 = ether_type::VLAN_TAGGED_FRAME.0;
pub(crate) const PROVIDER_VLAN: u16 = ether_type::PROVIDER_BRIDGING.0;
pub(crate) const OLD_DOUBLE_VLAN: u16 = ether_type::VLAN_DOUBLE_TAGGED_FRAME.0;

/// An Ethernet header.
pub(crate) struct Ethernet {
    pub(crate) destination: MacAddr,
    pub(crate) source: MacAddr,
    /// EtherType, or the length of an 802.3 frame.
    pub(crate) ether_type: u16,
}

impl Ethernet {
    pub(crate) const LEN: usize = 14;

    pub(crate) fn read(bytes: &[u8]) -> Option<Self> {
        let header = Ethernet2HeaderSlice::from_slice(bytes).ok()?;
        Some(Self {
            destination: MacAddr(header.destination()),
            source: MacAddr(header.source()),
            ether_type: header.ether_type().0,
        })
    }
}

/// A VLAN tag behind the EtherType that announced it.
pub(crate) struct Vlan {
    /// Priority, drop eligibility, VLAN number.
    pub(crate) tci: u16,
    pub(crate) ether_type: u16,
}

impl Vlan {
    pub(crate) const LEN: usize = 4;

    pub(crate) fn read(bytes: &[u8]) -> Option<Self> {
        let header = SingleVlanHeaderSlice::from_slice(bytes).ok()?;
        let priority = u16::from(header.priority_code_point().value()) << 13;
        let drop = u16::from(header.drop_eligible_indicator()) << 12;
        Some(Self {
            tci: priority | drop | header.vlan_identifier().value(),
            ether_type: header.ether_type().0,
        })
    }
}
