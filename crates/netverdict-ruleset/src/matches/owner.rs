//! `-m owner`: who sent a packet of this host.

use std::fmt;

use crate::value::bang;
use crate::{Interval, Invertible};

/// Tests the socket that a local packet came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Owner {
    /// `--socket-exists` (`Some(true)` if inverted).
    pub socket_exists: Option<bool>,
    /// `--uid-owner`, inclusive.
    pub uid: Option<Invertible<Interval<u32>>>,
    /// `--gid-owner`, inclusive.
    pub gid: Option<Invertible<Interval<u32>>>,
    /// `--suppl-groups`: supplementary groups count too.
    pub supplementary_groups: bool,
}

fn write_ids(
    f: &mut fmt::Formatter<'_>,
    option: &str,
    ids: Option<Invertible<Interval<u32>>>,
) -> fmt::Result {
    let Some(ids) = ids else { return Ok(()) };
    let Interval { first, last } = ids.value;
    write!(f, "{} {option} {first}", ids.bang())?;
    if first != last {
        write!(f, "-{last}")?;
    }
    Ok(())
}

impl fmt::Display for Owner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(inverted) = self.socket_exists {
            write!(f, "{} --socket-exists", bang(inverted))?;
        }
        write_ids(f, "--uid-owner", self.uid)?;
        write_ids(f, "--gid-owner", self.gid)?;
        f.write_str(if self.supplementary_groups {
            " --suppl-groups"
        } else {
            ""
        })
    }
}
