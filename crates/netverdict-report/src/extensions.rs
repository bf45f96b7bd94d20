//! The list of matches and targets: for a terminal, for programs, and as the page in `docs`.

use std::fmt;
use std::io::{self, Write};

use anstyle::Style;
use netverdict_engine::{Extension, ExtensionKind, ExtensionStatus};
use netverdict_net::Family;
use schemars::JsonSchema;
use serde::Serialize;

use crate::columns::{Cell, Columns, Side};
use crate::{Palette, document};

/// One match or target with the families that have it.
#[derive(Debug, Clone)]
pub struct Listed {
    pub extension: &'static Extension,
    pub families: Vec<Family>,
}

impl Listed {
    fn families(&self) -> &'static str {
        match self.families.as_slice() {
            [Family::V4] => "IPv4",
            [Family::V6] => "IPv6",
            _ => "both",
        }
    }
}

const KINDS: [(ExtensionKind, &str); 2] = [
    (ExtensionKind::Match, "Matches"),
    (ExtensionKind::Target, "Targets"),
];

fn of_kind(list: &[Listed], kind: ExtensionKind) -> impl Iterator<Item = &Listed> {
    list.iter().filter(move |l| l.extension.kind == kind)
}

/// The list for a person.
#[derive(Debug, Clone, Copy)]
pub struct Text<'l> {
    pub list: &'l [Listed],
    pub palette: Palette,
}

impl Text<'_> {
    fn status(&self, status: ExtensionStatus) -> Style {
        match status {
            ExtensionStatus::Exact => self.palette.good,
            ExtensionStatus::NeedsFacts => self.palette.odd,
            ExtensionStatus::ParsedOnly => self.palette.faint,
        }
    }
}

impl fmt::Display for Text<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let heading = self.palette.heading;
        for (index, (kind, title)) in KINDS.into_iter().enumerate() {
            let between = if index > 0 { "\n" } else { "" };
            writeln!(f, "{between}{heading}{title}{heading:#}")?;
            let mut columns = Columns::new(&[Side::Left; 4]);
            for listed in of_kind(self.list, kind) {
                let Extension {
                    name, status, does, ..
                } = listed.extension;
                columns.row([
                    Cell::styled(self.palette.name, name),
                    Cell::styled(self.status(*status), status.name()),
                    Cell::new(listed.families()),
                    Cell::new(does),
                ]);
                for fact in listed.extension.facts {
                    let fact = format!("--assume '{fact}'");
                    columns.row([
                        Cell::new(""),
                        Cell::new(""),
                        Cell::new(""),
                        Cell::styled(self.palette.faint, fact),
                    ]);
                }
            }
            columns.fmt(f)?;
        }
        Ok(())
    }
}

/// The list as Markdown tables: the body of `docs/extensions.md`.
#[derive(Debug, Clone, Copy)]
pub struct Markdown<'l>(pub &'l [Listed]);

impl fmt::Display for Markdown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "# Matches and targets\n")?;
        for status in [
            ExtensionStatus::Exact,
            ExtensionStatus::NeedsFacts,
            ExtensionStatus::ParsedOnly,
        ] {
            writeln!(f, "- **{}**: {}", status.name(), meaning(status))?;
        }
        for (kind, title) in KINDS {
            writeln!(f, "\n## {title}\n")?;
            writeln!(f, "| name | status | families | what it does | facts |")?;
            writeln!(f, "| --- | --- | --- | --- | --- |")?;
            for listed in of_kind(self.0, kind) {
                let Extension {
                    name,
                    status,
                    does,
                    facts,
                    ..
                } = listed.extension;
                let facts: Vec<_> = facts.iter().map(|f| format!("`--assume '{f}'`")).collect();
                let (status, families) = (status.name(), listed.families());
                let facts = facts.join("<br>");
                writeln!(f, "| `{name}` | {status} | {families} | {does} | {facts} |")?;
            }
        }
        Ok(())
    }
}

const fn meaning(status: ExtensionStatus) -> &'static str {
    match status {
        ExtensionStatus::Exact => "as the kernel has it, from what dump, bundle and capture tell.",
        ExtensionStatus::NeedsFacts => {
            "as the kernel has it, once a fact is given that no dump and capture tells; without it, unknown."
        }
        ExtensionStatus::ParsedOnly => {
            "read and printed; where it would decide, the verdict is unknown."
        }
    }
}

/// Every match and target.
#[derive(Serialize, JsonSchema)]
#[schemars(title = "netverdict extensions")]
struct Document {
    /// Always `netverdict.extensions/1`.
    schema: &'static str,
    extensions: Vec<Entry>,
}

#[derive(Serialize, JsonSchema)]
struct Entry {
    /// `match` or `target`.
    kind: &'static str,
    name: &'static str,
    /// How far it is modelled.
    status: &'static str,
    /// `ipv4`, `ipv6`.
    families: Vec<&'static str>,
    does: &'static str,
    /// Facts that decide it, as `--assume` takes them.
    facts: &'static [&'static str],
}

/// The document's JSON Schema, as shipped in `schemas/`.
pub fn schema() -> String {
    document::schema::<Document>()
}

/// Writes the list as one JSON document, schema `netverdict.extensions/1`.
///
/// # Errors
/// The writer's.
pub fn json(list: &[Listed], out: &mut dyn Write) -> io::Result<()> {
    let family = |family: &Family| match family {
        Family::V4 => "ipv4",
        Family::V6 => "ipv6",
    };
    let entries = list.iter().map(|listed| Entry {
        kind: listed.extension.kind.name(),
        name: listed.extension.name,
        status: listed.extension.status.name(),
        families: listed.families.iter().map(family).collect(),
        does: listed.extension.does,
        facts: listed.extension.facts,
    });
    let list = Document {
        schema: "netverdict.extensions/1",
        extensions: entries.collect(),
    };
    document::write(&list, out)
}
