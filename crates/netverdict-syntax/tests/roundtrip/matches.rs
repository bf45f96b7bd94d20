//! Strategies for matches.

use netverdict_net::{Family, PortRange, Protocol};
use netverdict_ruleset::matches::*;
use netverdict_ruleset::{Hook, Interval, Invertible, SideMask, TableKind};
use proptest::collection::vec;
use proptest::prelude::*;

use super::values::*;

/// Matches that may stand in any rule of any table.
pub(crate) fn anywhere(family: Family) -> BoxedStrategy<Match> {
    let both = prop_oneof![
        counting(family),
        connections(family),
        packets(family),
        stateful(family),
    ];
    match family {
        Family::V4 => prop_oneof![6 => both, 1 => only_v4()].boxed(),
        Family::V6 => prop_oneof![6 => both, 2 => only_v6()].boxed(),
    }
}

fn packets(family: Family) -> BoxedStrategy<Match> {
    prop_oneof![
        words(1, 255).prop_map(|text| Match::Comment(Comment { text })),
        inv(ports()).prop_map(|length| Match::Length(Length { length })),
        inv(mark()).prop_map(|mark| Match::Mark(Mark { mark })),
        inv((any::<u8>(), any::<u8>()).prop_map(|(value, mask)| TosMask { value, mask }))
            .prop_map(|tos| Match::Tos(Tos { tos })),
        inv(0..64u8).prop_map(|dscp| Match::Dscp(Dscp { dscp })),
        inv(0..4u8).prop_map(|ect| Match::Ecn(Ecn {
            ect: Some(ect),
            ..Ecn::default()
        })),
        inv(one(&[
            PacketKind::Unicast,
            PacketKind::Broadcast,
            PacketKind::Multicast,
            PacketKind::OtherHost
        ]))
        .prop_map(|kind| Match::Pkttype(Pkttype { kind })),
        iprange(family),
        addrtype(family),
        string(),
        inv(vec(u32_test(), 1..4)).prop_map(|tests| Match::U32(U32 { tests })),
        Just(Match::Bpf(Bpf::Bytecode(vec![BpfInstruction {
            code: 6,
            jt: 0,
            jf: 0,
            k: 1
        }]))),
        name().prop_map(|path| Match::Bpf(Bpf::Pinned(format!("/sys/fs/bpf/{path}")))),
        time(),
        inv(any::<u32>()).prop_map(|cpu| Match::Cpu(Cpu { cpu })),
    ]
    .boxed()
}

fn iprange(family: Family) -> impl Strategy<Value = Match> {
    (maybe(inv(addresses(family))), maybe(inv(addresses(family))))
        .prop_filter("one of them", |(source, destination)| {
            source.is_some() || destination.is_some()
        })
        .prop_map(|(source, destination)| {
            Match::Iprange(Iprange {
                source,
                destination,
            })
        })
}

fn addrtype(family: Family) -> impl Strategy<Value = Match> {
    // IPv6 knows neither BROADCAST (bit 3) nor BLACKHOLE (6) nor what comes behind UNREACHABLE (7).
    let possible: u16 = match family {
        Family::V4 => 0xfff,
        Family::V6 => 0b1011_0111,
    };
    let types = move || (1..0x1000u16).prop_map(move |bits| AddrTypes((bits & possible).max(1)));
    (maybe(inv(types())), inv(types())).prop_map(|(source, destination)| {
        Match::Addrtype(Addrtype {
            source,
            destination: Some(destination),
            limit: None,
        })
    })
}

fn string() -> impl Strategy<Value = Match> {
    let pattern = prop_oneof![
        vec(any::<u8>(), 1..=128),
        "[ -~]{1,128}".prop_map(String::into_bytes)
    ];
    let algorithm = one(&[StringAlgorithm::Bm, StringAlgorithm::Kmp]);
    (
        inv(pattern),
        algorithm,
        any::<u16>(),
        any::<u16>(),
        any::<bool>(),
    )
        .prop_map(|(pattern, algorithm, a, b, ignore_case)| {
            Match::String(StringMatch {
                pattern,
                algorithm,
                from: a.min(b),
                to: a.max(b),
                ignore_case,
            })
        })
}

