//! Findings as a document: what `--format json` prints. A promise, as [`crate::model`] is.

use netverdict_audit::{Coverage as Covered, CoveredRule, State};
use netverdict_lint as lint;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Findings;

/// What `netverdict lint` found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[schemars(title = "netverdict lint")]
pub struct Lint {
    /// Always `netverdict.lint/1`.
    pub schema: String,
    #[serde(flatten)]
    pub review: Review,
}

/// What `netverdict audit` found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[schemars(title = "netverdict audit")]
pub struct Audit {
    /// Always `netverdict.audit/1`.
    pub schema: String,
    #[serde(flatten)]
    pub review: Review,
    /// The captures' names.
    pub captures: Vec<String>,
    pub coverage: Coverage,
}

/// What both have.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Review {
    /// The netverdict that wrote it.
    pub version: String,
    /// The host, as it was given.
    pub host: String,
    /// The dumps reviewed.
    pub files: Vec<String>,
    /// Findings that stand, by severity.
    pub counts: Counts,
    /// All findings, allowed ones too, in order of files and lines.
    pub findings: Vec<Finding>,
    /// What was taken for granted.
    pub assumptions: Vec<Assumption>,
    pub warnings: Vec<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Counts {
    pub errors: usize,
    pub warnings: usize,
    pub notes: usize,
    /// Findings that somebody allowed; in none of the others.
    pub allowed: usize,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Finding {
    /// Stable, such as `NV101`.
    pub id: String,
    /// Stable, such as `covered-rule`.
    pub name: String,
    pub severity: Severity,
    pub title: String,
    pub explanation: String,
    pub suggestion: String,
    pub place: Place,
    /// Other places that it is about: covering rules, rules that lead there.
    pub related: Vec<Related>,
    /// Packets that show it.
    pub witnesses: Vec<Witness>,
    /// What may be behind it, the likeliest first.
    pub causes: Vec<String>,
    /// The same as long as the finding is, wherever its line moves.
    pub fingerprint: String,
    /// Who allowed it, and why.
    pub allowed: Option<Allowed>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    Note,
    Warning,
    Error,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Place {
    pub file: String,
    /// Line of the file, from 1; null where the file has no line for it.
    pub line: Option<u32>,
    /// First character meant, from 1.
    pub column: u32,
    /// Last character meant.
    pub end_column: u32,
    /// `IPv4` or `IPv6`.
    pub family: Option<String>,
    /// `filter INPUT 3`, `filter INPUT policy`, `filter DOCKER`, `nat`.
    pub part: String,
    /// The line, counters left aside.
    pub text: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Related {
    pub place: Place,
    pub label: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Witness {
    pub file: String,
    /// The frame's number, from 1.
    pub n: u64,
    /// Seconds since 1970 with nine digits.
    pub time: String,
    pub what: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Allowed {
    pub by: String,
    pub reason: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Assumption {
    pub text: String,
    /// What overrides it.
    pub flag: String,
}

/// What of the rules the captures exercised.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Coverage {
    pub hit: usize,
    pub not_exercised: usize,
    pub dead: usize,
    /// Hit rules of those that can be hit.
    pub percent: f64,
    pub rules: Vec<Rule>,
    /// The policies of built-in chains.
    pub policies: Vec<Rule>,
    pub chains: Vec<Chain>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Rule {
    pub place: Place,
    pub packets: u64,
    pub bytes: u64,
    /// `hit`, `not exercised`, `dead`.
    pub state: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Chain {
    pub place: Place,
    /// Packets that came in; of a built-in chain, at least so many.
    pub packets: u64,
    pub built_in: bool,
}

impl Lint {
    /// The document of a review.
    pub fn new(findings: &Findings<'_>) -> Self {
        Self {
            schema: "netverdict.lint/1".to_owned(),
            review: Review::new(findings),
        }
    }
}

impl Audit {
    /// The document of an audit.
    pub fn new(findings: &Findings<'_>) -> Self {
        Self {
            schema: "netverdict.audit/1".to_owned(),
            review: Review::new(findings),
            captures: findings.captures.to_vec(),
            coverage: Coverage::new(findings.coverage.unwrap_or(&Covered::default())),
        }
    }
}

impl Review {
    fn new(findings: &Findings<'_>) -> Self {
        let assumptions = findings.assumptions.iter();
        Self {
            version: findings.version.to_owned(),
            host: findings.host.to_owned(),
            files: findings.files.to_vec(),
            counts: Counts {
                errors: findings.count(lint::Severity::Error),
                warnings: findings.count(lint::Severity::Warning),
                notes: findings.count(lint::Severity::Note),
                allowed: findings.allowed(),
            },
            findings: findings.findings.iter().map(finding).collect(),
            assumptions: assumptions
                .map(|(text, flag)| Assumption {
                    text: text.clone(),
                    flag: flag.clone(),
                })
                .collect(),
            warnings: findings.warnings.to_vec(),
        }
    }
}

fn finding(finding: &lint::Finding) -> Finding {
    let related = finding.related.iter();
    let witnesses = finding.witnesses.iter();
    Finding {
        id: finding.check.id.to_owned(),
        name: finding.check.name.to_owned(),
        severity: match finding.severity {
            lint::Severity::Note => Severity::Note,
            lint::Severity::Warning => Severity::Warning,
            lint::Severity::Error => Severity::Error,
        },
        title: finding.title.clone(),
        explanation: finding.explanation.clone(),
        suggestion: finding.suggestion.clone(),
        place: place(&finding.place),
        related: related
            .map(|r| Related {
                place: place(&r.place),
                label: r.label.clone(),
            })
            .collect(),
        witnesses: witnesses
            .map(|w| Witness {
                file: w.file.clone(),
                n: w.n,
                time: w.time.clone(),
                what: w.what.clone(),
            })
            .collect(),
        causes: finding.causes.clone(),
        fingerprint: finding.fingerprint.clone(),
        allowed: finding.allowed.as_ref().map(|a| Allowed {
            by: a.by.clone(),
            reason: a.reason.clone(),
        }),
    }
}

fn place(place: &lint::Place) -> Place {
    Place {
        file: place.file.clone(),
        line: place.line,
        column: place.columns.0,
        end_column: place.columns.1,
        family: place.family.map(|f| f.to_string()),
        part: place.part.to_string(),
        text: place.excerpt().to_owned(),
    }
}

impl Coverage {
    fn new(coverage: &Covered) -> Self {
        let chains = coverage.chains.iter();
        Self {
            hit: coverage.count(State::Hit),
            not_exercised: coverage.count(State::NotExercised),
            dead: coverage.count(State::Dead),
            percent: (coverage.percent() * 100.0).round() / 100.0,
            rules: coverage.rules.iter().map(rule).collect(),
            policies: coverage.policies.iter().map(rule).collect(),
            chains: chains
                .map(|chain| Chain {
                    place: place(&chain.place),
                    packets: chain.packets,
                    built_in: chain.is_base,
                })
                .collect(),
        }
    }
}

fn rule(rule: &CoveredRule) -> Rule {
    Rule {
        place: place(&rule.place),
        packets: rule.counters.packets,
        bytes: rule.counters.bytes,
        state: rule.state.name().to_owned(),
    }
}
