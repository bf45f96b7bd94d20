//! How each match may be written: when it is legal, and its options in their variety.

use netverdict_net::{Family, Protocol};

use super::super::network::NEIGHBOURS;
use super::super::packet::icmp_protocol;
use super::Place;
use super::hook::{FWD, IN, OUT, POST, PRE};

/// One match of the vocabulary.
pub(super) struct Match {
    /// The name that `-m` takes.
    pub(super) name: &'static str,
    /// Whether it reads the header of the rule's protocol.
    pub(super) of_protocol: bool,
    /// Whether it may stand here.
    pub(super) legal: fn(&Place<'_>) -> bool,
    /// The match and its options.
    pub(super) write: Writer,
}

type Writer = fn(&mut Place<'_>) -> String;

const fn general(name: &'static str, write: Writer) -> Match {
    limited(name, |_| true, write)
}

const fn limited(name: &'static str, legal: fn(&Place<'_>) -> bool, write: Writer) -> Match {
    Match {
        name,
        of_protocol: false,
        legal,
        write,
    }
}

const fn header(name: &'static str, legal: fn(&Place<'_>) -> bool, write: Writer) -> Match {
    Match {
        name,
        of_protocol: true,
        legal,
        write,
    }
}

fn v4(place: &Place<'_>) -> bool {
    place.family == Family::V4
}

fn v6(place: &Place<'_>) -> bool {
    place.family == Family::V6
}

fn is(place: &Place<'_>, protocols: &[Protocol]) -> bool {
    place.protocol.is_some_and(|p| protocols.contains(&p))
}

/// Every match that can be drawn.
pub(super) const ALL: &[Match] = &[
    header("tcp", |p| is(p, &[Protocol::TCP]), tcp),
    header("udp", |p| is(p, &[Protocol::UDP]), udp),
    header("icmp", |p| is(p, &[Protocol::ICMP]) && v4(p), icmp),
    header("icmp6", |p| is(p, &[Protocol::ICMPV6]) && v6(p), icmp6),
    header("multiport", has_ports, multiport),
    header("sctp", |p| is(p, &[Protocol::SCTP]), sctp),
    header("dccp", |p| is(p, &[Protocol::DCCP]), dccp),
    header("esp", |p| is(p, &[Protocol::ESP]), esp),
    header("ah", |p| v6(p) || is(p, &[Protocol::AH]), ah),
    header("ipcomp", |p| is(p, &[Protocol::IPCOMP]), ipcomp),
    header("tcpmss", |p| is(p, &[Protocol::TCP]), tcpmss),
    header("ecn", |_| true, ecn),
    general("conntrack", conntrack),
    general("state", state),
    general("connmark", |p| mark(p, "connmark")),
    general("connbytes", connbytes),
    general("helper", helper),
    general("mark", |p| mark(p, "mark")),
    general("addrtype", addrtype),
    general("iprange", iprange),
    general("length", length),
    general("comment", comment),
    general("pkttype", pkttype),
    general("tos", tos),
    general("dscp", dscp),
    general("limit", limit),
    general("hashlimit", hashlimit),
    general("recent", recent),
    general("statistic", statistic),
    general("quota", quota),
    general("string", string),
    general("u32", u32),
    general("time", time),
    general("connlimit", connlimit),
    general("bpf", bpf),
    limited("devgroup", devgroup_legal, devgroup),
    limited("cluster", |p| p.reaches(PRE | IN | FWD), cluster),
    limited("ttl", v4, |p| ttl(p, "ttl")),
    limited("hl", v6, |p| ttl(p, "hl")),
    limited("mac", |p| p.reaches(PRE | IN | FWD), mac),
    limited("rpfilter", rpfilter_legal, rpfilter),
    limited("realm", |p| v4(p) && !p.has(PRE), realm),
    limited("policy", devgroup_legal, policy),
    limited("frag", v6, frag),
    limited("rt", v6, rt),
    limited("srh", v6, srh),
    header("mh", |p| v6(p) && is(p, &[Protocol(135)]), mh),
    general("connlabel", connlabel),
    limited("physdev", |p| p.reaches(PRE | IN | FWD), physdev),
    header(
        "osf",
        |p| v4(p) && is(p, &[Protocol::TCP]) && p.reaches(PRE | IN | FWD),
        osf,
    ),
    limited("socket", |p| p.reaches(PRE | IN), socket),
    limited("set", |p| !p.sets.is_empty(), set),
    limited("hbh", v6, |p| options(p, "hbh", "--hbh-len", "--hbh-opts")),
    limited("dst", v6, |p| options(p, "dst", "--dst-len", "--dst-opts")),
    limited("ipv6header", v6, ipv6header),
    limited(
        "eui64",
        |p| v6(p) && p.reaches(PRE | IN | FWD),
        |_| "-m eui64".to_owned(),
    ),
];

