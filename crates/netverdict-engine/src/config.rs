//! What a run fixes beside rules and host: randomness, tick rate, checksum trust, and what unknowns count as.

use netverdict_ruleset::Backend;

use crate::Facts;

/// Whether layer-4 checksums of captured packets are believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Checksums {
    /// Verify each, as a kernel does whose device did not.
    Verify,
    /// Take every checksum for right (captures taken on the sending host).
    Trust,
    /// Verify inbound packets; trust outbound ones, whose checksums the device fills in later.
    #[default]
    Auto,
}

/// What state and counters take an undecidable match for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum UnknownPolicy {
    /// As false.
    #[default]
    NoMatch,
    /// As true.
    Match,
}

/// The settings of one run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// Seed of everything random: `statistic --mode random`, NAT port choice.
    pub seed: u64,
    /// The kernel's tick, in ticks a second.
    pub hz: u32,
    /// Checksum trust.
    pub checksums: Checksums,
    /// What an unknown counts as.
    pub unknown: UnknownPolicy,
    /// Which backend runs the rules; `None` follows each dump's header, legacy where it names none.
    pub backend: Option<Backend>,
    /// Connection tracking even where no loaded rule asks for it (semantics: another consumer on the host).
    pub force_conntrack: bool,
    /// What the user states beside the inputs.
    pub facts: Facts,
    /// Whether a packet longer than its device's MTU is several that the device merged (GRO), as captures show them:
    /// such a one is not too big to be forwarded.
    pub merged: bool,
    /// Whether the bytes of every packet that leaves are given back ([`Outcome::egress`](crate::Outcome::egress)); else
    /// only of those that met the rules one by one.
    pub keep_egress: bool,
    /// Whether flows are numbered ([`Outcome::flow`](crate::Outcome::flow)).
    pub number_flows: bool,
    /// Whether every packet meets every rule one by one, nothing remembered and nothing passed over. The outcomes are
    /// the same, only slower.
    pub plain: bool,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            seed: 0,
            hz: 250,
            checksums: Checksums::Auto,
            unknown: UnknownPolicy::NoMatch,
            backend: None,
            force_conntrack: false,
            facts: Facts::default(),
            merged: true,
            keep_egress: true,
            number_flows: true,
            plain: false,
        }
    }
}
