//! Random cases: drawn, put through kernel and model, compared.

use std::collections::BTreeSet;
use std::fmt;

use netverdict_forge::random::Vocabulary;
use netverdict_net::Family;
use netverdict_syntax::{ParseOptions, parse_dump};

use crate::compare::{Difference, differences, drawn_otherwise, hex, loops_pieces, undetermined};
use crate::model::{self, Rules};
use crate::rig::{Direction, Pace};
use crate::shrink::shrink;
use crate::{Case, KernelRun, RigError};

/// What came of one seed.
#[derive(Debug)]
pub struct Compared {
    /// The case.
    pub case: Case,
    /// The kernel's side.
    pub kernel: KernelRun,
    /// What differs.
    pub differences: Vec<Difference>,
    /// Why it says nothing, if it does not.
    pub undetermined: Option<&'static str>,
    /// What the model said it cannot decide.
    pub unknown: BTreeSet<String>,
}

/// Draws the case of a seed and compares the two.
pub fn compare(seed: u64, words: &Vocabulary) -> Result<Compared, RigError> {
    let (case, kernel) = Case::draw(seed, words)?;
    judge(case, kernel)
}

/// The same with the packets spread over so many seconds, through which the kernel waits.
pub fn compare_paced(seed: u64, words: &Vocabulary, seconds: u64) -> Result<Compared, RigError> {
    let (mut case, _) = Case::draw(seed, words)?;
    case.spread(seed, seconds);
    let kernel = case.run(Pace::Real)?;
    judge(case, kernel)
}

/// Compares the two on a case at hand.
pub fn again(case: Case) -> Result<Compared, RigError> {
    let kernel = case.run(Pace::Fast)?;
    judge(case, kernel)
}

/// Holds the model to what the kernel made of a case.
pub fn judge(case: Case, kernel: KernelRun) -> Result<Compared, RigError> {
    let rules = read(&case)?;
    judge_by(case, kernel, &rules)
}

/// Likewise, with rules that have been read.
pub fn judge_by(case: Case, kernel: KernelRun, rules: &Rules) -> Result<Compared, RigError> {
    let model = model::run(&case, rules, &kernel)?;
    let outcomes = model.outcomes.iter().flatten();
    let unknowns: Vec<_> = outcomes.flat_map(|o| &o.unknowns).collect();
    let unknown: BTreeSet<String> = unknowns.iter().map(|u| u.why.clone()).collect();
    let is_undefined = unknowns.iter().any(|u| u.is_undefined());
    let differences = differences(&case, &kernel, &model);
    let by_chance = (is_undefined && !differences.is_empty())
        .then_some("the kernel reads or writes memory that is not the packet's");
    Ok(Compared {
        undetermined: undetermined(&case, &kernel, &differences)
            .or_else(|| drawn_otherwise(&model, &differences))
            .or_else(|| loops_pieces(&case, &model, &differences))
            .or(by_chance),
        differences,
        unknown,
        kernel,
        case,
    })
}

/// Reads the dumps of a case. What the kernel took has to be readable.
pub fn read(case: &Case) -> Result<Rules, RigError> {
    let one = |family| {
        let Some(text) = case.dump(family) else {
            return Ok(None);
        };
        let options = ParseOptions {
            family: Some(family),
        };
        let dump = parse_dump(text.as_bytes(), &options);
        if let Some(error) = dump.diagnostics.iter().find(|d| d.is_error()) {
            return Err(RigError::Unread {
                family,
                message: format!("{error:?}"),
            });
        }
        Ok(dump.ruleset(family).cloned())
    };
    Ok(Rules {
        v4: one(Family::V4)?,
        v6: one(Family::V6)?,
        fingerprints: None,
    })
}

/// The smallest case that still shows a difference of the same kind. Each try takes a kernel run.
pub fn smallest(found: Compared, patience: usize) -> Compared {
    let kind = |d: &Difference| std::mem::discriminant(d);
    let Some(wanted) = found.differences.first().map(kind) else {
        return found;
    };
    let shows = |case: &Case| {
        let compared = again(case.clone());
        compared.is_ok_and(|c| {
            c.undetermined.is_none() && c.differences.iter().any(|d| kind(d) == wanted)
        })
    };
    let small = shrink(found.case.clone(), patience, shows);
    again(small).unwrap_or(found)
}

/// The case and its differences, to be read by a person.
impl fmt::Display for Compared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for family in Family::ALL {
            if let Some(text) = self.case.dump(family) {
                writeln!(f, "--- {}", family.save_command())?;
                f.write_str(text)?;
            }
        }
        let settings = self.case.facts.sysctls.iter();
        for (key, value) in settings {
            writeln!(f, "--- {key} = {value}")?;
        }
        for (number, frame) in (1..).zip(&self.case.frames) {
            let way = match (frame.direction, frame.interface) {
                (Direction::In, Some(name)) => format!("in {name}"),
                _ => "out".to_owned(),
            };
            writeln!(f, "{number} {way} {}", hex(&frame.bytes))?;
        }
        for difference in &self.differences {
            writeln!(f, "! {difference}")?;
        }
        for why in &self.unknown {
            writeln!(f, "? {why}")?;
        }
        Ok(())
    }
}
