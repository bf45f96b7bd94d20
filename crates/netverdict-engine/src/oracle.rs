//! Answers to what the inputs do not decide: the run's policy at first, then every other way in turn.

use crate::{Config, UnknownPolicy};

/// How many ways of one packet are followed before it is called undecided.
const WAYS: usize = 256;

/// One question put during a walk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Asked {
    /// The answer given.
    pub(crate) answer: u8,
    /// How many answers there were.
    pub(crate) ways: u8,
    /// Index of the unknown in the walk's list.
    pub(crate) unknown: usize,
}

/// Answers the questions of one walk: by a script as far as it goes, then by the run's policy.
#[derive(Debug, Default)]
pub(crate) struct Oracle {
    script: Vec<u8>,
    asked: Vec<Asked>,
}

impl Oracle {
    fn scripted(script: Vec<u8>) -> Self {
        Self {
            script,
            asked: Vec::new(),
        }
    }

    /// Answers one question with a number below `ways`.
    pub(crate) fn ask(&mut self, ways: u8, by_policy: u8, unknown: usize) -> u8 {
        let answer = self
            .script
            .get(self.asked.len())
            .copied()
            .unwrap_or(by_policy);
        self.asked.push(Asked {
            answer,
            ways,
            unknown,
        });
        answer
    }

    /// Asks whether a match holds: 1 if it does.
    pub(crate) fn ask_match(&mut self, config: &Config, unknown: usize) -> bool {
        let by_policy = u8::from(config.unknown == UnknownPolicy::Match);
        self.ask(2, by_policy, unknown) == 1
    }

    /// What was asked, in order.
    pub(crate) fn into_asked(self) -> Vec<Asked> {
        self.asked
    }
}

/// The ways left to follow.
#[derive(Debug)]
pub(crate) struct Ways {
    pending: std::collections::VecDeque<Vec<u8>>,
    followed: usize,
}

impl Ways {
    /// All ways but the one taken.
    pub(crate) fn beside(taken: &[Asked]) -> Self {
        let mut ways = Self {
            pending: std::collections::VecDeque::new(),
            followed: 1,
        };
        ways.branch(taken, 0);
        ways
    }

    /// The next way: one answer changed against a way already followed.
    pub(crate) fn next(&mut self) -> Option<Way> {
        if self.followed >= WAYS {
            return None;
        }
        self.followed += 1;
        let script = self.pending.pop_front()?;
        Some(Way {
            oracle: Oracle::scripted(script.clone()),
            script,
        })
    }

    /// Whether ways were left out because there are too many.
    pub(crate) fn is_cut(&self) -> bool {
        !self.pending.is_empty()
    }

    /// Adds the ways that leave `taken` at its questions from `from` on.
    pub(crate) fn branch(&mut self, taken: &[Asked], from: usize) {
        for (at, asked) in taken.iter().enumerate().skip(from) {
            for other in (0..asked.ways).filter(|answer| *answer != asked.answer) {
                let before = taken.iter().take(at).map(|a| a.answer);
                self.pending.push_back(before.chain([other]).collect());
            }
        }
    }
}

/// One way to follow.
#[derive(Debug)]
pub(crate) struct Way {
    pub(crate) oracle: Oracle,
    pub(crate) script: Vec<u8>,
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A walk that asks `depth` questions whatever is answered.
    fn walk(mut oracle: Oracle, depth: usize) -> Vec<Asked> {
        for at in 0..depth {
            oracle.ask(2, 0, at);
        }
        oracle.into_asked()
    }

    #[test]
    fn every_way_is_followed_once() {
        let first = walk(Oracle::default(), 4);
        let mut ways = Ways::beside(&first);
        let mut seen: Vec<Vec<u8>> = vec![first.iter().map(|a| a.answer).collect()];
        while let Some(way) = ways.next() {
            let from = way.script.len();
            let asked = walk(way.oracle, 4);
            seen.push(asked.iter().map(|a| a.answer).collect());
            ways.branch(&asked, from);
        }
        seen.sort();
        seen.dedup();
        assert_eq!(seen.len(), 16);
        assert_eq!(ways.followed, 16 + 1);
        assert!(!ways.is_cut());
    }

    #[test]
    fn too_many_ways_are_cut() {
        let first = walk(Oracle::default(), 12);
        let mut ways = Ways::beside(&first);
        while let Some(way) = ways.next() {
            let from = way.script.len();
            let asked = walk(way.oracle, 12);
            ways.branch(&asked, from);
        }
        assert!(ways.is_cut());
    }
}
