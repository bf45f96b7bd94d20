//! What a set holds.

use std::fmt;
use std::net::IpAddr;

use netverdict_net::{Family, InterfaceName, MacAddr, Protocol};

use crate::{Counters, MarkMask};

/// A network: an address and how many of its bits count. Bits beyond are zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SetNet {
    /// The address.
    pub addr: IpAddr,
    /// The prefix length.
    pub len: u8,
}

/// `10.0.0.0/8`; a host without its length.
impl fmt::Display for SetNet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.len == Family::of(self.addr).bits() {
            write!(f, "{}", self.addr)
        } else {
            write!(f, "{}/{}", self.addr, self.len)
        }
    }
}

/// A protocol with a port. For ICMP and ICMPv6, the type is the upper byte and the code the lower one; for protocols
/// without ports the number is 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct SetPort {
    /// The protocol.
    pub protocol: Protocol,
    /// The port, or type and code.
    pub port: u16,
}

/// `tcp:80`, `icmp:8/0`, `gre:0`.
impl fmt::Display for SetPort {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:", crate::protocol::name(self.protocol))?;
        let [high, low] = self.port.to_be_bytes();
        match self.protocol {
            Protocol::ICMP | Protocol::ICMPV6 => write!(f, "{high}/{low}"),
            _ => write!(f, "{}", self.port),
        }
    }
}

/// The key of an entry; which kind it is follows from the set's type.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum SetElement {
    /// bitmap:ip, hash:ip.
    Ip(IpAddr),
    /// hash:mac.
    Mac(MacAddr),
    /// bitmap:ip,mac (any MAC if `None`) and hash:ip,mac.
    IpMac(IpAddr, Option<MacAddr>),
    /// hash:ip,mark: the mark under the set's mask.
    IpMark(IpAddr, u32),
    /// bitmap:port: of TCP and UDP alike.
    Port(u16),
    /// hash:ip,port.
    IpPort(IpAddr, SetPort),
    /// hash:ip,port,ip.
    IpPortIp(IpAddr, SetPort, IpAddr),
    /// hash:ip,port,net.
    IpPortNet(IpAddr, SetPort, SetNet),
    /// hash:net.
    Net(SetNet),
    /// hash:net,net.
    NetNet(SetNet, SetNet),
    /// hash:net,port.
    NetPort(SetNet, SetPort),
    /// hash:net,port,net.
    NetPortNet(SetNet, SetPort, SetNet),
    /// hash:net,iface.
    NetIface {
        /// The network.
        net: SetNet,
        /// The device's name, or how it begins.
        name: InterfaceName,
        /// `physdev:`: the bridge port, not the device.
        physdev: bool,
        /// `wildcard`: every device whose name begins so.
        wildcard: bool,
    },
    /// list:set: the member's name.
    Set(String),
}

impl fmt::Display for SetElement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ip(ip) | Self::IpMac(ip, None) => write!(f, "{ip}"),
            Self::Mac(mac) => write!(f, "{}", Upper(*mac)),
            Self::IpMac(ip, Some(mac)) => write!(f, "{ip},{}", Upper(*mac)),
            Self::IpMark(ip, mark) => write!(f, "{ip},0x{mark:08x}"),
            Self::Port(port) => write!(f, "{port}"),
            Self::IpPort(ip, port) => write!(f, "{ip},{port}"),
            Self::IpPortIp(ip, port, ip2) => write!(f, "{ip},{port},{ip2}"),
            Self::IpPortNet(ip, port, net) => write!(f, "{ip},{port},{net}"),
            Self::Net(net) => write!(f, "{net}"),
            Self::NetNet(net, net2) => write!(f, "{net},{net2}"),
            Self::NetPort(net, port) => write!(f, "{net},{port}"),
            Self::NetPortNet(net, port, net2) => write!(f, "{net},{port},{net2}"),
            Self::NetIface {
                net, name, physdev, ..
            } => write!(f, "{net},{}{name}", if *physdev { "physdev:" } else { "" }),
            Self::Set(name) => f.write_str(name),
        }
    }
}

/// A MAC address in capitals, as ipset prints it.
struct Upper(MacAddr);

impl fmt::Display for Upper {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.to_string().to_ascii_uppercase())
    }
}

/// One entry of a set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SetEntry {
    /// The key.
    pub element: SetElement,
    /// `nomatch`: a hit that counts as none.
    pub nomatch: bool,
    /// What few entries have; boxed to keep large sets small.
    pub extras: Option<Box<EntryExtras>>,
}

/// What an entry may carry besides its key.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct EntryExtras {
    /// `timeout`: seconds that are left; 0 for ever. `None`: the set's default.
    pub timeout: Option<u32>,
    /// `packets` and `bytes`.
    pub counters: Option<Counters>,
    /// `comment`.
    pub comment: Option<String>,
    /// `skbmark`, `skbprio`, `skbqueue`.
    pub skbinfo: Option<SkbInfo>,
}

/// What `-j SET --map-set` gives a packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct SkbInfo {
    /// `skbmark`: value and mask.
    pub mark: Option<MarkMask>,
    /// `skbprio`: major number in the upper 16 bits, minor in the lower.
    pub priority: Option<u32>,
    /// `skbqueue`.
    pub queue: Option<u16>,
}

impl SetEntry {
    /// An entry with nothing but its key.
    pub const fn bare(element: SetElement) -> Self {
        Self {
            element,
            nomatch: false,
            extras: None,
        }
    }

    /// Seconds that are left, where the entry says so.
    pub fn timeout(&self) -> Option<u32> {
        self.extras.as_ref()?.timeout
    }
}

impl fmt::Display for EntryExtras {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(timeout) = self.timeout {
            write!(f, " timeout {timeout}")?;
        }
        if let Some(Counters { packets, bytes }) = self.counters {
            write!(f, " packets {packets} bytes {bytes}")?;
        }
        if let Some(comment) = &self.comment {
            write!(f, " comment \"{comment}\"")?;
        }
        self.skbinfo.map_or(Ok(()), |info| info.fmt(f))
    }
}

impl fmt::Display for SkbInfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(mark) = self.mark {
            write!(f, " skbmark {mark}")?;
        }
        if let Some(priority) = self.priority {
            write!(f, " skbprio {:x}:{:x}", priority >> 16, priority & 0xffff)?;
        }
        match self.queue {
            Some(queue) => write!(f, " skbqueue {queue}"),
            None => Ok(()),
        }
    }
}
