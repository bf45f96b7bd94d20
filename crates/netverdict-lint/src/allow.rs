//! Findings that somebody has looked at and allows: said in the dump, or in a configuration file, with a reason.
//!
//! In the dump: `-m comment --comment "netverdict: allow NV203 bastion host"` on the rule itself, or the line
//! `# netverdict: allow NV203 bastion host` right before a rule's or chain's line, or, before the first table, for the
//! whole file. In a file: [`Config`].

use netverdict_ruleset::Match;

use crate::catalogue::{self, ALLOW_UNUSED, ALLOW_WITHOUT_REASON};
use crate::finding::{Allowed, Finding, Part, settle};
use crate::subject::{Dump, Subject};
use crate::{Place, Severity};

/// What a configuration file says of findings, as `[[allow]]` in `netverdict.toml`:
///
/// ```toml
/// [[allow]]
/// id = "NV203"
/// reason = "bastion host"
/// chain = "INPUT"
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Config {
    pub allow: Vec<Allow>,
}

/// What makes a command end in 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FailOn {
    Error,
    Warning,
    Note,
    Never,
}

impl FailOn {
    /// Whether a finding of that severity does.
    pub const fn fails(self, severity: Severity) -> bool {
        match self {
            Self::Error => matches!(severity, Severity::Error),
            Self::Warning => !matches!(severity, Severity::Note),
            Self::Note => true,
            Self::Never => false,
        }
    }
}

/// One `[[allow]]`: every condition that is given must hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Allow {
    /// The finding's id or name.
    pub id: String,
    /// Why it is fine.
    pub reason: String,
    /// The end of the file's name.
    pub file: Option<String>,
    pub table: Option<String>,
    pub chain: Option<String>,
    /// A part of the line.
    pub rule: Option<String>,
    /// Where it is written.
    pub place: Place,
}

/// One permission and whether it was of use.
struct Permission<'a> {
    ids: Vec<String>,
    reason: String,
    by: String,
    applies: Applies<'a>,
    used: bool,
    place: Place,
}

enum Applies<'a> {
    /// To findings at this line of this file.
    Line(String, u32),
    /// To all of this file.
    File(String),
    /// To what a configuration file describes.
    Described(&'a Allow),
}

/// Marks the findings that are allowed, and adds one for each permission that says no reason or is of no use.
///
/// All findings of `lint` have to be there; what a capture leads to may be missing, and a permission for it is never
/// superfluous. One for files that are not reviewed is neither.
pub fn apply(findings: &mut Vec<Finding>, subject: &Subject<'_>, config: &Config) {
    let mut permissions: Vec<Permission<'_>> = subject.dumps.iter().flat_map(in_dump).collect();
    permissions.extend(config.allow.iter().map(|allow| Permission {
        ids: vec![allow.id.clone()],
        reason: allow.reason.trim().to_owned(),
        by: allow.place.file.clone(),
        applies: Applies::Described(allow),
        used: false,
        place: allow.place.clone(),
    }));
    for finding in findings.iter_mut() {
        let permission = permissions.iter_mut().find(|p| p.allows(finding));
        if let Some(permission) = permission {
            permission.used = true;
            finding.allowed = Some(Allowed {
                reason: permission.reason.clone(),
                by: permission.by.clone(),
            });
        }
    }
    let complaints = permissions.iter().filter_map(|p| p.complaint(subject));
    findings.extend(complaints);
    settle(findings);
}

impl Permission<'_> {
    fn allows(&self, finding: &Finding) -> bool {
        let is_meant = |id: &String| {
            id.eq_ignore_ascii_case(finding.check.id) || id.eq_ignore_ascii_case(finding.check.name)
        };
        let place = &finding.place;
        self.ids.iter().any(is_meant)
            && match &self.applies {
                Applies::Line(file, line) => place.file == *file && place.line == Some(*line),
                Applies::File(file) => place.file == *file,
                Applies::Described(allow) => describes(allow, place),
            }
    }

    /// Whether a review would have found it, if it were there.
    fn is_looked_for(&self, subject: &Subject<'_>) -> bool {
        let is_static = |id: &String| catalogue::find(id).is_some_and(|c| !c.needs_capture());
        let is_here = match &self.applies {
            Applies::Described(Allow {
                file: Some(file), ..
            }) => subject.dumps.iter().any(|d| d.file.ends_with(file)),
            _ => true,
        };
        is_here && self.ids.iter().all(is_static)
    }

    fn complaint(&self, subject: &Subject<'_>) -> Option<Finding> {
        let (ids, place) = (self.ids.join(", "), self.place.clone());
        let unknown = self.ids.iter().find(|id| catalogue::find(id).is_none());
        if let Some(id) = unknown {
            let finding = Finding::new(
                ALLOW_UNUSED,
                place,
                format!("there is no finding {id} to allow ({})", self.by),
            );
            return Some(
                finding
                    .severity(Severity::Warning)
                    .because("The id is misspelt, or from another version.")
                    .suggest("`netverdict lint --explain` lists all ids."),
            );
        }
        if self.reason.is_empty() {
            let finding = Finding::new(
                ALLOW_WITHOUT_REASON,
                place,
                format!("{ids} is allowed without a reason ({})", self.by),
            );
            return Some(
                finding
                    .because("Whoever reads it next cannot tell whether it still holds.")
                    .suggest("Say why behind the id."),
            );
        }
        (!self.used && self.is_looked_for(subject)).then(|| {
            Finding::new(ALLOW_UNUSED, place, format!("{ids} is allowed, but not found ({})", self.by))
                .because("What was allowed is no longer there; the permission would hide it if it came back.")
                .suggest("Remove it.")
        })
    }
}

