//! Dates in UTC as xt_time needs them: weekday, day of the month, second of the day.

use netverdict_net::Timestamp;

const DAY: i64 = 86_400;

/// Seconds since 1970 split up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Moment {
    /// Seconds since 1970.
    pub(super) seconds: i64,
}

impl Moment {
    /// A packet's time, shifted by a zone's offset in seconds.
    pub(super) const fn new(time: Timestamp, offset: i64) -> Self {
        Self {
            seconds: time.seconds() + offset,
        }
    }

    /// Seconds since midnight.
    pub(super) const fn second_of_day(self) -> u32 {
        self.seconds.rem_euclid(DAY) as u32
    }

    /// One day earlier.
    pub(super) const fn day_before(self) -> Self {
        Self {
            seconds: self.seconds - DAY,
        }
    }

    /// 1 for Monday to 7 for Sunday.
    pub(super) const fn weekday(self) -> u8 {
        // 1970-01-01 was a Thursday.
        ((self.seconds.div_euclid(DAY) + 3).rem_euclid(7) + 1) as u8
    }

    /// 1 to 31, in the Gregorian calendar: counted in eras of 400 years that start in March.
    pub(super) const fn day_of_month(self) -> u8 {
        let days = self.seconds.div_euclid(DAY) + 719_468;
        let of_era = days.rem_euclid(146_097);
        let year = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
        let of_year = of_era - (365 * year + year / 4 - year / 100);
        let month = (5 * of_year + 2) / 153;
        (of_year - (153 * month + 2) / 5 + 1) as u8
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::Timestamp as Civil;
    use jiff::tz::TimeZone;

    #[test]
    fn agrees_with_a_calendar_library() {
        for step in 0..4000 {
            let seconds = -900_000_000 + step * 1_000_003;
            let moment = Moment { seconds };
            let civil = Civil::from_second(seconds).unwrap().to_zoned(TimeZone::UTC);
            assert_eq!(i64::from(moment.day_of_month()), i64::from(civil.day()));
            let weekday = civil.weekday().to_monday_one_offset();
            assert_eq!(i64::from(moment.weekday()), i64::from(weekday));
            let second = i64::from(civil.hour()) * 3600
                + i64::from(civil.minute()) * 60
                + i64::from(civil.second());
            assert_eq!(i64::from(moment.second_of_day()), second);
        }
    }
}
