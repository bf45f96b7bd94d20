//! `-m time` (net/netfilter/xt_time.c), by the packet's own time.

use netverdict_ruleset::matches::Time;

use super::calendar::Moment;
use crate::context::{Eval, MatchCx};

pub(crate) fn evaluate(m: &Time, cx: &MatchCx<'_, '_>) -> Eval {
    // `--kerneltz` shifts by the kernel's own zone, which is UTC unless a program told it otherwise.
    let moment = Moment::new(cx.now.time, 0);
    Eval::of(holds(m, moment), false)
}

fn holds(m: &Time, moment: Moment) -> bool {
    let dates = i64::from(m.date_start)..=i64::from(m.date_stop);
    let second = moment.second_of_day();
    let (start, stop) = (m.time_start, m.time_stop);
    let within = if start < stop {
        start <= second && second <= stop
    } else {
        start <= second || second <= stop
    };
    if !dates.contains(&moment.seconds) || !within {
        return false;
    }
    let day = if m.contiguous && start >= stop && second <= stop {
        moment.day_before()
    } else {
        moment
    };
    m.week_days & (1 << day.weekday()) != 0 && m.month_days & (1 << day.day_of_month()) != 0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::matches::fixture::Scene;

    const HOUR: u32 = 3600;

    fn at(text: &str) -> Moment {
        let seconds = text.parse::<jiff::Timestamp>().unwrap().as_second();
        Moment { seconds }
    }

    #[test]
    fn a_span_within_a_day_has_both_ends() {
        let m = Time {
            time_start: 8 * HOUR,
            time_stop: 18 * HOUR,
            ..Time::default()
        };
        assert!(holds(&m, at("2026-11-20T08:00:00Z")) && holds(&m, at("2026-11-20T18:00:00Z")));
        assert!(!holds(&m, at("2026-11-20T07:59:59Z")) && !holds(&m, at("2026-11-20T18:00:01Z")));
    }

    #[test]
    fn a_span_over_midnight_is_two_pieces() {
        let m = Time {
            time_start: 22 * HOUR,
            time_stop: 2 * HOUR,
            ..Time::default()
        };
        for (time, hit) in [("22:00:00", true), ("02:00:00", true), ("02:00:01", false)] {
            assert_eq!(holds(&m, at(&format!("2026-11-20T{time}Z"))), hit, "{time}");
        }
        let equal = Time {
            time_start: HOUR,
            time_stop: HOUR,
            ..Time::default()
        };
        assert!(
            holds(&equal, at("2026-11-20T00:00:00Z")) && holds(&equal, at("2026-11-20T12:00:00Z"))
        );
    }

    /// 2026-11-20 is a Friday, bit 5.
    #[test]
    fn a_contiguous_span_belongs_to_the_day_it_began() {
        let friday = Time {
            time_start: 22 * HOUR,
            time_stop: 2 * HOUR,
            week_days: 1 << 5,
            ..Time::default()
        };
        let contiguous = Time {
            contiguous: true,
            ..friday
        };
        for (time, plain, joined) in [
            ("2026-11-20T23:00:00Z", true, true),
            ("2026-11-20T01:00:00Z", true, false),
            ("2026-11-21T01:00:00Z", false, true),
        ] {
            assert_eq!(holds(&friday, at(time)), plain, "{time}");
            assert_eq!(holds(&contiguous, at(time)), joined, "{time} contiguous");
        }
    }

    #[test]
    fn dates_and_days_of_the_month() {
        let m = Time {
            date_start: at("2026-11-20T00:00:00Z").seconds as u32,
            date_stop: at("2026-11-21T00:00:00Z").seconds as u32,
            month_days: 1 << 20 | 1 << 21,
            ..Time::default()
        };
        for (time, hit) in [
            ("2026-11-20T00:00:00Z", true),
            ("2026-11-21T00:00:00Z", true),
            ("2026-11-21T00:00:01Z", false),
            ("2026-11-19T23:59:59Z", false),
        ] {
            assert_eq!(holds(&m, at(time)), hit, "{time}");
        }
        let other = Time {
            month_days: 1 << 22,
            ..Time::default()
        };
        assert!(!holds(&other, at("2026-11-20T00:00:00Z")));
    }

    #[test]
    fn the_packets_time_is_taken() {
        let mut scene = Scene::new(Vec::new());
        let m = Time {
            date_start: 10,
            ..Time::default()
        };
        assert_eq!(scene.with(|cx| evaluate(&m, cx)), Eval::False);
        scene.at(10_000);
        assert_eq!(scene.with(|cx| evaluate(&m, cx)), Eval::True);
    }
}
