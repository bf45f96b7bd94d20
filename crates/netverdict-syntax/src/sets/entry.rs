//! What follows an entry: timeout, counters, comment, skbinfo, flags.

use netverdict_ruleset::sets::{EntryExtras, SetDefinition, SetElement, SetKind, SkbInfo};
use netverdict_ruleset::{Counters, MarkMask};

use super::Line;
use super::create::TIMEOUT_MAX;
use crate::problem::{Code, Parsed, Problem};
use crate::value::number_in;
use crate::words::Word;

/// The options of an `add` line.
#[derive(Debug, Default)]
pub(super) struct Options {
    pub(super) nomatch: bool,
    pub(super) wildcard: bool,
    pub(super) extras: Option<Box<EntryExtras>>,
}

pub(super) fn read(set: &SetDefinition, line: &Line<'_>) -> Parsed<Options> {
    let mut options = Options::default();
    let mut extras = EntryExtras::default();
    let mut rest = line.words.get(2..).unwrap_or_default();
    while let Some((option, after)) = rest.split_first() {
        let used = read_one(set, option, after.first(), &mut options, &mut extras)?;
        rest = after.get(usize::from(used)..).unwrap_or_default();
    }
    if extras != EntryExtras::default() {
        options.extras = Some(Box::new(extras));
    }
    Ok(options)
}

/// Reads one option; whether it used the word behind it.
fn read_one(
    set: &SetDefinition,
    option: &Word,
    value: Option<&Word>,
    options: &mut Options,
    extras: &mut EntryExtras,
) -> Parsed<bool> {
    let name = option.text.trim_start_matches('-');
    let number = |max: u64| {
        let value = value.ok_or_else(|| missing(option))?;
        number_in(&value.text, 0, max).ok_or_else(|| bad(option, value))
    };
    let supported = |on: bool, what: &str| {
        if on {
            return Ok(());
        }
        let message = format!("`{name}`: the set was created without `{what}`");
        Err(Problem::new(Code::Combination, message).at(option.span))
    };
    match name {
        "timeout" => {
            supported(set.options.timeout.is_some(), "timeout")?;
            extras.timeout = Some(number(TIMEOUT_MAX)? as u32);
        }
        "packets" | "bytes" => {
            supported(set.options.counters, "counters")?;
            let count = number(u64::MAX)?;
            let counters = extras.counters.get_or_insert(Counters::default());
            if name == "packets" {
                counters.packets = count;
            } else {
                counters.bytes = count;
            }
        }
        "comment" => {
            supported(set.options.comment, "comment")?;
            let value = value.ok_or_else(|| missing(option))?;
            extras.comment = Some(value.text.clone());
        }
        "skbmark" | "skbprio" | "skbqueue" => {
            supported(set.options.skbinfo, "skbinfo")?;
            let value = value.ok_or_else(|| missing(option))?;
            let info = extras.skbinfo.get_or_insert(SkbInfo::default());
            skbinfo(info, name, value).ok_or_else(|| bad(option, value))?;
        }
        "nomatch" if set.kind.takes_nomatch() => {
            options.nomatch = true;
            return Ok(false);
        }
        "wildcard" if set.kind == SetKind::HashNetIface => {
            options.wildcard = true;
            return Ok(false);
        }
        "before" | "after" if set.kind == SetKind::ListSet => {}
        _ => {
            let message = format!("{} has no entry option `{}`", set.kind, option.text);
            return Err(Problem::new(Code::Option, message).at(option.span));
        }
    }
    Ok(true)
}

fn missing(option: &Word) -> Problem {
    let message = format!("`{}` needs a value", option.text);
    Problem::new(Code::Option, message).at(option.span)
}

fn bad(option: &Word, value: &Word) -> Problem {
    let message = format!("bad value `{}` for `{}`", value.text, option.text);
    Problem::new(Code::Value, message).at(value.span)
}

fn skbinfo(info: &mut SkbInfo, name: &str, value: &Word) -> Option<()> {
    let hex = |text: &str| u32::from_str_radix(text.trim_start_matches("0x"), 16).ok();
    match name {
        "skbmark" => {
            let (mark, mask) = match value.text.split_once('/') {
                Some((mark, mask)) => (hex(mark)?, hex(mask)?),
                None => (hex(&value.text)?, u32::MAX),
            };
            info.mark = Some(MarkMask { value: mark, mask });
        }
        "skbprio" => {
            let (major, minor) = value.text.split_once(':')?;
            let (major, minor) = (hex(major)?, hex(minor)?);
            info.priority = Some(major << 16 | minor & 0xffff);
        }
        _ => info.queue = Some(number_in(&value.text, 0, 0xffff)? as u16),
    }
    Some(())
}

/// Moves the member that was just added to a list before or after another.
pub(super) fn place_in_list(set: &mut SetDefinition, line: &Line<'_>) -> Parsed<()> {
    let words = line.words.get(2..).unwrap_or_default();
    let place = words.windows(2).find_map(|pair| match pair {
        [how, other] if how.text == "before" => Some((other, 0)),
        [how, other] if how.text == "after" => Some((other, 1)),
        _ => None,
    });
    let (Some((other, shift)), SetKind::ListSet) = (place, set.kind) else {
        return Ok(());
    };
    let Some(entry) = set.entries.pop() else {
        return Ok(());
    };
    let name = SetElement::Set(other.text.clone());
    let index = set.entries.iter().position(|entry| entry.element == name);
    let index = index.ok_or_else(|| {
        let message = format!("`{}` is not in the list", other.text);
        Problem::new(Code::Command, message).at(other.span)
    })?;
    set.entries.insert(index + shift, entry);
    Ok(())
}
