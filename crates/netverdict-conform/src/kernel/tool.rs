//! Running the real tools inside the namespace, tied to the life of the thread that runs them.

use std::io::{ErrorKind, Write};
use std::process::{Command, Output, Stdio};
use std::sync::OnceLock;

use netverdict_ruleset::Version;

use super::{Namespace, unchecked};
use crate::RigError;

/// A program of another package.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Tool {
    /// The program's name.
    pub(crate) name: &'static str,
    /// The Debian package that has it.
    pub(crate) package: &'static str,
}

impl Tool {
    pub(crate) const IP: Self = Self::new("ip", "iproute2");
    pub(crate) const NFT: Self = Self::new("nft", "nftables");
    pub(crate) const IPSET: Self = Self::new("ipset", "ipset");

    pub(crate) const fn new(name: &'static str, package: &'static str) -> Self {
        Self { name, package }
    }

    /// Feeds `input` to the program and waits for it. A program that fails is not an error of this call.
    pub(crate) fn run(
        self,
        _inside: &Namespace,
        lock_file: &str,
        args: &[&str],
        input: &[u8],
    ) -> Result<Output, RigError> {
        let mut command = Command::new(self.name);
        command
            .args(args)
            // The legacy tools serialise on one lock of the whole machine; a namespace of its own needs none.
            .env("XTABLES_LOCKFILE", lock_file)
            .env("LC_ALL", "C")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        unchecked::die_with_parent(&mut command);
        let mut child = command.spawn().map_err(|error| self.spawn_error(error))?;
        let mut stdin = child.stdin.take();
        let written = std::thread::scope(|scope| {
            let feeder = scope.spawn(move || stdin.as_mut().map_or(Ok(()), |s| s.write_all(input)));
            let output = child.wait_with_output();
            (output, feeder.join())
        });
        // A tool that refuses early closes its input: the feeder's EPIPE says nothing that its exit code does not.
        written.0.map_err(RigError::io("waiting for a tool"))
    }

    fn spawn_error(self, error: std::io::Error) -> RigError {
        match error.kind() {
            ErrorKind::NotFound => RigError::MissingTool {
                tool: self.name,
                package: self.package,
            },
            _ => RigError::io("starting a tool")(error),
        }
    }
}

/// The version of the iptables that loads the dumps here; `None` where it cannot be asked.
pub(crate) fn iptables_version() -> Option<Version> {
    static VERSION: OnceLock<Option<Version>> = OnceLock::new();
    *VERSION.get_or_init(|| {
        // `iptables v1.8.9 (nf_tables)`
        let output = Command::new("iptables-nft")
            .arg("--version")
            .output()
            .ok()?;
        let text = String::from_utf8(output.stdout).ok()?;
        Version::read(text.split_whitespace().nth(1)?.strip_prefix('v')?)
    })
}

/// What a tool said when it failed, in one line each.
pub(crate) fn complaint(output: &Output) -> String {
    let text = String::from_utf8_lossy(&output.stderr);
    let text = text.trim();
    if text.is_empty() {
        output.status.to_string()
    } else {
        text.to_owned()
    }
}
