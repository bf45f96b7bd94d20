//! Helpers on conversations through a router that translates, or does not.

use netverdict_net::{Family, Protocol};
use proptest::prelude::*;

use super::*;
use crate::conntrack::lab::{self, ACK, CLIENT, Lab, SERVER, SYN, range, tcp, udp_saying};
use crate::{CtState, Reason};

const OUTSIDE: [u8; 4] = [192, 0, 2, 1];
const CONTROL: u16 = 1000;

/// A client that talks with a server's control port.
struct Talk {
    lab: Lab,
    port: u16,
    /// Next sequence numbers, as each side counts.
    next: [u32; 2],
    /// The client as the server sees it.
    client: [u8; 4],
}

impl Talk {
    /// After the handshake.
    fn begin(helper: Helper, port: u16, translated: bool) -> Self {
        let mut lab = Lab::new();
        lab.helper = Some(helper);
        lab.snat = translated.then(|| range(OUTSIDE, OUTSIDE, None)).flatten();
        let client = if translated { OUTSIDE } else { CLIENT };
        let (near, far) = ((CLIENT, CONTROL), (SERVER, port));
        lab.pass(tcp(SYN, 0, 0).between(near, far));
        lab.pass(tcp(SYN | ACK, 0, 1).between(far, (client, CONTROL)));
        lab.pass(tcp(ACK, 1, 1).between(near, far));
        lab.helper = None;
        Self {
            lab,
            port,
            next: [1, 1],
            client,
        }
    }

    fn client(&mut self, data: &[u8]) -> Result<Vec<u8>, Reason> {
        let [sequence, ack] = self.next;
        let bytes = tcp(ACK, sequence, ack).saying((CLIENT, CONTROL), (SERVER, self.port), data);
        self.send(bytes, 0, data)
    }

    fn server(&mut self, data: &[u8]) -> Result<Vec<u8>, Reason> {
        let [ack, sequence] = self.next;
        let bytes =
            tcp(ACK, sequence, ack).saying((SERVER, self.port), (self.client, CONTROL), data);
        self.send(bytes, 1, data)
    }

    /// The payload as it left.
    fn send(&mut self, bytes: Vec<u8>, side: usize, data: &[u8]) -> Result<Vec<u8>, Reason> {
        let out = self.lab.pass(bytes).out?;
        self.next[side] += data.len() as u32;
        check_sums(&out);
        Ok(out.captured()[40..].to_vec())
    }

    fn state(&mut self, bytes: Vec<u8>) -> CtState {
        self.lab.state(bytes)
    }
}

/// Whether length and checksums of a packet that left are right.
fn check_sums(packet: &netverdict_net::Packet<'_>) {
    use netverdict_net::checksum::{finish, pseudo_header, sum};
    let bytes = packet.captured();
    assert_eq!(packet.u16(2).map(usize::from), Ok(bytes.len()));
    assert_eq!(finish(sum(&bytes[..20], 0)), 0);
    let start = pseudo_header(
        packet.source(),
        packet.destination(),
        Protocol(bytes[9]),
        bytes.len() as u32 - 20,
    );
    assert_eq!(finish(sum(&bytes[20..], start)), 0);
}

fn syn(from: ([u8; 4], u16), to: ([u8; 4], u16)) -> Vec<u8> {
    tcp(SYN, 0, 0).between(from, to)
}

#[test]
fn ftp_reads_only_what_follows_a_line() {
    let port = b"PORT 10,0,0,2,4,1\r\n";
    let mut talk = Talk::begin(Helper::Ftp, 21, false);
    let data = syn((SERVER, 20), (CLIENT, 1025));
    talk.client(port).unwrap();
    assert_eq!(
        talk.lab.conntrack.expectations.len(),
        0,
        "nothing is known of what came before"
    );
    talk.client(port).unwrap();
    assert_eq!(talk.lab.conntrack.expectations.len(), 1);
    assert_eq!(talk.state(data.clone()), CtState::Related);
    assert_eq!(talk.lab.conntrack.expectations.len(), 0, "used up");
    talk.client(b"LIST").unwrap();
    talk.client(port).unwrap();
    assert_eq!(
        talk.lab.conntrack.expectations.len(),
        0,
        "no line before it"
    );
}

