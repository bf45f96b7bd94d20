//! Where a captured packet enters the model: its interface, its direction, its first hook.

use std::fmt;
use std::net::IpAddr;

use netverdict_host::{Flow, Host, OutputRoute, Role, RouteKind};
use netverdict_net::{Device, Family, InterfaceName, Link, LinkKind, MacAddr, PacketType};

use crate::DirectionMode;
use netverdict_capture::Direction;

/// What a frame and its capture say.
#[derive(Debug, Clone, Copy)]
pub struct FrameFacts {
    /// The interface that pcapng names.
    pub interface: Option<InterfaceName>,
    /// The kernel's number for the interface (SLL2).
    pub ifindex: Option<u32>,
    /// pcapng packet flags or the SLL packet type.
    pub direction_hint: Option<Direction>,
    /// The link layer.
    pub link: Link,
    /// Whether a VLAN, PPPoE or MPLS header lies between: the packet belongs to a device on top of the interface.
    pub vlan: Option<u16>,
    /// The IP source.
    pub source: IpAddr,
    /// The IP destination.
    pub destination: IpAddr,
}

/// How something about a frame is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Basis {
    /// The capture names the interface.
    CaptureName,
    /// The frame's interface index, looked up in the bundle.
    InterfaceIndex,
    /// `--iface`.
    InterfaceFlag,
    /// The host has but one interface.
    OnlyInterface,
    /// The reverse route of a packet that went out without having been seen coming in.
    ReverseRoute,
    /// `--direction`.
    DirectionFlag,
    /// pcapng packet flags or the SLL packet type.
    CaptureFlag,
    /// An own MAC address is the frame's source.
    OwnMacSource,
    /// An own MAC address is the frame's destination.
    OwnMacDestination,
    /// The packet's source is an own address.
    OwnAddressSource,
    /// Taps show a looped-back packet once, as it comes in, and what went out before is the same packet.
    Loopback,
    /// Nothing tells: the last resort.
    Default,
}

impl fmt::Display for Basis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::CaptureName => "named by the capture",
            Self::InterfaceIndex => "by its index",
            Self::InterfaceFlag => "--iface",
            Self::OnlyInterface => "the only interface",
            Self::ReverseRoute => "the route back to its source",
            Self::DirectionFlag => "--direction",
            Self::CaptureFlag => "marked in the capture",
            Self::OwnMacSource => "sent from an own MAC address",
            Self::OwnMacDestination => "sent to an own MAC address",
            Self::OwnAddressSource => "its source is an own address",
            Self::Loopback => "looped back",
            Self::Default => "nothing tells otherwise",
        })
    }
}

/// Which hook a packet enters first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Entry {
    /// It came in: PREROUTING, then routing decides.
    Prerouting,
    /// It was made here: OUTPUT.
    Output,
    /// It went out, but its source is not this host: the forwarded copy of a packet that came in, if one was seen
    /// ([`Placement::arrival`] otherwise).
    Forwarded,
    /// It was for another host: the kernel drops it before any hook.
    OtherHost,
    /// A copy from below a device that was captured too (a bridge's port, a VLAN's carrier): it counts there.
    Below,
}

/// Where a captured packet enters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Placement {
    /// The interface it was captured on.
    pub interface: Device,
    /// How that is known; `None` if it is not.
    pub interface_basis: Option<Basis>,
    /// The bridge's port that it was captured on, if `interface` is a bridge above it.
    pub port: Option<InterfaceName>,
    /// In or out.
    pub direction: Direction,
    /// How that is known.
    pub direction_basis: Basis,
    /// The hook it enters.
    pub entry: Entry,
    /// For [`Entry::Forwarded`] without an inbound copy: where it came in, by the route back to its source.
    pub arrival: Device,
    /// Whom the frame is for, with the own addresses taken into account.
    pub packet_type: PacketType,
}

/// What the user and the bundle say beyond the host itself.
#[derive(Debug, Clone, Default)]
pub struct Own {
    /// `--iface`.
    pub interface: Option<InterfaceName>,
    /// `--direction`.
    pub direction: DirectionMode,
    /// The host's MAC addresses, sorted.
    pub macs: Vec<MacAddr>,
    /// Whether those are all of them: a unicast frame to any other is not for this host.
    pub macs_complete: bool,
    /// The interfaces that the captures name, sorted.
    pub captured: Vec<InterfaceName>,
}

/// Places a frame: interface, direction and entry hook, in the order of the contract's steps.
pub fn place(facts: &FrameFacts, host: &Host, own: &Own) -> Placement {
    Placer::new(host, own).place(facts)
}

/// Places frame after frame. Most were taken where the one before was.
#[derive(Debug)]
pub struct Placer<'h> {
    host: &'h Host,
    own: &'h Own,
    last: Option<(Origin, Station)>,
}

