//! What a first pass over the captures tells about the host: which MAC and IP addresses send and receive on which
//! interface, and in which direction where the capture knows.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use netverdict_capture::Direction;
use netverdict_host::Interface;
use netverdict_net::{InterfaceName, MacAddr};

use crate::{Bundle, Overrides};

mod surveyor;

pub use surveyor::Surveyor;

/// How many addresses are kept for a MAC address or an interface; a few are what the inferences look at.
const KEPT: usize = 256;

/// What the captures show, by the interface they name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Survey {
    /// By interface; `None` is captures that name none.
    pub interfaces: BTreeMap<Option<InterfaceName>, InterfaceSurvey>,
}

/// What was seen on one interface.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct InterfaceSurvey {
    /// IP packets.
    pub packets: u64,
    /// IP packets in unicast Ethernet frames.
    pub unicast_frames: u64,
    /// By MAC address of unicast frames.
    pub macs: BTreeMap<MacAddr, MacFacts>,
    /// By IP address, the first so many.
    pub addresses: BTreeMap<IpAddr, Seen>,
    /// Multicast groups that packets were sent to, the first so many.
    pub groups: BTreeMap<IpAddr, u64>,
    /// Source and destination of the first packet between two unicast addresses.
    pub first: Option<(IpAddr, IpAddr)>,
}

/// What a MAC address did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MacFacts {
    /// Unicast frames that it sent or received.
    pub frames: u64,
    /// Unicast frames sent.
    pub sent: u64,
    /// Sent frames whose TTL nobody has lowered yet.
    pub fresh_ttl: u64,
    /// Frames that the capture marks as going out, sent by it, or as coming in, to it.
    pub own_hints: u64,
    /// Sources of the frames it sent, the first so many.
    pub sources: BTreeMap<IpAddr, Seen>,
}

/// How often an address was seen, in which part.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Seen {
    /// Packets with it as source or destination.
    pub packets: u64,
    /// Packets with it as source.
    pub sent: u64,
    /// Sent packets whose TTL nobody has lowered yet.
    pub fresh_ttl: u64,
    /// As the source of packets marked as going out.
    pub out_source: u64,
    /// As the destination of packets marked as going out.
    pub out_destination: u64,
    /// As the source of packets marked as coming in.
    pub in_source: u64,
    /// As the destination of packets marked as coming in.
    pub in_destination: u64,
}

/// One packet as the survey takes it.
#[derive(Debug, Clone, Copy)]
pub struct SurveyPacket {
    /// The interface that the capture names.
    pub interface: Option<InterfaceName>,
    /// The direction that the capture names.
    pub direction: Option<Direction>,
    /// The MAC addresses of an Ethernet frame, source first.
    pub macs: Option<(MacAddr, MacAddr)>,
    /// The IP source.
    pub source: IpAddr,
    /// The IP destination.
    pub destination: IpAddr,
    /// TTL or hop limit.
    pub ttl: u8,
}

impl Survey {
    /// Whether captures can tell more about the host than its files and the flags do; assumptions, which are for
    /// reports, tell of the captures in any case.
    pub fn can_tell(bundle: &Bundle, overrides: &Overrides) -> bool {
        let Some(interfaces) = &bundle.interfaces else {
            return true;
        };
        // On a device on top of another a packet counts where it was captured.
        let is_stacked = |interface: &Interface| {
            let name = interface.name.as_str();
            interface.master.is_some() || name.contains('.') || name.starts_with("vlan")
        };
        !overrides.local.is_empty() || interfaces.iter().any(is_stacked)
    }

    /// Stands for captures that nobody has looked at, where [`Self::can_tell`] says no: both families may occur.
    pub fn unseen() -> Self {
        let mut addresses = BTreeMap::new();
        for address in [
            IpAddr::V4(Ipv4Addr::UNSPECIFIED),
            IpAddr::V6(Ipv6Addr::UNSPECIFIED),
        ] {
            addresses.insert(address, Seen::default());
        }
        let seen = InterfaceSurvey {
            addresses,
            ..InterfaceSurvey::default()
        };
        Self {
            interfaces: BTreeMap::from([(None, seen)]),
        }
    }

    /// The multicast groups that packets were sent to, but those that every host joins.
    pub fn groups(&self) -> impl Iterator<Item = IpAddr> {
        self.interfaces
            .values()
            .flat_map(|s| s.groups.keys().copied())
            .filter(|g| !is_everybodys(*g))
    }

    /// The interfaces that the captures name.
    pub fn named(&self) -> impl Iterator<Item = InterfaceName> {
        self.interfaces.keys().flatten().copied()
    }
}

impl InterfaceSurvey {
    /// Whether the capture marks directions here.
    pub fn has_directions(&self) -> bool {
        self.addresses
            .values()
            .any(|s| s.out_source + s.in_source + s.in_destination + s.out_destination > 0)
    }
}

/// All-hosts groups, and the solicited-node groups that follow from a host's addresses.
fn is_everybodys(group: IpAddr) -> bool {
    match group {
        IpAddr::V4(g) => g.octets() == [224, 0, 0, 1],
        IpAddr::V6(g) => matches!(
            g.segments(),
            [0xff01 | 0xff02, 0, 0, 0, 0, 0, 0, 1] | [0xff02, 0, 0, 0, 0, 1, 0xff00..=0xffff, _]
        ),
    }
}