fn has_ports(place: &Place<'_>) -> bool {
    const WITH: [Protocol; 5] = [
        Protocol::TCP,
        Protocol::UDP,
        Protocol::UDPLITE,
        Protocol::SCTP,
        Protocol::DCCP,
    ];
    is(place, &WITH)
}

/// Each option in some draws, at least one of them.
fn draw(place: &mut Place<'_>, name: &str, options: &[Writer]) -> String {
    let sure = place.rng.below(options.len() as u64) as usize;
    let mut text = format!("-m {name}");
    for (index, option) in options.iter().enumerate() {
        if index == sure || place.rng.chance(20) {
            text.push(' ');
            text.push_str(&option(place));
        }
    }
    text
}

/// `-m name [!] --option value`, the value one of these.
fn one(place: &mut Place<'_>, name: &str, option: &str, values: &[&str]) -> String {
    let not = place.not();
    format!("-m {name} {not}{option} {}", place.rng.pick(values))
}

fn source_port(place: &mut Place<'_>) -> String {
    format!("{}--sport {}", place.not(), place.ports(":"))
}

fn destination_port(place: &mut Place<'_>) -> String {
    format!("{}--dport {}", place.not(), place.ports(":"))
}

fn tcp(place: &mut Place<'_>) -> String {
    if place.rng.chance(15) {
        place.syn = true;
        return "-m tcp --tcp-flags SYN,RST SYN".to_owned();
    }
    draw(
        place,
        "tcp",
        &[destination_port, source_port, tcp_flags, tcp_option],
    )
}

fn tcp_option(place: &mut Place<'_>) -> String {
    let not = place.not();
    let kind = place.rng.pick(&[1, 2, 3, 4, 8, 5, 19]);
    format!("{not}--tcp-option {kind}")
}

fn tcp_flags(place: &mut Place<'_>) -> String {
    const FLAGS: [&str; 6] = ["FIN", "SYN", "RST", "PSH", "ACK", "URG"];
    let not = place.not();
    let mask = place.some_of(&FLAGS, ",");
    let comp = place.some_of(&mask.split(',').collect::<Vec<_>>(), ",");
    match place.rng.below(4) {
        0 => format!("{not}--syn"),
        1 => format!("{not}--tcp-flags {mask} NONE"),
        2 => format!("{not}--tcp-flags ALL {comp}"),
        _ => format!("{not}--tcp-flags {mask} {comp}"),
    }
}

fn udp(place: &mut Place<'_>) -> String {
    draw(place, "udp", &[destination_port, source_port])
}

fn icmp(place: &mut Place<'_>) -> String {
    const TYPES: [&str; 14] = [
        "8",
        "0",
        "3",
        "3/1",
        "3/3",
        "3/4",
        "5",
        "11",
        "11/0",
        "13",
        "echo-request",
        "host-unreachable",
        "any",
        "255",
    ];
    one(place, "icmp", "--icmp-type", &TYPES)
}

fn icmp6(place: &mut Place<'_>) -> String {
    const TYPES: [&str; 10] = [
        "128",
        "129",
        "1",
        "1/4",
        "2",
        "3",
        "3/0",
        "135",
        "echo-request",
        "port-unreachable",
    ];
    one(place, "icmp6", "--icmpv6-type", &TYPES)
}

fn multiport(place: &mut Place<'_>) -> String {
    let option = *place.rng.pick(&["--dports", "--sports", "--ports"]);
    let count = place.rng.between(1, 5);
    let ports: Vec<String> = (0..count).map(|_| place.ports(":")).collect();
    format!("-m multiport {}{option} {}", place.not(), ports.join(","))
}

fn sctp(place: &mut Place<'_>) -> String {
    draw(place, "sctp", &[destination_port, source_port, sctp_chunks])
}