/// What decides the interface of a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Origin {
    interface: Option<InterfaceName>,
    ifindex: Option<u32>,
    vlan: Option<u16>,
}

/// The interface where a frame counts.
#[derive(Debug, Clone, Copy)]
struct Station {
    interface: Device,
    basis: Option<Basis>,
    port: Option<InterfaceName>,
    /// Whether it was taken below that interface, which was captured too.
    is_below: bool,
}

impl<'h> Placer<'h> {
    /// Places frames of a host.
    pub const fn new(host: &'h Host, own: &'h Own) -> Self {
        Self {
            host,
            own,
            last: None,
        }
    }

    /// Places a frame.
    pub fn place(&mut self, facts: &FrameFacts) -> Placement {
        let (host, own) = (self.host, self.own);
        let Station {
            interface,
            basis,
            port,
            is_below,
        } = self.station(facts);
        let (direction, direction_basis) = direction(facts, host, own, interface);
        let is_foreign = direction == Direction::In && is_other_host(facts, own);
        // What a bridge passes on is seen on its ports; on the bridge itself only by who listens to everything.
        let is_elsewhere = if is_foreign && is_passed_on(facts, interface, host) {
            port.is_none() && own.captures_port_of(interface, host)
        } else {
            is_below
        };
        let entry = if is_elsewhere {
            Entry::Below
        } else {
            entry(facts, host, direction, is_foreign)
        };
        Placement {
            interface,
            interface_basis: basis,
            port,
            direction,
            direction_basis,
            entry,
            arrival: match entry {
                Entry::Forwarded => arrival(facts, host, interface),
                Entry::Prerouting | Entry::Output | Entry::OtherHost | Entry::Below => interface,
            },
            packet_type: packet_type(facts, direction, is_foreign),
        }
    }

    fn station(&mut self, facts: &FrameFacts) -> Station {
        let origin = Origin {
            interface: facts.interface,
            ifindex: facts.ifindex,
            vlan: facts.vlan,
        };
        if let Some((_, station)) = self.last.filter(|(last, _)| *last == origin) {
            return station;
        }
        let (taken_on, basis) = interface(facts, self.host, self.own);
        let interface = on_top(taken_on, facts, self.host);
        let is_captured = || interface.name().is_some_and(|n| self.own.captures(n));
        let station = Station {
            interface,
            basis,
            port: port(taken_on, interface, self.host),
            is_below: taken_on != interface && is_captured(),
        };
        self.last = Some((origin, station));
        station
    }
}

/// Whether a frame for another host goes on over a bridge that shows it to the rules.
fn is_passed_on(facts: &FrameFacts, interface: Device, host: &Host) -> bool {
    let bridge = interface.name().and_then(|name| host.interface(name));
    bridge.is_some_and(|bridge| bridge.role == Role::Bridge)
        && host.bridges_call(Family::of(facts.source)) == Some(true)
}

/// The port below a bridge.
fn port(taken_on: Device, above: Device, host: &Host) -> Option<InterfaceName> {
    let bridge = host.interface(above.name()?)?;
    let port = taken_on.name().copied()?;
    (taken_on != above && bridge.role == Role::Bridge).then_some(port)
}

/// Step 1.
fn interface(facts: &FrameFacts, host: &Host, own: &Own) -> (Device, Option<Basis>) {
    let by_index = || {
        let interface = host.interface_by_index(facts.ifindex.filter(|i| *i != 0)?)?;
        Some((interface.name, Basis::InterfaceIndex))
    };
    let found = facts
        .interface
        .map(|name| (name, Basis::CaptureName))
        .or_else(by_index)
        .or(own.interface.map(|name| (name, Basis::InterfaceFlag)))
        .or_else(|| only(host).map(|name| (name, Basis::OnlyInterface)));
    match found {
        Some((name, basis)) => (Device::Named(name), Some(basis)),
        None => (Device::Unknown, None),
    }
}

/// The device whose name IP hooks see: the VLAN device of a tagged frame, if the host has one of the usual name, and
/// the bridge or bond of a port.
fn on_top(taken_on: Device, facts: &FrameFacts, host: &Host) -> Device {
    let Device::Named(mut name) = taken_on else {
        return taken_on;
    };
    if let Some(vlan) = facts.vlan.filter(|v| *v != 0) {
        name = vlan_device(name, vlan, host).unwrap_or(name);
    }
    // A master may have a master; no chain is longer than the list of interfaces.
    for _ in host.interfaces() {
        match host.interface(&name).and_then(|i| i.master) {
            Some(master) if !is_vrf(&master, host) => name = master,
            _ => break,
        }
    }
    Device::Named(name)
}

