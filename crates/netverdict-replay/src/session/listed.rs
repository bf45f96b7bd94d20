//! Replays that say something of every frame: one thread runs the engine, while others say what came of the frames before
//! and prepare those that come next.

use std::io;

use netverdict_capture::{Batch, Captures};
use rayon::iter::{IntoParallelRefIterator, ParallelIterator};

use super::{Files, Progress, Session, Watch};
use crate::quick::{self, Part, Way as Sorting};
use crate::sink::Each;
use crate::survey::note_sorted;
use crate::told::{Said, Told, Way, Ways};
use crate::{Listing, ReplayError, Sink};

/// A batch and what was said of it.
struct Done {
    batch: Batch,
    parts: Vec<Part>,
    said: Vec<Said>,
    /// Ways that came up first in it.
    ways: Vec<Way>,
}

/// Hands on what was said.
struct Teller<'l, L> {
    listing: &'l mut L,
    ways: Vec<Way>,
    /// How many captures were read before.
    files: usize,
    /// How many frames were told.
    frames: u64,
}

impl<L: Listing> Teller<'_, L> {
    /// Renders parts in parallel and hands them on in order.
    fn tell(&mut self, done: &Done) -> io::Result<()> {
        self.ways.extend(&done.ways);
        let told = |(part, said)| Told {
            batch: &done.batch,
            part,
            said,
            ways: &self.ways,
            files: self.files,
            frames: self.frames,
        };
        let told: Vec<_> = done.parts.iter().zip(&done.said).map(told).collect();
        let shared: &L = self.listing;
        let items: Vec<_> = told.par_iter().map(|told| shared.render(*told)).collect();
        for (told, item) in told.into_iter().zip(items) {
            self.listing.take(told, item)?;
        }
        self.frames += done.batch.len() as u64;
        Ok(())
    }
}

impl Session<'_> {
    /// Takes captures through the host, as one stream.
    ///
    /// # Errors
    /// A capture cannot be read, the sink cannot write, or a packet cannot be decided and must be.
    pub fn run<S: Sink>(
        &mut self,
        captures: Captures,
        sink: &mut S,
        watch: &mut dyn Watch,
        progress: &dyn Fn(Progress),
    ) -> Result<(), ReplayError> {
        self.list(captures, &mut Each(sink), watch, progress)
    }

    /// The same for who takes many frames at a time.
    ///
    /// # Errors
    /// A capture cannot be read, the listing cannot be written, or a packet cannot be decided and must be.
    pub fn list<L: Listing>(
        &mut self,
        mut captures: Captures,
        listing: &mut L,
        watch: &mut dyn Watch,
        progress: &dyn Fn(Progress),
    ) -> Result<(), ReplayError> {
        let files = Files {
            before: self.captures.len(),
            names: captures.files().map(|f| f.name.clone()).collect(),
        };
        let stops = self.options.until.is_some() || self.options.at.is_some();
        let is_watched = stops || watch.is_watching();
        let sorting = if is_watched {
            Sorting::Walked
        } else {
            Sorting::Together
        };
        let mut teller = Teller {
            listing,
            ways: Vec::new(),
            files: files.before,
            frames: self.position,
        };
        // Gives back what may be used again.
        let mut tell = move |done: Option<Done>| -> Result<Vec<Part>, ReplayError> {
            let Some(done) = done else {
                return Ok(Vec::new());
            };
            if L::WANTS {
                teller.tell(&done).map_err(ReplayError::Output)?;
            }
            Ok(done.parts)
        };
        let setup = self.setup;
        let surveys = self.options.surveys;
        let mut surveyor = std::mem::take(&mut self.surveyor);
        let mut read = |spare: Vec<Part>| -> Result<_, ReplayError> {
            let Some(batch) = captures.next_batch()? else {
                return Ok(None);
            };
            let parts = quick::sort(&batch, setup, &sorting, spare);
            if surveys {
                note_sorted(&mut surveyor, &batch, &parts);
            }
            Ok(Some((batch, parts)))
        };
        let mut ways = Ways::default();
        let mut before = None;
        let mut spare = Vec::new();
        let mut ahead = read(Vec::new())?;
        while let Some((batch, parts)) = ahead {
            let last = before.take();
            let (said, (told, next)) = rayon::join(
                || {
                    if is_watched {
                        self.watched(&batch, &parts, &files, watch)
                    } else {
                        self.listed(&batch, &parts, &files, &mut ways)
                    }
                },
                || rayon::join(|| tell(last), || read(std::mem::take(&mut spare))),
            );
            spare = told?;
            let done = Done {
                said: said?,
                ways: ways.take_fresh(),
                batch,
                parts,
            };
            // Who watches and who takes records may wait for each other.
            if is_watched || next.is_err() {
                spare = tell(Some(done))?;
            } else {
                before = Some(done);
            }
            progress(Progress {
                frames: self.position,
                bytes: self.bytes,
            });
            ahead = next?;
            if self.is_done() {
                break;
            }
        }
        tell(before)?;
        self.captures.extend(captures.files().cloned());
        self.surveyor = surveyor;
        Ok(())
    }

    /// Takes a batch's frames through the engine.
    fn listed(
        &mut self,
        batch: &Batch,
        parts: &[Part],
        files: &Files,
        ways: &mut Ways,
    ) -> Result<Vec<Said>, ReplayError> {
        let frames = self.position;
        self.tell_times(batch, files);
        let mut all = Vec::with_capacity(parts.len());
        for part in parts {
            let mut said = self.lane.list(batch, part, files.before, ways);
            for (index, record) in said.records_mut() {
                record.position = frames + u64::from(index) + 1;
                self.refuse_unknown(record, files)?;
            }
            all.push(said);
        }
        Ok(all)
    }

    /// The same, step by step for whoever watches, and no further than this session is to go.
    fn watched(
        &mut self,
        batch: &Batch,
        parts: &[Part],
        files: &Files,
        watch: &mut dyn Watch,
    ) -> Result<Vec<Said>, ReplayError> {
        let mut all = Vec::with_capacity(parts.len());
        for part in parts {
            let mut said = Said::default();
            for (index, prepared) in part.lots.iter().flat_map(|lot| &lot.others) {
                let Some(data) = batch.data(*index as usize) else {
                    continue;
                };
                self.first.get_or_insert(prepared.time);
                self.is_past |= self.moment().is_some_and(|at| prepared.time > at);
                if self.is_done() {
                    break;
                }
                self.position += 1;
                self.bytes += data.len() as u64;
                let place = prepared.place(files.before);
                self.tell_time(prepared.time, place);
                let observer = watch.observer(self.position);
                let mut record = self.lane.frame(data, prepared, place, observer);
                record.position = self.position;
                self.refuse_unknown(&record, files)?;
                said.other(*index, record);
            }
            all.push(said);
        }
        Ok(all)
    }
}
