//! Frames sorted for a replay that says nothing of single frames: plain packets, in few bytes, and all others.

use std::sync::Arc;

use netverdict_bundle::{Basis, Entry, Placement, Placer, SurveyPacket};
use netverdict_capture::{Bare, Batch, Direction, Frame, Origin};
use netverdict_engine::{Checksums, Glance, Split, Vantage};
use netverdict_net::{Device, InterfaceName, Link, Packet, Timestamp};
use rayon::iter::{IndexedParallelIterator, IntoParallelRefMutIterator, ParallelIterator};

use crate::Setup;
use crate::evidence::Identity;
use crate::facts;
use crate::offload::is_pending;
use crate::prepare::{self, Prepared, What};

/// A plain packet that came in.
#[derive(Debug)]
pub(crate) struct Quick {
    /// Its place in the batch.
    pub(crate) index: u32,
    /// Where it was captured: its place among the part's spots.
    pub(crate) spot: u32,
    pub(crate) time: Timestamp,
    pub(crate) glance: Glance,
    /// TTL or hop limit.
    pub(crate) hops: u8,
}

impl Quick {
    /// What lies before its IP header.
    pub(crate) const HEADER: usize = 14;
}

/// Where plain packets were captured.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Spot {
    origin: Origin,
    /// What is the same of all plain packets there; `None` where placing looks at the packet.
    pub(crate) station: Option<Station>,
    /// What a survey says of the first packet there, and, but for its addresses and hops, of all others.
    pub(crate) surveyed: Option<SurveyPacket>,
}

/// What is the same of all plain packets of one origin.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Station {
    link: Link,
    pub(crate) interface: Device,
    pub(crate) hint: Option<Direction>,
    pub(crate) vantage: Vantage,
}

/// Few neighbours send to few interfaces.
const SPOTS: usize = 16;
/// So many are looked through without a branch that a processor would have to guess.
const FIRST_SPOTS: usize = 4;

/// How frames are to be sorted.
#[derive(Debug, Clone)]
pub(crate) enum Way {
    /// All for one lane, and none as a plain packet: each step of each packet is to be seen.
    Walked,
    /// All for one lane, which holds frames that go out against those that came in.
    Together,
    /// Into so many lanes that have nothing to do with each other. No frame may go out.
    Apart(Option<Arc<Split>>, usize),
}

/// Some consecutive frames of a batch.
#[derive(Debug, Default)]
pub(crate) struct Part {
    pub(crate) spots: Vec<Spot>,
    /// What tells the first of them apart, most likely.
    heads: [u64; FIRST_SPOTS],
    pub(crate) lots: Vec<Lot>,
    /// The time of the first that the engine will see.
    pub(crate) first: Option<Timestamp>,
    /// Whether a frame has to do with others of other lanes, or goes out.
    pub(crate) is_coupled: bool,
}

/// Frames for one lane.
#[derive(Debug, Default)]
pub(crate) struct Lot {
    pub(crate) quick: Vec<Quick>,
    /// What a continuation of each would share with it, where that is asked.
    pub(crate) identities: Vec<Identity>,
    /// The others, with their places in the batch.
    pub(crate) others: Vec<(u32, Prepared)>,
}

/// Sorts all frames of a batch. `parts` are those of one that is done with: their memory is used again.
pub(crate) fn sort(batch: &Batch, setup: &Setup, way: &Way, mut parts: Vec<Part>) -> Vec<Part> {
    parts.resize_with(Part::all_of(batch), Part::default);
    let numbered = parts.par_iter_mut().enumerate();
    numbered.for_each(|(number, part)| part.fill(batch, number, &mut Sorter::new(setup, way)));
    parts
}

/// The same on this thread alone.
pub(crate) fn sort_here(
    batch: &Batch,
    setup: &Setup,
    way: &Way,
    mut parts: Vec<Part>,
) -> Vec<Part> {
    parts.resize_with(Part::all_of(batch), Part::default);
    let mut sorter = Sorter::new(setup, way);
    let numbered = parts.iter_mut().enumerate();
    numbered.for_each(|(number, part)| part.fill(batch, number, &mut sorter));
    parts
}

/// What sorting frame after frame takes.
pub(crate) struct Sorter<'s> {
    setup: &'s Setup,
    way: &'s Way,
    placer: Placer<'s>,
    /// Whether checksums are believed that a device is yet to fill in.
    believes: bool,
}

impl<'s> Sorter<'s> {
    pub(crate) fn new(setup: &'s Setup, way: &'s Way) -> Self {
        Self {
            setup,
            way,
            placer: Placer::new(&setup.inferred.host, &setup.inferred.own),
            believes: setup.config.checksums == Checksums::Auto,
        }
    }
}

