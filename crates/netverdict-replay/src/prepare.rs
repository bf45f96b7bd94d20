//! The part of a frame's work that needs no state, done in parallel: decoding, placing, looking at it as evidence.

use netverdict_bundle::{Placement, Placer};
use netverdict_capture::{Direction, Frame, Network, Position};
use netverdict_net::{Device, Timestamp};

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
    /// Its place among all captures; so many came before those of the run.
    pub(crate) const fn place(&self, files: usize) -> FrameRef {
        FrameRef {
            file: files + self.file,
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
