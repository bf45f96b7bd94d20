//! `netverdict diff`.

use std::io::Write;
use std::path::{Path, PathBuf};

use netverdict_compare::{
    Aspect, Aspects, CompareError, Diff as Document, Markdown, Pair, Text, assemble, compare,
    junit, write_json,
};
use netverdict_replay::{Options, Setup, survey};
use netverdict_report::Palette;
use netverdict_ruleset::text;

use super::replay::failed;
use crate::args::diff::{self, Diff, Format};
use crate::args::inputs::{Host, Unknown};
use crate::captures::{self, Sources};
use crate::error::Failure;
use crate::output::Output;
use crate::progress::Bar;
use crate::{exit, host};

pub(crate) fn run(args: &Diff) -> Result<u8, Failure> {
    let is_dash = |path: &Path| path.as_os_str() == "-";
    if is_dash(&args.old) && is_dash(&args.new) {
        let help = "give one of the hosts as `-`, the other as a file";
        return Err(Failure::with_help(
            "standard input (`-`) can be read only once",
            help,
        ));
    }
    let piped = [&args.old, &args.new].into_iter().find(|p| is_dash(p));
    let sources = Sources::new(&args.captures, piped.unwrap_or(&args.old))?;
    let old = host::read(&side(args, &args.old, &args.old_also))?;
    let new = host::read(&side(args, &args.new, &args.new_also))?;
    let mut warnings = [old.warnings.clone(), new.warnings.clone()].concat();
    let left_out = sources.left_out.iter();
    warnings.extend(left_out.map(|name| format!("{name}: no capture, left out")));
    let overrides = host::overrides(&args.overrides, &args.model, args.lenient)?;
    let (survey, frames) = survey(sources.open()?).map_err(|e| failed(&e, None))?;
    let old = old.setup(&survey, &overrides, host::config(&args.model))?;
    let new = new.setup(&survey, &overrides, host::config(&args.model))?;
    let pair = Pair {
        old: &old,
        new: &new,
        options: Options {
            fail_on_unknown: args.model.unknown == Unknown::Fail,
            // What the dumps counted before is no traffic of these captures.
            keep_counters: false,
            ..Options::default()
        },
        aspects: Aspects::of(&args.only.iter().map(|a| aspect(*a)).collect::<Vec<_>>()),
        strict_rules: args.strict_rules,
    };
    let bar = Bar::new(&args.printed.common, Some(frames));
    let streams = || {
        let each: Box<dyn Iterator<Item = _>> = if args.separate {
            Box::new(sources.open_each())
        } else {
            Box::new(std::iter::once_with(|| sources.open()))
        };
        each
    };
    let compared = compare(&pair, streams, &|progress| bar.advance(progress));
    bar.finish();
    let compared = compared.map_err(|error| ended(error, &old, &new))?;
    let document = assemble(&pair, &compared, env!("CARGO_PKG_VERSION"), &warnings);
    print(&document, args)?;
    captures::refuse_damaged(compared.captures())?;
    Ok(if compared.changes() {
        exit::FOUND
    } else {
        exit::DONE
    })
}

/// The files of one side.
fn side(args: &Diff, host: &Path, also: &[PathBuf]) -> Host {
    Host {
        host: host.to_owned(),
        also: [&args.also, also].concat(),
        lenient: args.lenient,
    }
}

const fn aspect(aspect: diff::Aspect) -> Aspect {
    match aspect {
        diff::Aspect::Verdict => Aspect::Verdict,
        diff::Aspect::Fate => Aspect::Fate,
        diff::Aspect::Translation => Aspect::Translation,
        diff::Aspect::Interface => Aspect::Interface,
        diff::Aspect::Mark => Aspect::Mark,
        diff::Aspect::Rule => Aspect::Rule,
    }
}

fn ended(error: CompareError<Failure>, old: &Setup, new: &Setup) -> Failure {
    match error {
        CompareError::Open(failure) => failure,
        CompareError::Replay { is_new, error } => {
            failed(&error, Some(if is_new { new } else { old }))
        }
    }
}

fn print(document: &Document, args: &Diff) -> Result<(), Failure> {
    let mut output = Output::open(&args.printed.common)?;
    let palette = if output.has_colours() {
        Palette::COLOURS
    } else {
        Palette::PLAIN
    };
    let written = match args.printed.format {
        Format::Json => write_json(document, &mut output),
        Format::Markdown => output.write_all(&text::encode(&Markdown(document).to_string())),
        Format::Junit => {
            let text = junit(document).map_err(|e| Failure::new(e.to_string()))?;
            output.write_all(text.as_bytes())
        }
        Format::Text => output.write_all(&text::encode(&Text::new(document, palette).to_string())),
    };
    written.map_err(|error| output.failure(&error))?;
    output.finish()
}
