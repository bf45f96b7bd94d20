//! What a rule can do: one type per target, gathered in one closed enum.
//!
//! `Display` of a target type writes its options as iptables-save prints them, each with a blank before it; `Display` of
//! [`Target`] writes `-j NAME` and the options.

use std::fmt;

use crate::ChainId;
use crate::matches::Unsupported;

mod audit;
mod checksum;
mod classify;
mod connmark;
mod connsecmark;
mod ct;
mod dnat;
mod dscp;
mod ecn;
mod hl;
mod hmark;
mod idletimer;
mod led;
mod log;
mod mark;
mod masquerade;
mod nat;
mod netmap;
mod nflog;
mod nfqueue;
mod npt;
mod rateest;
mod redirect;
mod reject;
mod secmark;
mod set;
mod snat;
mod synproxy;
mod tcpmss;
mod tcpoptstrip;
mod tee;
mod tos;
mod tproxy;
mod ttl;

pub use self::audit::Audit;
pub use self::checksum::Checksum;
pub use self::classify::Classify;
pub use self::connmark::{Connmark, ConnmarkAction, ConnmarkShift};
pub use self::connsecmark::Connsecmark;
pub use self::ct::{Ct, CtEvents, CtZone, CtZoneId};
pub use self::dnat::Dnat;
pub use self::dscp::Dscp;
pub use self::ecn::Ecn;
pub use self::hl::Hl;
pub use self::hmark::Hmark;
pub use self::idletimer::Idletimer;
pub use self::led::{Led, LedDelay};
pub use self::log::Log;
pub use self::mark::Mark;
pub use self::masquerade::Masquerade;
pub use self::nat::{NatPorts, NatRange};
pub use self::netmap::Netmap;
pub use self::nflog::{Nflog, NflogCopy};
pub use self::nfqueue::Nfqueue;
pub use self::npt::{Npt, NptPrefix};
pub use self::rateest::Rateest;
pub use self::redirect::Redirect;
pub use self::reject::{Icmp6Reject, IcmpReject, Reject, RejectWith};
pub use self::secmark::Secmark;
pub use self::set::Set;
pub use self::snat::Snat;
pub use self::synproxy::Synproxy;
pub use self::tcpmss::Tcpmss;
pub use self::tcpoptstrip::{TcpOptionSet, Tcpoptstrip};
pub use self::tee::Tee;
pub use self::tos::Tos;
pub use self::tproxy::Tproxy;
pub use self::ttl::{HopChange, Ttl};

/// What happens to a packet that a rule matches.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// The table is done with the packet.
    Accept,
    /// The packet ends here.
    Drop,
    /// Back to the calling chain; in a built-in chain, its policy.
    Return,
    /// To a program, by way of queue 0.
    Queue,
    /// `-j CHAIN`.
    Jump(ChainId),
    /// `-g CHAIN`: as a jump, but RETURN goes to the chain that jumped last.
    Goto(ChainId),
    /// No connection tracking for this packet. raw table only.
    Notrack,
    /// The packet's way is logged from here on. raw table only.
    Trace,
    Audit(Audit),
    Checksum(Checksum),
    Classify(Classify),
    Connmark(Connmark),
    Connsecmark(Connsecmark),
    Ct(Ct),
    Dnat(Dnat),
    Dscp(Dscp),
    Ecn(Ecn),
    Hl(Hl),
    Hmark(Hmark),
    Idletimer(Idletimer),
    Led(Led),
    Log(Log),
    Mark(Mark),
    Masquerade(Masquerade),
    Netmap(Netmap),
    Nflog(Nflog),
    Nfqueue(Nfqueue),
    Dnpt(Npt),
    Snpt(Npt),
    Rateest(Rateest),
    Redirect(Redirect),
    Reject(Reject),
    Secmark(Secmark),
    Set(Set),
    Snat(Snat),
    Synproxy(Synproxy),
    Tcpmss(Tcpmss),
    Tcpoptstrip(Tcpoptstrip),
    Tee(Tee),
    Tos(Tos),
    Tproxy(Tproxy),
    Ttl(Ttl),
    /// A target nobody models.
    Unsupported(Unsupported),
}

