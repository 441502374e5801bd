//! [`Keeper`]: does what is due, and what somebody asks for, one thing at a time.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use konsul_operations::Error;
use konsul_operations::backups::{Attempt, BackupReport, Backups, KeptBackup};
use konsul_operations::ports::{HealthLine, HealthState, PortFuture};
use konsul_runtime::time::{self, Duration, Instant};
use konsul_runtime::{random, spawn};
use konsul_state::archive::{Head, Origin};
use konsul_types::{Index, Millis};
use tokio::sync::MutexGuard as Turn;

use super::directory::{Directory, Failure, Kept};
use super::drill::drill;
use super::name::Pattern;
use super::record::{self, Record};
use super::schedule::Schedule;
use super::{Settings, Source};
use crate::figures::Figure;

/// Keeps the backups of a node.
pub(crate) struct Keeper {
    settings: Settings,
    schedule: Schedule,
    directory: Directory,
    /// What a backup says of who wrote it, but for the time.
    origin: Origin,
    source: Arc<dyn Source>,
    record: Mutex<Record>,
    /// The newest backup that this run wrote, with the head that the live state had then.
    written: Mutex<Option<(String, Head)>>,
    /// Held by whoever writes or reads a backup.
    turn: tokio::sync::Mutex<()>,
    stopping: AtomicBool,
    /// How each health line stood when it was last asked for, and since when.
    since: Mutex<[(HealthState, u64); 2]>,
}

impl Keeper {
    /// One that has not looked at its directory yet. [`Keeper::keep`] does, and everything else.
    pub(crate) fn new(settings: Settings, origin: Origin, source: Arc<dyn Source>) -> Arc<Keeper> {
        let schedule = Schedule { interval: settings.interval };
        let pattern = Pattern::new(&settings.name, &origin.node, &origin.datacenter);
        let directory = Directory { path: settings.directory.clone(), pattern };
        let now = time::now();
        let own = settings.drill && !settings.drill_interval.is_zero();
        let record = Record {
            backups: record::Kept::default(),
            drills: record::Kept::default(),
            newest_at: None,
            newest_bytes: 0,
            files: 0,
            overdue_from: now + schedule.patience(),
            next_backup: now,
            next_drill: own.then(|| now + settings.drill_interval),
        };
        Arc::new(Keeper {
            settings,
            schedule,
            directory,
            origin,
            source,
            record: Mutex::new(record),
            written: Mutex::new(None),
            turn: tokio::sync::Mutex::new(()),
            stopping: AtomicBool::new(false),
            since: Mutex::new([(HealthState::Ok, time::wall_ms()); 2]),
        })
    }

    /// Does what is due, until it is aborted.
    pub(crate) async fn keep(self: Arc<Self>) {
        self.begin().await;
        loop {
            time::sleep_until(self.next()).await;
            let turn = self.turn.lock().await;
            let (now, record) = (time::now(), self.record());
            if record.next_backup <= now {
                // How it went is in the record.
                let _ = self.backup(&turn).await;
            } else if record.next_drill.is_some_and(|at| at <= now) {
                let _ = self.drill(&turn).await;
            }
        }
    }

    /// From now on nothing is begun, and what is under way ends soon without a trace.
    pub(crate) fn stop(&self) {
        self.stopping.store(true, Ordering::Relaxed);
    }

