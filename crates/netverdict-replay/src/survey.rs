//! What the captures give away about the host.

use netverdict_bundle::{Survey, SurveyPacket, Surveyor};
use netverdict_capture::{Bare, Batch, Captures, Origin};
use netverdict_net::{Link, Packet};
use rayon::iter::{IntoParallelIterator, ParallelIterator};
use rayon::slice::ParallelSlice;

use crate::quick::Part;
use crate::{ReplayError, facts};

/// Frames that one thread surveys at a time.
const PART: usize = 1024;

/// Surveys all frames of the captures, and counts them. The same whatever the number of threads.
///
/// # Errors
/// A capture cannot be read.
pub fn survey(mut captures: Captures) -> Result<(Survey, u64), ReplayError> {
    let mut surveyor = Surveyor::default();
    let mut frames = 0;
    let mut ahead = captures.next_batch()?;
    while let Some(batch) = ahead {
        // One thread reads on while others look at what was read.
        let ((), next) = rayon::join(
            || note_batch(&mut surveyor, &batch),
            || captures.next_batch(),
        );
        frames += batch.len() as u64;
        ahead = next?;
    }
    Ok((surveyor.finish(), frames))
}

/// Takes a batch into account, on several threads.
fn note_batch(surveyor: &mut Surveyor, batch: &Batch) {
    let parts = (0..batch.len().div_ceil(PART)).into_par_iter();
    let known = &*surveyor;
    let parts: Vec<_> = parts.map(|part| of_part(known, batch, part)).collect();
    for part in parts {
        surveyor.merge(part);
    }
}

/// The same of a batch that was sorted for one lane: what was seen of plain packets is not looked at again.
pub(crate) fn note_sorted(surveyor: &mut Surveyor, batch: &Batch, parts: &[Part]) {
    let parts = parts.par_chunks(PART.div_ceil(Part::FRAMES));
    let known = &*surveyor;
    let parts: Vec<_> = parts.map(|parts| of_sorted(known, batch, parts)).collect();
    for part in parts {
        surveyor.merge(part);
    }
}

fn of_part(known: &Surveyor, batch: &Batch, part: usize) -> Surveyor {
    let mut surveyor = known.beside();
    let mut spots = Spots::default();
    let end = batch.len().min((part + 1) * PART);
    for index in part * PART..end {
        let bare = batch.bare(index);
        if let Some(packet) = bare.and_then(|bare| spots.packet(batch, index, &bare)) {
            surveyor.note(&packet);
        } else {
            note_frame(&mut surveyor, batch, index);
        }
    }
    surveyor
}

fn of_sorted(known: &Surveyor, batch: &Batch, parts: &[Part]) -> Surveyor {
    let mut surveyor = known.beside();
    for part in parts {
        let Some(lot) = part.lots.first() else {
            continue;
        };
        let mut others = lot.others.iter().map(|(index, _)| *index).peekable();
        for quick in &lot.quick {
            while let Some(index) = others.next_if(|index| *index < quick.index) {
                note_frame(&mut surveyor, batch, index as usize);
            }
            match part.surveyed(quick) {
                Some(packet) => surveyor.note(&packet),
                None => note_frame(&mut surveyor, batch, quick.index as usize),
            }
        }
        others.for_each(|index| note_frame(&mut surveyor, batch, index as usize));
    }
    surveyor
}

fn note_frame(surveyor: &mut Surveyor, batch: &Batch, index: usize) {
    if let Some(frame) = batch.frame(index)
        && let Some(Ok(packet)) = frame.packet()
    {
        surveyor.note(&facts::of_survey(&frame, &packet));
    }
}

/// Where packets were captured: what the survey says of all of one origin.
#[derive(Default)]
struct Spots {
    known: Vec<(Origin, Link, SurveyPacket)>,
}

impl Spots {
    /// The packet of a bare frame as the survey takes it.
    fn packet(&mut self, batch: &Batch, index: usize, bare: &Bare<'_>) -> Option<SurveyPacket> {
        // Few neighbours send to few interfaces.
        const FEW: usize = 16;
        let mut known = self.known.iter().take(FEW);
        let like = known.find(|(origin, ..)| *origin == bare.origin);
        let (link, like) = if let Some((_, link, like)) = like {
            (*link, *like)
        } else {
            let frame = batch.frame(index)?;
            let packet = frame.packet()?.ok()?;
            let like = facts::of_survey(&frame, &packet);
            self.known.push((bare.origin, frame.link, like));
            (frame.link, like)
        };
        let packet = Packet::new(bare.packet, bare.on_wire, link).ok()?;
        Some(SurveyPacket {
            source: packet.source(),
            destination: packet.destination(),
            ttl: packet.ttl(),
            ..like
        })
    }
}
