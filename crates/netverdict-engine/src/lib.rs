//! Netfilter as a pure function of rules, host, state and packet: hooks, tables, matches, targets, connection tracking
//! and NAT.
//!
//! No I/O, no clock, no file formats: time and bytes come with each [`Input`], randomness from a seed in the
//! [`Config`]. [`Engine::step`] takes one packet through its whole way and returns an [`Outcome`]; an [`Observer`] sees
//! every step on the way.
//!
//! ```text
//!  device ─► PREROUTING ─► routing ─┬─► FORWARD ──────────────┐
//!            raw ct mangle nat      │   mangle filter security ▼
//!                                   └─► INPUT              POSTROUTING ─► device
//!                                       mangle filter         mangle nat confirm
//!                                       security nat confirm     ▲
//!            socket ─► OUTPUT: raw ct mangle nat filter security ┘
//! ```

mod ahead;
mod answer;
mod bpf;
mod compile;
mod config;
mod conntrack;
mod context;
mod defrag;
mod ends;
mod engine;
mod extensions;
mod facts;
mod glance;
mod hooks;
mod jhash;
mod matches;
mod nat;
mod observe;
mod oracle;
mod outcome;
mod path;
mod remember;
mod rewrite;
mod skb;
mod split;
mod state;
mod targets;
#[cfg(test)]
mod testing;
mod traverse;
mod walk;

pub use config::{Checksums, Config, UnknownPolicy};
pub use conntrack::{
    ConnectionView, Counter, Direction, KnownConnection, KnownConnectionError, ProtocolState,
    SctpState, Status, TcpState, Tuple, Zone, ZoneDirection, models_helper,
};
pub use engine::{Engine, EngineInput, Entry, Input};
pub use extensions::{Extension, ExtensionKind, ExtensionStatus, extensions, of_match, of_target};
pub use facts::{
    About, CgroupFact, EndPattern, Fact, Facts, FlowPattern, IpsecState, IpvsFact, NfacctQuota,
    OwnerFact, PhysdevFact, PolicyFact, SocketFact, TargetDoes, TproxyFact,
};
pub use glance::{Foreseen, Glance, Passed, Tried, Vantage};
pub use observe::{Answer, Event, NullObserver, Observer, Tracking};
pub use outcome::{
    CtState, DecidedBy, Emission, EmissionKind, Fate, FlowId, NatView, Outcome, Reason, RuleNumber,
    RuleRef, Transport, UnknownRule, Verdict,
};
pub use remember::PathId;
pub use skb::{Connection, CtId, CtInfo, Skb, Sum};
pub use split::Split;
