//! Fixture scenes: a host, its dumps and captures of real-looking conversations.
//!
//! Addresses are documentation ranges (RFC 5737, RFC 3849) and private ones; every byte is made here.

mod docker_host;
mod hardened_ssh;
mod home_router;
pub(crate) mod host;
mod ipv6_host;
mod kubernetes_node;
mod office_gateway;
mod single_server;
mod transparent_proxy;
mod write;

pub use host::{HostSpec, Nic, RouteSpec};
pub use write::{files, write_all};

use netverdict_net::{MacAddr, Timestamp};

use crate::tape::Tape;

/// One scene.
#[derive(Debug)]
pub struct Scene {
    /// Folder name under `fixtures/`.
    pub name: &'static str,
    /// What it shows, in a sentence or two.
    pub story: &'static str,
    /// The host's interfaces, routes and sysctls.
    pub host: HostSpec,
    /// `iptables-save -c` text.
    pub v4: Option<&'static str>,
    /// `ip6tables-save -c` text.
    pub v6: Option<&'static str>,
    /// `ipset save` text.
    pub sets: Option<&'static str>,
    /// File name (without extension) and contents of each capture.
    pub captures: Vec<(&'static str, Tape)>,
}

/// Every scene.
pub fn all() -> Vec<Scene> {
    vec![
        single_server::scene(),
        home_router::scene(),
        office_gateway::scene(),
        docker_host::scene(),
        kubernetes_node::scene(),
        transparent_proxy::scene(),
        hardened_ssh::scene(),
        ipv6_host::scene(),
    ]
}

/// 2026-03-02 08:00:00 UTC, a Monday: where every scene's clock starts.
const START: Timestamp = Timestamp::new(1_772_438_400, 0);

/// So many milliseconds after [`START`].
fn at(milliseconds: i64) -> Timestamp {
    START + milliseconds * 1_000_000
}

/// A locally administered MAC address.
const fn mac(last: u8) -> MacAddr {
    MacAddr([0x02, 0x00, 0x5e, 0x10, 0x00, last])
}

/// `address:port` written in a scene.
fn sock(text: &str) -> std::net::SocketAddr {
    text.parse().expect("scenes write valid socket addresses")
}

/// An address written in a scene.
fn ip(text: &str) -> std::net::IpAddr {
    text.parse().expect("scenes write valid addresses")
}
