//! What the ends of a control connection say: mostly right, sometimes spoilt.

use std::fmt::Write;
use std::net::IpAddr;

use super::{End, Helper, h323};
use crate::random::Rng;

/// Ports that are announced.
pub(super) const PORTS: [u16; 10] = [1025, 1026, 4000, 4001, 4002, 4003, 5000, 5060, 5070, 4096];
/// Call ids.
pub(super) const CALLS: [u16; 3] = [5, 9, 1000];

/// What a side says: 0 is the client.
pub(super) fn draw(rng: &mut Rng, helper: Helper, side: usize, end: &End) -> Vec<u8> {
    let mut bytes = match helper {
        Helper::Ftp => ftp(rng, side, end),
        Helper::Tftp => tftp(rng),
        Helper::Irc => irc(rng, end),
        Helper::Amanda => amanda(rng),
        Helper::Sane => sane(rng, side),
        Helper::Sip => sip(rng, end, "UDP"),
        Helper::SipTcp => sip(rng, end, "TCP"),
        Helper::Pptp => pptp(rng, side, end),
        Helper::Q931 => h323::call(rng, end),
        Helper::Ras => h323::registration(rng, side, end),
    };
    if rng.chance(12) {
        spoil(rng, &mut bytes);
    }
    bytes
}

fn spoil(rng: &mut Rng, bytes: &mut Vec<u8>) {
    let at = rng.below(bytes.len() as u64) as usize;
    match rng.below(4) {
        0 => bytes.truncate(at),
        1 => bytes.insert(at, *rng.pick(b"\r\n 0,:|;@\x00")),
        2 if at < bytes.len() => {
            bytes.remove(at);
        }
        _ => {
            let byte = rng.next() as u8;
            if let Some(place) = bytes.get_mut(at) {
                *place = byte;
            }
        }
    }
    if bytes.is_empty() {
        bytes.push(b'\n');
    }
}

/// Its own address, mostly.
pub(super) fn host(rng: &mut Rng, end: &End) -> IpAddr {
    match rng.below(8) {
        0 => end.peer.0,
        _ => end.own.0,
    }
}

fn commas(address: IpAddr, port: u16) -> String {
    let octets = match address {
        IpAddr::V4(a) => a.octets(),
        IpAddr::V6(a) => [a.octets()[0], a.octets()[1], a.octets()[14], a.octets()[15]],
    };
    let [a, b, c, d] = octets;
    format!("{a},{b},{c},{d},{},{}", port >> 8, port & 0xff)
}

fn ftp(rng: &mut Rng, side: usize, end: &End) -> Vec<u8> {
    let (host, port) = (host(rng, end), *rng.pick(&PORTS));
    let version = if host.is_ipv4() { 1 } else { 2 };
    let text = match (side, rng.below(5)) {
        (0, 0) => format!("PORT {}\r\n", commas(host, port)),
        (0, 1 | 2) => format!("EPRT |{version}|{host}|{port}|\r\n"),
        (0, 3) => "LIST\r\n".to_owned(),
        (0, _) => "USER anonymous\r\n".to_owned(),
        (_, 0 | 1) => format!("227 Entering Passive Mode ({}).\r\n", commas(host, port)),
        (_, 2) => format!("229 Entering Extended Passive Mode (|||{port}|)\r\n"),
        _ => "200 ok\r\n".to_owned(),
    };
    text.into_bytes()
}

fn tftp(rng: &mut Rng) -> Vec<u8> {
    let code = *rng.pick(&[1, 1, 2, 3, 4]);
    [&[0, code][..], b"file\0octet\0"].concat()
}

fn irc(rng: &mut Rng, end: &End) -> Vec<u8> {
    let address = match host(rng, end) {
        IpAddr::V4(a) => a.to_bits(),
        IpAddr::V6(_) => 0,
    };
    let port = *rng.pick(&PORTS);
    let text = match rng.below(5) {
        0 => "PRIVMSG me :hello there, this is no offer\r\n".to_owned(),
        1 => format!("PRIVMSG me :\x01DCC CHAT chat {address} {port}\x01\r\n"),
        2 => format!("\r\n privmsg me :\x01DCC MOVE f {address}  {port} 17\x01\n"),
        3 => format!("PRIVMSG a :\x01DCC TSEND name {address} {port} 17\x01\r\nPRIVMSG"),
        _ => format!("PRIVMSG me :\x01DCC SEND file {address} {port} 1234\x01\r\n"),
    };
    text.into_bytes()
}

fn amanda(rng: &mut Rng) -> Vec<u8> {
    let mut port = || *rng.pick(&PORTS);
    let (a, b, c) = (port(), port(), port());
    let text = match rng.below(4) {
        0 => "Amanda 2.4 REQ HANDLE 1\n".to_owned(),
        1 => format!("Amanda 2.4 REP\nCONNECT DATA {a}\n"),
        _ => format!("Amanda 2.4 REP\nCONNECT DATA {a} MESG {b} INDEX {c}\nOPTIONS\n"),
    };
    text.into_bytes()
}

fn sane(rng: &mut Rng, side: usize) -> Vec<u8> {
    let [high, low] = rng.pick(&PORTS).to_be_bytes();
    match (side, rng.below(4)) {
        (0, 0) => vec![0, 0, 0, 3, 0, 0, 0, 0],
        (0, _) => vec![0, 0, 0, 7, 0, 0, 0, 0],
        (_, 0) => vec![0, 0, 0, 1, 0, 0, high, low],
        _ => vec![0, 0, 0, 0, 0, 0, high, low, 0, 0],
    }
}

