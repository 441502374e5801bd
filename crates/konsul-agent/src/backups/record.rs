//! How the backups went: for the health line, the figures and whoever asks.

use konsul_operations::backups::Attempt;
use konsul_runtime::time::{Duration, Instant};
use konsul_types::Millis;

use super::schedule::Schedule;
use crate::figures::Figure;
use crate::figures::table::{self, Metric};

/// One kind of attempt: a backup, or a drill.
#[derive(Debug, Clone, Default)]
pub(crate) struct Kept {
    pub(crate) last: Option<Attempt>,
    /// Since the start of the agent.
    pub(crate) succeeded: u64,
    pub(crate) failed: u64,
    /// In a row.
    pub(crate) failures: u32,
    /// When the last success was, also if an earlier run of the agent had it; zero if that is not known.
    pub(crate) success_at: Millis,
    pub(crate) success_took_ms: u64,
}

impl Kept {
    pub(crate) fn note(&mut self, attempt: Attempt) {
        match attempt.failure {
            None => {
                self.succeeded += 1;
                self.failures = 0;
                self.success_at = attempt.at;
                self.success_took_ms = attempt.took_ms;
            }
            Some(_) => {
                self.failed += 1;
                self.failures = self.failures.saturating_add(1);
            }
        }
        self.last = Some(attempt);
    }

    fn failure(&self) -> Option<&str> {
        self.last.as_ref().and_then(|attempt| attempt.failure.as_deref())
    }
}

/// Everything that is known.
#[derive(Debug, Clone)]
pub(crate) struct Record {
    pub(crate) backups: Kept,
    pub(crate) drills: Kept,
    /// When the newest backup was begun, by the wall clock, which is what its file says.
    pub(crate) newest_at: Option<Millis>,
    pub(crate) newest_bytes: u64,
    pub(crate) files: u64,
    /// From when on the newest backup is too old: a clock that is set back or forth does not move it.
    pub(crate) overdue_from: Instant,
    pub(crate) next_backup: Instant,
    pub(crate) next_drill: Option<Instant>,
}

impl Record {
    /// Why somebody should look at the backups; `None` if all is well.
    pub(crate) fn complaint(&self, schedule: Schedule, now: Instant) -> Option<String> {
        if let Some(why) = self.backups.failure() {
            let times = match self.backups.failures {
                0 | 1 => String::new(),
                n => format!(" ({n} times in a row)"),
            };
            return Some(format!("the last backup failed{times}: {why}"));
        }
        if now >= self.overdue_from {
            let every = rounded(schedule.interval);
            let late = rounded(now.saturating_duration_since(self.overdue_from) + schedule.patience());
            let known =
                if self.newest_at.is_some() { "the newest backup" } else { "the start without a backup" };
            return Some(format!(
                "a backup is overdue: {known} was {late} ago, and one is due every {every}"
            ));
        }
        None
    }

    /// Why somebody should look at the newest backup; `None` if it passed its drill or had none yet.
    pub(crate) fn drill_complaint(&self) -> Option<String> {
        self.drills.failure().map(|why| format!("the restore drill failed: {why}"))
    }

    /// What is told of it in `/metrics`.
    pub(crate) fn figures(&self, well: bool, now: Millis) -> Vec<Figure> {
        let seconds = |ms: u64| ms as f64 / 1000.0;
        let mut all = vec![
            table::BACKUP_HEALTHY.count(u64::from(well)),
            table::BACKUP_FILES.count(self.files),
            table::BACKUP_SIZE.count(self.newest_bytes),
            results(&table::BACKUP_RUNS, &self.backups),
            results(&table::BACKUP_DRILLS, &self.drills),
        ];
        if let Some(at) = self.newest_at {
            all.push(table::BACKUP_AGE.now(seconds(now.since(at))));
        }
        for (kept, success, took) in [
            (&self.backups, &table::BACKUP_SUCCESS, &table::BACKUP_TOOK),
            (&self.drills, &table::DRILL_SUCCESS, &table::DRILL_TOOK),
        ] {
            if kept.success_at > Millis(0) {
                all.push(success.now(seconds(kept.success_at.0)));
                all.push(took.now(seconds(kept.success_took_ms)));
            }
        }
        all
    }
}

fn results(metric: &Metric, kept: &Kept) -> Figure {
    let sample = |result: &str, count: u64| ([result.to_owned()], count as f64);
    metric.each([sample("success", kept.succeeded), sample("failure", kept.failed)])
}

/// A span for a person: its two largest units.
fn rounded(span: Duration) -> String {
    let seconds = span.as_secs();
    match seconds {
        0..=59 => format!("{seconds}s"),
        60..=3599 => format!("{}m{}s", seconds / 60, seconds % 60),
        _ => format!("{}h{}m", seconds / 3600, seconds % 3600 / 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record() -> Record {
        Record {
            backups: Kept::default(),
            drills: Kept::default(),
            newest_at: None,
            newest_bytes: 0,
            files: 0,
            overdue_from: Instant::from_nanos(100),
            next_backup: Instant::from_nanos(0),
            next_drill: None,
        }
    }

    fn attempt(failure: Option<&str>) -> Attempt {
        Attempt { at: Millis(5_000), took_ms: 1500, failure: failure.map(str::to_owned) }
    }

    const HOURLY: Schedule = Schedule { interval: Duration::from_secs(3600) };

    #[test]
    fn the_line_is_red_for_a_failure_and_for_lateness_and_the_drill_has_its_own() {
        let early = Instant::from_nanos(1);
        let mut record = record();
        assert_eq!(record.complaint(HOURLY, early), None);
        let late = record.complaint(HOURLY, Instant::from_nanos(100)).unwrap();
        assert!(
            late.contains("overdue") && late.contains("2h0m ago") && late.contains("every 1h0m"),
            "{late}"
        );
        record.drills.note(attempt(Some("a flipped bit")));
        assert_eq!(record.complaint(HOURLY, early), None);
        assert_eq!(record.drill_complaint().unwrap(), "the restore drill failed: a flipped bit");
        record.backups.note(attempt(Some("no space")));
        record.backups.note(attempt(Some("no space")));
        assert_eq!(
            record.complaint(HOURLY, early).unwrap(),
            "the last backup failed (2 times in a row): no space"
        );
        record.backups.note(attempt(None));
        record.drills.note(attempt(None));
        assert_eq!((record.complaint(HOURLY, early), record.drill_complaint()), (None, None));
    }

    #[test]
    fn figures_tell_results_and_the_last_success() {
        let mut record = record();
        record.backups.note(attempt(Some("no space")));
        record.backups.note(attempt(None));
        record.newest_at = Some(Millis(4_000));
        let figures = record.figures(true, Millis(9_000));
        let value =
            |name: &str, at: usize| figures.iter().find(|f| f.name == name).unwrap().samples[at].value;
        assert_eq!((value("konsul_backup_runs", 0), value("konsul_backup_runs", 1)), (1.0, 1.0));
        assert!((value("konsul_backup_age_seconds", 0) - 5.0).abs() < 1e-9);
        assert!((value("konsul_backup_success_time_seconds", 0) - 5.0).abs() < 1e-9);
        assert!((value("konsul_backup_duration_seconds", 0) - 1.5).abs() < 1e-9);
        assert!(
            !figures.iter().any(|figure| figure.name.contains("drill_success")),
            "no drill has succeeded"
        );
    }
}
