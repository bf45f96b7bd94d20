//! `-m limit`, and rates.

use netverdict_ruleset::matches::{Limit, Match};

use crate::problem::{Code, Parsed};
use crate::spec::{Arg, Given, Opt, Place, Spec};

pub(crate) const SPEC: Spec<Match> = Spec {
    name: "limit",
    family: None,
    options: &[Opt::value("limit"), Opt::value("limit-burst")],
    place: Place::ANY,
    build,
};

fn build(given: &Given<'_>) -> Parsed<Match> {
    let default = Limit::default();
    let period = given.read("limit", |arg| period(arg, u64::from(Limit::SCALE)))?;
    let limit = Limit {
        period: period.map_or(default.period, |(period, _)| period as u32),
        burst: given
            .read("limit-burst", |arg| arg.number(0, 10_000))?
            .map_or(default.burst, |burst| burst as u32),
    };
    check_overflow(given, limit)?;
    Ok(Match::Limit(limit))
}

/// limit_mt_check: a full bucket must fit 32 bits, in credits of a kernel with 250 ticks a second.
fn check_overflow(given: &Given<'_>, limit: Limit) -> Parsed<()> {
    const TICKS: u32 = 250;
    const CREDITS: u32 = 128;
    let credits = |user: u32| {
        if user > u32::MAX / (TICKS * CREDITS) {
            (user / Limit::SCALE).wrapping_mul(TICKS * CREDITS)
        } else {
            user * TICKS * CREDITS / Limit::SCALE
        }
    };
    if limit.burst == 0 || credits(limit.period.wrapping_mul(limit.burst)) < credits(limit.period) {
        return Err(given.problem(
            Code::Value,
            "rate and burst are more than the kernel can count",
        ));
    }
    Ok(())
}

/// The period of `3/hour` in ticks of `1/scale` seconds, and the seconds of its unit. A unit may be shortened.
pub(super) fn period(arg: Arg<'_>, scale: u64) -> Parsed<(u64, u64)> {
    const UNITS: [(&str, u64); 4] = [
        ("second", 1),
        ("minute", 60),
        ("hour", 3600),
        ("day", 86400),
    ];
    let (count, unit) = arg.text.split_once('/').unwrap_or((arg.text, "second"));
    let begins = |name: &str| {
        let head = name.get(..unit.len());
        !unit.is_empty() && head.is_some_and(|head| head.eq_ignore_ascii_case(unit))
    };
    let seconds = UNITS
        .iter()
        .find(|(name, _)| begins(name))
        .map(|(_, seconds)| *seconds);
    let digits = count.trim_start();
    let digits = digits
        .split(|c: char| !c.is_ascii_digit())
        .next()
        .unwrap_or_default();
    let count = digits.parse::<u64>().ok().filter(|n| *n > 0);
    match (count, seconds) {
        (Some(count), Some(seconds)) if scale * seconds / count > 0 => {
            Ok((scale * seconds / count, seconds))
        }
        (Some(_), Some(_)) => Err(arg.bad(format!("at most {scale} a second"))),
        _ => Err(arg.bad("a rate such as `3/second`, `/minute`, `/hour` or `/day`")),
    }
}
