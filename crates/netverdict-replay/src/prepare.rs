//! The part of a frame's work that needs no state, done in parallel: decoding, placing, looking at it as evidence.

use netverdict_bundle::{Placement, Placer};
use netverdict_capture::{Batch, Direction, Frame, Network, Position};
use netverdict_net::{Device, Timestamp};
use rayon::iter::{IntoParallelIterator, ParallelIterator};

use crate::evidence::Sighting;
use crate::record::{Cause, FrameRef};
use crate::{Setup, facts};

/// A frame ready for the engine.
#[derive(Debug)]
pub(crate) struct Prepared {
    /// Which capture of the run.
    pub(crate) file: usize,
    /// Its number there.
    pub(crate) number: u64,
    pub(crate) time: Timestamp,
    pub(crate) what: What,
}

impl Prepared {
    /// Its place in the captures of the run.
    pub(crate) const fn place(&self) -> FrameRef {
        FrameRef {
            file: self.file,
            number: self.number,
        }
    }
}

/// What a frame carries.
#[derive(Debug)]
pub(crate) enum What {
    /// It carries an IP packet.
    Packet {
        position: Position,
        placement: Placement,
        sighting: Sighting,
    },
    /// It carries none that a hook sees.
    Skipped {
        interface: Device,
        direction: Direction,
        len: u32,
        cause: Cause,
    },
}

/// Frames that one thread prepares at a time.
const PART: usize = 256;

/// The frames of a batch, prepared, in order.
#[derive(Debug)]
pub(crate) struct Frames {
    parts: Vec<Vec<Prepared>>,
}

impl Frames {
    /// All of them with their places in the batch.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (usize, &Prepared)> {
        self.parts.iter().flatten().enumerate()
    }
}

/// Prepares all frames of a batch.
pub(crate) fn batch(batch: &Batch, setup: &Setup) -> Frames {
    let parts = (0..batch.len().div_ceil(PART)).into_par_iter();
    Frames {
        parts: parts.map(|number| part(batch, number, setup)).collect(),
    }
}

fn part(batch: &Batch, number: usize, setup: &Setup) -> Vec<Prepared> {
    let mut placer = Placer::new(&setup.inferred.host, &setup.inferred.own);
    let first = number * PART;
    let last = batch.len().min(first + PART);
    let mut prepared = Vec::with_capacity(last - first);
    // A batch has a frame for every number below its length.
    for frame in (first..last).filter_map(|index| batch.frame(index)) {
        prepared.push(self::prepared(&frame, setup, &mut placer));
    }
    prepared
}

/// One frame, prepared.
pub(crate) fn prepared(frame: &Frame<'_>, setup: &Setup, placer: &mut Placer<'_>) -> Prepared {
    Prepared {
        file: frame.file,
        number: frame.number,
        time: frame.time,
        what: prepare(frame, setup, placer),
    }
}

fn prepare(frame: &Frame<'_>, setup: &Setup, placer: &mut Placer<'_>) -> What {
    let skipped = |cause| What::Skipped {
        interface: device(frame, setup),
        direction: frame.direction_hint.unwrap_or(Direction::In),
        len: frame.original_len as u32,
        cause,
    };
    match frame.packet().zip(frame.position()) {
        Some((Ok(packet), position)) => What::Packet {
            position,
            placement: placer.place(&facts::of_frame(frame, &packet)),
            sighting: Sighting::of(&packet, frame.direction_hint),
        },
        Some((Err(error), _)) => skipped(Cause::Packet(error)),
        None => skipped(match frame.network {
            Network::Skipped(reason) => Cause::Skipped(reason),
            Network::Arp { .. } | Network::Ip { .. } => Cause::Arp,
        }),
    }
}

/// The interface of a frame that is not placed.
fn device(frame: &Frame<'_>, setup: &Setup) -> Device {
    let by_index = || {
        let interface = setup
            .inferred
            .host
            .interface_by_index(frame.ifindex.filter(|i| *i != 0)?)?;
        Some(interface.name)
    };
    let name = frame
        .interface
        .or_else(by_index)
        .or(setup.inferred.own.interface);
    name.map_or(Device::Unknown, Device::Named)
}