fn u32_test() -> impl Strategy<Value = U32Test> {
    let step = prop_oneof![
        (one(&[U32Op::And, U32Op::At]), any::<u32>()),
        (one(&[U32Op::ShiftLeft, U32Op::ShiftRight]), 0..32u32),
    ];
    let value = (any::<u32>(), any::<u32>()).prop_map(|(first, last)| Interval { first, last });
    (any::<u32>(), vec(step, 0..5), vec(value, 1..5)).prop_map(|(start, steps, values)| U32Test {
        start,
        steps,
        values,
    })
}

fn time() -> impl Strategy<Value = Match> {
    let date = 1..i32::MAX as u32;
    let clock = 0..86400u32;
    (
        date.clone(),
        date,
        clock.clone(),
        clock,
        any::<u32>(),
        any::<u8>(),
        any::<bool>(),
        any::<bool>(),
    )
        .prop_map(
            |(
                date_start,
                date_stop,
                time_start,
                time_stop,
                month,
                week,
                kernel_zone,
                contiguous,
            )| {
                Match::Time(Time {
                    date_start,
                    date_stop,
                    time_start,
                    time_stop,
                    month_days: (month & Time::ALL_MONTH_DAYS).max(2),
                    week_days: (week & Time::ALL_WEEK_DAYS).max(2),
                    kernel_zone,
                    contiguous,
                })
            },
        )
}

fn connections(family: Family) -> BoxedStrategy<Match> {
    prop_oneof![
        state(),
        conntrack(family),
        inv(mark()).prop_map(|mark| Match::Connmark(Connmark { mark })),
        connbytes(),
        (any::<bool>(), 0..128u16, any::<bool>())
            .prop_map(|(inverted, bit, set)| Match::Connlabel(Connlabel { inverted, bit, set })),
        (
            any::<bool>(),
            any::<u32>(),
            prefix_len(family),
            any::<bool>()
        )
            .prop_map(|(above, limit, prefix_len, by_destination)| {
                Match::Connlimit(Connlimit {
                    above,
                    limit,
                    prefix_len,
                    by_destination,
                })
            }),
        inv("[a-z0-9-]{0,20}").prop_map(|name| Match::Helper(Helper { name })),
        (inv(1..16u32), any::<u32>()).prop_map(|(nodes, seed)| Match::Cluster(Cluster {
            nodes,
            total: 4,
            seed
        })),
    ]
    .boxed()
}

fn state() -> impl Strategy<Value = Match> {
    inv((1..32u8).prop_map(CtStates)).prop_map(|states| {
        Match::Conntrack(Box::new(Conntrack {
            is_state: true,
            states: Some(states),
            ..Conntrack::default()
        }))
    })
}

fn conntrack(family: Family) -> impl Strategy<Value = Match> {
    let address = || maybe(inv(unmasked(family)));
    let port = || {
        maybe(inv(
            (any::<u16>(), any::<u16>()).prop_map(|(start, end)| PortRange { start, end })
        ))
    };
    let addresses = (address(), address(), address(), address());
    let ports = (port(), port(), port(), port());
    let rest = (
        inv((1..128u8).prop_map(CtStates)),
        maybe(inv(any::<u8>())),
        maybe(inv((0..16u8).prop_map(CtStatuses))),
        maybe(inv(
            (any::<u32>(), any::<u32>()).prop_map(|(first, last)| Interval { first, last })
        )),
        maybe(one(&[CtDirection::Original, CtDirection::Reply])),
    );
    (addresses, ports, rest).prop_map(|(a, p, (states, protocol, status, expire, direction))| {
        Match::Conntrack(Box::new(Conntrack {
            is_state: false,
            states: Some(states),
            protocol,
            original_source: a.0,
            original_destination: a.1,
            reply_source: a.2,
            reply_destination: a.3,
            original_source_port: p.0,
            original_destination_port: p.1,
            reply_source_port: p.2,
            reply_destination_port: p.3,
            status,
            expire,
            direction,
        }))
    })
}

