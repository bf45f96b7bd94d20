//! The two ends of a flow: where they are, and how each sees the other.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use netverdict_net::{Family, MacAddr, Protocol};

use super::super::Rng;
use super::super::network::Network;
use super::script::Kind;

/// Where a side is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// On the wire of this interface.
    Wire(usize),
    /// On the host itself.
    Host,
}

/// One end of a flow.
#[derive(Debug, Clone)]
pub(super) struct Side {
    pub(super) place: Place,
    /// Its own address and port, as itself knows them. For ICMP the port is the id.
    pub(super) own: IpAddr,
    pub(super) own_port: u16,
    /// The other's, as packets that reached it said.
    pub(super) peer: IpAddr,
    pub(super) peer_port: u16,
    /// TCP: the next sequence number. SCTP: its verification tag.
    pub(super) seq: u32,
    /// TCP: the window scale it offers.
    pub(super) scale: u8,
    /// The last packet that reached it.
    pub(super) received: Option<Vec<u8>>,
    /// The last packet that it sent.
    pub(super) sent: Option<Vec<u8>>,
}

impl Side {
    fn new(rng: &mut Rng, place: Place, own: (IpAddr, u16), peer: (IpAddr, u16)) -> Self {
        // Now and then a sequence number that is about to wrap.
        let seq = if rng.chance(10) {
            u32::MAX - rng.below(2000) as u32
        } else {
            rng.next() as u32
        };
        Self {
            place,
            own: own.0,
            own_port: own.1,
            peer: peer.0,
            peer_port: peer.1,
            seq,
            scale: rng.below(9) as u8,
            received: None,
            sent: None,
        }
    }

    /// Whether it is no one's: a group or everyone.
    pub(super) fn is_group(&self) -> bool {
        match self.own {
            IpAddr::V4(a) => a.is_multicast() || a.octets()[3] == 255,
            IpAddr::V6(a) => a.is_multicast(),
        }
    }

    /// Learns from a packet that reached it.
    pub(super) fn saw(&mut self, place: Place, packet: &[u8], protocol: Protocol) {
        self.received = Some(packet.to_vec());
        let Some(ends) = ends(packet, protocol) else {
            return;
        };
        if !self.is_group() {
            self.place = place;
            self.own = ends.destination;
        }
        self.peer = ends.source;
        match protocol {
            Protocol::ICMP | Protocol::ICMPV6 => {
                self.own_port = ends.ports.0;
                self.peer_port = ends.ports.0;
            }
            Protocol::TCP | Protocol::UDP | Protocol::UDPLITE | Protocol::SCTP | Protocol::DCCP => {
                self.peer_port = ends.ports.0;
                self.own_port = ends.ports.1;
            }
            _ => {}
        }
    }
}

struct Ends {
    source: IpAddr,
    destination: IpAddr,
    ports: (u16, u16),
}

/// The ends of an unfragmented packet without extension headers.
fn ends(packet: &[u8], protocol: Protocol) -> Option<Ends> {
    let word = |offset: usize| {
        let bytes = packet.get(offset..)?.first_chunk::<2>()?;
        Some(u16::from_be_bytes(*bytes))
    };
    let (source, destination, start) = if packet.first()? >> 4 == 4 {
        if *packet.get(9)? != protocol.0 || word(6)? & 0x1fff != 0 {
            return None;
        }
        let at = |offset: usize| packet.get(offset..)?.first_chunk::<4>().copied();
        let header = usize::from(packet.first()? & 15) * 4;
        (
            Ipv4Addr::from(at(12)?).into(),
            Ipv4Addr::from(at(16)?).into(),
            header,
        )
    } else {
        if *packet.get(6)? != protocol.0 {
            return None;
        }
        let at = |offset: usize| packet.get(offset..)?.first_chunk::<16>().copied();
        (
            Ipv6Addr::from(at(8)?).into(),
            Ipv6Addr::from(at(24)?).into(),
            40,
        )
    };
    let ports = match protocol {
        Protocol::ICMP | Protocol::ICMPV6 => (word(start + 4)?, 0),
        _ => (word(start).unwrap_or(0), word(start + 2).unwrap_or(0)),
    };
    Some(Ends {
        source,
        destination,
        ports,
    })
}

