//! Timeout policies (nfnetlink_cttimeout.c): a connection keeps the one that it was made with.

use netverdict_net::Protocol;
use netverdict_ruleset::timeouts::TimeoutPolicy;

use super::{Conntrack, Entry, Settings};
use crate::CtId;

/// A policy's place among all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct PolicyId(u16);

/// What each policy makes of the host's settings.
#[derive(Debug, Default)]
pub(crate) struct Policies(Vec<Settings>);

impl Policies {
    /// Whether all connections are under the host's settings.
    pub(super) const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The settings that a connection is under.
    pub(super) fn of<'s>(&'s self, entry: Option<&Entry>, usual: &'s Settings) -> &'s Settings {
        if self.0.is_empty() {
            return usual;
        }
        let policy = entry.and_then(Entry::policy);
        policy
            .and_then(|PolicyId(place)| self.0.get(usize::from(place)))
            .unwrap_or(usual)
    }
}

impl Conntrack {
    /// Gives the policies that `-j CT --timeout` names.
    pub(crate) fn give_policies(&mut self, given: &[TimeoutPolicy]) {
        self.policies.0 = given.iter().map(|p| self.settings.under(p)).collect();
        for template in &mut self.templates {
            let place = given
                .iter()
                .position(|policy| template.timeout.as_ref() == Some(&policy.name));
            template.policy = place
                .and_then(|place| u16::try_from(place).ok())
                .map(PolicyId);
        }
    }

    /// The settings that a connection is under.
    pub(super) fn settings_of(&self, id: CtId) -> &Settings {
        self.policies.of(self.table.get(id), &self.settings)
    }
}

impl Settings {
    /// The same where the policy says nothing.
    fn under(&self, policy: &TimeoutPolicy) -> Self {
        let mut settings = self.clone();
        for (state, seconds) in &policy.seconds {
            let ticks = i64::from(*seconds).saturating_mul(self.hz);
            for place in settings.places(policy.protocol, state) {
                *place = ticks;
            }
        }
        settings
    }

    /// Where a protocol's tracker looks for a state's timeout; nowhere for a state that it does not have.
    fn places(&mut self, protocol: Protocol, state: &str) -> Vec<&mut i64> {
        const TCP: [&str; 10] = [
            "SYN_SENT",
            "SYN_SENT",
            "SYN_RECV",
            "ESTABLISHED",
            "FIN_WAIT",
            "CLOSE_WAIT",
            "LAST_ACK",
            "TIME_WAIT",
            "CLOSE",
            "SYN_SENT2",
        ];
        const SCTP: [&str; 9] = [
            "CLOSED",
            "CLOSED",
            "COOKIE_WAIT",
            "COOKIE_ECHOED",
            "ESTABLISHED",
            "SHUTDOWN_SENT",
            "SHUTDOWN_RECD",
            "SHUTDOWN_ACK_SENT",
            "HEARTBEAT_SENT",
        ];
        fn named<'a>(names: &[&str], places: &'a mut [i64], state: &str) -> Vec<&'a mut i64> {
            let all = names.iter().zip(places);
            all.filter(|(name, _)| **name == state)
                .map(|(_, place)| place)
                .collect()
        }
        match (protocol, state) {
            (Protocol::TCP, "RETRANS") => vec![&mut self.tcp.retransmission],
            (Protocol::TCP, "UNACKNOWLEDGED") => vec![&mut self.tcp.unacknowledged],
            (Protocol::TCP, _) => named(&TCP, &mut self.tcp.timeouts, state),
            (Protocol::SCTP, _) => named(&SCTP, &mut self.sctp, state),
            (Protocol::UDP | Protocol::UDPLITE, "UNREPLIED") => vec![&mut self.udp.unreplied],
            (Protocol::UDP | Protocol::UDPLITE, "REPLIED") => vec![&mut self.udp.replied],
            (Protocol::GRE, "UNREPLIED") => vec![&mut self.gre.unreplied],
            (Protocol::GRE, "REPLIED") => vec![&mut self.gre.replied],
            (Protocol::ICMP, "TIMEOUT") => vec![&mut self.icmp],
            (Protocol::ICMPV6, "TIMEOUT") => vec![&mut self.icmpv6],
            (_, "TIMEOUT") => vec![&mut self.generic],
            _ => Vec::new(),
        }
    }
}