fn connbytes() -> impl Strategy<Value = Match> {
    let mode = one(&[
        ConnbytesMode::Packets,
        ConnbytesMode::Bytes,
        ConnbytesMode::AveragePacket,
    ]);
    let direction = one(&[
        ConnbytesDirection::Original,
        ConnbytesDirection::Reply,
        ConnbytesDirection::Both,
    ]);
    let range = prop_oneof![
        any::<u64>().prop_map(|first| (first, u64::MAX)),
        (0..1000u64, 1000..u64::MAX),
    ];
    (any::<bool>(), range, mode, direction).prop_map(
        |(inverted, (first, last), mode, direction)| {
            Match::Connbytes(Connbytes {
                inverted: inverted && first != last,
                range: Interval { first, last },
                mode,
                direction,
            })
        },
    )
}

fn counting(family: Family) -> BoxedStrategy<Match> {
    prop_oneof![
        limit(),
        hashlimit(family),
        statistic(),
        inv(any::<u64>()).prop_map(|bytes| Match::Quota(Quota { bytes })),
        name().prop_map(|name| Match::Nfacct(Nfacct { name })),
        rateest(),
    ]
    .boxed()
}

/// A rate as it is written: so many packets a unit.
fn rate(scale: u64) -> impl Strategy<Value = (u64, u64)> {
    (1..scale.min(5000), one(&[1u64, 60, 3600, 86400]))
        .prop_map(move |(count, unit)| (scale * unit / count, unit))
}

fn limit() -> impl Strategy<Value = Match> {
    let fits = |(period, _): &(u64, u64)| period * 7 < 1 << 31;
    (
        rate(10_000).prop_filter("fits the kernel's counter", fits),
        1..8u32,
    )
        .prop_map(|((period, _), burst)| {
            Match::Limit(Limit {
                period: period as u32,
                burst,
            })
        })
        .prop_filter("the unit that is printed says the same", reads_back)
}

/// Rates are printed in the coarsest unit that comes close; what does not come out even is no rate anyone wrote.
fn reads_back(m: &Match) -> bool {
    let text = m.to_string();
    let rate = text
        .split_whitespace()
        .find(|word| word.contains('/'))
        .unwrap_or_default();
    let (count, unit) = rate.split_once('/').unwrap_or_default();
    let seconds = match unit {
        "day" => 86400,
        "hour" => 3600,
        "min" => 60,
        _ => 1,
    };
    let count: u64 = count.parse().unwrap_or(0);
    match m {
        Match::Limit(m) => count > 0 && 10_000 * seconds / count == u64::from(m.period),
        Match::Hashlimit(Hashlimit {
            rate: HashlimitRate::Packets { period, .. },
            ..
        }) => count > 0 && 1_000_000 * seconds / count == *period,
        _ => true,
    }
}

fn hashlimit(family: Family) -> impl Strategy<Value = Match> {
    let packets = (rate(1_000_000), 1..1000u32)
        .prop_map(|((period, _), burst)| HashlimitRate::Packets { period, burst });
    let bytes = (1..100_000u64, 0..5u32).prop_map(|(kilobytes, refills)| HashlimitRate::Bytes {
        cost: HashlimitRate::cost_of_bytes(kilobytes * 1024),
        refills,
    });
    let mode = any::<[bool; 4]>().prop_map(|[a, b, c, d]| HashlimitMode {
        source_address: a,
        source_port: b,
        destination_address: c,
        destination_port: d,
    });
    let mask = || maybe(0..family.bits());
    let table = (any::<u32>(), any::<u32>(), any::<u32>(), any::<u32>());
    (
        any::<bool>(),
        prop_oneof![packets, bytes],
        mode,
        name(),
        table,
        mask(),
        mask(),
    )
        .prop_map(
            |(above, rate, mode, name, (size, max, gc_interval, expire), source, destination)| {
                Match::Hashlimit(Hashlimit {
                    above,
                    rate,
                    mode,
                    name,
                    size,
                    max,
                    gc_interval,
                    expire,
                    source_prefix_len: source,
                    destination_prefix_len: destination,
                    rate_match: None,
                })
            },
        )
        .prop_filter("the rate that is printed says the same", reads_back)
        .prop_filter("the bytes that are printed say the same", |m| match m {
            Match::Hashlimit(Hashlimit {
                rate: HashlimitRate::Bytes { cost, refills },
                ..
            }) => {
                let bytes = HashlimitRate::bytes_of_cost(*cost);
                // A burst is printed in the coarsest unit, rounded down.
                HashlimitRate::cost_of_bytes(bytes) == *cost && *refills == 0
            }
            _ => true,
        })
}