impl Way {
    #[inline]
    fn lane_of(&self, glance: &Glance) -> Option<usize> {
        match self {
            Self::Apart(Some(split), lanes) => lane(split.share_of(glance)?, *lanes),
            Self::Apart(None, _) | Self::Walked | Self::Together => Some(0),
        }
    }

    /// The lane of a packet; `None` if it may have to do with more than one, or continue another.
    fn lane_of_other(&self, data: &[u8], prepared: &Prepared) -> Option<usize> {
        let Self::Apart(split, lanes) = self else {
            return Some(0);
        };
        let What::Packet {
            position,
            placement,
            sighting,
        } = &prepared.what
        else {
            return Some(0);
        };
        let goes_out = placement.direction == Direction::Out
            || placement.interface == Device::Named(InterfaceName::loopback());
        if goes_out {
            return None;
        }
        let Some(split) = split else {
            return Some(0);
        };
        // How many fragments a source sent counts for all of them.
        if sighting.is_fragment {
            return None;
        }
        let packet = position.packet(data)?;
        lane(split.share(&packet)?, *lanes)
    }
}

const fn lane(share: u64, lanes: usize) -> Option<usize> {
    // The upper half: all of its bits are as good as any.
    ((share >> 32) as usize).checked_rem(lanes)
}

impl Part {
    /// Frames that one thread sorts at a time: so few that a batch of long ones is more than one thread's work.
    pub(crate) const FRAMES: usize = 256;

    /// How many parts a batch has.
    pub(crate) fn all_of(batch: &Batch) -> usize {
        batch.len().div_ceil(Self::FRAMES)
    }

    /// What a survey says of a plain packet of it.
    pub(crate) fn surveyed(&self, quick: &Quick) -> Option<SurveyPacket> {
        let like = self.spots.get(quick.spot as usize)?.surveyed?;
        let ends = quick.glance.transport();
        Some(SurveyPacket {
            source: ends.source,
            destination: ends.destination,
            ttl: quick.hops,
            ..like
        })
    }

    /// Takes the frames of one part of a batch.
    pub(crate) fn fill(&mut self, batch: &Batch, number: usize, sorter: &mut Sorter<'_>) {
        let first = number * Self::FRAMES;
        let last = batch.len().min(first + Self::FRAMES);
        self.clear(match sorter.way {
            Way::Walked | Way::Together => 1,
            Way::Apart(_, lanes) => *lanes,
        });
        for index in first..last {
            if self.quick(batch, index, sorter).is_some() {
                continue;
            }
            if let Some(frame) = batch.frame(index) {
                let prepared = prepare::prepared(&frame, sorter.setup, &mut sorter.placer);
                self.other(batch, index, prepared, sorter.way);
            }
        }
    }

    /// Forgets all frames, but not the room that they took.
    fn clear(&mut self, lots: usize) {
        // An origin means something in its batch alone.
        self.spots.clear();
        self.heads = [0; FIRST_SPOTS];
        self.first = None;
        self.is_coupled = false;
        self.lots.resize_with(lots, Lot::default);
        for lot in &mut self.lots {
            lot.quick.clear();
            lot.identities.clear();
            lot.others.clear();
        }
    }

    fn other(&mut self, batch: &Batch, index: usize, prepared: Prepared, way: &Way) {
        let data = batch.data(index).unwrap_or_default();
        if let What::Packet { placement, .. } = &prepared.what
            && placement.entry != Entry::Below
        {
            self.first.get_or_insert(prepared.time);
        }
        let lane = way.lane_of_other(data, &prepared);
        match lane.and_then(|lane| self.lots.get_mut(lane)) {
            Some(lot) => lot.others.push((index as u32, prepared)),
            None => self.is_coupled = true,
        }
    }

    /// Takes a frame whose packet is plain; `None` if it is not.
    #[inline]
    fn quick(&mut self, batch: &Batch, index: usize, sorter: &mut Sorter<'_>) -> Option<()> {
        if matches!(sorter.way, Way::Walked) {
            return None;
        }
        let bare = batch.bare(index)?;
        let spot = self.spot(batch, index, bare.origin, &mut sorter.placer)?;
        let place = (index as u32, spot as u32);
        match Glance::of_v4(bare.packet, bare.on_wire) {
            Some(glance) if glance.is_right() || !sorter.believes => {
                self.put(place, glance, &bare, sorter.way)
            }
            // Nothing that was seen goes along: it would have to be in memory for all the others, too.
            _ => self.look_again(batch, place, sorter),
        }
    }

