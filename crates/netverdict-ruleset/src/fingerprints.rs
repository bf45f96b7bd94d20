//! What the TCP SYNs of operating systems look like: the list that `-m osf` compares with (p0f's `pf.os`).

/// One system's SYN.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fingerprint {
    /// The window that it offers.
    pub window: Window,
    /// The TTL that it sends with.
    pub ttl: u8,
    /// Whether it forbids fragments.
    pub dont_fragment: bool,
    /// Length of the whole packet.
    pub length: u16,
    /// The kinds of its TCP options, in order.
    pub options: Vec<OptionKind>,
    /// The system, as `--genre` names it.
    pub genre: String,
}

/// What window a SYN offers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Window {
    /// This one; 0 is any.
    Exactly(u32),
    /// So many segments.
    Segments(u32),
    /// So many packets.
    Packets(u32),
    /// A multiple of this.
    Multiple(u32),
}

/// A TCP option that a fingerprint can name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum OptionKind {
    /// The end of the list.
    End,
    /// Padding.
    Nop,
    /// Maximum segment size.
    Mss,
    /// Window scale.
    WindowScale,
    /// Selective acknowledgements permitted.
    SackPermitted,
    /// Timestamps.
    Timestamps,
}

impl OptionKind {
    /// Its number in the TCP header.
    pub const fn number(self) -> u8 {
        match self {
            Self::End => 0,
            Self::Nop => 1,
            Self::Mss => 2,
            Self::WindowScale => 3,
            Self::SackPermitted => 4,
            Self::Timestamps => 8,
        }
    }

    /// Bytes that it takes.
    pub const fn size(self) -> usize {
        match self {
            Self::End | Self::Nop => 1,
            Self::Mss => 4,
            Self::WindowScale => 3,
            Self::SackPermitted => 2,
            Self::Timestamps => 10,
        }
    }
}