fn statistic() -> impl Strategy<Value = Match> {
    let random = (0..=1u32 << 31).prop_map(|probability| StatisticMode::Random { probability });
    let nth = (1..1000u32, any::<u32>()).prop_map(|(every, n)| StatisticMode::Nth {
        every,
        packet: n % every,
    });
    inv(prop_oneof![random, nth]).prop_map(|mode| Match::Statistic(Statistic { mode }))
}

fn rateest() -> impl Strategy<Value = Match> {
    let comparison = one(&[
        RateestComparison::Equal,
        RateestComparison::Less,
        RateestComparison::Greater,
    ]);
    (name(), comparison, any::<bool>(), any::<u32>()).prop_map(
        |(first, comparison, inverted, pps)| {
            Match::Rateest(Rateest {
                delta: false,
                first,
                second: None,
                comparison,
                inverted,
                bps: None,
                pps: Some([0, pps]),
            })
        },
    )
}

fn stateful(family: Family) -> BoxedStrategy<Match> {
    prop_oneof![recent(family), set(), ipvs(family)].boxed()
}

fn recent(family: Family) -> impl Strategy<Value = Match> {
    let look = one(&[RecentAction::Check, RecentAction::Update]);
    let check = (look, 0..100u32, any::<bool>(), 0..100u32, any::<bool>());
    let write = one(&[RecentAction::Set, RecentAction::Remove])
        .prop_map(|action| (action, 0, false, 0, false));
    (
        any::<bool>(),
        prop_oneof![check, write],
        name(),
        ip(family),
        any::<bool>(),
    )
        .prop_map(
            |(inverted, (action, seconds, reap, hitcount, rttl), name, mask, by_destination)| {
                Match::Recent(Recent {
                    inverted,
                    action,
                    seconds,
                    reap: reap && seconds > 0,
                    hitcount,
                    rttl,
                    name,
                    mask: SideMask(mask),
                    by_destination,
                })
            },
        )
}

pub(crate) fn reference() -> impl Strategy<Value = SetReference> {
    (
        name(),
        vec(one(&[SetSide::Source, SetSide::Destination]), 1..=6),
    )
        .prop_map(|(name, sides)| SetReference { name, sides })
}

fn set() -> impl Strategy<Value = Match> {
    let counter = || {
        prop_oneof![
            any::<u64>().prop_map(SetCounterTest::Equal),
            any::<u64>().prop_map(SetCounterTest::NotEqual),
            any::<u64>().prop_map(SetCounterTest::Less),
            any::<u64>().prop_map(SetCounterTest::Greater),
        ]
    };
    (
        any::<[bool; 4]>(),
        reference(),
        maybe(counter()),
        maybe(counter()),
    )
        .prop_map(
            |(
                [
                    inverted,
                    return_nomatch,
                    update_counters,
                    update_subcounters,
                ],
                reference,
                packets,
                bytes,
            )| {
                Match::Set(Set {
                    inverted,
                    reference,
                    return_nomatch,
                    update_counters,
                    update_subcounters,
                    packets,
                    bytes,
                })
            },
        )
}

fn ipvs(family: Family) -> impl Strategy<Value = Match> {
    let method = one(&[IpvsMethod::Gate, IpvsMethod::Ipip, IpvsMethod::Masq]);
    (
        inv(any::<u8>()),
        maybe(inv(net(family))),
        maybe(inv(any::<u16>())),
        maybe(inv(method)),
    )
        .prop_map(|(protocol, address, port, method)| {
            Match::Ipvs(Ipvs {
                protocol: Some(protocol),
                address,
                port,
                method,
                ..Ipvs::default()
            })
        })
}

fn hops() -> impl Strategy<Value = HopTest> {
    prop_oneof![
        any::<u8>().prop_map(HopTest::Equal),
        any::<u8>().prop_map(HopTest::NotEqual),
        any::<u8>().prop_map(HopTest::Less),
        any::<u8>().prop_map(HopTest::Greater),
    ]
}

fn only_v4() -> BoxedStrategy<Match> {
    hops().prop_map(|test| Match::Ttl(Ttl { test })).boxed()
}

