//! `-m time`: date, day and time of day.

use std::fmt;

use crate::value::join;

/// Tests the packet's arrival time; every part must hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Time {
    /// `--datestart`: seconds since the epoch, inclusive.
    pub date_start: u32,
    /// `--datestop`: seconds since the epoch, inclusive.
    pub date_stop: u32,
    /// `--timestart`: seconds since midnight.
    pub time_start: u32,
    /// `--timestop`: seconds since midnight; before the start, the span goes over midnight.
    pub time_stop: u32,
    /// `--monthdays`: bits 1..=31.
    pub month_days: u32,
    /// `--weekdays`: bits 1 (Monday) ..=7 (Sunday).
    pub week_days: u8,
    /// `--kerneltz`: the kernel's time zone instead of UTC.
    pub kernel_zone: bool,
    /// `--contiguous`: a span over midnight belongs to the day it began.
    pub contiguous: bool,
}

impl Time {
    /// Seconds of the last second of a day.
    pub const LAST_SECOND: u32 = 86399;
    /// The end that no `--datestop` sets.
    pub const NO_DATE_STOP: u32 = i32::MAX as u32;
    /// Every day of the month.
    pub const ALL_MONTH_DAYS: u32 = !1;
    /// Every day of the week.
    pub const ALL_WEEK_DAYS: u8 = !1;
    /// Names of the days by bit, from bit 1.
    pub const DAY_NAMES: [&'static str; 7] = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];
}

impl Default for Time {
    fn default() -> Self {
        Self {
            date_start: 0,
            date_stop: Self::NO_DATE_STOP,
            time_start: 0,
            time_stop: Self::LAST_SECOND,
            month_days: Self::ALL_MONTH_DAYS,
            week_days: Self::ALL_WEEK_DAYS,
            kernel_zone: false,
            contiguous: false,
        }
    }
}

/// `01:02:03`.
struct Clock(u32);

impl fmt::Display for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(t) = self;
        write!(f, "{:02}:{:02}:{:02}", t / 3600, t / 60 % 60, t % 60)
    }
}

/// `2001-02-03T04:05:06`, UTC.
struct Date(u32);

impl fmt::Display for Date {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (year, month, day) = civil(self.0 / 86400);
        write!(f, "{year:04}-{month:02}-{day:02}T{}", Clock(self.0 % 86400))
    }
}

/// Year, month and day of a day counted from 1970-01-01 in the Gregorian calendar. Years begin in March here, so the
/// leap day comes last.
fn civil(days: u32) -> (u32, u32, u32) {
    let days = days + 719_468;
    let (era, day_of_era) = (days / 146_097, days % 146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    (era * 400 + year_of_era + u32::from(month <= 2), month, day)
}

impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if (self.time_start, self.time_stop) != (0, Self::LAST_SECOND) {
            let (start, stop) = (Clock(self.time_start), Clock(self.time_stop));
            write!(f, " --timestart {start} --timestop {stop}")?;
        }
        self.write_days(f)?;
        if self.date_start != 0 {
            write!(f, " --datestart {}", Date(self.date_start))?;
        }
        if self.date_stop != 0 {
            write!(f, " --datestop {}", Date(self.date_stop))?;
        }
        f.write_str(if self.kernel_zone { " --kerneltz" } else { "" })?;
        f.write_str(if self.contiguous { " --contiguous" } else { "" })
    }
}

impl Time {
    fn write_days(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.month_days != Self::ALL_MONTH_DAYS {
            f.write_str(" --monthdays ")?;
            join(f, (1..32).filter(|d| self.month_days & (1 << d) != 0), ",")?;
        }
        if self.week_days != Self::ALL_WEEK_DAYS {
            f.write_str(" --weekdays ")?;
            let days = (1..).zip(Self::DAY_NAMES);
            let days = days.filter(|(bit, _)| self.week_days & (1 << bit) != 0);
            join(f, days.map(|(_, name)| name), ",")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_gregorian() {
        assert_eq!(Date(0).to_string(), "1970-01-01T00:00:00");
        assert_eq!(Date(951_782_400).to_string(), "2000-02-29T00:00:00");
        assert_eq!(Date(i32::MAX as u32).to_string(), "2038-01-19T03:14:07");
    }
}
