//! `-m helper`: connections that a helper expected.

use std::fmt;

use crate::{Invertible, Quoted};

/// Tests the helper of the connection's master.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Helper {
    /// `--helper`: the helper's name, perhaps with `-PORT`; empty for any helper.
    pub name: Invertible<String>,
}

impl fmt::Display for Helper {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = &self.name;
        write!(f, "{} --helper {}", name.bang(), Quoted(&name.value))
    }
}
