//! `-m cgroup`: the control group of the sending process.

use std::fmt;

use crate::{Invertible, Quoted};

/// Tests the control group of the packet's socket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cgroup {
    /// `--path`: membership in a v2 group or one below it.
    Path(Invertible<String>),
    /// `--cgroup`: the net_cls class id.
    Class(Invertible<u32>),
}

impl fmt::Display for Cgroup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Path(path) => write!(f, "{} --path {}", path.bang(), Quoted(&path.value)),
            Self::Class(class) => write!(f, "{} --cgroup {}", class.bang(), class.value),
        }
    }
}