#[test]
fn ftp_drops_halves_and_keeps_strangers_out() {
    use Direction::{Original, Reply};
    use ftp::Command::{Other, Partial};
    let read = |direction, text: &[u8]| ftp::command(direction, Family::V4, text);
    for partial in [
        &b"P"[..],
        b"port",
        b"PORT 10,0,0,2,4,1\n",
        b"PORT 10,0,0,2,4\r\n",
        b"EPRT |2|fd00::2|1025|\r\n",
    ] {
        assert_eq!(read(Original, partial), Partial, "{partial:?}");
    }
    assert_eq!(read(Reply, b"229 Entering (|||0|)\r\n"), Partial);
    assert_eq!(read(Original, b"USER x\r\n"), Other);
    assert_eq!(read(Original, b"227 (10,0,0,2,4,1)\r\n"), Other);
    let mut talk = Talk::begin(Helper::Ftp, 21, false);
    talk.client(b"X\r\n").unwrap();
    talk.client(b"PORT 10,0,0,3,4,1\r\n").unwrap();
    assert_eq!(
        talk.lab.conntrack.expectations.len(),
        0,
        "another's address"
    );
    assert_eq!(talk.client(b"PORT 10\r\n"), Err(Reason::Helper));
}

#[test]
fn ftp_translates_the_announced_end_and_shifts_what_follows() {
    let mut talk = Talk::begin(Helper::Ftp, 21, true);
    talk.client(b"USER x\r\n").unwrap();
    let out = talk.client(b"PORT 10,0,0,2,4,1\r\n").unwrap();
    assert_eq!(out, b"PORT 192,0,2,1,4,1\r\n");
    // The server acknowledges a byte more than the client sent, and the client's next segment begins a byte later.
    let [client, server] = talk.next;
    let ack = tcp(ACK, server, client + 1).between((SERVER, 21), (OUTSIDE, CONTROL));
    let passed = talk.lab.pass(ack);
    assert_eq!(passed.state, CtState::Established);
    let acked = passed.out.unwrap();
    assert_eq!(acked.u32(28), Ok(client));
    check_sums(&acked);
    let next = tcp(ACK, client, server).saying((CLIENT, CONTROL), (SERVER, 21), b"LIST\r\n");
    let sent = talk.lab.pass(next).out.unwrap();
    assert_eq!(sent.u32(24), Ok(client + 1));
    check_sums(&sent);
    // The data connection is turned to the client.
    let data = talk.lab.pass(syn((SERVER, 20), (OUTSIDE, 1025)));
    assert_eq!(data.state, CtState::Related);
    let data = data.out.unwrap();
    assert_eq!(data.destination(), std::net::IpAddr::from(CLIENT));
    assert_eq!(data.u16(22), Ok(1025));
}

#[test]
fn ftp_takes_another_port_if_the_announced_one_is_expected_already() {
    let mut talk = Talk::begin(Helper::Ftp, 21, true);
    talk.client(b"USER x\r\n").unwrap();
    talk.client(b"PORT 10,0,0,2,4,1\r\n").unwrap();
    let mut other = Talk {
        port: 21,
        next: [1, 1],
        client: OUTSIDE,
        lab: talk.lab,
    };
    other.lab.helper = Some(Helper::Ftp);
    let near = ([10, 0, 0, 3], 1001);
    let far = (SERVER, 21);
    for bytes in [
        tcp(SYN, 0, 0).between(near, far),
        tcp(SYN | ACK, 0, 1).between(far, (OUTSIDE, 1001)),
        tcp(ACK, 1, 1).saying(near, far, b"X\r\n"),
    ] {
        other.lab.pass(bytes);
    }
    let port = tcp(ACK, 4, 1).saying(near, far, b"PORT 10,0,0,3,4,1\r\n");
    let out = other.lab.pass(port).out.unwrap();
    let text = String::from_utf8_lossy(&out.captured()[40..]).into_owned();
    assert!(
        text.starts_with("PORT 192,0,2,1,") && text != "PORT 192,0,2,1,4,1\r\n",
        "{text}"
    );
    check_sums(&out);
}

