//! How fast the log is on this disk, beside a bare loop of one write and one `fdatasync` into a zeroed file.
//!
//! `cargo run --release -p konsul-storage --example appends [directory]`; the default is the system's
//! temporary directory, which may be memory: then the figures say nothing.

use std::fs::File;
use std::io::Write;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use konsul_storage::{DiskOptions, DiskStorage, Entry, EntryKind, LogId, RealVfs, Storage};

const ENTRY_BYTES: usize = 256;
const TIME: Duration = Duration::from_millis(700);
const TURNS: u32 = 4;

type Outcome = Result<(), Box<dyn std::error::Error>>;

fn main() -> Outcome {
    let root = std::env::args_os().nth(1).map_or_else(std::env::temp_dir, PathBuf::from);
    let dir = root.join(format!("konsul-appends-{}", std::process::id()));
    std::fs::create_dir_all(&dir)?;
    let outcome = measure(&dir);
    std::fs::remove_dir_all(&dir)?;
    outcome
}

fn measure(dir: &Path) -> Outcome {
    let mut out = std::io::stdout();
    writeln!(
        out,
        "{:>6} {:>14} {:>14} {:>8} {:>12}",
        "group", "bare groups/s", "log groups/s", "share", "entries/s"
    )?;
    for group in [1, 16, 128, 512] {
        let mut rates = (0.0, 0.0);
        // In turns, so that a disk that others use as well is shared fairly.
        for turn in 0..TURNS {
            rates.0 += bare(dir, group)? / f64::from(TURNS);
            rates.1 += log(&dir.join(format!("log-{group}-{turn}")), group)? / f64::from(TURNS);
        }
        let (bare, log) = rates;
        writeln!(
            out,
            "{group:>6} {bare:>14.0} {log:>14.0} {:>7.0}% {:>12.0}",
            log / bare * 100.0,
            log * group as f64
        )?;
    }
    Ok(())
}

/// Groups a second that the disk takes at best.
fn bare(dir: &Path, group: usize) -> std::io::Result<f64> {
    let bytes = vec![7; group * ENTRY_BYTES];
    let size = 64 << 20;
    let file = File::create(dir.join("bare"))?;
    file.write_all_at(&vec![0; size], 0)?;
    file.sync_all()?;
    let start = Instant::now();
    let mut groups = 0usize;
    while start.elapsed() < TIME {
        let offset = (groups * bytes.len()) % (size - bytes.len());
        file.write_all_at(&bytes, offset as u64)?;
        file.sync_data()?;
        groups += 1;
    }
    Ok(groups as f64 / start.elapsed().as_secs_f64())
}

fn log(dir: &Path, group: usize) -> Result<f64, konsul_storage::StorageError> {
    let mut store = DiskStorage::open(Arc::new(RealVfs), dir, DiskOptions::default())?;
    let payload = Bytes::from(vec![7; ENTRY_BYTES]);
    let start = Instant::now();
    let (mut groups, mut index) = (0u64, 0);
    while start.elapsed() < TIME {
        let entries: Vec<Entry> = (1..=group as u64)
            .map(|n| Entry {
                id: LogId { term: 1, index: index + n },
                kind: EntryKind::Command,
                payload: payload.clone(),
            })
            .collect();
        store.append(&entries)?;
        store.sync()?;
        index += group as u64;
        groups += 1;
    }
    Ok(groups as f64 / start.elapsed().as_secs_f64())
}
