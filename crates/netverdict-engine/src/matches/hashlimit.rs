//! `-m hashlimit` (net/netfilter/xt_hashlimit.c); the tables are in [`crate::state`].

use std::net::IpAddr;

use netverdict_net::header::ipv6::{self, WalkError};
use netverdict_net::{AddrMask, Beyond, Family, Packet, Protocol, header};
use netverdict_ruleset::matches::{Hashlimit, HashlimitRate};

use super::tri::hotdrop;
use crate::context::{Eval, MatchCx};
use crate::state::{Charge, Full, Grouping, Key, RuleState, Settings, Slot};

pub(crate) fn evaluate(m: &Hashlimit, cx: &mut MatchCx<'_, '_>) -> Eval {
    let rules = &mut cx.state.rules;
    let Some(table) = rules.slots.shared(cx.slot) else {
        return Eval::Hotdrop(false);
    };
    // The table's first rule decides how packets are grouped, this rule only what is compared.
    let Some(grouping) = rules.hashlimit.grouping(table) else {
        return Eval::Hotdrop(false);
    };
    let key = match key(grouping, &cx.skb.packet, cx.param.transport_offset) {
        Ok(key) => key,
        Err(beyond) => return hotdrop(beyond, "ports not captured"),
    };
    let charge = Charge {
        bytes: is_bytes(m),
        rate_match: m.rate_match.is_some(),
        len: cx.skb.packet.len() as u32,
    };
    match rules.hashlimit.charge(table, key, charge, cx.now.jiffies) {
        Ok(below) => Eval::of(below, m.above),
        Err(Full) => Eval::Hotdrop(false),
    }
}

const fn is_bytes(m: &Hashlimit) -> bool {
    matches!(m.rate, HashlimitRate::Bytes { .. })
}

/// `hashlimit_init_dst`.
fn key(grouping: Grouping, packet: &Packet<'_>, transport_offset: usize) -> Result<Key, Beyond> {
    let address = |used, addr, len| if used { masked(addr, len) } else { 0 };
    let mode = grouping.mode;
    let mut key = Key {
        source: address(mode.source_address, packet.source(), grouping.source_len),
        destination: address(
            mode.destination_address,
            packet.destination(),
            grouping.destination_len,
        ),
        ..Key::default()
    };
    if mode.source_port || mode.destination_port {
        let (source, destination) = ports(packet, transport_offset)?;
        key.source_port = if mode.source_port { source } else { 0 };
        key.destination_port = if mode.destination_port {
            destination
        } else {
            0
        };
    }
    Ok(key)
}

fn masked(addr: IpAddr, len: u8) -> u128 {
    match AddrMask::prefix(addr, len) {
        AddrMask::V4 { addr, .. } => u128::from(addr),
        AddrMask::V6 { addr, .. } => addr,
    }
}

/// The two words where the protocol has its ports; 0 for a protocol without (`proto_ports_offset`).
fn ports(packet: &Packet<'_>, transport_offset: usize) -> Result<(u16, u16), Beyond> {
    let (protocol, at) = match packet.family() {
        Family::V4 => (header::next_protocol(packet), transport_offset),
        Family::V6 => match ipv6::skip(packet) {
            Ok(found) => (found.protocol, found.offset),
            Err(WalkError::Beyond(beyond)) => return Err(beyond),
            Err(WalkError::Absent | WalkError::Fragment { .. }) => return Err(Beyond::PacketEnd),
        },
    };
    let offset = match protocol {
        Protocol::TCP
        | Protocol::UDP
        | Protocol::DCCP
        | Protocol::ESP
        | Protocol::SCTP
        | Protocol::UDPLITE => 0,
        Protocol::AH => 4,
        _ => return Ok((0, 0)),
    };
    let [a, b, c, d] = *packet.array(at + offset)?;
    Ok((u16::from_be_bytes([a, b]), u16::from_be_bytes([c, d])))
}

/// The number of the rule's table.
pub(super) fn slot(m: &Hashlimit, rules: &mut RuleState, family: Family, hz: u32) -> Slot {
    let table = rules
        .hashlimit
        .register(&m.name, family, settings(m, family), hz);
    Slot::Shared(table)
}