fn describes(allow: &Allow, place: &Place) -> bool {
    let (table, chain) = match &place.part {
        Part::Rule { table, chain, .. }
        | Part::Policy { table, chain }
        | Part::Chain { table, chain } => (Some(*table), Some(chain.as_str())),
        Part::Table { table } => (Some(*table), None),
        Part::Set { .. } | Part::File => (None, None),
    };
    let holds = |want: &Option<String>, found: Option<&str>| {
        want.as_deref().is_none_or(|w| found == Some(w))
    };
    allow
        .file
        .as_ref()
        .is_none_or(|f| place.file.ends_with(f.as_str()))
        && holds(&allow.table, table)
        && holds(&allow.chain, chain)
        && allow
            .rule
            .as_ref()
            .is_none_or(|part| place.text.contains(part.as_str()))
}

/// The permissions that a dump's comments give.
fn in_dump<'a>(dump: &Dump<'_>) -> Vec<Permission<'a>> {
    let mut found = Vec::new();
    for (id, rule) in dump.ruleset.rules() {
        let Some(table) = dump.ruleset.table(id.table) else {
            continue;
        };
        for m in &rule.matches {
            if let Match::Comment(comment) = m
                && let Some((ids, reason)) = parse(&comment.text)
            {
                found.push(Permission {
                    ids,
                    reason,
                    by: format!("{}:{}", dump.file, rule.line),
                    applies: Applies::Line(dump.file.clone(), rule.line),
                    used: false,
                    place: dump.rule(table, id.chain, id.index as usize, rule),
                });
            }
        }
    }
    let mut is_before_tables = true;
    for (number, text) in dump.lines() {
        is_before_tables &= !text.starts_with('*');
        let Some((ids, reason)) = text.strip_prefix('#').and_then(parse) else {
            continue;
        };
        let applies = if is_before_tables {
            Applies::File(dump.file.clone())
        } else {
            // Several comments may stand before a line.
            let mut next = number + 1;
            while dump.line(next).is_some_and(|l| l.starts_with('#')) {
                next += 1;
            }
            Applies::Line(dump.file.clone(), next)
        };
        let mut place = dump.whole();
        place.line = Some(number);
        text.clone_into(&mut place.text);
        place.columns = (1, text.chars().count() as u32);
        found.push(Permission {
            ids,
            reason,
            by: format!("{}:{number}", dump.file),
            applies,
            used: false,
            place,
        });
    }
    found
}

/// `netverdict: allow NV101,NV102 the reason`.
fn parse(comment: &str) -> Option<(Vec<String>, String)> {
    let rest = comment.trim().strip_prefix("netverdict:")?.trim_start();
    let rest = rest.strip_prefix("allow")?;
    let rest = rest.strip_prefix(char::is_whitespace)?.trim_start();
    let (ids, reason) = rest.split_once(char::is_whitespace).unwrap_or((rest, ""));
    let ids = ids.split(',').filter(|id| !id.is_empty());
    Some((ids.map(str::to_owned).collect(), reason.trim().to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_name_ids_and_a_reason() {
        let of = |text| parse(text).map(|(ids, reason)| (ids.join("+"), reason));
        let some = |ids: &str, reason: &str| Some((ids.to_owned(), reason.to_owned()));
        assert_eq!(
            of("netverdict: allow NV101 legacy, see #12"),
            some("NV101", "legacy, see #12")
        );
        assert_eq!(
            of(" netverdict:allow NV101,NV203  two at once "),
            some("NV101+NV203", "two at once")
        );
        assert_eq!(of("netverdict: allow NV101"), some("NV101", ""));
        assert_eq!(of("netverdict: allowed"), None);
        assert_eq!(of("allow NV101"), None);
    }

    #[test]
    fn levels_fail_at_and_above() {
        let fails = |on: FailOn| Severity::ALL.map(|s| on.fails(s));
        assert_eq!(fails(FailOn::Note), [true, true, true]);
        assert_eq!(fails(FailOn::Warning), [false, true, true]);
        assert_eq!(fails(FailOn::Error), [false, false, true]);
        assert_eq!(fails(FailOn::Never), [false, false, false]);
    }
}