#[test]
fn irc_reads_offers_of_its_own_address() {
    let own = [u128::from(u32::from_be_bytes(CLIENT)), 0x0a01_0002];
    let find = |text: &[u8]| irc::find(text, own).map(|offer| (offer.address, offer.port));
    let address = u32::from_be_bytes(CLIENT);
    let offer = format!("PRIVMSG me :\x01DCC SEND file {address} 5000\x01\n");
    assert_eq!(find(offer.as_bytes()), Some((address, 5000)));
    let forged = format!("PRIVMSG me :\x01DCC SEND file {} 5000\x01\n", address + 1);
    assert_eq!(find(forged.as_bytes()), None);
    assert_eq!(find(offer.trim_end().as_bytes()), None);
    let mut talk = Talk::begin(Helper::Irc, 6667, true);
    let out = talk.client(offer.as_bytes()).unwrap();
    let outside = u32::from_be_bytes(OUTSIDE);
    let expected = format!("PRIVMSG me :\x01DCC SEND file {outside} 5000\x01\n");
    assert_eq!(String::from_utf8_lossy(&out), expected);
    let data = talk.lab.pass(syn(([10, 2, 0, 1], 9), (OUTSIDE, 5000)));
    assert_eq!(data.state, CtState::Related);
    assert_eq!(
        data.out.unwrap().destination(),
        std::net::IpAddr::from(CLIENT)
    );
}

#[test]
fn sane_reads_the_answer_to_its_request() {
    let mut talk = Talk::begin(Helper::Sane, 6566, false);
    let answer = [0, 0, 0, 0, 0, 0, 0x10, 0];
    talk.server(&answer).unwrap();
    assert_eq!(talk.lab.conntrack.expectations.len(), 0, "nobody asked");
    talk.client(&[0, 0, 0, 7, 0, 0, 0, 0]).unwrap();
    talk.server(&answer).unwrap();
    assert_eq!(
        talk.state(syn((CLIENT, 1), (SERVER, 4096))),
        CtState::Related
    );
}

#[test]
fn tftp_is_answered_from_any_port() {
    for translated in [false, true] {
        let mut lab = Lab::new();
        lab.snat = translated.then(|| range(OUTSIDE, OUTSIDE, None)).flatten();
        lab.helper = Some(Helper::Tftp);
        lab.pass(udp_saying((CLIENT, 1000), (SERVER, 69), b"\0\x01file\0"));
        lab.helper = None;
        let client = if translated { OUTSIDE } else { CLIENT };
        let answer = lab.pass(lab::udp((SERVER, 3333), (client, 1000)));
        assert_eq!(answer.state, CtState::Related);
        let answer = answer.out.unwrap();
        assert_eq!(answer.destination(), std::net::IpAddr::from(CLIENT));
        check_sums(&answer);
    }
}

#[test]
fn amanda_reads_five_digits_of_a_port() {
    let mut lab = Lab::new();
    lab.helper = Some(Helper::Amanda);
    lab.pass(lab::udp((CLIENT, 1000), (SERVER, 10080)));
    lab.helper = None;
    let text = b"Amanda CONNECT DATA 1025 MESG 1026 INDEX 70000000\n";
    lab.pass(udp_saying((SERVER, 10080), (CLIENT, 1000), text));
    for (port, state) in [
        (1025, CtState::Related),
        (1026, CtState::Related),
        (4464, CtState::Related),
        (1027, CtState::New),
    ] {
        assert_eq!(lab.state(syn((CLIENT, 9), (SERVER, port))), state, "{port}");
    }
}

#[test]
fn kernels_that_find_helpers_by_port_look_behind_nat() {
    let helper = |lab: &Lab| {
        let all = lab.conntrack.table.confirmed();
        all.first().and_then(|(_, entry)| entry.helper())
    };
    for (port, found) in [(21, Some(Helper::Ftp)), (22, None), (69, None)] {
        let mut lab = Lab::with("helper", 1);
        lab.pass(syn((CLIENT, 1000), (SERVER, port)));
        assert_eq!(helper(&lab), found, "{port}");
    }
    let mut lab = Lab::with("helper", 1);
    lab.dnat = range([10, 2, 0, 1], [10, 2, 0, 1], Some((21, 21)));
    lab.pass(syn((CLIENT, 1000), (SERVER, 2121)));
    assert_eq!(helper(&lab), Some(Helper::Ftp));
    let mut lab = Lab::with("helper", 1);
    lab.dnat = range([10, 2, 0, 1], [10, 2, 0, 1], Some((2121, 2121)));
    lab.pass(syn((CLIENT, 1000), (SERVER, 21)));
    assert_eq!(helper(&lab), None);
    let mut lab = Lab::new();
    lab.pass(syn((CLIENT, 1000), (SERVER, 21)));
    assert_eq!(helper(&lab), None, "kernels since 6.0");
}

