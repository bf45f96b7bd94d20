//! "Did you mean": the known word that is most like one that nobody knows.

/// Two words are alike from here on; as clap judges flags.
const ALIKE: f64 = 0.7;

/// The candidate most like a word, if any is.
pub fn closest<'c>(word: &str, candidates: impl IntoIterator<Item = &'c str>) -> Option<&'c str> {
    let word = word.to_lowercase();
    let scored = candidates
        .into_iter()
        .map(|candidate| (strsim::jaro(&word, &candidate.to_lowercase()), candidate));
    scored
        .filter(|(score, _)| *score > ALIKE)
        .max_by(|(a, _), (b, _)| a.total_cmp(b))
        .map(|(_, candidate)| candidate)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_closest_word_is_found_and_a_strange_one_is_not() {
        let words = ["format", "threads", "color"];
        assert_eq!(closest("formt", words), Some("format"));
        assert_eq!(closest("colour", words), Some("color"));
        assert_eq!(closest("xyzzy", words), None);
    }
}
