//! `-m comment`.

use netverdict_ruleset::matches::{Comment, Match};

use crate::problem::Parsed;
use crate::spec::{Given, Opt, Place, Spec};

pub(crate) const SPEC: Spec<Match> = Spec {
    name: "comment",
    family: None,
    options: &[Opt::value("comment").mandatory()],
    place: Place::ANY,
    build,
};

/// Bytes of a comment, the final NUL aside.
const MAX: usize = 255;

fn build(given: &Given<'_>) -> Parsed<Match> {
    let text = given.required("comment")?.cut_text(0, MAX)?;
    Ok(Match::Comment(Comment { text }))
}