fn settings(m: &Hashlimit, family: Family) -> Settings {
    let (average, burst) = match m.rate {
        HashlimitRate::Packets { period, burst } => (period, u64::from(burst)),
        HashlimitRate::Bytes { cost, refills } => (u64::from(cost), u64::from(refills)),
    };
    Settings {
        average,
        burst,
        bytes: is_bytes(m),
        rate_match: m.rate_match.is_some(),
        interval: m.rate_match.unwrap_or(0),
        expire: m.expire,
        gc_interval: m.gc_interval,
        size: m.size,
        max: m.max,
        grouping: Grouping {
            mode: m.mode,
            source_len: m.source_prefix_len.unwrap_or(family.bits()),
            destination_len: m.destination_prefix_len.unwrap_or(family.bits()),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::matches::fixture::{Scene, tcp};
    use netverdict_ruleset::matches::HashlimitMode;

    fn one_a_second(mode: HashlimitMode) -> Hashlimit {
        Hashlimit {
            above: false,
            rate: HashlimitRate::Packets {
                period: HashlimitRate::SCALE,
                burst: 2,
            },
            mode,
            name: "t".to_owned(),
            size: 0,
            max: 0,
            gc_interval: Hashlimit::DEFAULT_GC_INTERVAL,
            expire: 1000,
            source_prefix_len: None,
            destination_prefix_len: None,
            rate_match: None,
        }
    }

    const SOURCE: HashlimitMode = HashlimitMode {
        source_address: true,
        source_port: false,
        destination_address: false,
        destination_port: false,
    };

    const PORT: HashlimitMode = HashlimitMode {
        source_address: false,
        source_port: false,
        destination_address: false,
        destination_port: true,
    };

    fn load(scene: &mut Scene, m: &Hashlimit) {
        let slot = slot(m, &mut scene.state.rules, scene.param.family, 250);
        scene.slot = scene.state.rules.slots.add(slot);
    }

    fn trues(scene: &mut Scene, m: &Hashlimit, times: usize) -> usize {
        (0..times)
            .filter(|_| scene.with(|cx| evaluate(m, cx)) == Eval::True)
            .count()
    }

    #[test]
    fn upto_is_true_below_and_above_beyond() {
        let mut scene = Scene::new(tcp(1, 2, 2, &[]));
        let upto = one_a_second(SOURCE);
        load(&mut scene, &upto);
        assert_eq!(trues(&mut scene, &upto, 5), 2);
        let above = Hashlimit {
            above: true,
            name: "other".to_owned(),
            ..upto
        };
        load(&mut scene, &above);
        assert_eq!(trues(&mut scene, &above, 5), 3);
    }

    #[test]
    fn packets_are_grouped_by_the_mode_and_its_mask() {
        let mut scene = Scene::new(tcp(1, 2, 2, &[]));
        let m = Hashlimit {
            source_prefix_len: Some(24),
            ..one_a_second(SOURCE)
        };
        load(&mut scene, &m);
        assert_eq!(trues(&mut scene, &m, 1), 1);
        scene.skb.packet.captured_mut()[15] = 99;
        assert_eq!(trues(&mut scene, &m, 2), 1, "same /24");
        scene.skb.packet.captured_mut()[14] = 99;
        assert_eq!(trues(&mut scene, &m, 5), 2, "another /24");
    }

    #[test]
    fn ports_are_read_where_the_protocol_has_them() {
        let mut scene = Scene::new(tcp(1, 2, 2, &[])[..3].to_vec());
        let m = one_a_second(PORT);
        load(&mut scene, &m);
        assert_eq!(scene.with(|cx| evaluate(&m, cx)), Eval::Hotdrop(false));
        scene.skb.packet.captured_mut()[9] = 47;
        assert_eq!(scene.with(|cx| evaluate(&m, cx)), Eval::True, "GRE: port 0");
        let mut v6 = Scene::v6(59, Vec::new());
        load(&mut v6, &m);
        assert_eq!(v6.with(|cx| evaluate(&m, cx)), Eval::Hotdrop(false));
    }

    #[test]
    fn the_first_rule_of_a_name_decides_the_mode() {
        let mut scene = Scene::new(tcp(1, 2, 2, &[]));
        let (first, second) = (one_a_second(SOURCE), one_a_second(PORT));
        load(&mut scene, &first);
        load(&mut scene, &second);
        assert_eq!(trues(&mut scene, &second, 5), 2);
        scene.skb.packet.captured_mut()[23] = 99;
        assert_eq!(
            trues(&mut scene, &second, 5),
            0,
            "another port, the same source"
        );
    }
}
