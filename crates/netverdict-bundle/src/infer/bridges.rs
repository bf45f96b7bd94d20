//! Whether rules meet what a bridge passes on between its ports: only with br_netfilter, which a setting tells.

use netverdict_host::Role;
use netverdict_net::Family;

use super::Work;
use crate::{Assumption, Subject};

pub(super) fn infer(work: &mut Work<'_>) {
    let bridge = work
        .facts
        .interfaces
        .iter()
        .find(|i| i.role == Role::Bridge);
    let Some(name) = bridge.map(|bridge| bridge.name) else {
        return;
    };
    for family in Family::ALL {
        let key = match family {
            Family::V4 => "net.bridge.bridge-nf-call-iptables",
            Family::V6 => "net.bridge.bridge-nf-call-ip6tables",
        };
        let told = work.facts.sysctls.text(&key.replace('.', "/")).is_some();
        if told || !work.rulesets.iter().any(|r| r.family == family) {
            continue;
        }
        work.assume(Assumption::new(
            Subject::Sysctls,
            format!("{family} packets that {name} passes on between its ports meet no rules"),
            format!("sysctl.txt, --set {key}=1"),
        ));
    }
}