fn sctp_chunks(place: &mut Place<'_>) -> String {
    const KINDS: [&str; 9] = [
        "DATA",
        "INIT",
        "INIT_ACK",
        "SACK",
        "HEARTBEAT",
        "COOKIE_ECHO",
        "ABORT:T",
        "DATA:be",
        "SHUTDOWN",
    ];
    let not = place.not();
    let how = *place.rng.pick(&["any", "all", "only"]);
    format!("{not}--chunk-types {how} {}", place.some_of(&KINDS, ","))
}

fn dccp(place: &mut Place<'_>) -> String {
    draw(place, "dccp", &[destination_port, source_port, dccp_types])
}

fn dccp_types(place: &mut Place<'_>) -> String {
    const KINDS: [&str; 6] = ["REQUEST", "RESPONSE", "DATA", "ACK", "RESET", "INVALID"];
    format!("{}--dccp-types {}", place.not(), place.some_of(&KINDS, ","))
}

const SPIS: [&str; 5] = ["1", "256", "0:255", "256:65535", "0:4294967295"];

fn esp(place: &mut Place<'_>) -> String {
    one(place, "esp", "--espspi", &SPIS)
}

fn ipcomp(place: &mut Place<'_>) -> String {
    one(place, "ipcomp", "--ipcompspi", &SPIS[..4])
}

fn ah(place: &mut Place<'_>) -> String {
    let spi = one(place, "ah", "--ahspi", &SPIS);
    if v4(place) || place.rng.chance(60) {
        return spi;
    }
    let not = place.not();
    let len = *place.rng.pick(&[12, 16, 24]);
    let reserved = place.maybe(50, " --ahres");
    format!("{spi} {not}--ahlen {len}{reserved}")
}

fn tcpmss(place: &mut Place<'_>) -> String {
    const RANGES: [&str; 4] = ["1460", "0:536", "1400:1500", "536:65535"];
    one(place, "tcpmss", "--mss", &RANGES)
}

fn ecn(place: &mut Place<'_>) -> String {
    let ect: Writer = |p| format!("{}--ecn-ip-ect {}", p.not(), p.rng.below(4));
    let ece: Writer = |p| format!("{}--ecn-tcp-ece", p.not());
    let cwr: Writer = |p| format!("{}--ecn-tcp-cwr", p.not());
    if is(place, &[Protocol::TCP]) {
        draw(place, "ecn", &[ect, ece, cwr])
    } else {
        draw(place, "ecn", &[ect])
    }
}

fn conntrack(place: &mut Place<'_>) -> String {
    let states: Writer = |p| format!("{}--ctstate {}", p.not(), states(p, true));
    if place.rng.chance(60) {
        return draw(place, "conntrack", &[states]);
    }
    let options: [Writer; 11] = [
        states,
        |p| {
            let icmp = icmp_protocol(p.any_address()).0;
            format!("{}--ctproto {}", p.not(), p.rng.pick(&[6, 17, icmp, 132]))
        },
        |p| format!("{}--ctorigsrc {}", p.not(), p.net()),
        |p| format!("{}--ctorigdst {}", p.not(), p.net()),
        |p| format!("{}--ctreplsrc {}", p.not(), p.net()),
        |p| format!("{}--ctrepldst {}", p.not(), p.net()),
        |p| format!("{}--ctorigdstport {}", p.not(), p.ports(":")),
        |p| format!("{}--ctreplsrcport {}", p.not(), p.ports(":")),
        |p| {
            let all = ["EXPECTED", "SEEN_REPLY", "ASSURED", "CONFIRMED"];
            format!("{}--ctstatus {}", p.not(), p.some_of(&all, ","))
        },
        |p| format!("--ctdir {}", p.rng.pick(&["ORIGINAL", "REPLY"])),
        |p| {
            // Ranges that no timeout's first seconds cross: 10, 20, 30, 60, 120, 300, 432000.
            let ranges = ["0", "0:25", "10:100", "200:1000", "1000:500000"];
            format!("{}--ctexpire {}", p.not(), p.rng.pick(&ranges))
        },
    ];
    draw(place, "conntrack", &options)
}

fn states(place: &mut Place<'_>, with_nat: bool) -> String {
    const ALL: [&str; 7] = [
        "INVALID",
        "NEW",
        "RELATED",
        "ESTABLISHED",
        "UNTRACKED",
        "SNAT",
        "DNAT",
    ];
    place.some_of(if with_nat { &ALL } else { &ALL[..5] }, ",")
}

fn state(place: &mut Place<'_>) -> String {
    format!("-m state {}--state {}", place.not(), states(place, false))
}

