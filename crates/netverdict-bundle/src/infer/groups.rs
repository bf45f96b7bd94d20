//! Multicast groups: `--local` joins one; all others that the captures send to are taken as not joined.

use std::collections::BTreeSet;
use std::net::IpAddr;

use netverdict_host::Group;

use super::Work;
use crate::{Assumption, Subject};

pub(super) fn infer(work: &mut Work<'_>) {
    let groups = work
        .overrides
        .local
        .iter()
        .filter(|l| l.address.is_multicast());
    work.facts.groups = groups
        .map(|l| Group {
            address: l.address,
            device: l.interface,
        })
        .collect();
    let seen: BTreeSet<IpAddr> = work.survey.groups().collect();
    let open: Vec<IpAddr> = seen
        .into_iter()
        .filter(|g| work.facts.groups.iter().all(|j| j.address != *g))
        .collect();
    if !open.is_empty() {
        work.assume(Assumption::new(
            Subject::MulticastGroups,
            format!(
                "the host has not joined {}, beyond what the kernel joins by itself: such packets end after PREROUTING",
                super::list(&open)
            ),
            "--local GROUP[@IFACE]",
        ));
    }
}
