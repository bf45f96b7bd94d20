//! `-m devgroup`: device groups.

use std::fmt;

use crate::value::Named;
use crate::{Invertible, MarkMask};

/// Tests the groups of the packet's devices. Of the names in the group file only the stock one for 0, `default`, is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Devgroup {
    /// `--src-group`: of the in-device.
    pub source: Option<Invertible<MarkMask>>,
    /// `--dst-group`: of the out-device.
    pub destination: Option<Invertible<MarkMask>>,
}

impl fmt::Display for Devgroup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (option, group) in [
            ("--src-group", self.source),
            ("--dst-group", self.destination),
        ] {
            if let Some(group) = group {
                let value = Named(group.value, "default");
                write!(f, "{} {option} {value}", group.bang())?;
            }
        }
        Ok(())
    }
}
