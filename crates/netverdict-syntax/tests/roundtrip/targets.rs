//! Strategies for targets.

use netverdict_net::{AddrRange, Family, PortRange, Protocol};
use netverdict_ruleset::matches::{CtDirection, TosMask};
use netverdict_ruleset::targets::*;
use netverdict_ruleset::{Hook, TableKind, Target};
use proptest::prelude::*;

use super::matches::reference;
use super::values::*;

/// Targets that may stand in any rule of any table but nat, where DROP is refused.
pub(crate) fn anywhere() -> BoxedStrategy<Target> {
    prop_oneof![
        one(&[Target::Accept, Target::Return, Target::Queue]),
        log(),
        nflog(),
        nfqueue(),
        (any::<u32>(), any::<u32>()).prop_map(|(value, mask)| Target::Mark(Mark { value, mask })),
        connmark(),
        set(),
        hmark(),
        one(&[Audit::Accept, Audit::Drop, Audit::Reject]).prop_map(Target::Audit),
        (1..1000u32, name(), any::<bool>()).prop_map(|(timeout, label, alarm)| Target::Idletimer(
            Idletimer {
                timeout,
                label,
                alarm
            }
        )),
        (words(1, 16), delay(), any::<bool>()).prop_map(|(id, delay, always_blink)| Target::Led(
            Led {
                id,
                delay,
                always_blink
            }
        )),
        Just(Target::Rateest(Rateest {
            name: "r".to_owned(),
            interval: -2,
            ewma_log: 1
        })),
    ]
    .boxed()
}

fn delay() -> impl Strategy<Value = LedDelay> {
    prop_oneof![
        any::<u32>().prop_map(LedDelay::Millis),
        Just(LedDelay::Forever)
    ]
}

fn log() -> impl Strategy<Value = Target> {
    (words(1, 29), 0..8u8, any::<[bool; 5]>()).prop_map(|(prefix, level, flags)| {
        let [tcp_sequence, tcp_options, ip_options, uid, mac_decode] = flags;
        Target::Log(Log {
            prefix,
            level,
            tcp_sequence,
            tcp_options,
            ip_options,
            uid,
            mac_decode,
        })
    })
}

fn nflog() -> impl Strategy<Value = Target> {
    let copy = prop_oneof![
        Just(NflogCopy::Whole),
        (1..u32::MAX).prop_map(NflogCopy::Range),
        any::<u32>().prop_map(NflogCopy::Size),
    ];
    (words(1, 63), any::<u16>(), copy, any::<u16>()).prop_map(|(prefix, group, copy, threshold)| {
        Target::Nflog(Nflog {
            prefix,
            group,
            copy,
            threshold,
        })
    })
}

fn nfqueue() -> impl Strategy<Value = Target> {
    (0..1000u16, 1..1000u16, any::<bool>(), any::<bool>()).prop_map(
        |(first, count, bypass, fanout)| {
            Target::Nfqueue(Nfqueue {
                first,
                count,
                bypass,
                cpu_fanout: fanout && count > 1,
            })
        },
    )
}

fn connmark() -> impl Strategy<Value = Target> {
    let pair = || (any::<u32>(), any::<u32>());
    let action = prop_oneof![
        pair().prop_map(|(value, mask)| ConnmarkAction::Set { value, mask }),
        pair().prop_map(|(nfmask, ctmask)| ConnmarkAction::Save { nfmask, ctmask }),
        pair().prop_map(|(nfmask, ctmask)| ConnmarkAction::Restore { nfmask, ctmask }),
    ];
    let shift = (any::<bool>(), 1..32u8).prop_map(|(left, bits)| ConnmarkShift { left, bits });
    (action, maybe(shift)).prop_map(|(action, shift)| Target::Connmark(Connmark { action, shift }))
}

fn set() -> impl Strategy<Value = Target> {
    (
        reference(),
        any::<bool>(),
        maybe(0..u32::MAX),
        maybe(reference()),
    )
        .prop_map(|(add, exist, timeout, delete)| {
            Target::Set(Set {
                add: Some(add),
                exist,
                timeout,
                delete,
                ..Set::default()
            })
        })
}

fn hmark() -> impl Strategy<Value = Target> {
    (
        maybe(0..=32u8),
        maybe(any::<u16>()),
        maybe(any::<u16>()),
        any::<u32>(),
        1..u32::MAX,
        maybe(any::<u32>()),
    )
        .prop_map(|(prefix, port, mask, seed, modulus, offset)| {
            Target::Hmark(Hmark {
                source_prefix_len: prefix,
                source_port: port,
                destination_port_mask: mask,
                seed: Some(seed),
                modulus,
                offset,
                use_conntrack: true,
                ..Hmark::default()
            })
        })
}

