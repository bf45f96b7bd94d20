//! What was assumed for want of input, and the flag that says otherwise.

use std::fmt;

/// What an assumption is about. The name is stable: reports carry it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Subject {
    /// Which addresses are the host's own.
    LocalAddresses,
    /// Which interfaces it has, and which one a capture was taken on.
    Interfaces,
    /// Which MAC addresses are its own.
    OwnMac,
    /// Whether frames came in or went out.
    Direction,
    /// Its routes.
    Routes,
    /// Its policy rules.
    PolicyRules,
    /// Its kernel settings.
    Sysctls,
    /// The multicast groups it joined.
    MulticastGroups,
    /// The connections that existed before the capture.
    Connections,
    /// The contents of sets.
    Sets,
    /// The other family's rules.
    OtherFamily,
    /// Rules that are not netfilter's IP tables'.
    OtherRules,
    /// Which backend ran the rules.
    Backend,
    /// Whether checksums in the capture are real.
    Checksums,
    /// The kernel's tick.
    Tick,
    /// What random choices fall on.
    Randomness,
    /// What rules remember of packets before the capture.
    RuleHistory,
    /// Which helpers the kernel has.
    Helpers,
    /// What the user stated.
    Facts,
    /// Lines that were left out.
    LeftOut,
    /// The kernel's version.
    Kernel,
    /// Settings from a file or the environment, not from the command line.
    Configured,
}

impl Subject {
    /// The stable name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::LocalAddresses => "local-addresses",
            Self::Interfaces => "interfaces",
            Self::OwnMac => "own-mac",
            Self::Direction => "direction",
            Self::Routes => "routes",
            Self::PolicyRules => "policy-rules",
            Self::Sysctls => "sysctls",
            Self::MulticastGroups => "multicast-groups",
            Self::Connections => "connections",
            Self::Sets => "sets",
            Self::OtherFamily => "other-family",
            Self::OtherRules => "other-rules",
            Self::Backend => "backend",
            Self::Checksums => "checksums",
            Self::Tick => "tick",
            Self::Randomness => "randomness",
            Self::RuleHistory => "rule-history",
            Self::Helpers => "helpers",
            Self::Facts => "facts",
            Self::LeftOut => "left-out",
            Self::Kernel => "kernel",
            Self::Configured => "configured",
        }
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// One thing taken for granted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Assumption {
    /// What it is about.
    pub subject: Subject,
    /// What is assumed and why, a sentence without a full stop.
    pub text: String,
    /// The flag, or the bundle's file, that says otherwise.
    pub flag: String,
}

impl Assumption {
    /// An assumption that `flag` overrides.
    pub fn new(subject: Subject, text: impl Into<String>, flag: impl Into<String>) -> Self {
        Self {
            subject,
            text: text.into(),
            flag: flag.into(),
        }
    }
}

impl fmt::Display for Assumption {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.text, self.flag)
    }
}