#[test]
fn a_payload_that_was_not_captured_is_not_read() {
    let mut talk = Talk::begin(Helper::Ftp, 21, false);
    let whole = tcp(ACK, 1, 1).saying((CLIENT, CONTROL), (SERVER, 21), b"USER x\r\n");
    let packet =
        netverdict_net::Packet::new(&whole[..44], whole.len(), netverdict_net::Link::default());
    let mut skb = Skb::new(packet.unwrap());
    let now = talk.lab.now();
    let hook = netverdict_ruleset::Hook::Prerouting;
    talk.lab.conntrack.track(&mut skb, hook, now.jiffies);
    let host = Host::default();
    let mut cx = HelperCx {
        now,
        host: &host,
        random: &mut talk.lab.random,
        notes: None,
        unknown: None,
    };
    talk.lab.conntrack.confirm(&mut skb, &mut cx);
    assert_eq!(
        cx.unknown,
        Some((Helper::Ftp, "the payload is not captured"))
    );
}

proptest! {
    /// Whatever a payload is, nothing panics, and what leaves is a whole packet.
    #[test]
    fn any_payload_may_come(
        which in 0..Helper::ALL.len(),
        translated: bool,
        texts in prop::collection::vec((any::<bool>(), payload()), 1..6),
    ) {
        let helper = Helper::ALL[which];
        let mut talk = Talk::begin(helper, 21, translated);
        let mut lab = Lab::new();
        lab.helper = Some(helper);
        lab.snat = translated.then(|| range(OUTSIDE, OUTSIDE, None)).flatten();
        let client = if translated { OUTSIDE } else { CLIENT };
        lab.pass(lab::udp((CLIENT, 1000), (SERVER, 69)));
        for (reply, text) in texts {
            let _said = if reply { talk.server(&text) } else { talk.client(&text) };
            let datagram = if reply {
                udp_saying((SERVER, 69), (client, 1000), &text)
            } else {
                udp_saying((CLIENT, 1000), (SERVER, 69), &text)
            };
            if let Ok(out) = lab.pass(datagram).out {
                check_sums(&out);
            }
        }
    }
}

/// Bytes that are often the begin of what some helper reads.
fn payload() -> impl Strategy<Value = Vec<u8>> {
    const STARTS: [&[u8]; 15] = [
        b"",
        b"PORT 10,0,0,2,4,1\r\n",
        b"EPRT |1|10.0.0.2|1025|\r\n",
        b"227 (10,1,0,2,4,1)\r\n",
        b"229 (|||1025|)\r\n",
        b"PRIVMSG me :\x01DCC SEND file 167772162 5000\x01\n",
        b"CONNECT DATA 1025 MESG 1026 INDEX 1027\n",
        b"\0\x01file\0octet\0",
        &[0, 0, 0, 7, 0, 0, 0, 0],
        &[0, 0, 0, 0, 0, 0, 0x10, 0],
        b"X\r\n",
        b"PORT ",
        b"REGISTER sip:10.1.0.2 SIP/2.0\r\nVia: SIP/2.0/UDP 10.0.0.2:1000;rport=1\r\n\tx\r\n\
          Contact: <sip:a@10.0.0.2:5070>;expires=60, <sip:b@10.0.0.2>\r\nCSeq: 1 REGISTER\r\n\
          Content-Length: 0\r\n\r\n",
        b"INVITE sip:b@10.1.0.2 SIP/2.0\r\nCSeq: 2 INVITE\r\nContent-Length: 68\r\n\r\n\
          v=0\r\no=a IN IP4 10.0.0.2\r\nc=IN IP4 10.0.0.2\r\nm=audio 4000 x\r\nm=video 4001",
        b"SIP/2.0 200 OK\r\nCSeq: 1 REGISTER\r\nContact: <sip:a@10.0.0.2:5070>;expires=60\r\n\r\n",
    ];
    let tail = prop::collection::vec(any::<u8>(), 0..40);
    (0..STARTS.len(), any::<prop::sample::Index>(), tail).prop_map(|(start, cut, tail)| {
        let start = STARTS[start];
        let kept = cut.index(start.len() + 1);
        [&start[..kept], &tail].concat()
    })
}
