//! The key of an entry. Ranges and networks stand for several entries where the type keeps single addresses.

use std::net::{IpAddr, Ipv4Addr};

use netverdict_net::{AddrMask, Family, InterfaceName, MacAddr, Protocol};
use netverdict_ruleset::sets::{
    SetDefinition, SetElement, SetFamily, SetKind, SetNet, SetPort, SetRange,
};

use crate::matches;
use crate::problem::{Code, Parsed, Problem};
use crate::services;
use crate::value::{self, masked, number_in};
use crate::words::Word;

/// Most entries that one line may stand for.
const EXPANSION_MAX: u64 = 1 << 20;

/// All elements that the word stands for.
pub(super) fn read(set: &SetDefinition, word: &Word, wildcard: bool) -> Parsed<Vec<SetElement>> {
    let reader = Reader { set, wildcard };
    let elements = reader.elements(&word.text).ok_or_else(|| {
        Problem::new(
            Code::Value,
            format!("`{}` is no entry for this set", word.text),
        )
        .at(word.span)
        .expected(format!(
            "`{}` of {}",
            set.kind.name().split(':').next_back().unwrap_or("?"),
            set.kind
        ))
    })?;
    if elements.len() as u64 > EXPANSION_MAX {
        let message = format!("`{}` stands for too many entries", word.text);
        return Err(Problem::new(Code::Value, message).at(word.span));
    }
    Ok(elements)
}

struct Reader<'a> {
    set: &'a SetDefinition,
    wildcard: bool,
}

/// Every pair of two lists, made into one thing.
fn pairs<A: Clone, B: Clone, T>(a: &[A], b: &[B], make: impl Fn(A, B) -> T) -> Vec<T> {
    let pair = |x: &A| {
        b.iter()
            .map(|y| make(x.clone(), y.clone()))
            .collect::<Vec<_>>()
    };
    a.iter().flat_map(pair).collect()
}