    /// How backups and drill stand. Neither makes the node unready: without a backup it serves as well as with one.
    pub(crate) fn health(&self) -> [HealthLine; 2] {
        let record = self.record();
        let complaints = [record.complaint(self.schedule, time::now()), record.drill_complaint()];
        let mut since = self.since.lock().unwrap_or_else(PoisonError::into_inner);
        let mut line = |at: usize, name: &'static str| {
            let state = if complaints[at].is_some() { HealthState::Fail } else { HealthState::Ok };
            if since[at].0 != state {
                since[at] = (state, time::wall_ms());
            }
            HealthLine {
                name,
                state,
                reason: complaints[at].clone().unwrap_or_default(),
                since_ms: since[at].1,
            }
        };
        let backup = line(0, "backup");
        [backup, line(1, "backup_drill")]
    }

    /// What is told in `/metrics`.
    pub(crate) fn figures(&self) -> Vec<Figure> {
        let well = self.health().iter().all(|line| line.state == HealthState::Ok);
        self.record().figures(well, wall())
    }

    fn record(&self) -> Record {
        self.lock().clone()
    }

    fn lock(&self) -> MutexGuard<'_, Record> {
        self.record.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn next(&self) -> Instant {
        let record = self.lock();
        record.next_drill.map_or(record.next_backup, |drill| drill.min(record.next_backup))
    }

    /// Goes on where an earlier run of the agent ended.
    async fn begin(self: &Arc<Self>) {
        let listed = self.blocking(|keeper| keeper.directory.list()).await;
        let kept = listed.unwrap_or_else(|why| {
            tracing::warn!(%why, "the backups of earlier runs cannot be looked at");
            Vec::new()
        });
        let now = time::now();
        self.see(&kept);
        let mut record = self.lock();
        let age = record.newest_at.map(|at| Duration::from_millis(wall().since(at)));
        record.next_backup = now + self.schedule.first_wait(age, roll());
        record.overdue_from = now + self.schedule.patience().saturating_sub(age.unwrap_or_default());
        record.backups.success_at = record.newest_at.unwrap_or_default();
    }

    /// Notes what the directory holds.
    fn see(&self, kept: &[Kept]) {
        let newest = kept.iter().find(|file| file.head.is_ok());
        let mut record = self.lock();
        record.files = kept.len() as u64;
        record.newest_at = newest.map(|file| file.taken_at);
        record.newest_bytes = newest.map_or(0, |file| file.bytes);
    }

    /// Makes a backup, removes what is surplus, and tries the newest one if that is wanted.
    async fn backup(self: &Arc<Self>, turn: &Turn<'_, ()>) -> Result<KeptBackup, Failure> {
        let began = time::now();
        let made = self.blocking(Keeper::write).await;
        self.note_backup(began, made.as_ref().err().cloned());
        let made = made?;
        if let Err(why) = self.blocking(Keeper::tidy).await {
            // It is no failure of the backup, and the next one tries again; a full disk will be heard of.
            tracing::warn!(%why, "surplus backups could not be removed");
        }
        tracing::info!(file = made.name, index = made.index.0, bytes = made.bytes, "backup made");
        if self.settings.drill && self.settings.drill_interval.is_zero() {
            self.drill(turn).await.map_err(|why| format!("{} was written, but {why}", made.name))?;
        }
        Ok(made)
    }

    fn write(&self) -> Result<KeptBackup, Failure> {
        let state = self.source.state()?;
        let origin = Origin { taken_at: wall(), ..self.origin.clone() };
        let kept = self.directory.write(&state, &origin, &self.stopping)?;
        let head = kept.head.clone()?;
        *self.written.lock().unwrap_or_else(PoisonError::into_inner) = Some((kept.name.clone(), head));
        Ok(told(&kept))
    }

    fn tidy(&self) -> Result<(), Failure> {
        let gone = self.directory.prune(self.settings.keep, self.settings.keep_age, wall())?;
        for file in gone {
            tracing::info!(file, "surplus backup removed");
        }
        self.see(&self.directory.list()?);
        Ok(())
    }

    fn note_backup(&self, began: Instant, failure: Option<Failure>) {
        let now = time::now();
        if let Some(why) = &failure {
            tracing::error!(%why, "a backup failed");
        }
        let mut record = self.lock();
        let succeeded = failure.is_none();
        record.backups.note(attempt(began, now, failure));
        record.next_backup = now + self.schedule.wait(record.backups.failures, roll());
        if succeeded {
            record.overdue_from = now + self.schedule.patience();
        }
    }

    /// Tries the newest backup.
    async fn drill(self: &Arc<Self>, _: &Turn<'_, ()>) -> Result<(), Failure> {
        let began = time::now();
        let tried = self.blocking(Keeper::try_newest).await;
        if let Err(why) = &tried {
            tracing::error!(%why, "the restore drill failed");
        }
        let now = time::now();
        let mut record = self.lock();
        record.drills.note(attempt(began, now, tried.as_ref().err().cloned()));
        if let Some(next) = &mut record.next_drill {
            *next = now + self.settings.drill_interval;
        }
        if record.drills.failures > 0 {
            // What is kept is no backup, so a new one is wanted sooner.
            let soon = now + self.schedule.wait(record.drills.failures, roll());
            record.next_backup = record.next_backup.min(soon);
        }
        tried
    }

    fn try_newest(&self) -> Result<(), Failure> {
        let kept = self.directory.list()?;
        let newest = kept.first().ok_or("there is no backup to try")?;
        let written = self.written.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let expect = written.filter(|(name, _)| *name == newest.name).map(|(_, head)| head);
        drill(&self.directory.path_of(&newest.name), expect.as_ref(), &self.stopping)
    }

    /// Runs what blocks on a thread for that.
    async fn blocking<T: Send + 'static>(
        self: &Arc<Self>,
        work: impl FnOnce(&Keeper) -> Result<T, Failure> + Send + 'static,
    ) -> Result<T, Failure> {
        let keeper = Arc::clone(self);
        let done = tokio::task::spawn_blocking(move || work(&keeper)).await;
        done.unwrap_or_else(|broke| Err(format!("a defect: {broke}")))
    }

    fn report(&self, kept: &[Kept]) -> BackupReport {
        let (record, now) = (self.record(), time::now());
        let wait = record.next_backup.saturating_duration_since(now);
        BackupReport {
            enabled: true,
            interval_ms: self.settings.interval.as_millis() as u64,
            keep: self.settings.keep as u64,
            next_at: Some(Millis(wall().0 + wait.as_millis() as u64)),
            last_run: record.backups.last,
            last_drill: record.drills.last,
            kept: kept.iter().map(told).collect(),
        }
    }
}

