//! Multicast groups that the described host has joined: a socket for each, held while the host lives.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, UdpSocket};

use netverdict_host::{Group, HostFacts, Interface};

use super::Namespace;

/// Joins every group of the description. Of IPv4 an interface without an address can be named by its route only.
pub(crate) fn join(
    _inside: &Namespace,
    facts: &HostFacts,
    index: impl Fn(&Interface) -> u32,
) -> Vec<UdpSocket> {
    let interfaces = facts.interfaces.iter().filter(|i| !i.is_loopback());
    let pairs = interfaces.flat_map(|interface| {
        let here = move |g: &&Group| g.device.is_none_or(|device| device == interface.name);
        let groups = facts.groups.iter().filter(here);
        groups.map(move |group| (interface, group.address))
    });
    pairs
        .filter_map(|(interface, group)| one(interface, group, index(interface)))
        .collect()
}

fn one(interface: &Interface, group: IpAddr, index: u32) -> Option<UdpSocket> {
    match group {
        IpAddr::V4(group) => {
            let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0)).ok()?;
            let own = interface.addresses.iter().find_map(|a| match a.local {
                IpAddr::V4(own) => Some(own),
                IpAddr::V6(_) => None,
            });
            let own = own.unwrap_or(Ipv4Addr::UNSPECIFIED);
            socket.join_multicast_v4(&group, &own).ok()?;
            Some(socket)
        }
        IpAddr::V6(group) => {
            let socket = UdpSocket::bind((Ipv6Addr::UNSPECIFIED, 0)).ok()?;
            socket.join_multicast_v6(&group, index).ok()?;
            Some(socket)
        }
    }
}
