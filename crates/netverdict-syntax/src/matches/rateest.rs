//! `-m rateest`, and rates in bits.

use netverdict_ruleset::matches::{Match, Rateest, RateestComparison};

use crate::problem::{Code, Parsed};
use crate::spec::{Arg, Given, Opt, Place, Spec};

const OPS: &[&str] = &["rateest-lt", "rateest-gt", "rateest-eq"];

pub(crate) const SPEC: Spec<Match> = Spec {
    name: "rateest",
    family: None,
    options: &[
        Opt::value("rateest1"),
        Opt::value("rateest").alias_of("rateest1"),
        Opt::value("rateest2"),
        Opt::optional("rateest-bps1"),
        Opt::optional("rateest-bps").alias_of("rateest-bps1"),
        Opt::optional("rateest-bps2"),
        Opt::optional("rateest-pps1"),
        Opt::optional("rateest-pps").alias_of("rateest-pps1"),
        Opt::optional("rateest-pps2"),
        Opt::flag("rateest-delta"),
        Opt::flag("rateest-lt").invertible().excludes(OPS),
        Opt::flag("rateest-gt").invertible().excludes(OPS),
        Opt::flag("rateest-eq").invertible().excludes(OPS),
    ],
    place: Place::ANY,
    build,
};

fn build(given: &Given<'_>) -> Parsed<Match> {
    let ops = [
        ("rateest-lt", RateestComparison::Less),
        ("rateest-gt", RateestComparison::Greater),
        ("rateest-eq", RateestComparison::Equal),
    ];
    let mut found = ops
        .iter()
        .filter_map(|(id, op)| Some((given.flag(id)?, *op)));
    let (inverted, comparison) = found
        .next()
        .ok_or_else(|| given.missing("--rateest-lt, --rateest-gt or --rateest-eq"))?;
    let match_ = Rateest {
        delta: given.has("rateest-delta"),
        first: name(given, "rateest1")?.ok_or_else(|| given.missing("--rateest or --rateest1"))?,
        second: name(given, "rateest2")?,
        comparison,
        inverted,
        bps: rates(given, ["rateest-bps1", "rateest-bps2"], bits)?,
        pps: rates(given, ["rateest-pps1", "rateest-pps2"], Arg::u32)?,
    };
    if match_.bps.is_none() && match_.pps.is_none() {
        return Err(given.problem(
            Code::Combination,
            "`--rateest-bps` or `--rateest-pps` must be given",
        ));
    }
    Ok(Match::Rateest(match_))
}

fn name(given: &Given<'_>, id: &str) -> Parsed<Option<String>> {
    given.read(id, |arg| arg.cut_text(0, 15))
}

/// The two rates of one kind; without a delta, one rate is the second.
fn rates<'a>(
    given: &Given<'a>,
    [first, second]: [&str; 2],
    read: impl Fn(Arg<'a>) -> Parsed<u32>,
) -> Parsed<Option<[u32; 2]>> {
    if !given.has(first) && !given.has(second) {
        return Ok(None);
    }
    let first = given.read(first, &read)?.unwrap_or(0);
    let second = given.read(second, &read)?;
    let delta = given.has("rateest-delta");
    Ok(Some(match second {
        Some(second) => [first, second],
        None if delta => [first, 0],
        None => [0, first],
    }))
}

/// A rate in bits a second with a unit, in bytes a second.
fn bits(arg: Arg<'_>) -> Parsed<u32> {
    const UNITS: [(&str, f64); 13] = [
        ("bit", 1.0),
        ("Kibit", 1024.0),
        ("kbit", 1e3),
        ("Mibit", 1_048_576.0),
        ("mbit", 1e6),
        ("Gibit", 1_073_741_824.0),
        ("gbit", 1e9),
        ("Bps", 8.0),
        ("KiBps", 8.0 * 1024.0),
        ("KBps", 8e3),
        ("MiBps", 8.0 * 1_048_576.0),
        ("MBps", 8e6),
        ("GBps", 8e9),
    ];
    let bad = || arg.bad("a rate such as `512kbit`, `2mbit` or `64KBps`");
    let split = arg
        .text
        .find(|c: char| !c.is_ascii_digit() && c != '.')
        .unwrap_or(arg.text.len());
    let (number, unit) = arg.text.split_at_checked(split).ok_or_else(bad)?;
    let number: f64 = number.parse().map_err(|_| bad())?;
    let known = UNITS
        .iter()
        .find(|(name, _)| name.eq_ignore_ascii_case(unit));
    let scale = match known {
        Some((_, scale)) => *scale,
        None if unit.is_empty() => 1.0,
        None => return Err(bad()),
    };
    Ok((number * scale / 8.0) as u32)
}
