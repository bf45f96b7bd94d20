//! Reading `[[allow]]`: findings that are put up with, each with its place, so that what is said of one points there.

use netverdict_lint::allow::Allow;
use netverdict_lint::{Part, Place};
use netverdict_syntax::closest;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::Reader;
use crate::error::Failure;

const KEYS: [&str; 6] = ["id", "reason", "file", "table", "chain", "rule"];

impl Reader<'_> {
    /// Each entry, or what is wrong with it.
    pub(super) fn allowed(&self, value: &Spanned<DeValue<'_>>) -> Vec<Result<Allow, Failure>> {
        let DeValue::Array(entries) = value.get_ref() else {
            return vec![Err(self.not_entry(value))];
        };
        let entries = entries.iter().map(|entry| match entry.get_ref() {
            DeValue::Table(table) => self.entry(table, entry.span().start),
            _ => Err(self.not_entry(entry)),
        });
        entries.collect()
    }

    fn not_entry(&self, value: &Spanned<DeValue<'_>>) -> Failure {
        self.problem(
            format!(
                "a value that does not fit: found {}",
                value.get_ref().type_str()
            ),
            value.span(),
            "expected [[allow]] tables".to_owned(),
        )
    }

    fn entry(&self, table: &DeTable<'_>, start: usize) -> Result<Allow, Failure> {
        for (key, value) in table {
            let word = key.get_ref().as_ref();
            if !KEYS.contains(&word) {
                let label = match closest(word, KEYS) {
                    Some(known) => format!("did you mean `{known}`?"),
                    None => format!("expected one of {}", KEYS.join(", ")),
                };
                return Err(self.problem(
                    format!("unknown key `{word}` of `allow`"),
                    key.span(),
                    label,
                ));
            }
            if !matches!(value.get_ref(), DeValue::String(_)) {
                let found = value.get_ref().type_str();
                let title = format!("a value that does not fit: found {found}");
                return Err(self.problem(title, value.span(), "expected a text".to_owned()));
            }
        }
        let text = |key: &str| match table.get(key)?.get_ref() {
            DeValue::String(text) => Some(text.to_string()),
            _ => None,
        };
        let needed = |key: &str, what: &str| {
            text(key).ok_or_else(|| {
                let title = format!("an `allow` without `{key}`");
                self.problem(title, start..start + 1, format!("expected {what}"))
            })
        };
        Ok(Allow {
            id: needed("id", "the id of a finding")?,
            reason: needed("reason", "a reason")?,
            file: text("file"),
            table: text("table"),
            chain: text("chain"),
            rule: text("rule"),
            place: self.place(table.get("id").map_or(start, |id| id.span().start)),
        })
    }

    /// The whole line.
    fn place(&self, offset: usize) -> Place {
        let (line, _) = self.position(offset);
        let text = self.text.lines().nth(line - 1).unwrap_or_default();
        Place {
            file: self.name.clone(),
            family: None,
            part: Part::File,
            line: Some(line as u32),
            text: text.to_owned(),
            columns: (1, text.chars().count().max(1) as u32),
        }
    }
}
