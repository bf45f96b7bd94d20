//! A table of a case's file under reading: its known keys, each value with its place.

use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::CaseError;
use crate::error::{Text, did_you_mean};

/// A table.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Section<'t> {
    pub(crate) text: Text<'t>,
    table: &'t DeTable<'t>,
}

/// A value with its place.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Value<'t> {
    pub(crate) text: Text<'t>,
    pub(crate) key: &'t str,
    value: &'t Spanned<DeValue<'t>>,
}

impl<'t> Section<'t> {
    /// Takes a table that may have these keys and no others.
    pub(crate) fn new(
        text: Text<'t>,
        table: &'t DeTable<'t>,
        known: &[&str],
    ) -> Result<Self, Box<CaseError>> {
        let mut unknown: Vec<_> = table
            .iter()
            .map(|(key, _)| key)
            .filter(|key| !known.contains(&key.get_ref().as_ref()))
            .collect();
        unknown.sort_by_key(|key| key.span().start);
        match unknown.first() {
            None => Ok(Self { text, table }),
            Some(key) => {
                let word = key.get_ref().as_ref();
                let title = format!("`{word}` is no key here");
                let label = format!("expected one of {}", known.join(", "));
                let help = did_you_mean(&word.replace('_', "-"), known.iter().copied());
                Err(text.error(key.span(), title, label).help(help))
            }
        }
    }

    pub(crate) fn get(&self, key: &'t str) -> Option<Value<'t>> {
        let (_, value) = self.table.iter().find(|(k, _)| k.get_ref() == key)?;
        Some(Value {
            text: self.text,
            key,
            value,
        })
    }

    pub(crate) fn string(&self, key: &'t str) -> Result<Option<String>, Box<CaseError>> {
        self.get(key).map(|v| v.string()).transpose()
    }

    pub(crate) fn boolean(&self, key: &'t str) -> Result<Option<bool>, Box<CaseError>> {
        self.get(key).map(|v| v.boolean()).transpose()
    }

    /// A list of strings, or one string.
    pub(crate) fn strings(&self, key: &'t str) -> Result<Vec<Value<'t>>, Box<CaseError>> {
        self.get(key).map_or(Ok(Vec::new()), |v| v.strings())
    }
}

impl<'t> Value<'t> {
    pub(crate) fn span(&self) -> Range<usize> {
        self.value.span()
    }

    pub(crate) fn error(
        &self,
        title: impl Into<String>,
        label: impl Into<String>,
    ) -> Box<CaseError> {
        self.text.error(self.span(), title, label)
    }

    /// It is not what it must be.
    pub(crate) fn expected(&self, what: &str) -> Box<CaseError> {
        let found = match self.value.get_ref() {
            DeValue::String(text) => format!("`{text}`"),
            other => format!("{} {}", article(other), other.type_str()),
        };
        let title = format!("{found} is no `{}`", self.key);
        self.error(title, format!("expected {what}"))
    }

    pub(crate) fn string(&self) -> Result<String, Box<CaseError>> {
        let text = self.value.get_ref().as_str();
        text.map(str::to_owned)
            .ok_or_else(|| self.expected("a string"))
    }

    pub(crate) fn as_str(&self) -> Option<&'t str> {
        self.value.get_ref().as_str()
    }

    pub(crate) fn boolean(&self) -> Result<bool, Box<CaseError>> {
        let value = self.value.get_ref().as_bool();
        value.ok_or_else(|| self.expected("true or false"))
    }

    pub(crate) fn as_integer(&self) -> Option<u64> {
        let integer = self.value.get_ref().as_integer()?;
        u64::from_str_radix(integer.as_str(), integer.radix()).ok()
    }

    pub(crate) fn integer(&self, most: u64) -> Result<u64, Box<CaseError>> {
        let value = self.as_integer().filter(|n| *n <= most);
        value.ok_or_else(|| self.expected(&format!("a number from 0 to {most}")))
    }

    /// Strings, each with its place; one string stands for a list of it.
    pub(crate) fn strings(&self) -> Result<Vec<Self>, Box<CaseError>> {
        let all = self.list();
        match all.iter().find(|v| v.as_str().is_none()) {
            Some(odd) => Err(odd.expected("a string")),
            None => Ok(all),
        }
    }

    /// The values of a list; any other value stands for a list of it.
    pub(crate) fn list(&self) -> Vec<Self> {
        match self.value.get_ref() {
            DeValue::Array(array) => array.iter().map(|v| self.with(v)).collect(),
            _ => vec![*self],
        }
    }

    fn with(&self, value: &'t Spanned<DeValue<'t>>) -> Self {
        Self { value, ..*self }
    }

    pub(crate) fn table(&self) -> Option<&'t DeTable<'t>> {
        self.value.get_ref().as_table()
    }

    /// A table with these keys.
    pub(crate) fn section(&self, known: &[&str]) -> Result<Section<'t>, Box<CaseError>> {
        let table = self.table().ok_or_else(|| self.expected("a table"))?;
        Section::new(self.text, table, known)
    }

    /// The tables of a list of tables, with their places.
    pub(crate) fn sections(
        &self,
        known: &[&str],
    ) -> Result<Vec<(Self, Section<'t>)>, Box<CaseError>> {
        let sections = self.list().into_iter();
        sections.map(|v| Ok((v, v.section(known)?))).collect()
    }

    /// Where the value's text begins in the file, if it stands there as it is.
    pub(crate) fn verbatim(&self, text: &str) -> Option<usize> {
        let span = self.span();
        let raw = self.text.text.get(span.clone())?;
        Some(span.start + raw.find(text)?)
    }
}

fn article(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::Array(_) | DeValue::Integer(_) => "an",
        _ => "a",
    }
}