fn mark(place: &mut Place<'_>, name: &str) -> String {
    const MARKS: [&str; 6] = ["0x0", "0x1", "0x2", "0x1/0x1", "0x2/0x3", "0x0/0xff"];
    one(place, name, "--mark", &MARKS)
}

fn connbytes(place: &mut Place<'_>) -> String {
    let not = place.not();
    let range = *place
        .rng
        .pick(&["0:", "1:3", "2:", "100:1000", "60:", "3:100"]);
    let mode = *place.rng.pick(&["packets", "bytes", "avgpkt"]);
    let dir = *place.rng.pick(&["original", "reply", "both"]);
    format!("-m connbytes {not}--connbytes {range} --connbytes-mode {mode} --connbytes-dir {dir}")
}

fn helper(place: &mut Place<'_>) -> String {
    one(place, "helper", "--helper", &["ftp", "tftp", "ftp-2121"])
}

fn addrtype(place: &mut Place<'_>) -> String {
    let kinds: &[&str] = match place.family {
        Family::V4 => &[
            "UNSPEC",
            "UNICAST",
            "LOCAL",
            "BROADCAST",
            "MULTICAST",
            "BLACKHOLE",
        ],
        Family::V6 => &["UNSPEC", "UNICAST", "LOCAL", "MULTICAST", "ANYCAST"],
    };
    let not = place.not();
    let option = *place.rng.pick(&["--src-type", "--dst-type", "--dst-type"]);
    let kind = if place.rng.chance(20) {
        place.some_of(kinds, ",")
    } else {
        (*place.rng.pick(kinds)).to_owned()
    };
    let limit = match place.rng.below(6) {
        0 if place.reaches(PRE | IN | FWD) => " --limit-iface-in",
        1 if place.reaches(OUT | POST | FWD) => " --limit-iface-out",
        _ => "",
    };
    format!("-m addrtype {not}{option} {kind}{limit}")
}

fn iprange(place: &mut Place<'_>) -> String {
    let range: fn(&mut Place<'_>, &str) -> String = |p, option| {
        let (a, b) = (p.address(), p.address());
        format!(" {}{option} {}-{}", p.not(), a.min(b), a.max(b))
    };
    let which = place.rng.between(1, 3);
    let mut text = "-m iprange".to_owned();
    if which & 1 != 0 {
        text.push_str(&range(place, "--src-range"));
    }
    if which & 2 != 0 {
        text.push_str(&range(place, "--dst-range"));
    }
    text
}

fn length(place: &mut Place<'_>) -> String {
    const RANGES: [&str; 8] = [
        "40",
        "60",
        "0:60",
        "61:100",
        "100:1500",
        "28:84",
        "1000:65535",
        "80",
    ];
    one(place, "length", "--length", &RANGES)
}

fn comment(place: &mut Place<'_>) -> String {
    const TEXTS: [&str; 6] = [
        "plain",
        "\"two words\"",
        "\"a \\\"quoted\\\" word\"",
        "\"*filter -A INPUT\"",
        "\"it's\"",
        "\"-j DROP\"",
    ];
    format!("-m comment --comment {}", place.rng.pick(&TEXTS))
}

fn pkttype(place: &mut Place<'_>) -> String {
    let kinds = ["unicast", "broadcast", "multicast"];
    one(place, "pkttype", "--pkt-type", &kinds)
}

fn tos(place: &mut Place<'_>) -> String {
    const VALUES: [&str; 6] = [
        "0x10/0x3f",
        "0x00",
        "0x00/0xff",
        "0xb8/0xfc",
        "Minimize-Delay",
        "0x08/0x08",
    ];
    one(place, "tos", "--tos", &VALUES)
}

fn dscp(place: &mut Place<'_>) -> String {
    if place.rng.chance(30) {
        return one(place, "dscp", "--dscp-class", &["EF", "AF11", "CS1", "BE"]);
    }
    one(place, "dscp", "--dscp", &["0x00", "0x2e", "0x0a", "0x04"])
}

/// Rates so slow that the run's own time refills nothing.
fn limit(place: &mut Place<'_>) -> String {
    let rate = *place.rng.pick(&["1/hour", "2/hour", "5/hour", "60/hour"]);
    let burst = place.rng.pick(&[1, 2, 5, 20]);
    format!("-m limit --limit {rate} --limit-burst {burst}")
}

