//! Frames from headers and payloads, with right lengths and checksums (etherparse fills them in).

use std::net::IpAddr;

use etherparse::{
    EtherType, Ethernet2Header, Icmpv4Header, Icmpv4Type, Icmpv6Header, Icmpv6Type, IpNumber,
    Ipv4Header, Ipv6FlowLabel, Ipv6Header, TcpHeader, TcpOptionElement, UdpHeader,
};
use netverdict_net::MacAddr;

/// The network header of one packet.
#[derive(Debug, Clone, Copy)]
pub struct Ip {
    pub source: IpAddr,
    pub destination: IpAddr,
    /// TTL or hop limit.
    pub ttl: u8,
    /// IPv4 identification; unused in IPv6.
    pub id: u16,
    /// TOS byte or traffic class.
    pub tos: u8,
}

impl Ip {
    /// A packet with the usual TTL of 64 and no id.
    pub fn new(source: IpAddr, destination: IpAddr) -> Self {
        Self {
            source,
            destination,
            ttl: 64,
            id: 0,
            tos: 0,
        }
    }

    /// The same with another TTL.
    pub fn ttl(self, ttl: u8) -> Self {
        Self { ttl, ..self }
    }

    /// The same with another identification.
    pub fn id(self, id: u16) -> Self {
        Self { id, ..self }
    }

    /// The same with another TOS byte.
    pub fn tos(self, tos: u8) -> Self {
        Self { tos, ..self }
    }
}

/// What stands behind the network header.
#[derive(Debug, Clone)]
pub enum Layer4 {
    Tcp(Segment),
    Udp {
        source_port: u16,
        destination_port: u16,
        payload: Vec<u8>,
    },
    /// An ICMP or ICMPv6 message by the packet's family: type, code, the four bytes behind the checksum, the rest.
    Icmp {
        kind: u8,
        code: u8,
        rest: [u8; 4],
        payload: Vec<u8>,
    },
    /// Anything else, as it stands.
    Raw {
        protocol: u8,
        payload: Vec<u8>,
    },
}

/// One TCP segment.
#[derive(Debug, Clone, Default)]
pub struct Segment {
    pub source_port: u16,
    pub destination_port: u16,
    pub seq: u32,
    pub ack: u32,
    /// Flag bits as on the wire: FIN 1, SYN 2, RST 4, PSH 8, ACK 16, URG 32.
    pub flags: u8,
    pub window: u16,
    pub options: Vec<TcpOptionElement>,
    pub payload: Vec<u8>,
}

/// The flag bits of [`Segment::flags`].
pub mod flag {
    pub const FIN: u8 = 1;
    pub const SYN: u8 = 2;
    pub const RST: u8 = 4;
    pub const PSH: u8 = 8;
    pub const ACK: u8 = 16;
}

/// An IP packet with right lengths and checksums.
pub fn packet(ip: Ip, layer4: &Layer4) -> Vec<u8> {
    match (ip.source, ip.destination) {
        (IpAddr::V4(source), IpAddr::V4(destination)) => {
            packet_v4(ip, source.octets(), destination.octets(), layer4)
        }
        (IpAddr::V6(source), IpAddr::V6(destination)) => {
            packet_v6(ip, source.octets(), destination.octets(), layer4)
        }
        _ => unreachable!("scenes never mix families in one packet"),
    }
}

fn packet_v4(ip: Ip, source: [u8; 4], destination: [u8; 4], layer4: &Layer4) -> Vec<u8> {
    let mut header = Ipv4Header {
        time_to_live: ip.ttl,
        identification: ip.id,
        source,
        destination,
        ..Ipv4Header::default()
    };
    header.dont_fragment = matches!(layer4, Layer4::Tcp(_));
    let body = match layer4 {
        Layer4::Tcp(segment) => {
            header.protocol = IpNumber::TCP;
            let mut tcp = tcp_header(segment);
            tcp.checksum = tcp
                .calc_checksum_ipv4(&header, &segment.payload)
                .expect("a segment of a scene is short");
            join(&tcp.to_bytes(), &segment.payload)
        }
        Layer4::Udp {
            source_port,
            destination_port,
            payload,
        } => {
            header.protocol = IpNumber::UDP;
            let udp =
                UdpHeader::with_ipv4_checksum(*source_port, *destination_port, &header, payload);
            join(
                &udp.expect("a datagram of a scene is short").to_bytes(),
                payload,
            )
        }
        Layer4::Icmp {
            kind,
            code,
            rest,
            payload,
        } => {
            header.protocol = IpNumber::ICMP;
            let message = Icmpv4Type::Unknown {
                type_u8: *kind,
                code_u8: *code,
                bytes5to8: *rest,
            };
            join(
                &Icmpv4Header::with_checksum(message, payload).to_bytes(),
                payload,
            )
        }
        Layer4::Raw { protocol, payload } => {
            header.protocol = IpNumber(*protocol);
            payload.clone()
        }
    };
    header
        .set_payload_len(body.len())
        .expect("a packet of a scene is short");
    let mut bytes = header.to_bytes().to_vec();
    if ip.tos != 0 {
        bytes[1] = ip.tos;
    }
    bytes[10..12].fill(0);
    let sum = netverdict_net::checksum::finish(netverdict_net::checksum::sum(&bytes, 0));
    bytes[10..12].copy_from_slice(&sum.to_be_bytes());
    bytes.extend(body);
    bytes
}

