//! A moment of a capture, as `--at` takes it.

use netverdict_net::Timestamp;
use netverdict_replay::Moment;
use netverdict_send::nanoseconds;

/// `2026-03-02T08:00:00+01:00`, `1772438400.5` or `+90`.
pub(super) fn moment(text: &str) -> Result<Moment, String> {
    if let Some(seconds) = text.strip_prefix('+') {
        return nanoseconds(seconds).map(Moment::After).ok_or_else(expected);
    }
    if let Some(time) = nanoseconds(text) {
        return Ok(Moment::Time(Timestamp(time)));
    }
    let time: jiff::Timestamp = text.parse().map_err(|_| expected())?;
    let time = i64::try_from(time.as_nanosecond()).map_err(|_| expected())?;
    Ok(Moment::Time(Timestamp(time)))
}

fn expected() -> String {
    "expected a time as in 2026-03-02T08:00:00Z, seconds since the epoch as in 1772438400.5, or seconds from the first packet \
     as in +90"
        .to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_ways_to_name_a_moment() {
        let at = |seconds: i64, nanos: u32| Ok(Moment::Time(Timestamp::new(seconds, nanos)));
        assert_eq!(moment("2026-03-02T08:00:00Z"), at(1_772_438_400, 0));
        assert_eq!(
            moment("2026-03-02T09:00:00.5+01:00"),
            at(1_772_438_400, 500_000_000)
        );
        assert_eq!(moment("1772438400.000000001"), at(1_772_438_400, 1));
        assert_eq!(moment("+1.5"), Ok(Moment::After(1_500_000_000)));
        for bad in ["", "+", "yesterday", "-1", "2026-03-02", "1.2.3"] {
            assert!(moment(bad).is_err(), "{bad}");
        }
    }
}
