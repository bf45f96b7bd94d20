//! Replays that say nothing of single frames: what is counted and kept is all that is asked for.

use netverdict_capture::{Batch, Captures};

use super::{Files, Lanes, Progress, Ran, Session};
use crate::lane::Lane;
use crate::quick::{self, Part, Sorter, Way};
use crate::{NullSink, ReplayError, Setup};

/// A batch and its frames, sorted.
struct Sorted {
    batch: Batch,
    parts: Vec<Part>,
}

impl Sorted {
    fn new(batch: Batch, setup: &Setup, way: &Way, spare: Vec<Part>) -> Self {
        let parts = quick::sort(&batch, setup, way, spare);
        Self { batch, parts }
    }

    /// The same on this thread alone.
    fn here(batch: Batch, setup: &Setup, way: &Way, spare: Vec<Part>) -> Self {
        let parts = quick::sort_here(&batch, setup, way, spare);
        Self { batch, parts }
    }

    fn is_coupled(&self) -> bool {
        self.parts.iter().any(|part| part.is_coupled)
    }
}

/// Whether most of what a batch costs is its bytes.
fn is_of_long_frames(batch: &Batch) -> bool {
    const LONG: u64 = 256;
    let span = batch.span();
    span.is_some_and(|span| span.captured > LONG * batch.len() as u64)
}

/// Whether decompressing a batch takes about as long as all else, so that of two threads one is left.
fn leaves_one(captures: &Captures, batch: &Batch) -> bool {
    let mut files = captures.files();
    rayon::current_num_threads() == 2
        && is_of_long_frames(batch)
        && files.any(|file| file.compression.is_some())
}

impl<'s> Session<'s> {
    /// Takes captures through the host for what it counts and keeps: nothing is said of single frames. With several
    /// lanes, traffic is split into as many shares, if the rules allow it, and only totals are told afterwards.
    ///
    /// A session that says [`Ran::Coupled`] is of no more use: only one that counts [`Lanes::One`] after the other is.
    ///
    /// # Errors
    /// A capture cannot be read, or a packet cannot be decided and must be.
    pub fn count(
        &mut self,
        mut captures: Captures,
        lanes: Lanes,
        progress: &dyn Fn(Progress),
    ) -> Result<Ran, ReplayError> {
        if self.options.until.is_some() || self.options.at.is_some() {
            self.run(captures, &mut NullSink, &mut (), progress)?;
            return Ok(Ran::Whole);
        }
        let files = Files {
            before: self.captures.len(),
            names: captures.files().map(|f| f.name.clone()).collect(),
        };
        let ran = self.count_all(&mut captures, lanes, &files, progress)?;
        self.captures.extend(captures.files().cloned());
        Ok(ran)
    }

    fn count_all(
        &mut self,
        captures: &mut Captures,
        lanes: Lanes,
        files: &Files,
        progress: &dyn Fn(Progress),
    ) -> Result<Ran, ReplayError> {
        let mut way = self.way(lanes);
        let Some(batch) = captures.next_batch()? else {
            self.make_lanes(&way);
            return Ok(Ran::Whole);
        };
        let mut sorted = Sorted::new(batch, self.setup, &way, Vec::new());
        if sorted.is_coupled() {
            // Nothing was counted yet that would have to be thrown away.
            way = Way::Together;
            sorted = Sorted::new(sorted.batch, self.setup, &way, sorted.parts);
        }
        self.make_lanes(&way);
        if self.beside.is_empty() && rayon::current_num_threads() == 1 {
            return match self.count_sorted(&sorted, files)? {
                Ran::Whole => self.count_alone(captures, &way, files, progress),
                Ran::Coupled => Ok(Ran::Coupled),
            };
        }
        let mut spare = Vec::new();
        loop {
            let setup = self.setup;
            let (ran, next) = if leaves_one(captures, &sorted.batch) {
                let ran = self.count_in_turn(&sorted, files);
                let next = captures.next_batch();
                let sort = |batch| Sorted::here(batch, setup, &way, spare);
                (ran, next.map(|batch| batch.map(sort)).map_err(Into::into))
            } else if self.beside.is_empty() {
                rayon::join(
                    || self.count_sorted(&sorted, files),
                    || {
                        let batch = captures.next_batch()?;
                        Ok(batch.map(|batch| Sorted::new(batch, setup, &way, spare)))
                    },
                )
            } else {
                self.count_shares(&sorted, captures, (&way, spare), files)
            };
            if ran? == Ran::Coupled {
                return Ok(Ran::Coupled);
            }
            progress(Progress {
                frames: self.position,
                bytes: self.bytes,
            });
            let next: Result<_, ReplayError> = next;
            let Some(next) = next? else {
                return Ok(Ran::Whole);
            };
            spare = std::mem::replace(&mut sorted, next).parts;
        }
    }

    /// Counts what follows on one thread: what was sorted of a part is near while it is counted.
    fn count_alone(
        &mut self,
        captures: &mut Captures,
        way: &Way,
        files: &Files,
        progress: &dyn Fn(Progress),
    ) -> Result<Ran, ReplayError> {
        let mut sorter = Sorter::new(self.setup, way);
        let mut part = Part::default();
        loop {
            progress(Progress {
                frames: self.position,
                bytes: self.bytes,
            });
            let Some(batch) = captures.next_batch()? else {
                return Ok(Ran::Whole);
            };
            self.tell_times(&batch, files);
            for number in 0..Part::all_of(&batch) {
                part.fill(&batch, number, &mut sorter);
                if part.is_coupled {
                    return Ok(Ran::Coupled);
                }
                self.count_parts(&batch, std::slice::from_ref(&part), files)?;
            }
        }
    }