fn only_v6() -> BoxedStrategy<Match> {
    let number = || inv(any::<u32>());
    let option =
        (any::<u8>(), maybe(0..255u8)).prop_map(|(kind, length)| ExtensionOption { kind, length });
    let options = vec(option, 0..16).boxed();
    prop_oneof![
        hops().prop_map(|test| Match::Hl(Hl { test })),
        (
            inv(interval()),
            maybe(number()),
            any::<[bool; 2]>(),
            maybe(any::<bool>())
        )
            .prop_map(|(id, length, [reserved, first], more)| Match::Frag(Frag {
                id,
                length,
                reserved,
                first,
                more
            })),
        (maybe(number()), options.clone())
            .prop_map(|(length, options)| Match::Hbh(Hbh { length, options })),
        (maybe(number()), options)
            .prop_map(|(length, options)| Match::Dst(Dst { length, options })),
        rt(),
        (inv((1..=255u8).prop_map(Ipv6Headers)), any::<bool>())
            .prop_map(|(headers, soft)| Match::Ipv6header(Ipv6header { headers, soft })),
        srh(),
        (inv(interval()), maybe(inv(1..=u32::MAX)), any::<bool>()).prop_map(
            |(spi, length, reserved)| Match::Ah(Ah {
                spi,
                length,
                reserved
            })
        ),
    ]
    .boxed()
}

fn rt() -> impl Strategy<Value = Match> {
    let addresses = vec(any::<std::net::Ipv6Addr>(), 0..=16);
    (
        inv(interval()),
        maybe(inv(any::<u32>())),
        any::<[bool; 2]>(),
        addresses,
    )
        .prop_map(
            |(segments_left, length, [reserved, not_strict], addresses)| {
                Match::Rt(Rt {
                    kind: Some(Invertible::plain(0)),
                    segments_left,
                    length,
                    reserved,
                    not_strict: not_strict && !addresses.is_empty(),
                    addresses,
                })
            },
        )
}

fn srh() -> impl Strategy<Value = Match> {
    let number = || {
        let tests = (maybe(any::<bool>()), maybe(any::<bool>()), any::<bool>());
        (any::<u8>(), tests).prop_map(|(value, (equal, greater, less))| SrhNumber {
            value,
            equal,
            greater,
            less: Some(less),
        })
    };
    let prefix = || {
        maybe(inv((any::<std::net::Ipv6Addr>(), 0..=128u8)
            .prop_map(|(addr, len)| SrhPrefix { addr, len })))
    };
    let numbers = (number(), number(), number());
    let prefixes = (prefix(), prefix(), prefix());
    (
        maybe(inv(any::<u8>())),
        numbers,
        maybe(inv(any::<u16>())),
        prefixes,
    )
        .prop_map(
            |(next_header, (length, segments_left, last_entry), tag, (previous, next, last))| {
                Match::Srh(Srh {
                    next_header,
                    length,
                    segments_left,
                    last_entry,
                    tag,
                    previous,
                    next,
                    last,
                })
            },
        )
}

/// Matches that need the rule to have a protocol.
pub(crate) fn of_protocol(family: Family) -> BoxedStrategy<(Protocol, Match)> {
    let icmp = match family {
        Family::V4 => icmp().boxed(),
        Family::V6 => icmp6().boxed(),
    };
    let with = |protocol: Protocol| move |m: Match| (protocol, m);
    prop_oneof![
        tcp().prop_map(with(Protocol::TCP)),
        (inv(ports()), inv(ports()))
            .prop_map(|(source, destination)| Match::Udp(Udp {
                source,
                destination
            }))
            .prop_map(with(Protocol::UDP)),
        icmp,
        multiport(),
        sctp().prop_map(with(Protocol::SCTP)),
        dccp().prop_map(with(Protocol::DCCP)),
        inv(interval())
            .prop_map(|spi| Match::Esp(Esp { spi }))
            .prop_map(with(Protocol::ESP)),
        (inv(interval()), any::<bool>())
            .prop_map(|(index, reserved)| Match::Ipcomp(Ipcomp { index, reserved }))
            .prop_map(with(Protocol::IPCOMP)),
        inv(ports())
            .prop_map(|mss| Match::Tcpmss(Tcpmss { mss }))
            .prop_map(with(Protocol::TCP)),
        (maybe(any::<bool>()), any::<bool>())
            .prop_map(|(ece, cwr)| Match::Ecn(Ecn {
                ece,
                cwr: Some(cwr),
                ect: None
            }))
            .prop_map(with(Protocol::TCP)),
    ]
    .boxed()
}