    /// Takes one of which one look did not tell all.
    #[inline(never)]
    fn look_again(&mut self, batch: &Batch, place: (u32, u32), sorter: &Sorter<'_>) -> Option<()> {
        let bare = bare(batch, place.0 as usize)?;
        let station = self.spots.get(place.1 as usize)?.station.as_ref()?;
        let packet = Packet::new(bare.packet, bare.on_wire, station.link).ok()?;
        let mut glance =
            Glance::of_v4(bare.packet, bare.on_wire).or_else(|| Glance::of(&packet))?;
        if !glance.is_right()
            && sorter.believes
            && is_pending(&packet, glance.protocol(), glance.offset())
        {
            glance.believe();
        }
        self.put(place, glance, &bare, sorter.way)
    }

    /// Puts a plain packet into the lot of its lane.
    #[expect(
        clippy::inline_always,
        reason = "what was looked at is to be written once, where it stays"
    )]
    #[inline(always)]
    fn put(
        &mut self,
        (index, spot): (u32, u32),
        glance: Glance,
        bare: &Bare<'_>,
        way: &Way,
    ) -> Option<()> {
        if self.first.is_none() {
            self.first = Some(bare.time);
        }
        let lane = way.lane_of(&glance);
        let station = self.spots.get(spot as usize)?.station.as_ref()?;
        let Some(lot) = lane.and_then(|lane| self.lots.get_mut(lane)) else {
            self.is_coupled = true;
            return Some(());
        };
        if matches!(way, Way::Together) {
            let packet = Packet::new(bare.packet, bare.on_wire, station.link).ok()?;
            let (protocol, offset) = (glance.protocol(), glance.offset());
            lot.identities
                .push(Identity::of_plain(&packet, protocol, offset));
        }
        lot.quick.push(Quick {
            index,
            spot,
            time: bare.time,
            hops: glance.hops(bare.packet),
            glance,
        });
        Some(())
    }

    /// The spot where a frame was captured; `None` where placing looks at the packet.
    #[inline]
    fn spot(
        &mut self,
        batch: &Batch,
        index: usize,
        origin: Origin,
        placer: &mut Placer<'_>,
    ) -> Option<usize> {
        let heads = self.heads.iter().enumerate().rev();
        let likely = heads.fold(0, |likely, (number, head)| {
            if *head == origin.head() {
                number
            } else {
                likely
            }
        });
        let is_known = |spot: &Spot| spot.origin == origin;
        let number = if self.spots.get(likely).is_some_and(is_known) {
            likely
        } else {
            self.other_spot(batch, index, placer)?
        };
        self.spots.get(number)?.station.as_ref()?;
        Some(number)
    }

    /// The same of one that is not known by its head.
    #[inline(never)]
    fn other_spot(
        &mut self,
        batch: &Batch,
        index: usize,
        placer: &mut Placer<'_>,
    ) -> Option<usize> {
        let origin = bare(batch, index)?.origin;
        let mut recent = self.spots.iter().take(SPOTS);
        if let Some(known) = recent.position(|spot| spot.origin == origin) {
            return Some(known);
        }
        if let Some(head) = self.heads.get_mut(self.spots.len()) {
            *head = origin.head();
        }
        let frame = batch.frame(index)?;
        let packet = frame.packet().and_then(Result::ok);
        let station = packet
            .as_ref()
            .and_then(|packet| station(&frame, packet, placer));
        self.spots.push(Spot {
            origin,
            station,
            surveyed: packet.map(|packet| facts::of_survey(&frame, &packet)),
        });
        Some(self.spots.len() - 1)
    }
}

/// A frame looked at again, where there is no haste.
#[inline(never)]
fn bare(batch: &Batch, index: usize) -> Option<Bare<'_>> {
    batch.bare(index)
}

/// What is said of a frame from its origin alone.
fn station(frame: &Frame<'_>, packet: &Packet<'_>, placer: &mut Placer<'_>) -> Option<Station> {
    let facts = facts::of_frame(frame, packet);
    let placement = placer.place(&facts);
    (settles(&placement) && placement.port.is_none()).then_some(Station {
        link: frame.link,
        interface: placement.interface,
        hint: frame.direction_hint,
        vantage: Vantage {
            entry: netverdict_engine::Entry::Prerouting {
                in_device: placement.interface,
            },
            packet_type: placement.packet_type,
        },
    })
}

/// Whether a frame is placed so whatever its packet is: it came in and nobody looked at its addresses. On the loopback
/// device a frame that comes in may be one that went out.
fn settles(placement: &Placement) -> bool {
    let basis = matches!(
        placement.direction_basis,
        Basis::DirectionFlag | Basis::CaptureFlag | Basis::OwnMacDestination
    );
    basis
        && placement.direction == Direction::In
        && placement.entry == Entry::Prerouting
        && placement.interface != Device::Named(InterfaceName::loopback())
}
