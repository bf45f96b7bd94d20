//! The first pass: what the captures give away about the host.

use netverdict_bundle::Survey;
use netverdict_capture::{Batch, Captures};
use rayon::iter::{IntoParallelIterator, ParallelIterator};

use crate::{ReplayError, facts};

/// Frames that one thread surveys at a time.
const PART: usize = 1024;

/// Surveys all frames of the captures, and counts them. The same whatever the number of threads.
///
/// # Errors
/// A capture cannot be read.
pub fn survey(mut captures: Captures) -> Result<(Survey, u64), ReplayError> {
    let mut survey = Survey::default();
    let mut frames = 0;
    while let Some(batch) = captures.next_batch()? {
        let parts: Vec<_> = (0..batch.len().div_ceil(PART))
            .into_par_iter()
            .map(|part| of_part(&batch, part))
            .collect();
        frames += batch.len() as u64;
        for part in parts {
            survey.merge(part);
        }
    }
    Ok((survey, frames))
}

fn of_part(batch: &Batch, part: usize) -> Survey {
    let mut survey = Survey::default();
    let end = batch.len().min((part + 1) * PART);
    for frame in (part * PART..end).filter_map(|index| batch.frame(index)) {
        if let Some(Ok(packet)) = frame.packet() {
            survey.note(&facts::of_survey(&frame, &packet));
        }
    }
    survey
}