fn tcp() -> impl Strategy<Value = Match> {
    let flags = (1..64u8, 0..64u8).prop_map(|(mask, set)| TcpFlags { mask, set });
    let flags = prop_oneof![Just(Invertible::default()), inv(flags)];
    (inv(ports()), inv(ports()), flags, maybe(inv(1..=255u8))).prop_map(
        |(source, destination, flags, option)| {
            Match::Tcp(Tcp {
                source,
                destination,
                flags,
                option,
            })
        },
    )
}

fn icmp() -> impl Strategy<Value = (Protocol, Match)> {
    let test = (0..255u8, maybe(any::<u8>())).prop_map(|(kind, code)| IcmpTest {
        kind,
        codes: code.map_or(Interval::<u8>::ANY, Interval::single),
    });
    inv(prop_oneof![Just(IcmpTest::ANY), test])
        .prop_map(|test| (Protocol::ICMP, Match::Icmp(Icmp { test })))
}

fn icmp6() -> impl Strategy<Value = (Protocol, Match)> {
    let test = (any::<u8>(), maybe(any::<u8>())).prop_map(|(kind, code)| IcmpTest {
        kind,
        codes: code.map_or(Interval::<u8>::ANY, Interval::single),
    });
    inv(test).prop_map(|test| (Protocol::ICMPV6, Match::Icmp6(Icmp6 { test })))
}

fn multiport() -> impl Strategy<Value = (Protocol, Match)> {
    let range = (0..1000u16, 1000..=u16::MAX)
        .prop_map(|(start, end)| PortEntry::Range(PortRange { start, end }));
    let entry = prop_oneof![any::<u16>().prop_map(PortEntry::Port), range];
    let side = one(&[PortSide::Source, PortSide::Destination, PortSide::Either]);
    let protocol = one(&[
        Protocol::TCP,
        Protocol::UDP,
        Protocol::UDPLITE,
        Protocol::SCTP,
        Protocol::DCCP,
    ]);
    (protocol, side, inv(vec(entry, 1..=7)))
        .prop_map(|(protocol, side, ports)| (protocol, Match::Multiport(Multiport { side, ports })))
}

fn sctp() -> impl Strategy<Value = Match> {
    let scope = one(&[SctpScope::Any, SctpScope::All, SctpScope::Only]);
    let chunk = (one(&SctpChunk::NAMES), any::<u8>(), any::<u8>()).prop_map(
        |((_, kind, letters), mask, flags)| {
            let valid = letters
                .chars()
                .fold(0u8, |bits, c| bits << 1 | u8::from(c != '-'));
            let flag_mask = mask & valid;
            SctpChunk {
                kind,
                flag_mask,
                flags: flags & flag_mask,
            }
        },
    );
    let listed = vec(chunk, 1..6).prop_map(|mut chunks| {
        chunks.sort_by_key(|chunk| chunk.kind);
        chunks.dedup_by_key(|chunk| chunk.kind);
        SctpTypes::Listed(chunks)
    });
    let types = prop_oneof![Just(SctpTypes::All), Just(SctpTypes::None), listed];
    let chunks = (scope, types).prop_map(|(scope, types)| SctpChunks { scope, types });
    (maybe(inv(ports())), maybe(inv(ports())), maybe(inv(chunks))).prop_map(
        |(source, destination, chunks)| {
            Match::Sctp(Sctp {
                source,
                destination,
                chunks,
            })
        },
    )
}

fn dccp() -> impl Strategy<Value = Match> {
    let types = (1..1u16 << 11).prop_map(DccpTypes);
    (
        maybe(inv(ports())),
        maybe(inv(ports())),
        maybe(inv(types)),
        maybe(inv(1..=255u8)),
    )
        .prop_map(|(source, destination, types, option)| {
            Match::Dccp(Dccp {
                source,
                destination,
                types,
                option,
            })
        })
}

