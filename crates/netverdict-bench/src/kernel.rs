//! The kernel beside which netverdict is measured: the same packets, forwarded by a namespace that loaded the same rules.

pub(crate) mod feed;

use std::path::Path;
use std::process::Command;

use serde::{Deserialize, Serialize};

use crate::error::Error;

/// What the kernel took.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(crate) struct Fed {
    pub(crate) packets: u64,
    /// Seconds for feeding and forwarding all of them, on one core.
    pub(crate) seconds: f64,
}

impl Fed {
    /// Nanoseconds a packet.
    pub(crate) fn each(self) -> f64 {
        self.seconds * 1e9 / self.packets.max(1) as f64
    }
}

/// Why the kernel cannot be asked here, if it cannot.
pub(crate) fn missing() -> Option<String> {
    if !nix::unistd::geteuid().is_root() {
        return Some("the kernel was not measured: only root may load rules".to_owned());
    }
    let tools = ["ip", "unshare", "iptables-legacy-restore"];
    let missing = tools
        .iter()
        .find(|tool| Command::new(tool).arg("--version").output().is_err());
    missing.map(|tool| format!("the kernel was not measured: {tool} is not installed"))
}

/// Sends a capture's first packets through a fresh namespace with the rules of a bundle; all must come out.
pub(crate) fn measure(bundle: &Path, capture: &Path, packets: u64) -> Result<Fed, Error> {
    let output = Command::new("unshare")
        .arg("--net")
        .arg(std::env::current_exe()?)
        .arg("feed")
        .arg(bundle.join("iptables-save"))
        .arg(capture)
        .args(["--packets", &packets.to_string()])
        .output()?;
    if !output.status.success() {
        return Err(Error::Failed {
            command: "the kernel's measurement".to_owned(),
            status: output.status,
            said: String::from_utf8_lossy(&output.stderr).into_owned(),
        });
    }
    let said = String::from_utf8_lossy(&output.stdout);
    serde_json::from_str(&said).map_err(|e| Error::other(format!("{e} in `{said}`")))
}