/// Who talks to whom.
pub(super) fn pair(
    rng: &mut Rng,
    network: &Network,
    family: Family,
    number: u16,
    kind: Kind,
) -> [Side; 2] {
    let nics = network.nics.len();
    let (from, source) = origin(rng, network, family);
    let (to, destination) = match (from, rng.below(100)) {
        (_, 0..=7) if kind.may_be_group() => {
            let groups = network.groups(family);
            (Place::Host, *rng.pick(&groups))
        }
        (Place::Wire(_), 8..=50) => (Place::Host, own_address(rng, network, family)),
        (Place::Host, 8..=20) => (Place::Host, local_address(rng, network, family)),
        (Place::Wire(nic), _) if nics > 1 => {
            let other = (nic + 1 + rng.below(nics as u64 - 1) as usize) % nics;
            (Place::Wire(other), outsider(rng, network, family, other))
        }
        (Place::Wire(_), _) => (Place::Host, own_address(rng, network, family)),
        (Place::Host, _) => {
            let nic = rng.below(nics as u64) as usize;
            (Place::Wire(nic), outsider(rng, network, family, nic))
        }
    };
    // A loopback destination answers only to itself.
    let source = if destination.is_loopback() && from == Place::Host {
        destination
    } else {
        source
    };
    // One port for each flow: two flows translated onto one tuple would have the kernel draw a port at random.
    let client = match rng.below(20) {
        0 => 1023 - number,
        1 => 500 - number,
        _ => 32_768 + number * 64 + rng.below(64) as u16,
    };
    let server = if rng.chance(85) {
        *rng.pick(&network.services)
    } else {
        rng.between(1, 65535) as u16
    };
    let (client, server) = match kind {
        Kind::Echo => (client, client),
        Kind::Ftp => (client, 21),
        _ => (client, server),
    };
    [
        Side::new(rng, from, (source, client), (destination, server)),
        Side::new(rng, to, (destination, server), (source, client)),
    ]
}

fn origin(rng: &mut Rng, network: &Network, family: Family) -> (Place, IpAddr) {
    if rng.chance(25) {
        return (Place::Host, own_address(rng, network, family));
    }
    let nic = rng.below(network.nics.len() as u64) as usize;
    let address = if rng.chance(6) {
        odd_source(rng, network, family)
    } else {
        outsider(rng, network, family, nic)
    };
    (Place::Wire(nic), address)
}

/// Sources that should not be.
fn odd_source(rng: &mut Rng, network: &Network, family: Family) -> IpAddr {
    let own = own_address(rng, network, family);
    let everybody = network.everybody(family);
    let anybody = *rng.pick(&everybody);
    let odd: [IpAddr; 4] = match family {
        Family::V4 => [
            Ipv4Addr::LOCALHOST.into(),
            Ipv4Addr::UNSPECIFIED.into(),
            Ipv4Addr::BROADCAST.into(),
            Ipv4Addr::new(224, 0, 0, 9).into(),
        ],
        Family::V6 => [
            Ipv6Addr::LOCALHOST.into(),
            Ipv6Addr::UNSPECIFIED.into(),
            Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 9).into(),
            Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 9).into(),
        ],
    };
    match rng.below(6) {
        0 => own,
        1 => anybody,
        other => odd[other as usize - 2],
    }
}

fn own_address(rng: &mut Rng, network: &Network, family: Family) -> IpAddr {
    let own = network.own(family);
    *rng.pick(&own)
}

fn local_address(rng: &mut Rng, network: &Network, family: Family) -> IpAddr {
    if rng.chance(50) {
        return own_address(rng, network, family);
    }
    match family {
        Family::V4 => Ipv4Addr::LOCALHOST.into(),
        Family::V6 => Ipv6Addr::LOCALHOST.into(),
    }
}

/// Somebody reached by this interface.
fn outsider(rng: &mut Rng, network: &Network, family: Family, nic: usize) -> IpAddr {
    let nic = &network.nics[nic];
    let is_outside = nic.name == network.outside().name;
    let far = if is_outside { &network.far[..] } else { &[] };
    let all = nic.peers.iter().chain(far);
    let all: Vec<IpAddr> = all.copied().filter(|a| Family::of(*a) == family).collect();
    if all.is_empty() {
        return own_address(rng, network, family);
    }
    *rng.pick(&all)
}

/// The link-layer address of a group.
pub(super) fn group_mac(group: IpAddr) -> MacAddr {
    match group {
        IpAddr::V4(a) if a.is_multicast() => {
            let [_, b, c, d] = a.octets();
            MacAddr([1, 0, 0x5e, b & 0x7f, c, d])
        }
        IpAddr::V4(_) => MacAddr::BROADCAST,
        IpAddr::V6(a) => {
            let [.., w, x, y, z] = a.octets();
            MacAddr([0x33, 0x33, w, x, y, z])
        }
    }
}