    /// Counts a batch on the one lane that there is.
    fn count_sorted(&mut self, sorted: &Sorted, files: &Files) -> Result<Ran, ReplayError> {
        self.tell_times(&sorted.batch, files);
        if sorted.is_coupled() {
            return Ok(Ran::Coupled);
        }
        self.count_parts(&sorted.batch, &sorted.parts, files)?;
        Ok(Ran::Whole)
    }

    /// Counts a batch, one lane after the other.
    fn count_in_turn(&mut self, sorted: &Sorted, files: &Files) -> Result<Ran, ReplayError> {
        if self.beside.is_empty() {
            return self.count_sorted(sorted, files);
        }
        let Sorted { batch, parts } = sorted;
        let is_straight = self.tell_times(batch, files);
        if sorted.is_coupled() || !is_straight {
            return Ok(Ran::Coupled);
        }
        self.boot_lanes(parts);
        for (number, lane) in self.lanes_mut().enumerate() {
            lane.count(batch, parts, number, &mut |_| ());
        }
        Ok(self.look_for_ties())
    }

    /// Counts a batch, each lane its share, and gives the next one, read and sorted meanwhile.
    fn count_shares(
        &mut self,
        sorted: &Sorted,
        captures: &mut Captures,
        (way, spare): (&Way, Vec<Part>),
        files: &Files,
    ) -> (
        Result<Ran, ReplayError>,
        Result<Option<Sorted>, ReplayError>,
    ) {
        let Sorted { batch, parts } = sorted;
        let is_straight = self.tell_times(batch, files);
        if sorted.is_coupled() || !is_straight {
            return (Ok(Ran::Coupled), Ok(None));
        }
        self.boot_lanes(parts);
        let setup = self.setup;
        let mut next = Ok(None);
        rayon::scope(|scope| {
            let mut lanes = self.lanes_mut().enumerate();
            // Long frames take longer to be read and sorted than to be counted: who reads them sorts them, while they are
            // near, and others count. Of short ones the next batch waits for whoever is done with a lane.
            let mine = if is_of_long_frames(batch) {
                None
            } else {
                lanes.next()
            };
            for (number, lane) in lanes {
                scope.spawn(move |_| lane.count(batch, parts, number, &mut |_| ()));
            }
            let read = captures.next_batch();
            let sort = |batch| Sorted::new(batch, setup, way, spare);
            let Some((number, lane)) = mine else {
                next = read.map(|batch| batch.map(sort)).map_err(ReplayError::from);
                return;
            };
            match read {
                Ok(Some(batch)) => {
                    let next = &mut next;
                    scope.spawn(move |_| *next = Ok(Some(sort(batch))));
                }
                Ok(None) => {}
                Err(error) => next = Err(error.into()),
            }
            lane.count(batch, parts, number, &mut |_| ());
        });
        (Ok(self.look_for_ties()), next)
    }

    /// Time begins for all lanes with the first packet of any.
    fn boot_lanes(&mut self, parts: &[Part]) {
        if self.boot.is_none()
            && let Some(boot) = parts.iter().find_map(|part| part.first)
        {
            self.boot = Some(boot);
            self.lanes_mut().for_each(|lane| lane.engine.boot_at(boot));
        }
    }

    /// How frames go into lanes.
    fn way(&self, lanes: Lanes) -> Way {
        let Lanes::Many(lanes) = lanes else {
            return Way::Together;
        };
        let split = (lanes > 1 && !self.options.fail_on_unknown)
            .then(|| self.setup.split())
            .flatten();
        let lanes = if split.is_some() { lanes } else { 1 };
        Way::Apart(split, lanes)
    }

    /// Makes the lanes.
    fn make_lanes(&mut self, way: &Way) {
        let Way::Apart(split, lanes) = way else {
            self.lane.count_only(false);
            return;
        };
        if let Some(split) = split {
            let shares = self.lane.engine.shares(split, *lanes).into_iter();
            let mut shares = shares.map(|engine| Lane::of(self.setup, engine));
            if let Some(first) = shares.next() {
                self.lane = first;
            }
            self.beside = shares.collect();
        }
        self.lanes_mut().for_each(|lane| lane.count_only(true));
    }

    /// How many engines there are.
    pub fn lanes(&self) -> usize {
        1 + self.beside.len()
    }

    fn lanes_mut(&mut self) -> impl Iterator<Item = &mut Lane<'s>> {
        std::iter::once(&mut self.lane).chain(&mut self.beside)
    }

    /// Whether what happened in one lane may have to do with another.
    fn look_for_ties(&mut self) -> Ran {
        let most = u64::from(self.lane.engine.most_connections());
        let peaks = self.lanes_mut().map(|lane| lane.engine.take_peak());
        let peak: u64 = peaks.map(u64::from).sum();
        let is_full = most != 0 && peak >= most;
        let is_coupled = self.lanes_mut().any(|lane| lane.engine.is_coupled());
        if is_full || is_coupled {
            Ran::Coupled
        } else {
            Ran::Whole
        }
    }

    fn count_parts(
        &mut self,
        batch: &Batch,
        parts: &[Part],
        files: &Files,
    ) -> Result<(), ReplayError> {
        let mut first_unknown = None;
        self.lane.count(batch, parts, 0, &mut |record| {
            if first_unknown.is_none() && !record.unknowns.is_empty() {
                first_unknown = Some(record.clone());
            }
        });
        match first_unknown {
            Some(mut record) => {
                record.frame.file += files.before;
                self.refuse_unknown(&record, files)
            }
            None => Ok(()),
        }
    }
}