/// The modes of a shared table, by the name's number: the first rule of a name decides them for all.
const HASHLIMITS: [(&str, &str, u8); 6] = [
    ("srcip", "1/hour", 1),
    ("dstip,dstport", "3/hour", 2),
    ("srcip,dstip", "4/hour", 5),
    ("srcport", "2/hour", 1),
    ("srcip,srcport,dstip,dstport", "1/hour", 3),
    ("dstip", "10/hour", 20),
];

fn hashlimit(place: &mut Place<'_>) -> String {
    let how = *place.rng.pick(&["upto", "above"]);
    let number = place.rng.below(HASHLIMITS.len() as u64) as usize;
    let (mode, rate, burst) = HASHLIMITS[number];
    let mask = match (place.family, number) {
        (Family::V4, 0) => " --hashlimit-srcmask 24",
        (Family::V6, 0) => " --hashlimit-srcmask 64",
        _ => "",
    };
    format!(
        "-m hashlimit --hashlimit-{how} {rate} --hashlimit-burst {burst} --hashlimit-mode {mode}{mask} \
         --hashlimit-name h{number}"
    )
}

fn recent(place: &mut Place<'_>) -> String {
    let not = place.not();
    let action = match place.rng.below(6) {
        0 | 1 => "--set".to_owned(),
        2 => "--remove".to_owned(),
        verb => {
            let verb = ["--update", "--rcheck"][usize::from(verb != 3)];
            let seconds = *place
                .rng
                .pick(&["", " --seconds 600", " --seconds 3600 --reap"]);
            let hits = *place.rng.pick(&["", "", " --hitcount 2", " --hitcount 4"]);
            let ttl = place.maybe(20, " --rttl");
            format!("{verb}{seconds}{hits}{ttl}")
        }
    };
    let name = *place.rng.pick(&["", " --name r1", " --name r2"]);
    let side = *place.rng.pick(&["", " --rsource", " --rdest"]);
    format!("-m recent {not}{action}{name}{side}")
}

fn statistic(place: &mut Place<'_>) -> String {
    let not = place.not();
    if place.rng.chance(15) {
        let sure = place.rng.pick(&["0", "1"]);
        return format!("-m statistic --mode random {not}--probability {sure}");
    }
    let every = place.rng.between(1, 5);
    let packet = place.rng.below(every);
    format!("-m statistic --mode nth {not}--every {every} --packet {packet}")
}

fn quota(place: &mut Place<'_>) -> String {
    let sizes = ["0", "60", "200", "1500", "100000"];
    one(place, "quota", "--quota", &sizes)
}

fn string(place: &mut Place<'_>) -> String {
    const PATTERNS: [&str; 5] = [
        "--string \"GET /\"",
        "--string hello",
        "--hex-string \"|0d 0a|\"",
        "--hex-string \"|00 01|x\"",
        "--string \"HeLLo\" --icase",
    ];
    let not = place.not();
    let pattern = *place.rng.pick(&PATTERNS);
    let algorithm = *place.rng.pick(&["bm", "kmp"]);
    let range = *place
        .rng
        .pick(&["", "", " --from 40", " --to 60", " --from 20 --to 44"]);
    format!("-m string {not}{pattern} --algo {algorithm}{range}")
}

fn u32(place: &mut Place<'_>) -> String {
    const TESTS: [&str; 6] = [
        "\"6&0xff=6\"",
        "\"0>>22&0x3c@0>>16=0:1024\"",
        "\"4&0x3fff=0\"",
        "\"12=0xc0a80107,0xcb007101\"",
        "\"0&0xffff=0x28:0x40&&16>>24=192:203\"",
        "\"1000=1\"",
    ];
    one(place, "u32", "--u32", &TESTS)
}

fn bpf(place: &mut Place<'_>) -> String {
    const CODES: [&str; 3] = [
        "4,48 0 0 9,21 0 1 6,6 0 0 1,6 0 0 0",
        "1,6 0 0 65535",
        "4,40 0 0 2,53 0 1 60,6 0 0 0,6 0 0 1",
    ];
    format!("-m bpf --bytecode \"{}\"", place.rng.pick(&CODES))
}