fn is_vrf(name: &InterfaceName, host: &Host) -> bool {
    host.interface(name)
        .is_some_and(|i| matches!(i.role, Role::Vrf { .. }))
}

fn vlan_device(name: InterfaceName, vlan: u16, host: &Host) -> Option<InterfaceName> {
    let names = [
        format!("{name}.{vlan}"),
        format!("vlan{vlan}"),
        format!("{name}.{vlan:04}"),
        format!("vlan{vlan:04}"),
    ];
    names
        .iter()
        .filter_map(|n| InterfaceName::new(n).ok())
        .find(|n| host.interface(n).is_some())
}

/// The only interface beside the loopback device.
fn only(host: &Host) -> Option<InterfaceName> {
    let mut others = host.interfaces().iter().filter(|i| !i.is_loopback());
    let first = others.next()?.name;
    others.next().is_none().then_some(first)
}

/// Step 2.
fn direction(facts: &FrameFacts, host: &Host, own: &Own, interface: Device) -> (Direction, Basis) {
    match own.direction {
        DirectionMode::In => return (Direction::In, Basis::DirectionFlag),
        DirectionMode::Out => return (Direction::Out, Basis::DirectionFlag),
        DirectionMode::Auto => {}
    }
    let loopback = matches!(interface, Device::Named(name) if name == InterfaceName::loopback());
    if loopback && made_here(facts, host) {
        return (Direction::Out, Basis::Loopback);
    }
    if let Some(hint) = facts.direction_hint {
        return (hint, Basis::CaptureFlag);
    }
    // Every frame on the loopback device has the same MAC addresses, zeros.
    if !loopback {
        if facts.link.source.is_some_and(|m| own.has(m)) {
            return (Direction::Out, Basis::OwnMacSource);
        }
        if facts.link.destination.is_some_and(|m| own.has(m)) {
            return (Direction::In, Basis::OwnMacDestination);
        }
    }
    if host.is_own(facts.source) {
        return (Direction::Out, Basis::OwnAddressSource);
    }
    (Direction::In, Basis::Default)
}

/// Steps 3, 4 and 6.
fn entry(facts: &FrameFacts, host: &Host, direction: Direction, is_foreign: bool) -> Entry {
    match direction {
        Direction::In if is_foreign => Entry::OtherHost,
        Direction::In => Entry::Prerouting,
        Direction::Out if made_here(facts, host) => Entry::Output,
        Direction::Out => Entry::Forwarded,
    }
}

/// An own source, or one that no packet on its way through has.
fn made_here(facts: &FrameFacts, host: &Host) -> bool {
    host.is_own(facts.source) || facts.source.is_unspecified() || facts.source.is_loopback()
}

/// A unicast frame to a MAC address that is known not to be ours.
fn is_other_host(facts: &FrameFacts, own: &Own) -> bool {
    let to_other = facts.link.kind == LinkKind::Ethernet
        && own.macs_complete
        && facts
            .link
            .destination
            .is_some_and(|m| m.0[0] & 1 == 0 && m != MacAddr::default() && !own.has(m));
    facts.link.packet_type == PacketType::OtherHost || to_other
}

fn packet_type(facts: &FrameFacts, direction: Direction, is_foreign: bool) -> PacketType {
    match (direction, facts.link.packet_type) {
        (Direction::In, PacketType::Broadcast | PacketType::Multicast) => facts.link.packet_type,
        (Direction::Out, _) => PacketType::Outgoing,
        (Direction::In, _) if is_foreign => PacketType::OtherHost,
        (Direction::In, _) => PacketType::Host,
    }
}

/// Where a packet of this source would have come in. It cannot have come in where it goes out only because nothing else
/// is known.
fn arrival(facts: &FrameFacts, host: &Host, out: Device) -> Device {
    match host.route_output(&Flow::output(facts.destination, facts.source)) {
        OutputRoute::Out {
            way,
            kind: RouteKind::Unicast,
            ..
        } if way.device != out || host.routes_known(netverdict_net::Family::of(facts.source)) => {
            way.device
        }
        _ => Device::Unknown,
    }
}

impl Own {
    fn captures(&self, name: &InterfaceName) -> bool {
        self.captured.binary_search(name).is_ok()
    }

    fn captures_port_of(&self, bridge: Device, host: &Host) -> bool {
        let master = |name: &InterfaceName| host.interface(name).and_then(|i| i.master);
        self.captured
            .iter()
            .any(|name| master(name).map(Device::Named) == Some(bridge))
    }

    /// Whether the MAC address is one of the host's.
    pub fn has(&self, mac: MacAddr) -> bool {
        self.macs.binary_search(&mac).is_ok()
    }
}

#[cfg(test)]
mod tests;
