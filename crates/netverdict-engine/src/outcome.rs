//! What became of one packet, and why.

use std::fmt;
use std::net::IpAddr;

use netverdict_net::{Device, Family, InterfaceName, Packet, Protocol};
use netverdict_ruleset::{Hook, TableKind};

/// What netfilter said.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Verdict {
    /// It went on its way.
    Accept,
    /// It was dropped without a word.
    Drop,
    /// It was dropped and its sender told so.
    Reject,
    /// It was handed to a program in user space.
    Queue,
    /// It was taken out of the path: a fragment held, a SYN answered by SYNPROXY.
    Stolen,
    /// The inputs do not decide it.
    Unknown,
}

/// Where the packet ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Fate {
    /// Delivered to a socket of this host.
    Local,
    /// Sent out again on another (or the same) device.
    Forwarded,
    /// Came from this host and left it.
    Sent,
    /// Freed on the way.
    Dropped,
    /// In a queue to user space.
    Queued,
    /// Held: a fragment waiting for the rest of its datagram.
    Held,
}

/// A rule's place, as `iptables -L --line-numbers` counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum RuleNumber {
    /// The n-th rule of its chain, from 1.
    Rule(u32),
    /// The chain's policy.
    Policy,
}

/// One rule or policy of a loaded ruleset.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RuleRef {
    /// Which ruleset.
    pub family: Family,
    /// Which table.
    pub table: TableKind,
    /// Index of the chain in its table, in dump order (`Ruleset::chain_name` names it).
    pub chain: u32,
    /// Which rule.
    pub number: RuleNumber,
}

/// Why a packet met its end where no rule said so: the kernel's own reasons.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Reason {
    /// No table is consulted on the packet's path: netfilter accepts by default.
    NoTable,
    /// A match could not read its header and dropped the packet (`hotdrop`).
    Hotdrop,
    /// The jump stack overflowed.
    JumpStack,
    /// Bad IP header (checksum, lengths, options), dropped before any hook.
    BadIpHeader,
    /// The frame's link-layer destination is another host.
    OtherHost,
    /// A source or destination address that may not appear here.
    Martian,
    /// Reverse-path filter.
    RpFilter,
    /// The source is one of the host's own addresses.
    OwnSource,
    /// No route to the destination.
    NoRoute,
    /// A route of type unreachable.
    Unreachable,
    /// A route of type prohibit.
    Prohibit,
    /// A route of type blackhole.
    Blackhole,
    /// The host does not forward.
    ForwardingOff,
    /// A multicast group this host has not joined.
    NotJoined,
    /// Time to live, or hop limit, exceeded.
    TtlExceeded,
    /// Too big for the out-device and not to be fragmented.
    PacketTooBig,
    /// An address the family forbids to forward.
    NotForwardable,
    /// A link-layer broadcast or multicast carrying a packet that would be forwarded.
    NotForUs,
    /// A fragment that waits for the rest of its datagram.
    FragmentHeld,
    /// A fragment that broke its datagram (overlap, bad length).
    FragmentBad,
    /// Connection tracking's table is full.
    ConntrackFull,
    /// Two connections claimed one tuple when the entry was to be confirmed.
    ConfirmClash,
    /// A connection-tracking helper refused the packet.
    Helper,
    /// NAT found no free tuple or could not translate.
    NatFailed,
    /// MASQUERADE or REDIRECT found no address on the device.
    NatNoAddress,
    /// A queue without a listener.
    NoQueueListener,
    /// TPROXY found no transparent socket.
    NoTransparentSocket,
    /// A target could not work on the packet (TCPMSS, TCPOPTSTRIP, NPT on a malformed one).
    TargetFailed,
    /// Re-routing after OUTPUT changed the packet failed.
    RerouteFailed,
    /// SYNPROXY answered for the server.
    Synproxy,
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoTable => "no table on its path",
            Self::Hotdrop => "hotdrop: a match could not read its header",
            Self::JumpStack => "jump stack overflow",
            Self::BadIpHeader => "bad IP header",
            Self::OtherHost => "frame for another host",
            Self::Martian => "martian address",
            Self::RpFilter => "reverse path filter",
            Self::OwnSource => "source is an own address",
            Self::NoRoute => "no route",
            Self::Unreachable => "unreachable route",
            Self::Prohibit => "prohibit route",
            Self::Blackhole => "blackhole route",
            Self::ForwardingOff => "forwarding is off",
            Self::NotJoined => "multicast group not joined",
            Self::TtlExceeded => "TTL exceeded",
            Self::PacketTooBig => "packet too big",
            Self::NotForwardable => "address may not be forwarded",
            Self::NotForUs => "link-layer broadcast of a unicast packet",
            Self::FragmentHeld => "fragment held for reassembly",
            Self::FragmentBad => "bad fragment",
            Self::ConntrackFull => "conntrack table full",
            Self::ConfirmClash => "conntrack clash at confirm",
            Self::Helper => "conntrack helper dropped it",
            Self::NatFailed => "NAT failed",
            Self::NatNoAddress => "NAT found no address",
            Self::NoQueueListener => "no listener on the queue",
            Self::NoTransparentSocket => "no transparent socket",
            Self::TargetFailed => "target could not work on the packet",
            Self::RerouteFailed => "re-routing failed",
            Self::Synproxy => "answered by SYNPROXY",
        })
    }
}

