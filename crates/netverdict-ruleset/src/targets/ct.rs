//! `-j CT`: how a connection will be tracked.

use std::fmt;

use crate::matches::CtDirection;
use crate::value::join;

/// Gives the packet a template for its connection and goes on. raw table only.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Ct {
    /// `--notrack`.
    pub notrack: bool,
    /// `--helper`.
    pub helper: Option<String>,
    /// `--timeout`: the name of a timeout policy.
    pub timeout: Option<String>,
    /// `--ctevents`.
    pub events: CtEvents,
    /// `--expevents`: only `new` exists.
    pub expectation_events: bool,
    /// `--zone`, `--zone-orig`, `--zone-reply`.
    pub zone: Option<CtZone>,
}

/// A connection tracking zone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct CtZone {
    /// The direction it holds for; both if `None`.
    pub direction: Option<CtDirection>,
    /// Its number.
    pub id: CtZoneId,
}

/// A zone's number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CtZoneId {
    /// This one.
    Id(u16),
    /// The packet's mark.
    Mark,
}

/// A set of event kinds, one bit each by number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct CtEvents(pub u16);

impl CtEvents {
    /// Names and bits, in the order they are printed.
    pub const NAMES: [(&'static str, Self); 10] = [
        ("new", Self(1)),
        ("related", Self(1 << 1)),
        ("destroy", Self(1 << 2)),
        ("reply", Self(1 << 3)),
        ("assured", Self(1 << 4)),
        ("protoinfo", Self(1 << 5)),
        ("helper", Self(1 << 6)),
        ("mark", Self(1 << 7)),
        ("natseqinfo", Self(1 << 8)),
        ("secmark", Self(1 << 9)),
    ];
}

impl fmt::Display for CtEvents {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = Self::NAMES.iter().filter(|(_, bit)| self.0 & bit.0 != 0);
        join(f, names.map(|(name, _)| name), ",")
    }
}

impl fmt::Display for CtZone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.direction {
            None => " --zone",
            Some(CtDirection::Original) => " --zone-orig",
            Some(CtDirection::Reply) => " --zone-reply",
        })?;
        match self.id {
            CtZoneId::Id(id) => write!(f, " {id}"),
            CtZoneId::Mark => f.write_str(" mark"),
        }
    }
}

impl fmt::Display for Ct {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.notrack { " --notrack" } else { "" })?;
        if let Some(helper) = &self.helper {
            write!(f, " --helper {helper}")?;
        }
        if let Some(timeout) = &self.timeout {
            write!(f, " --timeout {timeout}")?;
        }
        if self.events != CtEvents::default() {
            write!(f, " --ctevents {}", self.events)?;
        }
        if self.expectation_events {
            f.write_str(" --expevents new")?;
        }
        match self.zone {
            Some(CtZone {
                id: CtZoneId::Id(0),
                ..
            })
            | None => Ok(()),
            Some(zone) => zone.fmt(f),
        }
    }
}