/// Windows whose edges are far from any run, but for the day's own.
fn time(place: &mut Place<'_>) -> String {
    const DAYS: [&str; 7] = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];
    const MONTHDAYS: [&str; 5] = ["1", "2", "10", "20", "31"];
    let not = place.not();
    match place.rng.below(5) {
        0 => format!("-m time {not}--weekdays {}", place.some_of(&DAYS, ",")),
        1 => format!(
            "-m time {not}--monthdays {}",
            place.some_of(&MONTHDAYS, ",")
        ),
        2 => "-m time --datestart 2001-02-03T04:05:06 --datestop 2037-01-01".to_owned(),
        3 => "-m time --timestart 00:00 --timestop 23:59:59".to_owned(),
        _ => "-m time --datestop 2010-01-01".to_owned(),
    }
}

fn connlimit(place: &mut Place<'_>) -> String {
    let how = *place.rng.pick(&["above", "upto"]);
    let side = *place.rng.pick(&["saddr", "daddr"]);
    let mask = match place.family {
        Family::V4 => *place.rng.pick(&[32, 24, 0]),
        Family::V6 => *place.rng.pick(&[128, 64, 0]),
    };
    let count = place.rng.below(4);
    format!("-m connlimit --connlimit-{how} {count} --connlimit-mask {mask} --connlimit-{side}")
}

fn devgroup_legal(place: &Place<'_>) -> bool {
    place.reaches(PRE | IN | FWD) || place.reaches(OUT | POST | FWD)
}

fn devgroup(place: &mut Place<'_>) -> String {
    let side = if place.reaches(PRE | IN | FWD) {
        "--src-group"
    } else {
        "--dst-group"
    };
    one(place, "devgroup", side, &["0x0", "0x1", "0x0/0xff"])
}

fn policy(place: &mut Place<'_>) -> String {
    let dir = if place.reaches(PRE | IN | FWD) {
        "in"
    } else {
        "out"
    };
    let kind = *place
        .rng
        .pick(&["none", "ipsec", "ipsec --strict --proto esp"]);
    format!("-m policy --dir {dir} --pol {kind}")
}

fn cluster(place: &mut Place<'_>) -> String {
    let not = place.not();
    let node = place.rng.between(1, 2);
    format!(
        "-m cluster --cluster-total-nodes 2 {not}--cluster-local-node {node} --cluster-hash-seed 0xdeadbeef"
    )
}

fn ttl(place: &mut Place<'_>, name: &str) -> String {
    let value = *place.rng.pick(&[1, 63, 64, 2, 128, 255]);
    match place.rng.below(3) {
        0 => format!("-m {name} {}--{name}-eq {value}", place.not()),
        1 => format!("-m {name} --{name}-lt {value}"),
        _ => format!("-m {name} --{name}-gt {value}"),
    }
}

fn mac(place: &mut Place<'_>) -> String {
    let not = place.not();
    format!("-m mac {not}--mac-source {}", place.rng.pick(&NEIGHBOURS))
}

fn rpfilter_legal(place: &Place<'_>) -> bool {
    place.hooks == PRE && matches!(place.table, "raw" | "mangle")
}

fn rpfilter(place: &mut Place<'_>) -> String {
    const OPTIONS: [&str; 4] = ["--loose", "--validmark", "--accept-local", "--invert"];
    format!("-m rpfilter {}", place.some_of(&OPTIONS, " "))
}

fn realm(place: &mut Place<'_>) -> String {
    one(place, "realm", "--realm", &["0x0", "0x1", "0x0/0xff"])
}

fn frag(place: &mut Place<'_>) -> String {
    let id: Writer = |p| {
        let ranges = ["1:1000", "0:4294967295", "7"];
        format!("{}--fragid {}", p.not(), p.rng.pick(&ranges))
    };
    let part: Writer = |p| {
        let parts = ["--fragmore", "--fraglast", "--fragfirst", "--fragres"];
        (*p.rng.pick(&parts)).to_owned()
    };
    draw(place, "frag", &[id, part])
}

fn rt(place: &mut Place<'_>) -> String {
    let options: [Writer; 3] = [
        |p| format!("{}--rt-type {}", p.not(), p.rng.pick(&[0, 2, 4])),
        |p| {
            format!(
                "{}--rt-segsleft {}",
                p.not(),
                p.rng.pick(&["0", "1", "0:1"])
            )
        },
        |p| format!("{}--rt-len {}", p.not(), p.rng.pick(&[8, 24])),
    ];
    draw(place, "rt", &options)
}