/// Who decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct DecidedBy {
    /// The deciding rule or policy: of a dropped packet the one that dropped it, of an accepted one that of the filter
    /// table at the last hook that has one, else of the last table that had a say.
    pub rule: Option<RuleRef>,
    /// The kernel's reason, where it was not a rule's verdict alone.
    pub reason: Option<Reason>,
}

/// A connection's state, as `--ctstate` names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum CtState {
    New,
    Established,
    Related,
    Invalid,
    Untracked,
}

impl CtState {
    /// The name in every output.
    pub const fn name(self) -> &'static str {
        match self {
            Self::New => "NEW",
            Self::Established => "ESTABLISHED",
            Self::Related => "RELATED",
            Self::Invalid => "INVALID",
            Self::Untracked => "UNTRACKED",
        }
    }
}

impl fmt::Display for CtState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A number that all packets of one connection share, given in order of first appearance from 1. A packet without a
/// connection shares it with those of equal addresses, protocol and ports, in either direction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FlowId(pub u64);

/// One end-to-end header: addresses, protocol and the two layer-4 words (ports; ICMP id and type/code).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Transport {
    pub source: IpAddr,
    pub destination: IpAddr,
    pub protocol: Protocol,
    /// Source port; ICMP id; 0 where there is none.
    pub source_port: u16,
    /// Destination port; ICMP type << 8 | code; 0 where there is none.
    pub destination_port: u16,
}

/// How NAT changed this packet: its header as it came and as it went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NatView {
    pub before: Transport,
    pub after: Transport,
}

/// Something the inputs do not decide: a rule's match, or a step of the path itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnknownRule {
    /// The rule; `None` where routing, connection tracking or the IP path itself is undecided.
    pub rule: Option<RuleRef>,
    /// Which of the rule's matches (index), `None` for its basic tests (interface).
    pub match_index: Option<u32>,
    /// What is missing, in words: `owner: no socket is known`.
    pub why: String,
    /// Whether the packet's verdict depends on it.
    pub decides: bool,
}

/// What a rule asks of memory that the kernel never set.
pub(crate) const UNSET_MEMORY: &str = "the kernel drops it or not by memory that it did not set";
/// What a rule writes where another packet has its bytes.
pub(crate) const SHARED_MEMORY: &str =
    "the kernel writes into what the copy shares with the packet that was sent";

impl UnknownRule {
    /// Whether not even a kernel decides it twice alike: it reads or writes memory that is not the packet's.
    pub fn is_undefined(&self) -> bool {
        self.why == UNSET_MEMORY || self.why == SHARED_MEMORY
    }
}

/// What kind of packet the path itself makes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum EmissionKind {
    /// An ICMP error, or a redirect of IPv4. It belongs to the connection of what it answers, as a reset does.
    Icmp,
    /// A redirect of IPv6, which is neighbour discovery. It is tracked by itself.
    Discovery,
    /// A TCP reset.
    Reset,
    /// A copy that TEE made; it is never tracked.
    Copy,
}

/// A packet that the path itself made: a REJECT's answer, a TEE's copy, an ICMP error.
#[derive(Debug, Clone)]
pub struct Emission {
    /// Why it was made, in netfilter's words (`REJECT icmp-port-unreachable`, `TEE`).
    pub why: String,
    pub kind: EmissionKind,
    /// As it was made, before OUTPUT.
    pub packet: Packet<'static>,
    /// `skb->mark` that it starts with.
    pub mark: u32,
    /// Where to a copy is sent, whatever its destination: the neighbour, and the device if that is named.
    pub toward: Option<(IpAddr, Option<InterfaceName>)>,
    /// Where its own way through OUTPUT and POSTROUTING ended.
    pub fate: Fate,
    /// As it left, and by which device; `None` if it did not.
    pub left: Option<(Packet<'static>, Device)>,
}

/// What became of one packet.
#[derive(Debug, Clone)]
pub struct Outcome {
    pub verdict: Verdict,
    pub fate: Fate,
    pub decided_by: DecidedBy,
    /// The hook where it ended.
    pub hook: Option<Hook>,
    /// The connection's state as the filter table saw it; `None` where conntrack is off or was not reached.
    pub state: Option<CtState>,
    pub flow: Option<FlowId>,
    pub nat: Option<NatView>,
    /// Devices it came by and left by.
    pub in_device: Device,
    pub out_device: Device,
    /// Every undecidable rule it met, in order.
    pub unknowns: Vec<UnknownRule>,
    /// The packet as it left (forwarded, sent) or was delivered (local), rewritten; `None` if dropped or held. Where
    /// [`Config::keep_egress`](crate::Config::keep_egress) is off, it may be left out.
    pub egress: Option<Packet<'static>>,
    /// The final mark.
    pub mark: u32,
    /// Packets made on the way.
    pub emitted: Vec<Emission>,
    /// `len` as counted at its last hook: a reassembled datagram counts whole.
    pub len: u32,
}
