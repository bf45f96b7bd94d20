//! One module a command: from its arguments to its exit code.

pub(crate) mod audit;
pub(crate) mod collect;
pub(crate) mod conform;
pub(crate) mod demo;
pub(crate) mod diff;
pub(crate) mod extensions;
pub(crate) mod fmt;
pub(crate) mod lint;
pub(crate) mod plain;
pub(crate) mod replay;
pub(crate) mod test;
pub(crate) mod trace;

use std::io::Write;

use crate::args::common::Common;

/// Says warnings on standard error, where the output has no place for them.
pub(crate) fn warn(common: &Common, warnings: &[String]) {
    if common.quiet {
        return;
    }
    let mut stderr = anstream::stderr();
    for warning in warnings {
        // Nobody is left to tell if this fails.
        drop(writeln!(stderr, "warning: {warning}"));
    }
}
