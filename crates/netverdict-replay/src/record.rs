//! What became of one frame: everything that a report says about it.

use std::fmt;

use netverdict_capture::{Direction, SkipReason};
use netverdict_engine::{
    CtState, FlowId, NatView, Outcome, Reason, RuleRef, Transport, UnknownRule, Verdict as Said,
};
use netverdict_net::{Device, PacketError, Timestamp};
use netverdict_ruleset::Hook;

/// What netfilter said of a frame's packet, or that there was none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Verdict {
    Accept,
    Drop,
    Reject,
    Queue,
    Stolen,
    Unknown,
    /// No packet that iptables sees.
    Skipped,
}

impl Verdict {
    /// All of them, in the order in which reports list them.
    pub const ALL: [Self; 7] = [
        Self::Accept,
        Self::Drop,
        Self::Reject,
        Self::Queue,
        Self::Stolen,
        Self::Unknown,
        Self::Skipped,
    ];

    /// The name in every output.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Accept => "ACCEPT",
            Self::Drop => "DROP",
            Self::Reject => "REJECT",
            Self::Queue => "QUEUE",
            Self::Stolen => "STOLEN",
            Self::Unknown => "UNKNOWN",
            Self::Skipped => "SKIPPED",
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl From<Said> for Verdict {
    fn from(verdict: Said) -> Self {
        match verdict {
            Said::Accept => Self::Accept,
            Said::Drop => Self::Drop,
            Said::Reject => Self::Reject,
            Said::Queue => Self::Queue,
            Said::Stolen => Self::Stolen,
            Said::Unknown => Self::Unknown,
        }
    }
}

/// Where a frame's packet ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Fate {
    /// Delivered to this host.
    Local,
    /// Sent on.
    Forwarded,
    /// Made here and sent.
    Sent,
    Dropped,
    /// Waiting: for a program in user space, or for the other fragments of its datagram.
    Queued,
    /// Not replayed: the captured continuation of a frame seen before.
    Evidence,
    /// Not replayed: no packet that iptables sees.
    Skipped,
}

impl Fate {
    /// All of them, in the order in which reports list them.
    pub const ALL: [Self; 7] = [
        Self::Local,
        Self::Forwarded,
        Self::Sent,
        Self::Dropped,
        Self::Queued,
        Self::Evidence,
        Self::Skipped,
    ];

    /// The name in every output.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Local => "local",
            Self::Forwarded => "forwarded",
            Self::Sent => "sent",
            Self::Dropped => "dropped",
            Self::Queued => "queued",
            Self::Evidence => "evidence",
            Self::Skipped => "skipped",
        }
    }
}

impl fmt::Display for Fate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl From<netverdict_engine::Fate> for Fate {
    fn from(fate: netverdict_engine::Fate) -> Self {
        use netverdict_engine::Fate as Engine;
        match fate {
            Engine::Local => Self::Local,
            Engine::Forwarded => Self::Forwarded,
            Engine::Sent => Self::Sent,
            Engine::Dropped => Self::Dropped,
            Engine::Queued | Engine::Held => Self::Queued,
        }
    }
}

/// Why a packet met its end where no rule said so.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Cause {
    /// The kernel's own reason.
    Kernel(Reason),
    /// The frame carries nothing that iptables sees.
    Skipped(SkipReason),
    /// ARP is not IP.
    Arp,
    /// The path itself sent it: a REJECT's answer, an ICMP error.
    Emitted,
    /// A copy from below this device (a bridge's port, a VLAN's carrier), which was captured too: it counts there.
    Below(Device),
    /// The packet is one that `ip_rcv` drops unseen, or too little of it was captured.
    Packet(PacketError),
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Kernel(reason) => reason.fmt(f),
            Self::Skipped(reason) => reason.fmt(f),
            Self::Arp => f.write_str("ARP is not IP"),
            Self::Emitted => f.write_str("sent by the firewall itself"),
            Self::Below(device) => write!(f, "a copy from below {device}, where it counts"),
            Self::Packet(error) => error.fmt(f),
        }
    }
}

/// Which frame of which capture.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FrameRef {
    /// Index of the capture.
    pub file: usize,
    /// The frame's number in it, from 1.
    pub number: u64,
}

/// What a frame that was not replayed says about the model's prediction for an earlier one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Evidence {
    /// The earlier frame.
    pub of: FrameRef,
    /// How the capture contradicts the prediction; `None` if it bears it out.
    pub contradiction: Option<Contradiction>,
}

/// How a captured continuation contradicts the model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Contradiction {
    /// The model stopped a packet that was seen leaving.
    Left { verdict: Verdict },
    /// It left with another header.
    Header {
        predicted: Transport,
        seen: Transport,
    },
    /// It left by another interface.
    Interface { predicted: Device, seen: Device },
}

impl fmt::Display for Contradiction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Left { verdict } => write!(f, "predicted {verdict}, but it was seen leaving"),
            Self::Header { predicted, seen } => {
                write!(
                    f,
                    "predicted to leave as {}, seen as {}",
                    Ends(predicted),
                    Ends(seen)
                )
            }
            Self::Interface { predicted, seen } => {
                write!(f, "predicted to leave by {predicted}, seen on {seen}")
            }
        }
    }
}

