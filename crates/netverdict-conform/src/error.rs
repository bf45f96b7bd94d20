//! What keeps the rig from running, each naming what is missing.

use std::path::PathBuf;

use netverdict_net::Family;

/// Why a kernel run could not be made.
#[derive(Debug, thiserror::Error)]
pub enum RigError {
    /// Namespaces need `CAP_SYS_ADMIN`.
    #[error("making a network namespace needs root: {0}")]
    NotRoot(nix::Error),
    /// A program is not installed.
    #[error("`{tool}` is not installed (Debian package `{package}`)")]
    MissingTool {
        /// The program.
        tool: &'static str,
        /// The Debian package that has it.
        package: &'static str,
    },
    /// The TUN driver is absent or closed to us.
    #[error("cannot open {}: {source}", .path.display())]
    MissingTun {
        /// The device node.
        path: PathBuf,
        /// What the kernel said.
        source: std::io::Error,
    },
    /// The kernel lacks something that the rig itself needs.
    #[error("this kernel lacks {what}: {message}")]
    MissingFeature {
        /// What was asked for.
        what: &'static str,
        /// What the tool or kernel said.
        message: String,
    },
    /// The real tool refused a dump.
    #[error("{tool} refused the dump: {message}")]
    Refused {
        /// The program.
        tool: &'static str,
        /// Its words.
        message: String,
    },
    /// The host could not be built as described.
    #[error("cannot build the host: {0}")]
    Host(String),
    /// A frame names an interface that the host has not.
    #[error("the host has no interface `{0}`")]
    NoInterface(String),
    /// A frame cannot be injected at all.
    #[error("frame cannot be injected: {0}")]
    Frame(&'static str),
    /// A saved table that cannot be read back.
    #[error("{} printed what cannot be read: {line}", .family.save_command())]
    Save {
        /// Whose.
        family: Family,
        /// The line.
        line: String,
    },
    /// A dump that the kernel took, but that the model cannot read.
    #[error("{}: {message}", .family.save_command())]
    Unread {
        /// Whose.
        family: Family,
        /// What is wrong with it.
        message: String,
    },
    /// A system call failed.
    #[error("{what}: {source}")]
    System {
        /// What was being done.
        what: &'static str,
        /// What the kernel said.
        source: std::io::Error,
    },
}

impl RigError {
    /// Wraps a failed call.
    pub(crate) fn system(what: &'static str) -> impl Fn(nix::Error) -> Self {
        move |errno| Self::System {
            what,
            source: errno.into(),
        }
    }

    /// Wraps a failed read or write.
    pub(crate) fn io(what: &'static str) -> impl Fn(std::io::Error) -> Self {
        move |source| Self::System { what, source }
    }

    /// Whether the machine, not the input, is at fault: what makes a test skip instead of fail.
    pub fn is_missing(&self) -> bool {
        matches!(
            self,
            Self::NotRoot(_)
                | Self::MissingTool { .. }
                | Self::MissingTun { .. }
                | Self::MissingFeature { .. }
        )
    }
}
