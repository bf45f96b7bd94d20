//! `-m time`.

use netverdict_ruleset::matches::{Match, Time};

use crate::problem::{Parsed, Problem};
use crate::spec::{Arg, Given, Opt, Place, Spec};

pub(crate) const SPEC: Spec<Match> = Spec {
    name: "time",
    family: None,
    options: &[
        Opt::value("datestart"),
        Opt::value("datestop"),
        Opt::value("timestart"),
        Opt::value("timestop"),
        Opt::flag("contiguous"),
        Opt::value("weekdays").invertible(),
        Opt::value("monthdays").invertible(),
        Opt::flag("localtz").excludes(&["utc"]),
        Opt::flag("utc").excludes(&["localtz", "kerneltz"]),
        Opt::flag("kerneltz").excludes(&["utc"]),
    ],
    place: Place::ANY,
    build,
};

fn build(given: &Given<'_>) -> Parsed<Match> {
    let default = Time::default();
    Ok(Match::Time(Time {
        date_start: given.read("datestart", date)?.unwrap_or(default.date_start),
        date_stop: given.read("datestop", date)?.unwrap_or(default.date_stop),
        time_start: given
            .read("timestart", clock)?
            .unwrap_or(default.time_start),
        time_stop: given.read("timestop", clock)?.unwrap_or(default.time_stop),
        month_days: given
            .test("monthdays", month_days)?
            .map_or(default.month_days, |days| {
                days.value
                    ^ if days.inverted {
                        Time::ALL_MONTH_DAYS
                    } else {
                        0
                    }
            }),
        week_days: given
            .test("weekdays", week_days)?
            .map_or(default.week_days, |days| {
                days.value
                    ^ if days.inverted {
                        Time::ALL_WEEK_DAYS
                    } else {
                        0
                    }
            }),
        kernel_zone: given.has("localtz") || given.has("kerneltz"),
        contiguous: given.has("contiguous"),
    }))
}

/// The numbers of `text`, which `separators` part in this order; each at most as high as `limits` says.
fn numbers(text: &str, separators: &[char], limits: &[u32]) -> Option<Vec<u32>> {
    let mut found = Vec::new();
    let mut rest = Some(text);
    let mut separators = separators.iter();
    for limit in limits {
        let Some(text) = rest else { break };
        let split = separators.next().and_then(|s| text.split_once(*s));
        let (number, after) = split.map_or((text, None), |(number, after)| (number, Some(after)));
        let digits = !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit());
        let number = number.parse().ok().filter(|n| digits && n <= limit)?;
        found.push(number);
        rest = after;
    }
    rest.is_none().then_some(found)
}

/// `hh:mm[:ss]` as seconds since midnight.
fn clock(arg: Arg<'_>) -> Parsed<u32> {
    match numbers(arg.text, &[':', ':'], &[23, 59, 59]).as_deref() {
        Some([hour, minute]) => Ok(hour * 3600 + minute * 60),
        Some([hour, minute, second]) => Ok(hour * 3600 + minute * 60 + second),
        _ => Err(arg.bad("`hh:mm[:ss]`")),
    }
}

/// `YYYY[-MM[-DD[Thh[:mm[:ss]]]]]` as seconds since the epoch.
fn date(arg: Arg<'_>) -> Parsed<u32> {
    let parts = numbers(
        arg.text,
        &['-', '-', 'T', ':', ':'],
        &[2038, 12, 31, 23, 59, 59],
    );
    let parts = parts.filter(|p| p.first().is_some_and(|year| *year >= 1970));
    let bad = || arg.bad("`YYYY[-MM[-DD[Thh[:mm[:ss]]]]]` from 1970 to 2038");
    let parts = parts.ok_or_else(bad)?;
    let at = |index: usize, default: u32| parts.get(index).copied().unwrap_or(default);
    let days = days_from_civil(at(0, 1970), at(1, 1), at(2, 1));
    let clock = at(3, 0) * 3600 + at(4, 0) * 60 + at(5, 0);
    let seconds = days * 86400 + i64::from(clock);
    u32::try_from(seconds).map_err(|_| bad())
}

/// Days since 1970-01-01. As `mktime`, takes a day 0 or one beyond the month's end into the neighbouring month.
fn days_from_civil(year: u32, month: u32, day: u32) -> i64 {
    let year = i64::from(year) - i64::from(month <= 2);
    let month = i64::from((month + 9) % 12);
    let day_of_year = (153 * month + 2) / 5 + i64::from(day) - 1;
    year * 365 + year / 4 - year / 100 + year / 400 + day_of_year - 719_468
}

fn month_days(arg: Arg<'_>) -> Parsed<u32> {
    let day = |text| arg.part(text).number(0, 31).map(|day| 1u32 << day);
    arg.text
        .split(',')
        .map(day)
        .try_fold(0, |all, day| Ok(all | day?))
        .map_err(|_: Problem| arg.bad("a comma list of days from 1 to 31"))
}

/// Names count by their first two letters.
fn week_days(arg: Arg<'_>) -> Parsed<u8> {
    let day = |text: &str| {
        let named = Time::DAY_NAMES
            .iter()
            .position(|name| text.get(..2).is_some_and(|head| name.starts_with(head)));
        let number = text.parse().ok().filter(|n| (1..=7).contains(n));
        let bit = number.or(named.map(|index| index + 1));
        bit.map(|bit| 1u8 << bit)
            .ok_or_else(|| arg.bad("a comma list of Mon, Tue, Wed, Thu, Fri, Sat, Sun or 1 to 7"))
    };
    let mut days = arg.text.split(',').map(day);
    days.try_fold(0, |all, day| Ok(all | day?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_counted_from_1970() {
        assert_eq!(days_from_civil(1970, 1, 1), 0);
        assert_eq!(days_from_civil(2000, 2, 29) * 86400, 951_782_400);
        assert_eq!(days_from_civil(2000, 3, 0), days_from_civil(2000, 2, 29));
    }
}
