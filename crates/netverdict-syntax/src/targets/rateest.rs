//! `-j RATEEST`.

use netverdict_ruleset::Target;
use netverdict_ruleset::targets::Rateest;

use crate::problem::{Code, Parsed};
use crate::spec::{Arg, Given, Opt, Place, Spec};

pub(crate) const SPEC: Spec<Target> = Spec {
    name: "RATEEST",
    family: None,
    options: &[
        Opt::value("rateest-name").mandatory(),
        Opt::value("rateest-interval").mandatory(),
        Opt::value("rateest-ewmalog").mandatory(),
    ],
    place: Place::ANY,
    build,
};

/// Microseconds in a second.
const SECOND: f64 = 1e6;

fn build(given: &Given<'_>) -> Parsed<Target> {
    let interval = micros(given.required("rateest-interval")?)?;
    let average = micros(given.required("rateest-ewmalog")?)?;
    let step = (0..=5u8).find(|step| interval <= f64::from(1u32 << step) * SECOND / 4.0);
    let step = step.ok_or_else(|| given.problem(Code::Value, "the interval is at most 8 s"))?;
    let ewma_log = ewma_log(interval, average);
    let ewma_log = ewma_log.ok_or_else(|| {
        given.problem(
            Code::Value,
            "the averaging time is too short for the interval, or too long",
        )
    })?;
    Ok(Target::Rateest(Rateest {
        name: given.required("rateest-name")?.cut_text(0, 15)?,
        interval: step as i8 - 2,
        ewma_log,
    }))
}

/// The exponent whose weight comes closest below the asked averaging time (as `tc` computes it).
fn ewma_log(interval: f64, average: f64) -> Option<u8> {
    let weight = |log: u8| 1.0 - 1.0 / f64::from(1u32 << log);
    let first = (1..32u8).find(|log| interval / weight(*log).ln().abs() > average)?;
    let log = first - 1;
    (log != 0 && log < 31).then_some(log)
}

/// A time such as `250ms`, in microseconds.
fn micros(arg: Arg<'_>) -> Parsed<f64> {
    let bad = || arg.bad("a time such as `250ms` or `1s`");
    let split = arg.text.find(|c: char| !c.is_ascii_digit() && c != '.');
    let (number, unit) = arg
        .text
        .split_at_checked(split.unwrap_or(arg.text.len()))
        .ok_or_else(bad)?;
    let number: f64 = number.parse().map_err(|_| bad())?;
    let scale = match unit.to_ascii_lowercase().as_str() {
        "s" | "sec" | "secs" => SECOND,
        "ms" | "msec" | "msecs" => 1e3,
        "us" | "usec" | "usecs" | "" => 1.0,
        _ => return Err(bad()),
    };
    Ok((number * scale).trunc())
}
