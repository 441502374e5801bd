//! Whoever watches the log over the API.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use konsul_operations::ports::LogLines;
use konsul_runtime::sync::mpsc::{Sender, channel};

use super::record::Record;

/// Lines that may wait for one monitor.
pub(crate) const QUEUE: usize = 512;

/// Monitors at a time.
const MOST: usize = 64;

#[derive(Default)]
pub(crate) struct Monitors {
    all: Mutex<Vec<Monitor>>,
    dropped: AtomicU64,
}

struct Monitor {
    rank: u8,
    json: bool,
    lines: Sender<String>,
    missed: u64,
}

impl Monitors {
    fn lock(&self) -> MutexGuard<'_, Vec<Monitor>> {
        self.all.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn add(&self, rank: u8, json: bool) -> Result<LogLines, String> {
        let (lines, reader) = channel(QUEUE);
        let mut all = self.lock();
        all.retain(|monitor| !monitor.lines.is_closed());
        if all.len() == MOST {
            return Err(format!(
                "{MOST} monitors listen already, the most that are allowed; end one of them"
            ));
        }
        all.push(Monitor { rank, json, lines, missed: 0 });
        Ok(reader)
    }

    /// The least important level that a monitor wants.
    pub(crate) fn ceiling(&self) -> Option<u8> {
        self.lock().iter().map(|monitor| monitor.rank).max()
    }

    pub(crate) fn count(&self) -> usize {
        self.lock().iter().filter(|monitor| !monitor.lines.is_closed()).count()
    }

    pub(crate) fn clear(&self) {
        self.lock().clear();
    }

    pub(crate) fn dropped(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }

    /// Hands the line to whom it concerns. Tells whether somebody was found gone.
    pub(crate) fn write(&self, record: &Record) -> bool {
        let mut all = self.lock();
        let before = all.len();
        all.retain(|monitor| !monitor.lines.is_closed());
        for monitor in all.iter_mut().filter(|monitor| record.rank <= monitor.rank) {
            if !monitor.send(record) {
                self.dropped.fetch_add(1, Ordering::Relaxed);
            }
        }
        all.len() < before
    }
}

impl Monitor {
    /// Whether there was room for the line.
    fn send(&mut self, record: &Record) -> bool {
        if self.missed > 0 {
            let told =
                Record::of_the_log(format!("{} lines were dropped: they were not read in time", self.missed));
            if self.lines.try_send(self.form(&told)).is_err() {
                self.missed += 1;
                return false;
            }
            self.missed = 0;
        }
        let sent = self.lines.try_send(self.form(record)).is_ok();
        self.missed += u64::from(!sent);
        sent
    }

    fn form(&self, record: &Record) -> String {
        if self.json { record.json() } else { record.text() }
    }
}