impl Reader<'_> {
    fn family(&self) -> Family {
        match self.set.options.family {
            SetFamily::Only(family) => family,
            SetFamily::Any => Family::V4,
        }
    }

    fn elements(&self, text: &str) -> Option<Vec<SetElement>> {
        let parts: Vec<&str> = text.split(',').collect();
        Some(match (self.set.kind, &parts[..]) {
            (SetKind::ListSet, [name]) => vec![SetElement::Set((*name).to_owned())],
            (SetKind::BitmapPort, [ports]) => self.bitmap_ports(ports)?,
            (SetKind::HashMac, [mac]) => vec![SetElement::Mac(mac.parse().ok()?)],
            (SetKind::BitmapIp | SetKind::HashIp, [ip]) => {
                self.ips(ip)?.into_iter().map(SetElement::Ip).collect()
            }
            (SetKind::BitmapIpMac, [ip]) => {
                let ips = self.ips(ip)?.into_iter();
                ips.map(|ip| SetElement::IpMac(ip, None)).collect()
            }
            (SetKind::BitmapIpMac | SetKind::HashIpMac, [ip, mac]) => {
                let mac: MacAddr = mac.parse().ok()?;
                let ips = self.ips(ip)?.into_iter();
                ips.map(|ip| SetElement::IpMac(ip, Some(mac))).collect()
            }
            (SetKind::HashIpMark, [ip, mark]) => {
                let mask = self.set.options.mark_mask.unwrap_or(u32::MAX);
                let mark = number_in(mark, 0, u64::from(u32::MAX))? as u32 & mask;
                let ips = self.ips(ip)?.into_iter();
                ips.map(|ip| SetElement::IpMark(ip, mark)).collect()
            }
            (SetKind::HashIpPort, [ip, port]) => {
                pairs(&self.ips(ip)?, &ports(port)?, SetElement::IpPort)
            }
            (SetKind::HashIpPortIp, [ip, port, ip2]) => {
                let ip2 = self.address(ip2)?;
                pairs(&self.ips(ip)?, &ports(port)?, |ip, port| {
                    SetElement::IpPortIp(ip, port, ip2)
                })
            }
            (SetKind::HashIpPortNet, [ip, port, net]) => {
                let ip_ports = pairs(&self.ips(ip)?, &ports(port)?, |ip, port| (ip, port));
                pairs(&ip_ports, &self.nets(net)?, |(ip, port), net| {
                    SetElement::IpPortNet(ip, port, net)
                })
            }
            (SetKind::HashNet, [net]) => self.nets(net)?.into_iter().map(SetElement::Net).collect(),
            (SetKind::HashNetNet, [net, net2]) => {
                pairs(&self.nets(net)?, &self.nets(net2)?, SetElement::NetNet)
            }
            (SetKind::HashNetPort, [net, port]) => {
                pairs(&self.nets(net)?, &ports(port)?, SetElement::NetPort)
            }
            (SetKind::HashNetPortNet, [net, port, net2]) => {
                let net_ports = pairs(&self.nets(net)?, &ports(port)?, |net, port| (net, port));
                pairs(&net_ports, &self.nets(net2)?, |(net, port), net2| {
                    SetElement::NetPortNet(net, port, net2)
                })
            }
            (SetKind::HashNetIface, [net, iface]) => self.devices(net, iface)?,
            _ => return None,
        })
    }

    fn devices(&self, net: &str, iface: &str) -> Option<Vec<SetElement>> {
        let (physdev, name) = match iface.strip_prefix("physdev:") {
            Some(name) => (true, name),
            None => (false, iface),
        };
        let name = InterfaceName::new(name).ok()?;
        let element = |net| SetElement::NetIface {
            net,
            name,
            physdev,
            wildcard: self.wildcard,
        };
        Some(self.nets(net)?.into_iter().map(element).collect())
    }

    fn bitmap_ports(&self, text: &str) -> Option<Vec<SetElement>> {
        let text = text.split_once(':').map_or(text, |(_, ports)| ports);
        let (first, last) = port_range(text)?;
        let inside = match self.set.options.range {
            Some(SetRange::Ports(low, high)) => low <= first && last <= high,
            _ => false,
        };
        inside.then(|| (first..=last).map(SetElement::Port).collect())
    }

    fn address(&self, text: &str) -> Option<IpAddr> {
        let text = text
            .strip_prefix('[')
            .and_then(|t| t.strip_suffix(']'))
            .unwrap_or(text);
        value::address(self.family(), text)
    }

    /// Addresses: one, or in IPv4 those of a range or network. Each is cut to the set's mask.
    fn ips(&self, text: &str) -> Option<Vec<IpAddr>> {
        let mut ips = match self.address(text) {
            Some(address) => vec![address],
            None => self.many_ips(text)?,
        };
        for ip in &mut ips {
            *ip = self.cut(*ip);
        }
        ips.dedup();
        let inside = |ip: &IpAddr| match self.set.options.range {
            Some(SetRange::Addresses(low, high)) => low <= *ip && *ip <= high,
            _ => true,
        };
        ips.iter().all(inside).then_some(ips)
    }

    fn many_ips(&self, text: &str) -> Option<Vec<IpAddr>> {
        if self.family() == Family::V6 {
            let (address, len) = text.split_once('/')?;
            return (len == "128")
                .then(|| self.address(address))
                .flatten()
                .map(|a| vec![a]);
        }
        let (first, last) = self.bounds_v4(text)?;
        let most = u64::from(last) - u64::from(first) < EXPANSION_MAX;
        most.then(|| {
            (first..=last)
                .map(|bits| Ipv4Addr::from_bits(bits).into())
                .collect()
        })
    }

    /// First and last address of `a-b` or `net/len`.
    fn bounds_v4(&self, text: &str) -> Option<(u32, u32)> {
        let bits = |text: &str| match self.address(text)? {
            IpAddr::V4(address) => Some(address.to_bits()),
            IpAddr::V6(_) => None,
        };
        if let Some((net, len)) = text.split_once('/') {
            let len = number_in(len, 0, 32)?;
            let mask = u32::MAX.checked_shl(32 - len as u32).unwrap_or(0);
            let first = bits(net)? & mask;
            return Some((first, first | !mask));
        }
        let (first, last) = text.split_once('-')?;
        let (first, last) = (bits(first)?, bits(last)?);
        Some((first.min(last), first.max(last)))
    }

    /// An address under the set's `netmask` or `bitmask`.
    fn cut(&self, ip: IpAddr) -> IpAddr {
        match (self.set.options.netmask, self.set.options.bitmask) {
            (Some(len), _) => AddrMask::prefix(ip, len).addr(),
            (None, Some(mask)) => masked(ip, mask).addr(),
            (None, None) => ip,
        }
    }

    /// Networks: one, or in IPv4 the fewest that make up a range.
    fn nets(&self, text: &str) -> Option<Vec<SetNet>> {
        let bits = self.family().bits();
        let net = |addr: IpAddr, len: u8| {
            let addr = self.cut(AddrMask::prefix(addr, len).addr());
            SetNet { addr, len }
        };
        if let Some(address) = self.address(text) {
            return Some(vec![net(address, bits)]);
        }
        if let Some((address, len)) = text.split_once('/') {
            let len = number_in(len, 0, u64::from(bits))? as u8;
            let takes_all = matches!(
                self.set.kind,
                SetKind::HashNetIface | SetKind::HashNetNet | SetKind::HashNetPortNet
            );
            return (len > 0 || takes_all)
                .then(|| self.address(address))
                .flatten()
                .map(|a| vec![net(a, len)]);
        }
        if self.family() == Family::V6 {
            return None;
        }
        let (first, last) = self.bounds_v4(text)?;
        Some(cover(first, last))
    }
}

