//! The part of a frame's work that needs no state, done in parallel: decoding, placing, looking at it as evidence.

use netverdict_bundle::{Placement, place};
use netverdict_capture::{Batch, Direction, Frame, Network, Position};
use netverdict_net::{Device, Timestamp};
use rayon::iter::{IndexedParallelIterator, IntoParallelIterator, ParallelIterator};

use crate::evidence::Sighting;
use crate::record::Cause;
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

/// Prepares all frames of a batch, in order.
pub(crate) fn batch(batch: &Batch, setup: &Setup) -> Vec<Option<Prepared>> {
    let frames = (0..batch.len()).into_par_iter().with_min_len(256);
    frames
        .map(|index| {
            let frame = batch.frame(index)?;
            Some(Prepared {
                file: frame.file,
                number: frame.number,
                time: frame.time,
                what: prepare(&frame, setup),
            })
        })
        .collect()
}

fn prepare(frame: &Frame<'_>, setup: &Setup) -> What {
    let skipped = |cause| What::Skipped {
        interface: device(frame, setup),
        direction: frame.direction_hint.unwrap_or(Direction::In),
        len: frame.original_len as u32,
        cause,
    };
    match frame.packet().zip(frame.position()) {
        Some((Ok(packet), position)) => What::Packet {
            position,
            placement: place(
                &facts::of_frame(frame, &packet),
                &setup.inferred.host,
                &setup.inferred.own,
            ),
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
