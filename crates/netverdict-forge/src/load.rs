//! Inputs for measuring: long captures and long rulesets, from a seed. The same arguments give the same bytes.

mod flows;
pub mod rules;
pub mod traffic;

use netverdict_net::MacAddr;

use crate::scene::host::{HostSpec, Nic, RouteSpec};

/// The router's address towards the servers.
const OUTSIDE: &str = "203.0.113.1";
const OUTSIDE_MAC: MacAddr = MacAddr([2, 0, 0, 0, 0, 1]);
const INSIDE_MAC: MacAddr = MacAddr([2, 0, 0, 0, 0, 2]);
/// Whoever sends to the router.
const NEIGHBOUR_MAC: MacAddr = MacAddr([2, 0, 0, 0, 1, 1]);

/// A router between clients (198.18.0.0/16) and servers (198.19.0.0/16): on one leg, or, where it translates addresses,
/// with a leg to each.
fn host(two_legs: bool) -> HostSpec {
    let outside = Nic {
        name: "eth0",
        mac: OUTSIDE_MAC,
        addresses: vec!["203.0.113.1/24"],
    };
    let inside = Nic {
        name: "eth1",
        mac: INSIDE_MAC,
        addresses: vec!["192.168.0.1/24"],
    };
    let to_clients = if two_legs {
        RouteSpec::via("198.18.0.0/16", "192.168.0.2", "eth1")
    } else {
        RouteSpec::via("198.18.0.0/16", "203.0.113.2", "eth0")
    };
    HostSpec {
        nics: std::iter::once(outside)
            .chain(two_legs.then_some(inside))
            .collect(),
        routes: vec![
            to_clients,
            RouteSpec::via("default", "203.0.113.254", "eth0"),
        ],
        mark_rules: Vec::new(),
        sysctls: vec![("net.ipv4.ip_forward", "1")],
    }
}