fn hop_change() -> impl Strategy<Value = HopChange> {
    prop_oneof![
        any::<u8>().prop_map(HopChange::Set),
        (1..=255u8).prop_map(HopChange::Increase),
        (1..=255u8).prop_map(HopChange::Decrease),
    ]
}

/// Targets that are legal only in some places, with such a place and the protocol they need.
pub(crate) fn placed(family: Family) -> BoxedStrategy<(TableKind, Hook, Option<Protocol>, Target)> {
    prop_oneof![filter(family), mangle(family), raw(), nat(family)].boxed()
}

type Placed = (TableKind, Hook, Option<Protocol>, Target);

fn at(table: TableKind, hook: Hook) -> impl Fn(Target) -> Placed + Clone {
    move |target| (table, hook, None, target)
}

fn filter(family: Family) -> BoxedStrategy<Placed> {
    let kind = match family {
        Family::V4 => one(&IcmpReject::NAMES)
            .prop_map(|(kind, ..)| RejectWith::Icmp(kind))
            .boxed(),
        Family::V6 => one(&Icmp6Reject::NAMES)
            .prop_map(|(kind, ..)| RejectWith::Icmp6(kind))
            .boxed(),
    };
    let synproxy = (any::<[bool; 3]>(), maybe(any::<u8>()), maybe(any::<u16>()));
    prop_oneof![
        Just(Target::Drop).prop_map(at(TableKind::Filter, Hook::Input)),
        kind.prop_map(|with| Target::Reject(Reject { with }))
            .prop_map(at(TableKind::Filter, Hook::Forward)),
        Just((
            TableKind::Filter,
            Hook::Input,
            Some(Protocol::TCP),
            Target::Reject(Reject {
                with: RejectWith::TcpReset
            })
        )),
        synproxy.prop_map(|([sack_permitted, timestamp, ecn], window_scale, mss)| {
            let target = Target::Synproxy(Synproxy {
                sack_permitted,
                timestamp,
                window_scale,
                mss,
                ecn,
            });
            (TableKind::Filter, Hook::Input, Some(Protocol::TCP), target)
        }),
        (ip(family), maybe(device()))
            .prop_map(|(gateway, out_interface)| Target::Tee(Tee {
                gateway,
                out_interface
            }))
            .prop_map(at(TableKind::Filter, Hook::Input)),
    ]
    .boxed()
}

fn mangle(family: Family) -> BoxedStrategy<Placed> {
    let here = at(TableKind::Mangle, Hook::Forward);
    let stripped = prop::collection::vec(2..=255u8, 1..10).prop_map(|kinds| {
        let mut options = TcpOptionSet::default();
        for kind in kinds {
            options.insert(kind);
        }
        (
            TableKind::Mangle,
            Hook::Input,
            Some(Protocol::TCP),
            Target::Tcpoptstrip(Tcpoptstrip { options }),
        )
    });
    let tproxy = (any::<u16>(), ip(family), any::<u32>(), any::<u32>()).prop_map(
        |(port, address, mark, mark_mask)| {
            let target = Target::Tproxy(Tproxy {
                port,
                address,
                mark,
                mark_mask,
            });
            (
                TableKind::Mangle,
                Hook::Prerouting,
                Some(Protocol::UDP),
                target,
            )
        },
    );
    let both = prop_oneof![
        any::<u32>()
            .prop_map(|priority| Target::Classify(Classify { priority }))
            .prop_map(here.clone()),
        Just(Target::Checksum(Checksum)).prop_map(here.clone()),
        (0..64u8)
            .prop_map(|dscp| Target::Dscp(Dscp { dscp }))
            .prop_map(here.clone()),
        (any::<u8>(), any::<u8>())
            .prop_map(|(value, mask)| Target::Tos(Tos {
                set: TosMask { value, mask }
            }))
            .prop_map(here.clone()),
        one(&[Connsecmark::Save, Connsecmark::Restore])
            .prop_map(Target::Connsecmark)
            .prop_map(here.clone()),
        name()
            .prop_map(|context| Target::Secmark(Secmark { context }))
            .prop_map(here.clone()),
        stripped,
        tproxy,
    ];
    match family {
        Family::V4 => prop_oneof![
            8 => both,
            1 => hop_change().prop_map(|change| Target::Ttl(Ttl { change })).prop_map(here),
            1 => (any::<bool>(), any::<bool>(), maybe(0..4u8)).prop_map(|(ece, cwr, ect)| {
                let target = Target::Ecn(Ecn { ece: Some(ece), cwr: Some(cwr), ect });
                (TableKind::Mangle, Hook::Forward, Some(Protocol::TCP), target)
            }),
        ]
        .boxed(),
        Family::V6 => prop_oneof![
            8 => both,
            1 => hop_change().prop_map(|change| Target::Hl(Hl { change })).prop_map(here),
            1 => npt(),
        ]
        .boxed(),
    }
}

