//! `netverdict extensions`: every match and target and how far it is modelled.

use std::io::Write;

use netverdict_engine::{ExtensionKind, extensions};
use netverdict_report::Palette;
use netverdict_report::extensions::{Listed, Markdown, Text, json};
use netverdict_syntax::{match_families, target_families};

use crate::args::extensions::{Extensions, Format};
use crate::error::Failure;
use crate::exit;
use crate::output::Output;

pub(crate) fn run(args: &Extensions) -> Result<u8, Failure> {
    let list = list();
    let mut output = Output::open(&args.printed.common)?;
    let palette = if output.has_colours() {
        Palette::COLOURS
    } else {
        Palette::PLAIN
    };
    let list = list.as_slice();
    let written = match args.printed.format {
        Format::Text => write!(output, "{}", Text { list, palette }),
        Format::Json => json(list, &mut output),
        Format::Markdown => write!(output, "{}", Markdown(list)),
    };
    written.map_err(|error| output.failure(&error))?;
    output.finish()?;
    Ok(exit::DONE)
}

fn list() -> Vec<Listed> {
    let listed = extensions().map(|extension| Listed {
        extension,
        families: match extension.kind {
            ExtensionKind::Match => match_families(extension.name),
            ExtensionKind::Target => target_families(extension.name),
        },
    });
    listed.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use netverdict_syntax::{match_names, target_names};

    /// What is listed is what is read, and nothing else.
    #[test]
    fn the_list_is_the_parsers() {
        let of = |kind| extensions().filter(move |e| e.kind == kind).map(|e| e.name);
        for (kind, read) in [
            (ExtensionKind::Match, match_names().collect::<Vec<_>>()),
            (ExtensionKind::Target, target_names().collect()),
        ] {
            let mut listed: Vec<_> = of(kind).collect();
            let mut read = read;
            listed.sort_unstable();
            read.sort_unstable();
            read.dedup();
            assert_eq!(listed, read);
        }
        for listed in list() {
            assert!(!listed.families.is_empty(), "{}", listed.extension.name);
        }
    }

    /// `docs/extensions.md` is what the command prints. `NETVERDICT_BLESS=1` writes it.
    #[test]
    fn the_page_in_docs_is_the_codes() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/extensions.md");
        let page = Markdown(&list()).to_string();
        if std::env::var_os("NETVERDICT_BLESS").is_some() {
            std::fs::write(path, &page).unwrap();
        }
        let shipped = std::fs::read_to_string(path).unwrap_or_default();
        assert!(
            shipped == page,
            "docs/extensions.md is out of date: NETVERDICT_BLESS=1 cargo test writes it"
        );
    }
}
