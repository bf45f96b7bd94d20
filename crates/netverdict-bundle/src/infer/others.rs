//! Rules that see what netfilter's IP hooks do not: they are in the bundle, and no packet meets them here.

use super::Work;
use crate::{Assumption, SourceKind, Subject};

pub(super) fn infer(work: &mut Work<'_>) {
    for source in &work.bundle.sources {
        let passes = match source.kind {
            SourceKind::Ebtables => "frames pass bridges as if there were none",
            SourceKind::Arptables => "ARP is skipped as ever",
            _ => continue,
        };
        let text = source.text();
        let rules = text.lines().filter(|l| l.trim_start().starts_with("-A "));
        let text = match rules.count() {
            0 => continue,
            1 => format!("the rule of {} is not evaluated: {passes}", source.name),
            count => format!(
                "the {count} rules of {} are not evaluated: {passes}",
                source.name
            ),
        };
        let without = "a bundle without the file";
        work.assumptions
            .push(Assumption::new(Subject::OtherRules, text, without));
    }
}
