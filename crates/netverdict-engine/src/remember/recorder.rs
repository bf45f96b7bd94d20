//! What a walk consults, and whether that is little enough for its path to be remembered.

use netverdict_ruleset::targets::NatRange;
use netverdict_ruleset::{Match, NatSide, Target};
use smallvec::SmallVec;

use super::Opening;
use crate::conntrack::Status;
use crate::nat;

/// Follows one walk.
#[derive(Debug)]
pub(crate) struct Recorder {
    is_on: bool,
    pub(super) counters: SmallVec<[u32; 16]>,
    /// TCP flags that a rule looked at.
    pub(super) flag_bits: u8,
    /// Status bits that a rule looked at.
    pub(super) status_bits: u32,
    /// Lengths for which routing's answer is the same.
    pub(super) lengths: (u32, u32),
    /// Whether a rule changed header fields.
    pub(super) rewrites: bool,
    /// The connection's mark when tracking had found it.
    pub(super) mark: u32,
    /// What becomes of the connection, where the packet opens one.
    pub(super) opening: Option<Opening>,
    /// Whether a rule gave that connection another source address, and let it keep its port if that is free.
    pub(super) gives_source: bool,
}

impl Recorder {
    /// One that records if `is_on`.
    pub(crate) fn new(is_on: bool) -> Self {
        Self {
            is_on,
            counters: SmallVec::new(),
            flag_bits: 0,
            status_bits: 0,
            lengths: (0, u32::MAX),
            rewrites: false,
            mark: 0,
            opening: None,
            gives_source: false,
        }
    }

    /// Whether the path so far can be remembered.
    pub(crate) const fn is_on(&self) -> bool {
        self.is_on
    }

    /// This path is not to be taken again.
    pub(crate) const fn give_up(&mut self) {
        self.is_on = false;
    }

    /// A rule or policy counted.
    pub(crate) fn count(&mut self, place: usize) {
        if self.is_on {
            self.counters.push(place as u32);
        }
    }

    /// Tracking found the packet's connection, which has this mark.
    pub(crate) const fn track(&mut self, mark: u32) {
        self.mark = mark;
    }

    /// Tracking made a connection for the packet.
    pub(crate) fn open(&mut self) {
        self.opening = Some(Opening::default());
    }

    /// No rule chose a mapping of this side for the new connection, and its own was free.
    pub(crate) const fn bind(&mut self, side: NatSide) {
        if let Some(opening) = &mut self.opening {
            opening.bound.insert(nat::done(side));
        }
    }

    /// The new connection entered the table.
    pub(crate) const fn enter(&mut self) {
        if let Some(opening) = &mut self.opening {
            opening.enters = true;
        }
    }

    /// The way's MTU was asked about a packet's length.
    pub(crate) const fn measure(&mut self, len: usize, mtu: Option<u32>) {
        if let Some(mtu) = mtu {
            let (least, most) = self.lengths;
            if len as u32 <= mtu {
                self.lengths = (least, if mtu < most { mtu } else { most });
            } else {
                self.lengths = (if mtu + 1 > least { mtu + 1 } else { least }, most);
            }
        }
    }

    /// A match was asked.
    pub(crate) fn ask(&mut self, test: &Match) {
        match test {
            Match::Tcp(m) => {
                // An option is not among the terms.
                self.is_on &= m.option.is_none();
                self.flag_bits |= m.flags.value.mask | m.flags.value.set;
            }
            Match::Conntrack(m) => {
                self.is_on &= m.expire.is_none();
                if m.status.is_some() {
                    let seen = Status::EXPECTED | Status::SEEN_REPLY;
                    self.status_bits |= (seen | Status::ASSURED | Status::CONFIRMED).0;
                }
            }
            // A connection's direction or the terms settle these.
            Match::Addrtype(_)
            | Match::Comment(_)
            | Match::Connmark(_)
            | Match::Dscp(_)
            | Match::Iprange(_)
            | Match::Mark(_)
            | Match::Multiport(_)
            | Match::Pkttype(_)
            | Match::Tos(_)
            | Match::Udp(_) => {}
            _ => self.is_on = false,
        }
    }

    const fn give_source(&mut self, is_settled: bool) {
        self.is_on &= is_settled && self.opening.is_some();
        self.gives_source = true;
    }

    /// A target extension worked.
    pub(crate) fn work(&mut self, target: &Target) {
        match target {
            // These see the mark and the terms only, and change the mark or nothing.
            Target::Checksum(_)
            | Target::Classify(_)
            | Target::Log(_)
            | Target::Mark(_)
            | Target::Nflog(_)
            | Target::Audit(_) => {}
            // It changes what later packets of a new connection meet.
            Target::Connmark(_) => self.is_on &= self.opening.is_none(),
            Target::Snat(snat) => self.give_source(is_one_address(&snat.to)),
            Target::Masquerade(masquerade) => {
                let random = masquerade.random || masquerade.random_fully;
                self.give_source(masquerade.ports.is_none() && !random);
            }
            Target::Dscp(_) | Target::Tos(_) => self.rewrites = true,
            _ => self.is_on = false,
        }
    }
}

/// Whether a range leaves nothing to be chosen but the port where the packet's own is taken.
fn is_one_address(range: &NatRange) -> bool {
    let one = range.addresses.is_some_and(|all| all.start == all.end);
    one && range.ports.is_none() && !range.random && !range.random_fully
}