/// [`Backups`] over a shared keeper.
#[derive(Clone)]
pub(crate) struct Door(pub(crate) Arc<Keeper>);

impl std::fmt::Debug for Keeper {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Keeper").field("settings", &self.settings).finish_non_exhaustive()
    }
}

impl Backups for Door {
    fn report(&self) -> PortFuture<'_, BackupReport> {
        Box::pin(async move {
            let listed = self.0.blocking(|keeper| keeper.directory.list()).await;
            Ok(self.0.report(&listed.map_err(Error::BackupFailed)?))
        })
    }

    fn run(&self) -> PortFuture<'_, KeptBackup> {
        let keeper = Arc::clone(&self.0);
        // A task of its own: whoever asked may go away, and the backup is noted all the same.
        let task = spawn(async move {
            let Ok(turn) = keeper.turn.try_lock() else {
                return Err(Error::Busy { what: "backups and drills at once", limit: 1 });
            };
            keeper.backup(&turn).await.map_err(Error::BackupFailed)
        });
        Box::pin(async move { task.await.map_err(|why| Error::Stopping(why.to_string()))? })
    }
}

fn told(kept: &Kept) -> KeptBackup {
    let index = kept.head.as_ref().map_or(Index::ZERO, |head| Index(head.index));
    KeptBackup { name: kept.name.clone(), taken_at: kept.taken_at, index, bytes: kept.bytes }
}

fn attempt(began: Instant, now: Instant, failure: Option<Failure>) -> Attempt {
    let took = now.saturating_duration_since(began);
    Attempt { at: wall(), took_ms: took.as_millis() as u64, failure }
}

fn wall() -> Millis {
    Millis(time::wall_ms())
}

/// From 0 to 1.
fn roll() -> f64 {
    random::between(0, 1_000) as f64 / 1_000.0
}