fn options(place: &mut Place<'_>, name: &str, len: &str, list: &str) -> String {
    match place.rng.below(3) {
        0 => one(place, name, len, &["8", "16"]),
        1 => {
            let lists = ["1", "1:4", "5:2", "5", "1:4,5:2"];
            format!("-m {name} {list} {}", place.rng.pick(&lists))
        }
        _ => format!("-m {name} {}{len} 8 {list} 5:2", place.not()),
    }
}

fn ipv6header(place: &mut Place<'_>) -> String {
    const HEADERS: [&str; 8] = ["hop", "dst", "route", "frag", "auth", "esp", "none", "prot"];
    let not = place.not();
    let headers = place.some_of(&HEADERS, ",");
    let soft = place.maybe(60, " --soft");
    format!("-m ipv6header {not}--header {headers}{soft}")
}

fn srh(place: &mut Place<'_>) -> String {
    let options: [Writer; 8] = [
        |p| format!("{}--srh-next-hdr {}", p.not(), p.rng.pick(&[6, 17, 58])),
        |p| format!("{}--srh-hdr-len-eq {}", p.not(), p.rng.pick(&[2, 4])),
        |p| format!("{}--srh-hdr-len-gt {}", p.not(), p.rng.pick(&[1, 2])),
        |p| format!("{}--srh-segs-left-lt {}", p.not(), p.rng.pick(&[1, 2])),
        |p| format!("{}--srh-last-entry-eq {}", p.not(), p.rng.pick(&[0, 1])),
        |p| format!("{}--srh-tag {}", p.not(), p.rng.pick(&[0, 7, 1792])),
        |p| format!("{}--srh-lsid {}", p.not(), p.rng.pick(&SEGMENTS)),
        |p| format!("{}--srh-nsid {}", p.not(), p.rng.pick(&SEGMENTS)),
    ];
    draw(place, "srh", &options)
}

/// What the generated segment lists have, and what they have not.
const SEGMENTS: [&str; 3] = ["2001:db8:1::7", "2001:db8::/32", "2001:db8:f::/48"];

/// Labels by number: there is no connlabel.conf to name them.
fn connlabel(place: &mut Place<'_>) -> String {
    let not = place.not();
    let set = place.maybe(40, " --set");
    format!("-m connlabel {not}--label {}{set}", place.rng.below(4))
}

fn physdev(place: &mut Place<'_>) -> String {
    let options: [Writer; 3] = [
        |p| format!("{}--physdev-in eth0", p.not()),
        |p| format!("{}--physdev-is-in", p.not()),
        |p| format!("{}--physdev-is-bridged", p.not()),
    ];
    draw(place, "physdev", &options)
}

fn osf(place: &mut Place<'_>) -> String {
    let ttl = place.maybe(40, " --ttl 2");
    format!("-m osf {}--genre Linux{ttl}", place.not())
}

fn socket(place: &mut Place<'_>) -> String {
    let options = ["", " --transparent", " --nowildcard", " --restore-skmark"];
    format!("-m socket{}", place.rng.pick(&options))
}

fn mh(place: &mut Place<'_>) -> String {
    one(place, "mh", "--mh-type", &["0", "1:3", "5", "0:255"])
}

fn set(place: &mut Place<'_>) -> String {
    let sets = place.sets;
    let set = place.rng.pick(sets);
    let not = place.not();
    let sides = sides(place, set.dimensions);
    let mut text = format!("-m set {not}--match-set {} {sides}", set.name);
    if place.rng.chance(12) {
        text.push_str(" --return-nomatch");
    }
    if set.counters && place.rng.chance(40) {
        let not = place.maybe(30, "! ");
        let option = *place.rng.pick(&["--packets-eq", "--bytes-eq"]);
        let value = place.rng.pick(&[0, 1, 3, 60]);
        match place.rng.below(4) {
            0 => text.push_str(" ! --update-counters"),
            1 => text.push_str(" --packets-gt 1"),
            2 => text.push_str(" --bytes-lt 500"),
            _ => text = format!("{text} {not}{option} {value}"),
        }
    }
    text
}

/// A side for each dimension; now and then one more, or one less.
pub(super) fn sides(place: &mut Place<'_>, dimensions: usize) -> String {
    let count = match place.rng.below(20) {
        0 => dimensions + 1,
        1 => dimensions.saturating_sub(1).max(1),
        _ => dimensions,
    };
    let sides: Vec<&str> = (0..count)
        .map(|_| *place.rng.pick(&["src", "dst"]))
        .collect();
    sides.join(",")
}
