//! Timeout policies of connection tracking, by nfct.

use netverdict_net::{Family, Protocol};
use netverdict_ruleset::timeouts::TimeoutPolicy;
use netverdict_syntax::parse_timeouts;

use super::Rig;
use crate::RigError;
use crate::kernel::tool::{Tool, complaint};

const NFCT: Tool = Tool::new("nfct", "nfct");

impl Rig<'_> {
    /// Adds what a listing tells.
    pub(super) fn add_timeouts(&self, listing: &str) -> Result<(), RigError> {
        for policy in parse_timeouts(listing.as_bytes()).policies {
            let words = command(&policy);
            let words: Vec<&str> = words.iter().map(String::as_str).collect();
            let output = NFCT.run(self.inside, &self.lock_path(), &words, b"")?;
            if !output.status.success() {
                return Err(RigError::Refused {
                    tool: NFCT.name,
                    message: complaint(&output),
                });
            }
        }
        Ok(())
    }
}

/// `add timeout NAME inet tcp close 10 ...`
fn command(policy: &TimeoutPolicy) -> Vec<String> {
    let family = match policy.family {
        Family::V4 => "inet",
        Family::V6 => "inet6",
    };
    let protocol = match policy.protocol {
        Protocol::ICMP => "icmp",
        Protocol::TCP => "tcp",
        Protocol::UDP => "udp",
        Protocol::GRE => "gre",
        Protocol::ICMPV6 => "icmpv6",
        Protocol::SCTP => "sctp",
        Protocol::UDPLITE => "udplite",
        _ => "generic",
    };
    let mut words = ["add", "timeout", &policy.name, family, protocol]
        .map(str::to_owned)
        .to_vec();
    for (state, seconds) in &policy.seconds {
        words.extend([state.to_lowercase(), seconds.to_string()]);
    }
    words
}