/// `192.0.2.1:80 > 192.0.2.9:4000`, ports only where the protocol has them.
#[derive(Debug, Clone, Copy)]
pub struct Ends<'t>(pub &'t Transport);

impl fmt::Display for Ends<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Transport {
            source,
            destination,
            source_port,
            destination_port,
            ..
        } = *self.0;
        if crate::transport::has_ports(self.0.protocol) {
            let source = std::net::SocketAddr::new(source, source_port);
            let destination = std::net::SocketAddr::new(destination, destination_port);
            write!(f, "{source} > {destination}")
        } else {
            write!(f, "{source} > {destination}")
        }
    }
}

/// What was said of a frame, for those that continue it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Decision {
    pub(crate) said: Saying,
    pub(crate) flow: Option<FlowId>,
    pub(crate) nat: Option<NatView>,
}

/// The part of it that many frames share.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Saying {
    pub(crate) verdict: Verdict,
    rule: Option<RuleRef>,
    cause: Option<Cause>,
    hook: Option<Hook>,
    state: Option<CtState>,
    in_device: Device,
    pub(crate) out_device: Device,
    mark: u32,
    /// Where the frame was captured.
    pub(crate) interface: Device,
}

impl Saying {
    pub(crate) fn of(record: &Record) -> Self {
        Self {
            verdict: record.verdict,
            rule: record.rule,
            cause: record.cause,
            hook: record.hook,
            state: record.state,
            in_device: record.in_device,
            out_device: record.out_device,
            mark: record.mark,
            interface: record.interface,
        }
    }

    /// Of a frame captured on `interface`.
    pub(crate) fn of_outcome(outcome: &Outcome, interface: Device) -> Self {
        Self {
            verdict: outcome.verdict.into(),
            rule: outcome.decided_by.rule,
            cause: outcome.decided_by.reason.map(Cause::Kernel),
            hook: outcome.hook,
            state: outcome.state,
            in_device: outcome.in_device,
            out_device: outcome.out_device,
            mark: outcome.mark,
            interface,
        }
    }
}

/// One frame's record.
#[derive(Debug, Clone)]
pub struct Record {
    /// Counted from 1 over the whole stream.
    pub position: u64,
    /// Which frame it is.
    pub frame: FrameRef,
    pub time: Timestamp,
    /// Where it was captured.
    pub interface: Device,
    pub direction: Direction,
    /// The IP packet's length, as counters count it; of a skipped frame all of its bytes on the wire.
    pub len: u32,
    /// Its header as captured; `None` if it is no IP packet.
    pub transport: Option<Transport>,
    pub verdict: Verdict,
    pub fate: Fate,
    /// The deciding rule or policy.
    pub rule: Option<RuleRef>,
    /// Why, where it was not a rule's verdict alone.
    pub cause: Option<Cause>,
    /// The hook where it ended.
    pub hook: Option<Hook>,
    pub state: Option<CtState>,
    pub flow: Option<FlowId>,
    pub nat: Option<NatView>,
    /// The devices it came by and left by.
    pub in_device: Device,
    pub out_device: Device,
    pub mark: u32,
    /// Every undecidable rule it met, in order.
    pub unknowns: Vec<UnknownRule>,
    /// What the path itself sent on its account: `REJECT icmp-port-unreachable`.
    pub emitted: Vec<String>,
    pub evidence: Option<Evidence>,
}

impl Record {
    /// Takes over what the engine said.
    pub(crate) fn decide(&mut self, outcome: &Outcome) {
        self.verdict = outcome.verdict.into();
        self.fate = outcome.fate.into();
        self.rule = outcome.decided_by.rule;
        self.cause = outcome.decided_by.reason.map(Cause::Kernel);
        self.hook = outcome.hook;
        self.state = outcome.state;
        self.flow = outcome.flow;
        self.nat = outcome.nat;
        self.in_device = outcome.in_device;
        self.out_device = outcome.out_device;
        self.mark = outcome.mark;
        if !outcome.unknowns.is_empty() {
            self.unknowns.clone_from(&outcome.unknowns);
        }
        if !outcome.emitted.is_empty() {
            self.emitted = outcome.emitted.iter().map(|e| e.why.clone()).collect();
        }
    }

    /// Takes over what was said of the earlier frame that this one continues; without one the path itself sent it.
    pub(crate) fn continue_from(&mut self, earlier: Option<&Decision>) {
        self.fate = Fate::Evidence;
        let Some(earlier) = earlier else {
            self.verdict = Verdict::Accept;
            self.cause = Some(Cause::Emitted);
            return;
        };
        let said = &earlier.said;
        self.verdict = said.verdict;
        self.rule = said.rule;
        self.cause = said.cause;
        self.hook = said.hook;
        self.state = said.state;
        self.flow = earlier.flow;
        self.nat = earlier.nat;
        self.in_device = said.in_device;
        self.out_device = said.out_device;
        self.mark = said.mark;
    }
}
