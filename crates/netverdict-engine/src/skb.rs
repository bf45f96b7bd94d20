//! The socket buffer: a packet and what travels beside its bytes.

use netverdict_host::{RouteKind, Way};
use netverdict_net::{Device, Packet};

use crate::{CtState, EmissionKind, Transport};

/// An entry of the connection table; reused only after the entry is gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CtId(pub u32);

/// How a packet relates to its connection (`enum ip_conntrack_info`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CtInfo {
    Established,
    Related,
    New,
    EstablishedReply,
    RelatedReply,
}

impl CtInfo {
    /// Whether the packet flows against the connection's first packet.
    pub const fn is_reply(self) -> bool {
        matches!(self, Self::EstablishedReply | Self::RelatedReply)
    }
}

/// What connection tracking attached to a packet (`skb->_nfct`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Connection {
    /// Nothing: not tracked yet, or INVALID.
    #[default]
    None,
    /// NOTRACK, or a kind of packet that is never tracked.
    Untracked,
    /// A connection.
    Tracked { id: CtId, info: CtInfo },
}

impl Connection {
    /// The state as `--ctstate` names it.
    pub const fn state(self) -> CtState {
        match self {
            Self::None => CtState::Invalid,
            Self::Untracked => CtState::Untracked,
            Self::Tracked { info, .. } => match info {
                CtInfo::New => CtState::New,
                CtInfo::Established | CtInfo::EstablishedReply => CtState::Established,
                CtInfo::Related | CtInfo::RelatedReply => CtState::Related,
            },
        }
    }
}

/// A packet on its way through the hooks.
#[derive(Debug, Clone)]
pub struct Skb<'p> {
    pub packet: Packet<'p>,
    pub in_device: Device,
    pub out_device: Device,
    /// How it leaves, once routed (`skb_dst`).
    pub way: Option<Way>,
    /// What kind of destination routing found.
    pub kind: Option<RouteKind>,
    /// `skb->mark`.
    pub mark: u32,
    /// `skb->priority`.
    pub priority: u32,
    pub connection: Connection,
    /// The template that a `-j CT` rule attached (index into the ruleset's templates), until tracking takes it.
    pub template: Option<u32>,
    /// Whether the layer-4 checksum is taken for right.
    pub checksum_trusted: bool,
    /// Whether it was right as the packet came: tracking need not sum it.
    pub checksum_right: bool,
    /// Whether the kernel found it right once: most do not look again, even if a target broke it since (`skb->csum_valid`).
    pub checksum_proven: bool,
    /// Whether the kernel summed the whole packet once (`CHECKSUM_COMPLETE`): on its way out it does not look again.
    pub summed: bool,
    /// What the IPv6 header held besides addresses when the kernel summed the packet (`skb->csum`): version, class, label,
    /// hop limit. `None` once NAT has adjusted the sum.
    pub summed_with: Option<[u8; 5]>,
    /// Whether a TRACE rule saw it.
    pub traced: bool,
    /// Whether it was made on this host.
    pub local: bool,
    /// Whether a socket of this host sent it (`skb->sk`): copies of it have none.
    pub has_socket: bool,
    /// Of a reassembled datagram, the length of its largest fragment (`IPCB(skb)->frag_max_size`).
    pub largest_fragment: Option<u16>,
    /// Of a reassembled IPv6 datagram, how many of its bytes came in the first fragment.
    pub first_end: Option<u16>,
    /// Of a reassembled datagram, whether it may exceed the MTU because its fragments did not (`skb->ignore_df`).
    pub ignore_df: bool,
    /// Its ends as it came, before any translation; `None` where its header now is what counts (a fragment's does not
    /// tell ports).
    pub came: Option<Transport>,
    /// Whether it answers what is untracked: `nf_conntrack_attach` leaves a state without a connection, which NOTRACK and
    /// CT take for one.
    pub answers_untracked: bool,
    /// Whether it is a copy that TEE made: TEE leaves such alone.
    pub copied: bool,
    /// Whether another packet's bytes are the same memory.
    pub is_shared: bool,
    /// Whether a bridge passes it on, without routing.
    pub bridged: bool,
    /// What the path itself made it as; `None` of a packet that came from elsewhere.
    pub made_by: Option<EmissionKind>,
}

/// What is known of a packet's layer-4 checksum before its turn comes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Sum {
    /// Nothing.
    #[default]
    Unknown,
    /// It was found right ([`netverdict_net::checksum::is_right`]).
    Right,
    /// A device is yet to fill it in (`CHECKSUM_PARTIAL`): nobody looks at it.
    Pending,
}

impl<'p> Skb<'p> {
    /// A packet that nothing has looked at yet.
    pub fn new(packet: Packet<'p>) -> Self {
        Self {
            summed_with: beside_addresses(&packet),
            packet,
            in_device: Device::Absent,
            out_device: Device::Absent,
            way: None,
            kind: None,
            mark: 0,
            priority: 0,
            connection: Connection::None,
            template: None,
            checksum_trusted: false,
            checksum_right: false,
            checksum_proven: false,
            summed: false,
            traced: false,
            local: false,
            has_socket: false,
            largest_fragment: None,
            first_end: None,
            ignore_df: false,
            came: None,
            answers_untracked: false,
            copied: false,
            is_shared: false,
            bridged: false,
            made_by: None,
        }
    }

    /// Whether a checksum of IPv6 that was right when the kernel summed the packet is right to it still. It takes the
    /// header from that sum and adds the addresses (`nf_ip6_checksum`), so that a new address cancels out and goes
    /// unnoticed; anything else is summed again.
    pub(crate) fn sum_stands(&self) -> bool {
        self.checksum_proven
            && self.summed_with.is_some()
            && self.summed_with == beside_addresses(&self.packet)
    }
}

/// Version, class, label and hop limit of an IPv6 header.
fn beside_addresses(packet: &Packet<'_>) -> Option<[u8; 5]> {
    let &[a, b, c, d, .., hops] = packet.array::<8>(0).ok()?;
    Some([a, b, c, d, hops])
}
