//! FTP as far as a tracking helper reads it: an announced end, and who connects to it.

use std::net::{IpAddr, Ipv4Addr};

use super::super::Rng;
use super::super::packet::{Tcp, flag};
use super::Flow;
use super::script::Move;

impl Flow {
    /// The client's `PORT` or the server's answer to `PASV`, in the extended forms for IPv6 and now and then for IPv4.
    pub(super) fn announcement(&mut self, rng: &mut Rng, step: &Move) -> Vec<u8> {
        let (side, other) = (step.side, 1 - step.side);
        let extended = rng.chance(30);
        let text = announced(&self.sides[side], side == 0, extended);
        let ip = self.ip(rng, step);
        let segment = Tcp {
            source: self.sides[side].own_port,
            destination: self.sides[side].peer_port,
            seq: self.sides[side].seq,
            ack: self.sides[other].seq,
            flags: flag::PSH | flag::ACK,
            window: 30_000,
            data: text.into_bytes(),
            ..Tcp::default()
        };
        let len = segment.data.len() as u32;
        self.sides[side].seq = segment.seq.wrapping_add(len);
        segment.packet(&ip)
    }

    /// A segment of the data connection, to where the last packet said; `None` if that said nothing of the kind.
    pub(super) fn connection(&mut self, rng: &mut Rng, step: &Move, flags: u8) -> Option<Vec<u8>> {
        const DATA: u16 = 20;
        let side = &self.sides[step.side];
        let heard = String::from_utf8_lossy(side.received.as_deref()?).into_owned();
        let (address, port) = read(&heard, side.peer)?;
        let mut ip = self.ip(rng, step);
        ip.destination = address;
        let side = &self.sides[step.side];
        let segment = Tcp {
            source: if step.side == 1 {
                DATA
            } else {
                side.own_port.wrapping_add(3)
            },
            destination: port,
            seq: 1000 + u32::from(flags != flag::SYN),
            ack: u32::from(flags != flag::SYN),
            flags,
            window: 20_000,
            data: vec![
                b'd';
                if flags == flag::SYN {
                    0
                } else {
                    rng.below(3) as usize * 9
                }
            ],
            ..Tcp::default()
        };
        Some(segment.packet(&ip))
    }
}

fn announced(side: &super::Side, client: bool, extended: bool) -> String {
    let port = side.own_port.wrapping_add(1);
    match side.own {
        IpAddr::V4(own) if !extended => {
            let [a, b, c, d] = own.octets();
            let ends = format!("{a},{b},{c},{d},{},{}", port >> 8, port & 255);
            if client {
                format!("PORT {ends}\r\n")
            } else {
                format!("227 Entering Passive Mode ({ends}).\r\n")
            }
        }
        own if client => {
            let family = if own.is_ipv4() { 1 } else { 2 };
            format!("EPRT |{family}|{own}|{port}|\r\n")
        }
        _ => format!("229 Entering Extended Passive Mode (|||{port}|)\r\n"),
    }
}

/// The end that a line names; the extended answer leaves the address to be the sender's.
fn read(heard: &str, sender: IpAddr) -> Option<(IpAddr, u16)> {
    if let Some((_, rest)) = heard.split_once("|||") {
        return Some((sender, rest.split('|').next()?.parse().ok()?));
    }
    if let Some((_, rest)) = heard.split_once("EPRT |") {
        let mut parts = rest.split('|').skip(1);
        return Some((parts.next()?.parse().ok()?, parts.next()?.parse().ok()?));
    }
    let (_, rest) = heard
        .split_once("PORT ")
        .or_else(|| heard.split_once("Mode ("))?;
    let end = rest.find(|c: char| !c.is_ascii_digit() && c != ',')?;
    let numbers: Vec<u8> = rest[..end]
        .split(',')
        .filter_map(|n| n.parse().ok())
        .collect();
    let [a, b, c, d, high, low] = numbers[..] else {
        return None;
    };
    let address = Ipv4Addr::new(a, b, c, d).into();
    Some((address, u16::from_be_bytes([high, low])))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_announced_is_read() {
        let port = Some((IpAddr::from([10, 0, 0, 2]), 1025));
        let sender = IpAddr::from([10, 0, 0, 9]);
        for line in [
            "PORT 10,0,0,2,4,1\r\n",
            "227 Entering Passive Mode (10,0,0,2,4,1).\r\n",
            "EPRT |1|10.0.0.2|1025|\r\n",
        ] {
            assert_eq!(read(line, sender), port, "{line}");
        }
        let text = "229 Entering Extended Passive Mode (|||1025|)";
        assert_eq!(read(text, sender), Some((sender, 1025)));
        assert_eq!(read("hello", sender), None);
    }
}
