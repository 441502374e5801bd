//! When the next attempt is due. It knows no clock and draws nothing: the caller brings both.

use konsul_runtime::time::Duration;

/// The shortest wait after a failure.
const FIRST_RETRY: Duration = Duration::from_secs(30);

/// However long the interval is, a failed backup is tried again within this time.
const LONGEST_RETRY: Duration = Duration::from_secs(3600);

/// How far apart attempts are.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Schedule {
    pub(crate) interval: Duration,
}

impl Schedule {
    /// The wait after an attempt. `failures` counts those in a row, this one included; `roll`, from 0 to 1, spreads the
    /// nodes of a cluster: up to a tenth is added, so that a backup never comes earlier than was asked.
    pub(crate) fn wait(self, failures: u32, roll: f64) -> Duration {
        let wait = match failures {
            0 => self.interval,
            // Doubled each time, but a retry is never later than the next backup would be.
            n => {
                let doubled = FIRST_RETRY.saturating_mul(1 << (n - 1).min(20));
                doubled.min(LONGEST_RETRY).min(self.interval)
            }
        };
        wait + wait.mul_f64(roll.clamp(0.0, 1.0) / 10.0)
    }

    /// The wait at a start, if the newest backup is so old. A time in the future (a clock was set back) counts as now.
    pub(crate) fn first_wait(self, age: Option<Duration>, roll: f64) -> Duration {
        let due = age.map_or(Duration::ZERO, |age| self.interval.saturating_sub(age));
        // A node that restarts again and again makes no backup each time, and nodes that start together not all at once.
        let spread = (self.interval / 10).min(FIRST_RETRY);
        due + spread.mul_f64(roll.clamp(0.0, 1.0))
    }

    /// How old the newest backup may be before it is overdue: one may fail and be made up for.
    pub(crate) fn patience(self) -> Duration {
        self.interval.saturating_mul(2)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: Duration = Duration::from_secs(3600);

    #[test]
    fn a_success_waits_for_the_interval_and_a_little_more() {
        let schedule = Schedule { interval: HOUR };
        assert_eq!(schedule.wait(0, 0.0), HOUR);
        assert_eq!(schedule.wait(0, 1.0), HOUR + HOUR / 10);
        assert_eq!(schedule.patience(), 2 * HOUR);
    }

    #[test]
    fn failures_wait_longer_each_time_but_never_longer_than_the_interval() {
        let day = Schedule { interval: 24 * HOUR };
        let seconds: Vec<u64> = [1, 2, 3, 8, 60].map(|n| day.wait(n, 0.0).as_secs()).to_vec();
        assert_eq!(seconds, [30, 60, 120, 3600, 3600]);
        let minute = Schedule { interval: Duration::from_secs(60) };
        assert_eq!([1, 2, 3].map(|n| minute.wait(n, 0.0).as_secs()), [30, 60, 60]);
        let second = Schedule { interval: Duration::from_secs(1) };
        assert_eq!(second.wait(1, 0.0), Duration::from_secs(1));
    }

    #[test]
    fn a_start_goes_on_where_the_last_run_ended() {
        let schedule = Schedule { interval: HOUR };
        assert_eq!(schedule.first_wait(Some(Duration::from_secs(600)), 0.0), Duration::from_secs(3000));
        assert_eq!(schedule.first_wait(Some(5 * HOUR), 0.0), Duration::ZERO);
        assert_eq!(schedule.first_wait(None, 1.0), FIRST_RETRY);
        assert_eq!(schedule.first_wait(Some(Duration::ZERO), 0.0), HOUR);
    }
}
