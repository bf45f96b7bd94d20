//! SET (xt_set.c, `set_target_v3`): adds, then deletes, then reads; the sets are in [`crate::state`].

use std::borrow::Cow;

use netverdict_ruleset::MarkMask;
use netverdict_ruleset::matches::SetReference;
use netverdict_ruleset::sets::SkbInfo;
use netverdict_ruleset::targets::Set;

use super::mark;
use crate::compile::Load;
use crate::context::{Action, Note, TargetCx};
use crate::matches::link;
use crate::state::{Adding, Changed, Query, Slot};

/// More seconds than a timer counts (`IPSET_MAX_TIMEOUT`).
const MAX_TIMEOUT: u32 = (u32::MAX >> 1) / 1000;

pub(super) fn apply(target: &Set, cx: &mut TargetCx<'_, '_>) -> Action {
    let Slot::Sets([add, delete, map]) = cx.state.rules.slots.get(cx.slot) else {
        return Action::Continue;
    };
    let (len, now) = (cx.skb.packet.len() as u64, cx.now.jiffies);
    let ethernet = link::is_ethernet(cx.host, cx.skb);
    if let (Some(set), Some(place)) = (&target.add, add) {
        let adding = Adding {
            exist: target.exist,
            timeout: target.timeout.map(|seconds| seconds.min(MAX_TIMEOUT)),
            len,
        };
        let sets = &mut cx.state.rules.sets;
        let added = sets.add(
            place as usize,
            &query(set, len, ethernet),
            adding,
            cx.skb,
            now,
        );
        tell(cx, "added to", set, added);
    }
    if let (Some(set), Some(place)) = (&target.delete, delete) {
        let sets = &mut cx.state.rules.sets;
        let deleted = sets.delete(place as usize, &query(set, len, ethernet), cx.skb, now);
        tell(cx, "deleted from", set, deleted);
    }
    if let (Some(set), Some(place)) = (&target.map, map) {
        let sets = &mut cx.state.rules.sets;
        match sets.look_up(place as usize, &query(set, len, ethernet), cx.skb, now) {
            Ok(Some(info)) => give(target, info, cx),
            Ok(None) => {}
            Err(why) => return Action::Unknown(Cow::Owned(format!("SET {}: {why}", set.name))),
        }
    }
    Action::Continue
}

/// The places of the rule's sets.
pub(super) fn prepare(target: &Set, load: &mut Load<'_>) -> usize {
    let rules = &mut load.state.rules;
    let places = [&target.add, &target.delete, &target.map].map(|set| {
        let set = set.as_ref()?;
        u32::try_from(rules.sets.place(&set.name)).ok()
    });
    rules.slots.add(Slot::Sets(places))
}

fn query(set: &SetReference, len: u64, ethernet: bool) -> Query<'_> {
    Query {
        sides: &set.sides,
        return_nomatch: false,
        update_counters: true,
        update_subcounters: true,
        packets: None,
        bytes: None,
        len,
        ethernet,
    }
}

/// The packet takes what the entry has.
fn give(target: &Set, info: SkbInfo, cx: &mut TargetCx<'_, '_>) {
    if let (true, Some(MarkMask { value, mask })) = (target.map_mark, info.mark) {
        mark::set((cx.skb.mark & !mask) ^ value, cx);
    }
    if target.map_priority {
        let before = cx.skb.priority;
        cx.skb.priority = info.priority.unwrap_or(0);
        let after = cx.skb.priority;
        cx.changed("priority", before, after, |p| format!("{p:#x}"));
    }
}

fn tell(
    cx: &mut TargetCx<'_, '_>,
    what: &str,
    set: &SetReference,
    changed: Result<Changed, &'static str>,
) {
    match changed {
        Ok(Changed::Yes) => cx.did("SET", || format!("{what} {}", set.name)),
        Ok(Changed::No) => cx.did("SET", || format!("not {what} {}", set.name)),
        Ok(Changed::Forced) => {
            let why = "SET: which entry a full set gives up is not known";
            cx.notes.push(Note::Lacks(why));
        }
        // The set is undecided wherever it is asked.
        Err(_) => cx.did("SET", || format!("{} is not known", set.name)),
    }
}

