//! The rulesets of a bundle's dumps.

use netverdict_net::Family;
use netverdict_ruleset::Ruleset;
use netverdict_syntax::{Diagnostic, FamilyEvidence, ParseOptions, ParsedDump, parse_dump};

use crate::{Assumption, Bundle, SourceId, SourceKind, Subject};

/// A dump, read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReadDump {
    /// Its file.
    pub source: SourceId,
    /// What it holds.
    pub parsed: ParsedDump,
}

/// Every dump of a bundle, read.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Dumps {
    /// In the order of the bundle's files.
    pub dumps: Vec<ReadDump>,
}

impl Bundle {
    /// Reads the dumps. One text may hold both families.
    pub fn parse_dumps(&self) -> Dumps {
        let dump = |(source, id): (&crate::Source, usize)| match source.kind {
            SourceKind::Dump(family) => {
                // IPv4 may be no more than a guess from the content, which is for the reader of the dump to say.
                let certain = family == Family::V6 || source.is_named();
                let options = ParseOptions {
                    family: certain.then_some(family),
                };
                Some(ReadDump {
                    source: SourceId(id),
                    parsed: parse_dump(&source.bytes, &options),
                })
            }
            _ => None,
        };
        Dumps {
            dumps: self.sources.iter().zip(0..).filter_map(dump).collect(),
        }
    }
}

impl Dumps {
    /// The ruleset of a family and the file that it is from; a file of that family outranks one that also holds it.
    pub fn ruleset(&self, family: Family) -> Option<(SourceId, &Ruleset)> {
        let mut found = self
            .dumps
            .iter()
            .filter_map(|d| Some((d.source, d.parsed.ruleset(family)?)));
        let first = found.next()?;
        let alone = |(source, _): &(SourceId, &Ruleset)| {
            let dump = self.dumps.iter().find(|d| d.source == *source);
            dump.is_some_and(|d| d.parsed.rulesets.len() == 1)
        };
        Some(
            std::iter::once(first)
                .chain(found)
                .find(alone)
                .unwrap_or(first),
        )
    }

    /// The ruleset of each family and the file that it is from, IPv4 first, without a copy.
    pub fn into_rulesets(mut self) -> Vec<(SourceId, Ruleset)> {
        let wanted = Family::ALL.map(|family| (self.ruleset(family).map(|(id, _)| id), family));
        let mut take = |(source, family): (Option<SourceId>, Family)| {
            let dump = self.dumps.iter_mut().find(|d| Some(d.source) == source)?;
            let read = &mut dump.parsed.rulesets;
            let at = read.iter().position(|r| r.ruleset.family == family)?;
            Some((dump.source, read.remove(at).ruleset))
        };
        wanted.into_iter().filter_map(&mut take).collect()
    }

    /// The rulesets, IPv4 first.
    pub fn rulesets(&self) -> Vec<&Ruleset> {
        let both = Family::ALL.into_iter();
        both.filter_map(|f| self.ruleset(f))
            .map(|(_, r)| r)
            .collect()
    }

    /// Lines that iptables-restore would refuse, with their files.
    pub fn errors(&self) -> impl Iterator<Item = (SourceId, &Diagnostic)> {
        self.dumps.iter().flat_map(|d| {
            let all = d.parsed.diagnostics.iter();
            all.filter(|x| x.is_error()).map(|x| (d.source, x))
        })
    }

    /// What reading the dumps took for granted: the family of one that does not tell, the lines left out.
    pub fn assumptions(&self, bundle: &Bundle) -> Vec<Assumption> {
        let mut assumptions = Vec::new();
        for dump in &self.dumps {
            let name = bundle.source_of(dump.source).map_or("", |s| &s.name);
            for read in &dump.parsed.rulesets {
                if read.evidence == FamilyEvidence::Assumed {
                    assumptions.push(Assumption::new(
                        Subject::OtherFamily,
                        format!(
                            "{name} holds {} rules: nothing in it tells",
                            read.ruleset.family
                        ),
                        "the names iptables-save and ip6tables-save in a bundle",
                    ));
                }
            }
        }
        for (source, error) in self.errors() {
            let name = bundle.source_of(source).map_or("", |s| &s.name);
            assumptions.push(Assumption::new(
                Subject::LeftOut,
                format!("{name}:{} is left out: {}", error.line, error.message),
                "without --lenient the dump is refused",
            ));
        }
        assumptions
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Source;

    fn bundle(files: &[(&str, Family, &str)]) -> Bundle {
        let source = |(name, family, text): &(&str, Family, &str)| Source {
            name: (*name).to_owned(),
            kind: SourceKind::Dump(*family),
            bytes: text.as_bytes().to_vec(),
        };
        Bundle::from_sources("host".to_owned(), files.iter().map(source).collect()).unwrap()
    }

    const PLAIN: &str = "*filter\n:INPUT DROP [0:0]\nCOMMIT\n";

    #[test]
    fn both_families_are_read_from_their_files() {
        let bundle = bundle(&[
            ("a/rules.v4", Family::V4, PLAIN),
            ("a/rules.v6", Family::V6, PLAIN),
        ]);
        let dumps = bundle.parse_dumps();
        let families: Vec<_> = dumps.rulesets().iter().map(|r| r.family).collect();
        assert_eq!(families, Family::ALL);
        assert_eq!(
            dumps.ruleset(Family::V6).map(|(id, _)| id),
            Some(SourceId(1))
        );
        assert_eq!(dumps.assumptions(&bundle), []);
    }

    #[test]
    fn a_guessed_family_and_a_line_left_out_are_stated() {
        let text = "*filter\n-A INPUT --nonsense\nCOMMIT\n";
        let bundle = bundle(&[("some.txt", Family::V4, text)]);
        let dumps = bundle.parse_dumps();
        assert_eq!(dumps.errors().map(|(_, d)| d.line).collect::<Vec<_>>(), [2]);
        let stated: Vec<_> = dumps
            .assumptions(&bundle)
            .iter()
            .map(|a| a.subject)
            .collect();
        assert_eq!(stated, [Subject::OtherFamily, Subject::LeftOut]);
    }
}
