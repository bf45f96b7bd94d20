//! Helpers that the kernel gives to connections by itself: kernels before 6.0, if told to, and only those loaded.

use super::Work;
use crate::{Assumption, Subject};

const SWITCH: &str = "net/netfilter/nf_conntrack_helper";

pub(super) fn infer(work: &mut Work<'_>) {
    let setting = work.facts.sysctls.text(SWITCH);
    if setting.is_some_and(|value| value.trim() != "0") {
        work.assume(Assumption::new(
            Subject::Helpers,
            "net.netfilter.nf_conntrack_helper is on, and every helper that is modelled is loaded",
            "--set net.netfilter.nf_conntrack_helper=0",
        ));
    }
}
