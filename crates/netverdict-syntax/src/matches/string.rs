//! `-m string`.

use netverdict_ruleset::matches::{Match, StringAlgorithm, StringMatch};
use netverdict_ruleset::text;

use crate::problem::{Code, Parsed};
use crate::spec::{Arg, Given, Opt, Place, Spec};

pub(crate) const SPEC: Spec<Match> = Spec {
    name: "string",
    family: None,
    options: &[
        Opt::value("from"),
        Opt::value("to"),
        Opt::value("algo").mandatory(),
        Opt::value("string").invertible().excludes(&["hex-string"]),
        Opt::value("hex-string").invertible().excludes(&["string"]),
        Opt::flag("icase"),
    ],
    place: Place::ANY,
    build,
};

/// Most bytes of a pattern.
const PATTERN_MAX: usize = 128;

fn build(given: &Given<'_>) -> Parsed<Match> {
    let plain = given.test("string", |arg| {
        pattern(arg, text::encode(arg.text).into_owned())
    })?;
    let hex = given.test("hex-string", |arg| pattern(arg, unhex(arg)?))?;
    let found = StringMatch {
        pattern: plain
            .or(hex)
            .ok_or_else(|| given.missing("--string or --hex-string"))?,
        algorithm: given
            .required("algo")?
            .one_of(&[("bm", StringAlgorithm::Bm), ("kmp", StringAlgorithm::Kmp)])?,
        from: given.read("from", Arg::u16)?.unwrap_or(0),
        to: given.read("to", Arg::u16)?.unwrap_or(u16::MAX),
        ignore_case: given.has("icase"),
    };
    if found.from > found.to {
        return Err(given.problem(Code::Value, "--from is beyond --to"));
    }
    Ok(Match::String(found))
}

fn pattern(arg: Arg<'_>, pattern: Vec<u8>) -> Parsed<Vec<u8>> {
    if pattern.is_empty() || pattern.len() > PATTERN_MAX {
        return Err(arg.bad(format!("1 to {PATTERN_MAX} bytes")));
    }
    Ok(pattern)
}

/// Text with hexadecimal bytes between bars: `GET |0d 0a|`. A backslash takes the next character as it is.
fn unhex(arg: Arg<'_>) -> Parsed<Vec<u8>> {
    let bytes = text::encode(arg.text);
    let mut pattern = Vec::with_capacity(bytes.len());
    let mut rest = bytes.iter().copied();
    let mut in_hex = false;
    while let Some(byte) = rest.next() {
        match byte {
            b'|' => in_hex = !in_hex,
            b' ' if in_hex => {}
            high if in_hex => pattern.push(hex_byte(arg, high, rest.next())?),
            b'\\' => pattern.extend(rest.next()),
            byte => pattern.push(byte),
        }
    }
    if in_hex {
        return Err(arg.bad("a closing `|`"));
    }
    Ok(pattern)
}

fn hex_byte(arg: Arg<'_>, high: u8, low: Option<u8>) -> Parsed<u8> {
    let digit = |byte: u8| char::from(byte).to_digit(16);
    let (high, low) = (digit(high), low.and_then(digit));
    let value = high.zip(low).map(|(high, low)| (high * 16 + low) as u8);
    value.ok_or_else(|| arg.bad("two hexadecimal digits for each byte between bars"))
}