/// The fewest networks that make up a range.
fn cover(first: u32, last: u32) -> Vec<SetNet> {
    let mut nets = Vec::new();
    let mut at = u64::from(first);
    let end = u64::from(last);
    while at <= end {
        let mut host_bits = (at as u32).trailing_zeros().min(31);
        while at + (1 << host_bits) - 1 > end {
            host_bits -= 1;
        }
        nets.push(SetNet {
            addr: Ipv4Addr::from_bits(at as u32).into(),
            len: (32 - host_bits) as u8,
        });
        at += 1 << host_bits;
    }
    nets
}

fn port_range(text: &str) -> Option<(u16, u16)> {
    let port = |text: &str| {
        let number = number_in(text, 0, 0xffff).map(|n| n as u16);
        number.or_else(|| services::port(text, None))
    };
    if let Some(port) = port(text) {
        return Some((port, port));
    }
    let (first, last) = text.split_once('-')?;
    let (first, last) = (port(first)?, port(last)?);
    Some((first.min(last), first.max(last)))
}

/// `protocol:port`, `protocol:port-port`, or just ports of TCP.
fn ports(text: &str) -> Option<Vec<SetPort>> {
    let (protocol, text) = match text.split_once(':') {
        Some((protocol, text)) => (value::protocol(&protocol.to_ascii_lowercase())?, text),
        None => match value::protocol(text).filter(|_| value::number(text).is_none()) {
            // A protocol without ports may stand alone.
            Some(protocol) if !has_ports(protocol) => (protocol, "0"),
            _ => (Protocol::TCP, text),
        },
    };
    let range = match protocol {
        Protocol::ICMP => icmp(text, matches::icmp::NAMES)?,
        Protocol::ICMPV6 => icmp(text, matches::icmp6::NAMES)?,
        _ if has_ports(protocol) => port_range(text)?,
        _ => (text == "0").then_some((0, 0))?,
    };
    let make = |port| SetPort { protocol, port };
    Some((range.0..=range.1).map(make).collect())
}

const fn has_ports(protocol: Protocol) -> bool {
    matches!(
        protocol,
        Protocol::TCP | Protocol::UDP | Protocol::SCTP | Protocol::UDPLITE
    )
}

/// `type/code` or a name, as one number.
fn icmp(text: &str, names: &[(&str, u8, u8, u8)]) -> Option<(u16, u16)> {
    let byte = |text| number_in(text, 0, 255).map(|n| n as u8);
    let named = || {
        let named = names
            .iter()
            .find(|(name, ..)| name.eq_ignore_ascii_case(text));
        named.map(|(_, kind, code, _)| u16::from_be_bytes([*kind, *code]))
    };
    let port = match text.split_once('/') {
        Some((kind, code)) => u16::from_be_bytes([byte(kind)?, byte(code)?]),
        None => named().or_else(|| number_in(text, 0, 0xffff).map(|n| n as u16))?,
    };
    Some((port, port))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_become_the_fewest_networks() {
        let shown = |a: [u8; 4], b: [u8; 4]| {
            let nets = cover(u32::from_be_bytes(a), u32::from_be_bytes(b));
            let nets: Vec<_> = nets.iter().map(ToString::to_string).collect();
            nets.join(" ")
        };
        assert_eq!(
            shown([1, 2, 3, 0], [1, 2, 3, 130]),
            "1.2.3.0/25 1.2.3.128/31 1.2.3.130"
        );
        assert_eq!(shown([0; 4], [255; 4]), "0.0.0.0/1 128.0.0.0/1");
        assert_eq!(shown([1, 1, 1, 1], [1, 1, 1, 1]), "1.1.1.1");
    }
}
