//! `-m cpu` (net/netfilter/xt_cpu.c): which processor took the packet, no input tells.

use netverdict_ruleset::matches::Cpu;

use super::tri::unknown;
use crate::context::{Eval, MatchCx};

pub(crate) fn evaluate(_: &Cpu, _: &MatchCx<'_, '_>) -> Eval {
    unknown("the processor is not known")
}