fn packet_v6(ip: Ip, source: [u8; 16], destination: [u8; 16], layer4: &Layer4) -> Vec<u8> {
    let mut header = Ipv6Header {
        traffic_class: ip.tos,
        flow_label: Ipv6FlowLabel::ZERO,
        payload_length: 0,
        next_header: IpNumber::TCP,
        hop_limit: ip.ttl,
        source,
        destination,
    };
    let body = match layer4 {
        Layer4::Tcp(segment) => {
            let mut tcp = tcp_header(segment);
            tcp.checksum = tcp
                .calc_checksum_ipv6(&header, &segment.payload)
                .expect("a segment of a scene is short");
            join(&tcp.to_bytes(), &segment.payload)
        }
        Layer4::Udp {
            source_port,
            destination_port,
            payload,
        } => {
            header.next_header = IpNumber::UDP;
            let udp =
                UdpHeader::with_ipv6_checksum(*source_port, *destination_port, &header, payload);
            join(
                &udp.expect("a datagram of a scene is short").to_bytes(),
                payload,
            )
        }
        Layer4::Icmp {
            kind,
            code,
            rest,
            payload,
        } => {
            header.next_header = IpNumber::IPV6_ICMP;
            let message = Icmpv6Type::Unknown {
                type_u8: *kind,
                code_u8: *code,
                bytes5to8: *rest,
            };
            let icmp = Icmpv6Header::with_checksum(message, source, destination, payload);
            join(
                &icmp.expect("a message of a scene is short").to_bytes(),
                payload,
            )
        }
        Layer4::Raw { protocol, payload } => {
            header.next_header = IpNumber(*protocol);
            payload.clone()
        }
    };
    header.payload_length = u16::try_from(body.len()).expect("a packet of a scene is short");
    join(&header.to_bytes(), &body)
}

fn tcp_header(segment: &Segment) -> TcpHeader {
    let mut tcp = TcpHeader::new(
        segment.source_port,
        segment.destination_port,
        segment.seq,
        segment.window,
    );
    tcp.acknowledgment_number = segment.ack;
    tcp.fin = segment.flags & flag::FIN != 0;
    tcp.syn = segment.flags & flag::SYN != 0;
    tcp.rst = segment.flags & flag::RST != 0;
    tcp.psh = segment.flags & flag::PSH != 0;
    tcp.ack = segment.flags & flag::ACK != 0;
    tcp.set_options(&segment.options)
        .expect("scenes use at most 40 bytes of options");
    tcp
}

fn join(head: &[u8], tail: &[u8]) -> Vec<u8> {
    [head, tail].concat()
}

/// An Ethernet frame around an IP packet (the version nibble chooses the ethertype), padded to 60 bytes.
pub fn ethernet(source: MacAddr, destination: MacAddr, packet: &[u8]) -> Vec<u8> {
    let ether_type = if packet.first().is_some_and(|b| b >> 4 == 6) {
        EtherType::IPV6
    } else {
        EtherType::IPV4
    };
    ethernet_raw(source, destination, ether_type.0, packet)
}

/// An Ethernet frame of any type, padded to 60 bytes.
pub fn ethernet_raw(
    source: MacAddr,
    destination: MacAddr,
    ether_type: u16,
    payload: &[u8],
) -> Vec<u8> {
    let header = Ethernet2Header {
        source: source.0,
        destination: destination.0,
        ether_type: EtherType(ether_type),
    };
    let mut frame = join(&header.to_bytes(), payload);
    frame.resize(frame.len().max(60), 0);
    frame
}

/// An ARP request `who has TARGET? tell SENDER` as an Ethernet payload.
pub fn arp_request(mac: MacAddr, sender: [u8; 4], target: [u8; 4]) -> Vec<u8> {
    let mut arp = vec![0, 1, 8, 0, 6, 4, 0, 1];
    arp.extend(mac.0);
    arp.extend(sender);
    arp.extend([0; 6]);
    arp.extend(target);
    arp
}
