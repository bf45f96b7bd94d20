//! Facts that neither dump nor capture tells and that the user states: whose socket sent a packet, which processor took
//! it, what an accounting object's quota is. The grammar of `--assume` is the command line's; this is what it means.

use std::net::IpAddr;

use netverdict_net::{AddrMask, InterfaceName, PortRange, Protocol};
use netverdict_ruleset::matches::{CtDirection, IpvsMethod, PolicyMode};

use crate::{Skb, Transport, ends};

/// One fact, of the whole run or of chosen flows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fact {
    /// What is so.
    pub about: About,
    /// Of which packets; `None` is all.
    pub flow: Option<FlowPattern>,
    /// As the user wrote it.
    pub text: String,
}

/// What a fact says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum About {
    /// The control group of the packet's socket.
    Cgroup(CgroupFact),
    /// Something on the host that the dump does not show has switched connection tracking on.
    ConntrackOn,
    /// The processor that handles the packet.
    Cpu(u32),
    /// The group of a device.
    Devgroup { device: InterfaceName, group: u32 },
    /// What IPVS has to do with the packet; `None` is nothing.
    Ipvs(Option<IpvsFact>),
    /// Whether a match by this name holds; for one that asks a named thing (a set), only if it asks `subject`.
    Match {
        name: String,
        subject: Option<String>,
        holds: bool,
    },
    /// An accounting object's quota.
    Nfacct {
        name: String,
        quota: Option<NfacctQuota>,
    },
    /// The socket that sent a packet of this host.
    Owner(OwnerFact),
    /// The bridge ports that the packet uses; `None` is a packet that no bridge saw.
    Physdev(Option<PhysdevFact>),
    /// The IPsec transformations of the packet.
    Policy(PolicyFact),
    /// A rate estimator's present rates.
    Rateest {
        name: String,
        /// Bytes a second.
        bytes: Option<u32>,
        packets: Option<u32>,
    },
    /// The realm of the packet's route.
    Realm(u32),
    /// The local socket that waits for the packet; `None` is none.
    Socket(Option<SocketFact>),
    /// Whether the cookie in an ACK that SYNPROXY checks is right.
    SynproxyCookie(bool),
    /// What a target that is not modelled does.
    Target { name: String, does: TargetDoes },
    /// Whether a transparent socket waits for what TPROXY redirects.
    Tproxy(TproxyFact),
}

/// The control group of a socket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CgroupFact {
    /// There is no socket.
    None,
    /// Its v2 path, without the leading slash.
    Path(String),
    /// Its net_cls class.
    Class(u32),
}

/// A packet of an IPVS service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IpvsFact {
    pub protocol: Protocol,
    /// The virtual service's ends.
    pub address: IpAddr,
    pub port: u16,
    pub method: Option<IpvsMethod>,
    pub direction: Option<CtDirection>,
    /// The port of the connection that controls this one.
    pub control_port: Option<u16>,
}

/// What an accounting object stops at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NfacctQuota {
    /// Whether packets are counted, or bytes.
    pub packets: bool,
    pub limit: u64,
    /// What was counted before the first packet.
    pub used: u64,
}

/// A sending socket, as far as it is told.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct OwnerFact {
    /// Whether there is one at all.
    pub exists: bool,
    pub uid: Option<u32>,
    pub gid: Option<u32>,
    pub groups: Option<Vec<u32>>,
}

/// Bridge ports, as far as they are told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct PhysdevFact {
    pub input: Option<InterfaceName>,
    pub output: Option<InterfaceName>,
}

/// The IPsec transformations of packets in one direction, or in both.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolicyFact {
    /// Decapsulated (`false`) or to be encapsulated (`true`); `None` is both.
    pub out: Option<bool>,
    /// None at all, or in the order in which they are applied.
    pub states: Vec<IpsecState>,
}

/// One transformation, as far as it is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IpsecState {
    pub protocol: Protocol,
    pub mode: PolicyMode,
    pub reqid: Option<u32>,
    pub spi: Option<u32>,
    pub source: Option<IpAddr>,
    pub destination: Option<IpAddr>,
}

/// A waiting socket.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct SocketFact {
    /// IP_TRANSPARENT is set.
    pub transparent: bool,
    /// It listens on any address.
    pub wildcard: bool,
    /// SO_MARK.
    pub mark: u32,
}