fn bracketed(address: IpAddr) -> String {
    match address {
        IpAddr::V4(a) => a.to_string(),
        IpAddr::V6(a) => format!("[{a}]"),
    }
}

fn sip(rng: &mut Rng, end: &End, transport: &str) -> Vec<u8> {
    let (own, peer) = (bracketed(end.own.0), bracketed(end.peer.0));
    let (own_port, peer_port) = (end.own.1, end.peer.1);
    let sequence = rng.between(1, 3);
    let body = if rng.chance(60) {
        description(rng, end)
    } else {
        String::new()
    };
    let contact_port = *rng.pick(&[own_port, own_port, 5070]);
    let (start, method) = match rng.below(10) {
        0..3 => ("REGISTER", "REGISTER"),
        3..5 => ("INVITE", "INVITE"),
        5 => ("BYE", "BYE"),
        6 => ("ACK", "ACK"),
        7 => ("SIP/2.0 200 OK", "REGISTER"),
        8 => ("SIP/2.0 200 OK", "INVITE"),
        _ => ("SIP/2.0 404 no", "INVITE"),
    };
    let answers = start.starts_with("SIP");
    let (via, via_port, via_more) = if answers {
        let more = format!(";received={};rport={peer_port}", end.peer.0);
        (&peer, peer_port, more)
    } else {
        (&own, own_port, format!(";maddr={own};branch=z9"))
    };
    let contact = match (answers, method) {
        (true, "REGISTER") => format!("<sip:b@{peer}:{peer_port}>;expires=60"),
        _ => format!("<sip:b@{own}:{contact_port}>"),
    };
    let first = if answers {
        start.to_owned()
    } else {
        let user = if rng.chance(50) { "a@" } else { "" };
        format!("{start} sip:{user}{peer}:{peer_port} SIP/2.0")
    };
    let mut text = format!("{first}\r\n");
    let mut headers = vec![
        format!("Via: SIP/2.0/{transport} {via}:{via_port}{via_more}"),
        format!("From: \"x\" <sip:x@{own}:{own_port}>;tag=1"),
        format!("t: <sip:y@{peer}:{peer_port}>"),
        format!("CSeq: {sequence} {method}"),
        format!("Contact: {contact}"),
    ];
    if rng.chance(70) {
        headers.push(format!("Expires: {}", rng.pick(&[0, 60, 3600])));
    }
    if rng.chance(20) {
        headers.push(format!(
            "Contact: <sip:c@{own}>,\r\n <sip:d@{own}:{own_port}>"
        ));
    }
    if rng.chance(30) {
        rng.shuffle(&mut headers);
    }
    for header in headers {
        text += &header;
        text += "\r\n";
    }
    let _ = write!(text, "Content-Length: {}\r\n\r\n{body}", body.len());
    text.into_bytes()
}

fn description(rng: &mut Rng, end: &End) -> String {
    let host = host(rng, end);
    let kind = if host.is_ipv4() { "IP4" } else { "IP6" };
    let mut text = format!("v=0\r\no=b 1 1 IN {kind} {host}\r\ns=-\r\n");
    if rng.chance(85) {
        let _ = write!(text, "c=IN {kind} {host}\r\n");
    }
    text += "t=0 0\r\n";
    for _ in 0..rng.between(1, 3) {
        let media = *rng.pick(&["audio", "audio", "video", "image", "text"]);
        let port = *rng.pick(&[4000, 4001, 4002, 5000, 5060, 0]);
        let _ = write!(text, "m={media} {port} RTP/AVP 0\r\n");
        if rng.chance(25) {
            let _ = write!(text, "c=IN {kind} {host}\r\n");
        }
    }
    text
}

fn pptp(rng: &mut Rng, side: usize, end: &End) -> Vec<u8> {
    let ids = [5, 9, end.own.1, end.peer.1];
    let (a, b) = (*rng.pick(&ids), *rng.pick(&ids));
    let result = if rng.chance(85) { 1 } else { 2 };
    let (kind, len): (u16, usize) = match (side, rng.below(9)) {
        (0, 0..3) => (1, 144),
        (0, 3..6) => (7, 156),
        (0, 6) => (10, 12),
        (0, 7) => (12, 4),
        (0, _) => (15, 12),
        (_, 0..3) => (2, 144),
        (_, 3..6) => (8, 20),
        (_, 6) => (*rng.pick(&[9, 11]), 208),
        (_, 7) => (13, 136),
        _ => (15, 12),
    };
    let mut body = vec![0; len];
    body[..2].copy_from_slice(&a.to_be_bytes());
    body[2..4].copy_from_slice(&b.to_be_bytes());
    match kind {
        2 => body[..4].copy_from_slice(&[1, 0, result, 0]),
        8 | 10 => body[4] = result,
        _ => {}
    }
    let mut bytes = ((12 + len) as u16).to_be_bytes().to_vec();
    bytes.extend([0, 1, 0x1a, 0x2b, 0x3c, 0x4d]);
    bytes.extend(kind.to_be_bytes());
    bytes.extend([0, 0]);
    bytes.extend(body);
    bytes
}