/// Matches that are legal only in some places, with such a place.
pub(crate) fn placed(family: Family) -> BoxedStrategy<(TableKind, Hook, Match)> {
    let at = |table: TableKind, hook: Hook| move |m: Match| (table, hook, m);
    let flag = || maybe(any::<bool>());
    let ids = || {
        maybe(inv(
            (0..1000u32, 1000..2000u32).prop_map(|(first, last)| Interval { first, last })
        ))
    };
    let filters = prop_oneof![
        inv(mac())
            .prop_map(|source| Match::Mac(Mac {
                source: Invertible {
                    inverted: source.inverted,
                    value: Some(source.value)
                },
            }))
            .prop_map(at(TableKind::Filter, Hook::Forward)),
        (flag(), ids(), inv(interval_up()))
            .prop_map(|(socket_exists, gid, uid)| Match::Owner(Owner {
                socket_exists,
                uid: Some(uid),
                supplementary_groups: gid.is_some(),
                gid,
            }))
            .prop_map(at(TableKind::Filter, Hook::Output)),
        any::<[bool; 3]>()
            .prop_map(|[transparent, no_wildcard, restore_mark]| {
                Match::Socket(Socket {
                    transparent,
                    no_wildcard,
                    restore_mark,
                })
            })
            .prop_map(at(TableKind::Mangle, Hook::Prerouting)),
        any::<[bool; 4]>()
            .prop_map(|[loose, valid_mark, accept_local, invert]| {
                Match::Rpfilter(Rpfilter {
                    loose,
                    valid_mark,
                    accept_local,
                    invert,
                })
            })
            .prop_map(at(TableKind::Raw, Hook::Prerouting)),
        prop_oneof![
            inv(name()).prop_map(|path| Match::Cgroup(Cgroup::Path(path))),
            inv(any::<u32>()).prop_map(|class| Match::Cgroup(Cgroup::Class(class))),
        ]
        .prop_map(at(TableKind::Filter, Hook::Output)),
        (maybe(inv(mark())), inv(mark()))
            .prop_map(|(source, destination)| Match::Devgroup(Devgroup {
                source,
                destination: Some(destination)
            }))
            .prop_map(at(TableKind::Filter, Hook::Forward)),
        (
            flag(),
            maybe(inv(interface())),
            flag(),
            maybe(inv(interface())),
            any::<bool>()
        )
            .prop_map(
                |(is_in, input, is_out, output, bridged)| Match::Physdev(Physdev {
                    is_in,
                    input,
                    is_out,
                    output,
                    is_bridged: Some(bridged),
                })
            )
            .prop_map(at(TableKind::Filter, Hook::Forward)),
        policy(family).prop_map(at(TableKind::Filter, Hook::Forward)),
    ];
    match family {
        Family::V4 => prop_oneof![
            8 => filters,
            1 => inv(mark()).prop_map(|realm| Match::Realm(Realm { realm })).prop_map(at(TableKind::Filter, Hook::Input)),
        ]
        .boxed(),
        Family::V6 => prop_oneof![
            8 => filters,
            1 => Just((TableKind::Filter, Hook::Input, Match::Eui64(Eui64))),
        ]
        .boxed(),
    }
}

fn interval_up() -> impl Strategy<Value = Interval<u32>> {
    (0..1000u32, 1000..u32::MAX).prop_map(|(first, last)| Interval { first, last })
}

fn policy(family: Family) -> impl Strategy<Value = Match> {
    let element = (
        inv(any::<u32>()),
        maybe(inv(any::<u32>())),
        maybe(inv(one(&[Protocol::AH, Protocol::ESP, Protocol::IPCOMP]))),
        maybe(inv(unmasked(family))),
    )
        .prop_map(|(reqid, spi, protocol, tunnel_source)| PolicyElement {
            reqid: Some(reqid),
            spi,
            protocol,
            mode: Some(Invertible::plain(PolicyMode::Tunnel)),
            tunnel_destination: None,
            tunnel_source,
        });
    let direction = one(&[PolicyDirection::In, PolicyDirection::Out]);
    (direction, vec(element, 1..=4)).prop_map(|(direction, elements)| {
        Match::Policy(Policy {
            direction,
            ipsec: true,
            strict: true,
            elements,
        })
    })
}