/// What a target does to a packet's way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TargetDoes {
    Continue,
    Accept,
    Drop,
}

/// Who waits for what TPROXY redirects.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TproxyFact {
    /// Nobody.
    None,
    /// A transparent socket on a port, of one address or of any.
    Listener { address: Option<IpAddr>, port: u16 },
}

/// Which packets a fact is about: by their header as it came, before any translation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct FlowPattern {
    pub protocol: Option<Protocol>,
    pub source: EndPattern,
    pub destination: EndPattern,
}

/// One end of a flow; what is `None` may be anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct EndPattern {
    pub address: Option<AddrMask>,
    pub ports: Option<PortRange>,
}

impl EndPattern {
    fn has(&self, address: IpAddr, port: u16) -> bool {
        self.address.is_none_or(|net| net.contains(address))
            && self.ports.is_none_or(|ports| ports.contains(port))
    }
}

impl FlowPattern {
    /// Whether packets between these ends are meant.
    pub fn has(&self, ends: &Transport) -> bool {
        self.protocol.is_none_or(|p| p == ends.protocol)
            && self.source.has(ends.source, ends.source_port)
            && self
                .destination
                .has(ends.destination, ends.destination_port)
    }
}

/// All facts of a run. Of several about the same thing, the first that is about the packet counts.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Facts {
    list: Vec<Fact>,
}

impl Facts {
    /// The facts in the order given.
    pub const fn new(list: Vec<Fact>) -> Self {
        Self { list }
    }

    /// Whether nothing is stated.
    pub const fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = &Fact> {
        self.list.iter()
    }

    /// Whether there is a fact of the whole run for which `holds` is true.
    pub(crate) fn any(&self, holds: impl Fn(&About) -> bool) -> bool {
        self.list.iter().any(|fact| holds(&fact.about))
    }

    /// What the first fact about this packet says that `pick` has a use for.
    pub(crate) fn of<'f, T>(
        &'f self,
        skb: &Skb<'_>,
        pick: impl Fn(&'f About) -> Option<T>,
    ) -> Option<T> {
        let ends = |skb: &Skb<'_>| skb.came.unwrap_or_else(|| ends::of(&skb.packet));
        let meant = |fact: &&Fact| fact.flow.is_none_or(|flow| flow.has(&ends(skb)));
        let said = |fact: &'f Fact| Some((fact, pick(&fact.about)?));
        self.list
            .iter()
            .filter_map(said)
            .find(|(fact, _)| meant(fact))
            .map(|(_, said)| said)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::matches::fixture::{Scene, tcp};

    fn cpu(number: u32, flow: Option<FlowPattern>) -> Fact {
        Fact {
            about: About::Cpu(number),
            flow,
            text: String::new(),
        }
    }

    #[test]
    fn the_first_fact_about_the_packet_counts() {
        let to = |port| FlowPattern {
            destination: EndPattern {
                address: None,
                ports: Some(PortRange::single(port)),
            },
            ..FlowPattern::default()
        };
        let facts = Facts::new(vec![
            cpu(1, Some(to(23))),
            cpu(2, Some(to(22))),
            cpu(3, None),
        ]);
        let ask = |scene: &Scene| {
            facts.of(&scene.skb, |about| match about {
                About::Cpu(number) => Some(*number),
                _ => None,
            })
        };
        assert_eq!(ask(&Scene::new(tcp(40000, 22, 2, &[]))), Some(2));
        assert_eq!(ask(&Scene::new(tcp(40000, 80, 2, &[]))), Some(3));
    }

    #[test]
    fn a_translated_packet_is_known_by_the_header_that_it_came_with() {
        let mut scene = Scene::new(tcp(40000, 22, 2, &[]));
        scene.skb.came = Some(ends::of(&scene.skb.packet));
        let flow = FlowPattern {
            source: EndPattern {
                address: Some(AddrMask::host("192.0.2.1".parse().unwrap())),
                ports: None,
            },
            ..FlowPattern::default()
        };
        let facts = Facts::new(vec![cpu(1, Some(flow))]);
        crate::rewrite::put_bytes(&mut scene.skb.packet, 12, &[203, 0, 113, 9]);
        assert_eq!(facts.of(&scene.skb, |_| Some(())), Some(()));
    }
}
