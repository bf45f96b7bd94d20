//! `-m statistic`.

use netverdict_ruleset::Invertible;
use netverdict_ruleset::matches::{Match, Statistic, StatisticMode};

use crate::problem::Parsed;
use crate::spec::{Arg, Given, Opt, Place, Spec};

pub(crate) const SPEC: Spec<Match> = Spec {
    name: "statistic",
    family: None,
    options: &[
        Opt::value("mode").mandatory(),
        Opt::value("probability")
            .invertible()
            .excludes(&["every", "packet"]),
        Opt::value("every")
            .invertible()
            .excludes(&["probability"])
            .requires(&["packet"]),
        Opt::value("packet")
            .excludes(&["probability"])
            .requires(&["every"]),
    ],
    place: Place::ANY,
    build,
};

fn build(given: &Given<'_>) -> Parsed<Match> {
    let mode = given.required("mode")?;
    let is_random = mode.one_of(&[("random", true), ("nth", false)])?;
    let mode = if is_random {
        random(given)?
    } else {
        nth(given)?
    };
    Ok(Match::Statistic(Statistic { mode }))
}

fn random(given: &Given<'_>) -> Parsed<Invertible<StatisticMode>> {
    let arg = given.required("probability")?;
    let share = arg
        .text
        .trim_start()
        .parse::<f64>()
        .ok()
        .filter(|p| (0.0..=1.0).contains(p));
    let share = share.ok_or_else(|| arg.bad("a number from 0 to 1"))?;
    Ok(Invertible {
        inverted: arg.inverted,
        value: StatisticMode::Random {
            probability: (share * f64::from(1u32 << 31)).round() as u32,
        },
    })
}

fn nth(given: &Given<'_>) -> Parsed<Invertible<StatisticMode>> {
    let arg = given.required("every")?;
    let every = arg.number(1, u64::from(u32::MAX))? as u32;
    let packet = given.read("packet", Arg::u32)?.unwrap_or(0);
    if packet >= every {
        let packet = given.required("packet")?;
        return Err(packet.bad(format!("a number from 0 to {}", every - 1)));
    }
    Ok(Invertible {
        inverted: arg.inverted,
        value: StatisticMode::Nth { every, packet },
    })
}