fn npt() -> impl Strategy<Value = Placed> {
    let prefix = || {
        (any::<u64>(), 0..=64u8).prop_map(|(bits, len)| {
            let mask = u64::MAX.checked_shl(64 - u32::from(len)).unwrap_or(0);
            NptPrefix {
                addr: (u128::from(bits & mask) << 64).into(),
                len,
            }
        })
    };
    (prefix(), prefix(), any::<bool>()).prop_map(|(from, to, source)| {
        let npt = Npt { from, to };
        let (hook, target) = if source {
            (Hook::Postrouting, Target::Snpt(npt))
        } else {
            (Hook::Prerouting, Target::Dnpt(npt))
        };
        (TableKind::Mangle, hook, None, target)
    })
}

fn raw() -> BoxedStrategy<Placed> {
    let zone = (
        maybe(one(&[CtDirection::Original, CtDirection::Reply])),
        maybe(1..u16::MAX),
    )
        .prop_map(|(direction, id)| CtZone {
            direction,
            id: id.map_or(CtZoneId::Mark, CtZoneId::Id),
        });
    let ct = (
        any::<bool>(),
        maybe(name()),
        maybe(name()),
        0..1024u16,
        any::<bool>(),
        maybe(zone),
    )
        .prop_map(
            |(notrack, helper, timeout, events, expectation_events, zone)| {
                let target = Target::Ct(Ct {
                    notrack,
                    helper,
                    timeout,
                    events: CtEvents(events),
                    expectation_events,
                    zone,
                });
                (
                    TableKind::Raw,
                    Hook::Prerouting,
                    Some(Protocol::TCP),
                    target,
                )
            },
        );
    prop_oneof![
        ct,
        one(&[Target::Notrack, Target::Trace]).prop_map(at(TableKind::Raw, Hook::Output)),
    ]
    .boxed()
}

fn nat_ports() -> impl Strategy<Value = NatPorts> {
    let range = (any::<u16>(), any::<u16>()).prop_map(|(a, b)| PortRange {
        start: a.min(b),
        end: a.max(b),
    });
    range.prop_map(|range| NatPorts { range, base: None })
}

/// Ports with a base to shift from; one port has none.
fn dnat_ports() -> impl Strategy<Value = NatPorts> {
    (nat_ports(), maybe(1..=u16::MAX)).prop_map(|(ports, base)| NatPorts {
        base: base.filter(|_| ports.range.start < ports.range.end),
        ..ports
    })
}

fn range(
    family: Family,
    ports: impl Strategy<Value = NatPorts>,
) -> impl Strategy<Value = NatRange> {
    let addresses =
        (ip(family), ip(family), any::<bool>()).prop_map(|(start, end, single)| AddrRange {
            start,
            end: if single { start } else { end },
        });
    (addresses, maybe(ports), any::<[bool; 2]>()).prop_map(
        |(addresses, ports, [random, persistent])| NatRange {
            addresses: Some(addresses),
            ports,
            random,
            random_fully: false,
            persistent,
        },
    )
}

fn nat(family: Family) -> BoxedStrategy<Placed> {
    let tcp =
        |hook: Hook| move |target: Target| (TableKind::Nat, hook, Some(Protocol::TCP), target);
    prop_oneof![
        range(family, nat_ports())
            .prop_map(|to| Target::Snat(Snat { to }))
            .prop_map(tcp(Hook::Postrouting)),
        range(family, dnat_ports())
            .prop_map(|to| Target::Dnat(Dnat { to }))
            .prop_map(tcp(Hook::Prerouting)),
        (maybe(nat_ports()), any::<bool>(), any::<bool>())
            .prop_map(
                |(ports, random, random_fully)| Target::Masquerade(Masquerade {
                    ports,
                    random,
                    random_fully
                })
            )
            .prop_map(tcp(Hook::Postrouting)),
        (maybe(nat_ports()), any::<bool>())
            .prop_map(|(ports, random)| Target::Redirect(Redirect { ports, random }))
            .prop_map(tcp(Hook::Output)),
        net(family)
            .prop_map(|to| Target::Netmap(Netmap { to }))
            .prop_map(at(TableKind::Nat, Hook::Prerouting)),
    ]
    .boxed()
}
