//! The words of a fact, taken one by one.

use std::str::FromStr;

use super::AssumeError;

/// How alike two words must be for one to be taken for a slip of the other.
const ALIKE: f64 = 0.75;

pub(super) struct Words<'t> {
    all: Vec<&'t str>,
    next: usize,
}

impl<'t> Words<'t> {
    pub(super) fn new(text: &'t str) -> Self {
        Self {
            all: text.split_whitespace().collect(),
            next: 0,
        }
    }

    /// The fact as one line.
    pub(super) fn text(&self) -> String {
        self.all.join(" ")
    }

    /// The next word, not taken.
    pub(super) fn peek(&self) -> Option<&'t str> {
        self.all.get(self.next).copied()
    }

    /// Whether what the fact is about ends here.
    pub(super) fn is_over(&self) -> bool {
        self.peek().is_none_or(|word| word == "for")
    }

    /// The next word.
    pub(super) fn take(&mut self, expected: &str) -> Result<&'t str, AssumeError> {
        let word = self.peek().ok_or_else(|| AssumeError {
            found: "the fact ends too early".to_owned(),
            expected: expected.to_owned(),
            meant: None,
        })?;
        self.next += 1;
        Ok(word)
    }

    /// Takes the next word if it is this one.
    pub(super) fn take_if(&mut self, word: &str) -> bool {
        let is = self.peek() == Some(word);
        self.next += usize::from(is);
        is
    }

    /// The next word as a value.
    pub(super) fn value<T: FromStr>(&mut self, expected: &str) -> Result<T, AssumeError> {
        let word = self.take(expected)?;
        word.parse().map_err(|_| wrong(word, expected))
    }

    /// The next word as a number, decimal or behind `0x`.
    pub(super) fn number(&mut self, expected: &str) -> Result<u32, AssumeError> {
        let word = self.take(expected)?;
        let number = match word.strip_prefix("0x") {
            Some(digits) => u32::from_str_radix(digits, 16),
            None => word.parse(),
        };
        number.map_err(|_| wrong(word, expected))
    }

    /// The next word, one of several.
    pub(super) fn one_of<T: Copy>(&mut self, choices: &[(&str, T)]) -> Result<T, AssumeError> {
        let names: Vec<&str> = choices.iter().map(|(name, _)| *name).collect();
        let expected = listed(&names);
        let word = self.take(&expected)?;
        let chosen = choices.iter().find(|(name, _)| *name == word);
        chosen
            .map(|(_, choice)| *choice)
            .ok_or_else(|| AssumeError {
                meant: nearest(word, &names),
                ..wrong(word, &expected)
            })
    }

    /// Refuses words that are left.
    pub(super) fn end(&self, expected: &str) -> Result<(), AssumeError> {
        match self.peek() {
            None => Ok(()),
            Some(word) => Err(AssumeError {
                meant: nearest(word, &["for"]),
                ..wrong(word, expected)
            }),
        }
    }
}

/// The error of a word that is something else.
pub(super) fn wrong(word: &str, expected: &str) -> AssumeError {
    AssumeError {
        found: format!("`{word}`"),
        expected: expected.to_owned(),
        meant: None,
    }
}

/// The choice that a word most resembles, if any does.
pub(super) fn nearest(word: &str, choices: &[&str]) -> Option<String> {
    let lower = word.to_ascii_lowercase();
    let alike = |choice: &&str| strsim::jaro_winkler(&lower, &choice.to_ascii_lowercase());
    // Of names that differ by case alone, the one in the word's own case.
    let closer = |choice: &&str| alike(choice) + strsim::jaro_winkler(word, choice) / 100.0;
    let best = choices
        .iter()
        .max_by(|a, b| closer(a).total_cmp(&closer(b)))?;
    (alike(best) > ALIKE).then(|| (*best).to_owned())
}

/// `a, b or c`.
pub(super) fn listed(names: &[&str]) -> String {
    match names.split_last() {
        Some((last, rest)) if !rest.is_empty() => format!("{} or {last}", rest.join(", ")),
        _ => names.concat(),
    }
}
