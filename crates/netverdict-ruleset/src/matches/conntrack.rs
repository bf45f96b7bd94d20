//! `-m conntrack` and its old name `-m state`: what connection tracking knows of a packet.

use std::fmt;

use netverdict_net::{AddrMask, PortRange};

use crate::value::{HostOrNet, join};
use crate::{Interval, Invertible};

/// Tests the packet's connection; every given part must hold.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Conntrack {
    /// Whether it was written, and is saved, as `-m state --state`. Only `states` is given then.
    pub is_state: bool,
    /// `--ctstate` or `--state`.
    pub states: Option<Invertible<CtStates>>,
    /// `--ctproto`: the connection's protocol number.
    pub protocol: Option<Invertible<u8>>,
    /// `--ctorigsrc`.
    pub original_source: Option<Invertible<AddrMask>>,
    /// `--ctorigdst`.
    pub original_destination: Option<Invertible<AddrMask>>,
    /// `--ctreplsrc`.
    pub reply_source: Option<Invertible<AddrMask>>,
    /// `--ctrepldst`.
    pub reply_destination: Option<Invertible<AddrMask>>,
    /// `--ctorigsrcport`.
    pub original_source_port: Option<Invertible<PortRange>>,
    /// `--ctorigdstport`.
    pub original_destination_port: Option<Invertible<PortRange>>,
    /// `--ctreplsrcport`.
    pub reply_source_port: Option<Invertible<PortRange>>,
    /// `--ctrepldstport`.
    pub reply_destination_port: Option<Invertible<PortRange>>,
    /// `--ctstatus`.
    pub status: Option<Invertible<CtStatuses>>,
    /// `--ctexpire`: remaining lifetime in seconds.
    pub expire: Option<Invertible<Interval<u32>>>,
    /// `--ctdir`.
    pub direction: Option<CtDirection>,
}

/// A set of connection states.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct CtStates(pub u8);

impl CtStates {
    pub const INVALID: Self = Self(1);
    pub const NEW: Self = Self(2);
    pub const RELATED: Self = Self(4);
    pub const ESTABLISHED: Self = Self(8);
    pub const UNTRACKED: Self = Self(16);
    /// The connection's source is translated.
    pub const SNAT: Self = Self(32);
    /// The connection's destination is translated.
    pub const DNAT: Self = Self(64);

    /// Names, in the order they are printed.
    pub const NAMES: [(&'static str, Self); 7] = [
        ("INVALID", Self::INVALID),
        ("NEW", Self::NEW),
        ("RELATED", Self::RELATED),
        ("ESTABLISHED", Self::ESTABLISHED),
        ("UNTRACKED", Self::UNTRACKED),
        ("SNAT", Self::SNAT),
        ("DNAT", Self::DNAT),
    ];

    /// Whether the sets share a state.
    pub const fn intersects(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }

    /// Both sets.
    pub const fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

impl fmt::Display for CtStates {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = Self::NAMES.iter().filter(|(_, s)| self.intersects(*s));
        join(f, names.map(|(name, _)| name), ",")
    }
}

/// A set of connection status bits; empty is `NONE`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct CtStatuses(pub u8);

impl CtStatuses {
    pub const EXPECTED: Self = Self(1);
    pub const SEEN_REPLY: Self = Self(2);
    pub const ASSURED: Self = Self(4);
    pub const CONFIRMED: Self = Self(8);

    /// Names, in the order they are printed.
    pub const NAMES: [(&'static str, Self); 4] = [
        ("EXPECTED", Self::EXPECTED),
        ("SEEN_REPLY", Self::SEEN_REPLY),
        ("ASSURED", Self::ASSURED),
        ("CONFIRMED", Self::CONFIRMED),
    ];

    /// Whether the sets share a bit.
    pub const fn intersects(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }
}

impl fmt::Display for CtStatuses {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0 == 0 {
            return f.write_str("NONE");
        }
        let names = Self::NAMES.iter().filter(|(_, s)| self.intersects(*s));
        join(f, names.map(|(name, _)| name), ",")
    }
}

/// Which of a connection's two directions the packet goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CtDirection {
    /// As the first packet.
    Original,
    /// The other way.
    Reply,
}

impl fmt::Display for CtDirection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Original => "ORIGINAL",
            Self::Reply => "REPLY",
        })
    }
}

fn write<T: fmt::Display>(
    f: &mut fmt::Formatter<'_>,
    option: &str,
    test: Option<&Invertible<T>>,
) -> fmt::Result {
    match test {
        Some(test) => write!(f, "{} {option} {}", test.bang(), test.value),
        None => Ok(()),
    }
}

impl Conntrack {
    fn write_addresses(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (option, test) in [
            ("--ctorigsrc", self.original_source),
            ("--ctorigdst", self.original_destination),
            ("--ctreplsrc", self.reply_source),
            ("--ctrepldst", self.reply_destination),
        ] {
            let test = test.map(|test| Invertible {
                inverted: test.inverted,
                value: HostOrNet(test.value),
            });
            write(f, option, test.as_ref())?;
        }
        Ok(())
    }

    fn write_ports(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (option, test) in [
            ("--ctorigsrcport", &self.original_source_port),
            ("--ctorigdstport", &self.original_destination_port),
            ("--ctreplsrcport", &self.reply_source_port),
            ("--ctrepldstport", &self.reply_destination_port),
        ] {
            write(f, option, test.as_ref())?;
        }
        Ok(())
    }
}

impl fmt::Display for Conntrack {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = if self.is_state {
            "--state"
        } else {
            "--ctstate"
        };
        write(f, state, self.states.as_ref())?;
        write(f, "--ctproto", self.protocol.as_ref())?;
        self.write_addresses(f)?;
        self.write_ports(f)?;
        write(f, "--ctstatus", self.status.as_ref())?;
        write(f, "--ctexpire", self.expire.as_ref())?;
        match self.direction {
            Some(direction) => write!(f, " --ctdir {direction}"),
            None => Ok(()),
        }
    }
}
