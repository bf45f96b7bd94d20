use crate::common::Netverdict;

fn captured(packet: &str) -> Netverdict {
    Netverdict::new([
        "trace",
        "fixtures/home-router/bundle",
        "fixtures/home-router/captures",
        "--packet",
        packet,
    ])
}

#[test]
fn a_translated_packet_shows_its_whole_way() {
    insta::assert_snapshot!(captured("5").stdout());
}

#[test]
fn a_packet_that_is_evidence_says_of_what() {
    insta::assert_snapshot!(captured("6").stdout());
}

#[test]
fn kernel_lines_are_those_of_the_kernel() {
    insta::assert_snapshot!(captured("5").args(["--format", "kernel"]).stdout());
}

const SEND: [&str; 2] = ["trace", "fixtures/single-server/bundle"];

#[test]
fn sent_packets_share_one_host() {
    let first = "in eth0 tcp 198.51.100.7:40000 > 203.0.113.10:22 syn";
    let answer = "out eth0 tcp 203.0.113.10:22 > 198.51.100.7:40000 syn+ack seq=9 ack-seq=2";
    let run = Netverdict::new(SEND).args(["--send", first, "--send", answer, "--format", "json"]);
    let document = run.json();
    assert_eq!(document["schema"], "netverdict.trace/1");
    let states: Vec<_> = document["packets"]
        .as_array()
        .unwrap()
        .iter()
        .map(|p| &p["state"])
        .collect();
    assert_eq!(states, ["NEW", "ESTABLISHED"]);
}

#[test]
fn a_sent_packet_shows_its_whole_way() {
    let packet = "in eth0 tcp 192.0.2.66:40000 > 203.0.113.10:23 syn mss=1460 ttl=50";
    insta::assert_snapshot!(Netverdict::new(SEND).args(["--send", packet]).stdout());
}

#[test]
fn a_sent_packet_follows_the_capture() {
    let packet = "in eth0 icmp 192.0.2.55 > 203.0.113.10 at=+1";
    let base = Netverdict::new(SEND).args(["fixtures/single-server/captures", "--send", packet]);
    let document = base.args(["--format", "json"]).json();
    let time = document["packets"][0]["time"].as_str().unwrap().to_owned();
    assert!(time.starts_with("1772438406."), "{time}");
}

/// What a kernel logged for a datagram to itself under these rules, from the packet's OUTPUT on: a rule without tests looks
/// like a chain's tail, a chain's end and RETURN are `return`, goto comes back to the caller of its chain.
#[test]
fn kernel_lines_name_the_same_rules_as_a_kernel() {
    let dump = "*raw
:PREROUTING ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
-A OUTPUT -p udp -j ACCEPT
COMMIT
*filter
:INPUT ACCEPT [0:0]
:FORWARD ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
:a - [0:0]
:b - [0:0]
-A INPUT -p udp -j a
-A INPUT -j ACCEPT
-A OUTPUT -j b
-A OUTPUT -p udp
-A a -p tcp
-A a -p udp -g b
-A b -s 127.0.0.1
-A b -j RETURN
COMMIT
";
    let expected = [
        "raw:OUTPUT:rule:1",
        "filter:OUTPUT:rule:1",
        "filter:b:rule:1",
        "filter:b:return:2",
        "filter:OUTPUT:rule:2",
        "filter:OUTPUT:policy:3",
        "raw:PREROUTING:policy:1",
        "filter:INPUT:rule:1",
        "filter:a:rule:2",
        "filter:b:rule:1",
        "filter:b:return:2",
        "filter:INPUT:policy:2",
    ];
    let send = "out lo udp 127.0.0.1:4000 > 127.0.0.1:5555 payload=x";
    let run = Netverdict::new(["trace", "-", "--send", send, "--format", "kernel"]).stdin(dump);
    let lines = run.stdout();
    let places: Vec<_> = lines
        .lines()
        .filter_map(|line| line.strip_prefix("TRACE: ")?.split(' ').next())
        .collect();
    assert_eq!(places, expected);
}
