//! `-m realm`: the routing realm.

use std::fmt;

use crate::value::Named;
use crate::{Invertible, MarkMask};

/// Tests the realm of the packet's route. IPv4.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Realm {
    /// `--realm`. Of the names in rt_realms only the stock one for 0, `cosmos`, is known here.
    pub realm: Invertible<MarkMask>,
}

impl fmt::Display for Realm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let value = Named(self.realm.value, "cosmos");
        write!(f, "{} --realm {value}", self.realm.bang())
    }
}