#[cfg(test)]
mod tests {
    use netverdict_net::Family;
    use netverdict_ruleset::TableKind;
    use netverdict_ruleset::sets::{
        SetCollection, SetDefinition, SetElement, SetEntry, SetKind, SetNet, SetOptions,
    };

    use crate::testing::{Bench, device, dump, tcp_packet};

    fn set(kind: SetKind, change: impl FnOnce(&mut SetDefinition)) -> SetDefinition {
        let mut set = SetDefinition {
            name: "s".to_owned(),
            kind,
            options: SetOptions::new(kind),
            entries: Vec::new(),
            line: 1,
        };
        change(&mut set);
        set
    }

    /// Takes TCP packets from these addresses, each at its second, through a rule that asks the set and then one that
    /// changes it; says which were in the set already.
    fn known(set: SetDefinition, rule: &str, packets: &[(i64, &str)]) -> Vec<bool> {
        let rules = format!(
            "*raw\n:PREROUTING ACCEPT\n:OUTPUT ACCEPT\n\
             -A PREROUTING -m set --match-set s src\n{rule}\nCOMMIT\n"
        );
        let mut bench = Bench::new(dump(Family::V4, &rules));
        bench.engine.give_sets(&SetCollection { sets: vec![set] });
        let mut hits = 0;
        let mut answers = Vec::new();
        for (second, source) in packets {
            bench.time = *second;
            bench.receive(
                device("eth0"),
                &tcp_packet(source, "198.51.100.2", (40000, 22), 2),
            );
            let (now, _) = bench.count(TableKind::Raw, "PREROUTING", 1);
            answers.push(now > hits);
            hits = now;
        }
        answers
    }

    const ADD: &str = "-A PREROUTING -j SET --add-set s src";

    #[test]
    fn what_is_added_is_found_until_it_expires() {
        let plain = set(SetKind::HashIp, |_| {});
        let packets = [(0, "10.0.0.1"), (1, "10.0.0.1"), (2, "10.0.0.2")];
        assert_eq!(known(plain, ADD, &packets), [false, true, false]);

        let timed = || set(SetKind::HashIp, |set| set.options.timeout = Some(10));
        let packets = [(0, "10.0.0.1"), (8, "10.0.0.1"), (16, "10.0.0.1")];
        assert_eq!(known(timed(), ADD, &packets), [false, true, false]);
        let renewed = format!("{ADD} --exist");
        assert_eq!(known(timed(), &renewed, &packets), [false, true, true]);
        let for_ever = format!("{ADD} --timeout 0");
        let packets = [(0, "10.0.0.1"), (86_400, "10.0.0.1")];
        assert_eq!(known(timed(), &for_ever, &packets), [false, true]);
    }

    #[test]
    fn what_is_deleted_is_gone() {
        let full = set(SetKind::HashIp, |set| {
            let element = SetElement::Ip("10.0.0.1".parse().unwrap());
            set.entries.push(SetEntry::bare(element));
        });
        let delete = "-A PREROUTING -j SET --del-set s src";
        let packets = [(0, "10.0.0.1"), (1, "10.0.0.1")];
        assert_eq!(known(full, delete, &packets), [true, false]);
    }

    #[test]
    fn a_network_as_long_as_the_longest_is_added() {
        let nets = set(SetKind::HashNet, |set| {
            for (addr, len) in [("192.168.0.0", 16), ("172.16.5.0", 24)] {
                let addr = addr.parse().unwrap();
                let element = SetElement::Net(SetNet { addr, len });
                set.entries.push(SetEntry::bare(element));
            }
        });
        let packets = [(0, "10.0.0.1"), (1, "10.0.0.200"), (2, "10.0.1.1")];
        assert_eq!(known(nets, ADD, &packets), [false, true, false]);
    }

    #[test]
    fn a_full_set_takes_no_more() {
        let small = set(SetKind::HashIp, |set| set.options.max_elements = Some(1));
        let packets = [
            (0, "10.0.0.1"),
            (1, "10.0.0.2"),
            (2, "10.0.0.1"),
            (3, "10.0.0.2"),
        ];
        assert_eq!(known(small, ADD, &packets), [false, false, true, false]);
    }
}