impl Target {
    /// The name behind `-j` in a dump; empty for a jump, whose chain only the table can name.
    pub fn name(&self) -> &str {
        match self {
            Self::Accept => "ACCEPT",
            Self::Drop => "DROP",
            Self::Return => "RETURN",
            Self::Queue => "QUEUE",
            Self::Jump(_) | Self::Goto(_) => "",
            Self::Notrack => "NOTRACK",
            Self::Trace => "TRACE",
            Self::Audit(_) => "AUDIT",
            Self::Checksum(_) => "CHECKSUM",
            Self::Classify(_) => "CLASSIFY",
            Self::Connmark(_) => "CONNMARK",
            Self::Connsecmark(_) => "CONNSECMARK",
            Self::Ct(_) => "CT",
            Self::Dnat(_) => "DNAT",
            Self::Dscp(_) => "DSCP",
            Self::Ecn(_) => "ECN",
            Self::Hl(_) => "HL",
            Self::Hmark(_) => "HMARK",
            Self::Idletimer(_) => "IDLETIMER",
            Self::Led(_) => "LED",
            Self::Log(_) => "LOG",
            Self::Mark(_) => "MARK",
            Self::Masquerade(_) => "MASQUERADE",
            Self::Netmap(_) => "NETMAP",
            Self::Nflog(_) => "NFLOG",
            Self::Nfqueue(_) => "NFQUEUE",
            Self::Dnpt(_) => "DNPT",
            Self::Snpt(_) => "SNPT",
            Self::Rateest(_) => "RATEEST",
            Self::Redirect(_) => "REDIRECT",
            Self::Reject(_) => "REJECT",
            Self::Secmark(_) => "SECMARK",
            Self::Set(_) => "SET",
            Self::Snat(_) => "SNAT",
            Self::Synproxy(_) => "SYNPROXY",
            Self::Tcpmss(_) => "TCPMSS",
            Self::Tcpoptstrip(_) => "TCPOPTSTRIP",
            Self::Tee(_) => "TEE",
            Self::Tos(_) => "TOS",
            Self::Tproxy(_) => "TPROXY",
            Self::Ttl(_) => "TTL",
            Self::Unsupported(t) => &t.name,
        }
    }

    /// The options as iptables-save prints them, each with a blank before it.
    pub fn options(&self) -> &dyn fmt::Display {
        match self {
            Self::Accept
            | Self::Drop
            | Self::Return
            | Self::Queue
            | Self::Jump(_)
            | Self::Goto(_)
            | Self::Notrack
            | Self::Trace => &"",
            Self::Audit(t) => t,
            Self::Checksum(t) => t,
            Self::Classify(t) => t,
            Self::Connmark(t) => t,
            Self::Connsecmark(t) => t,
            Self::Ct(t) => t,
            Self::Dnat(t) => t,
            Self::Dscp(t) => t,
            Self::Ecn(t) => t,
            Self::Hl(t) => t,
            Self::Hmark(t) => t,
            Self::Idletimer(t) => t,
            Self::Led(t) => t,
            Self::Log(t) => t,
            Self::Mark(t) => t,
            Self::Masquerade(t) => t,
            Self::Netmap(t) => t,
            Self::Nflog(t) => t,
            Self::Nfqueue(t) => t,
            Self::Dnpt(t) | Self::Snpt(t) => t,
            Self::Rateest(t) => t,
            Self::Redirect(t) => t,
            Self::Reject(t) => t,
            Self::Secmark(t) => t,
            Self::Set(t) => t,
            Self::Snat(t) => t,
            Self::Synproxy(t) => t,
            Self::Tcpmss(t) => t,
            Self::Tcpoptstrip(t) => t,
            Self::Tee(t) => t,
            Self::Tos(t) => t,
            Self::Tproxy(t) => t,
            Self::Ttl(t) => t,
            Self::Unsupported(t) => t,
        }
    }
}

/// `-j LOG --log-level 6`. A jump prints as `-j #3` or `-g #3`; [`RuleText`](crate::RuleText) names the chain.
impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Jump(ChainId(chain)) => write!(f, "-j #{chain}"),
            Self::Goto(ChainId(chain)) => write!(f, "-g #{chain}"),
            _ => write!(f, "-j {}{}", self.name(), self.options()),
        }
    }
}
