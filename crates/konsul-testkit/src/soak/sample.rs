//! What a process holds at a moment, seen from outside.

use std::fmt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use konsul_storage::{LogId, RealVfs, inspect};

/// What a server held.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sample {
    /// How long after the load began.
    pub at: Duration,
    /// Resident memory, in bytes.
    pub memory: u64,
    /// Open descriptors.
    pub descriptors: usize,
    /// What lies in the data directory.
    pub disk: Disk,
}

/// What lies in a data directory.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Disk {
    /// Bytes of whole snapshots, the oldest first.
    pub snapshots: Vec<u64>,
    /// Bytes of the log's segments, the spare one included.
    pub log: u64,
    /// Bytes of those segments that hold entries behind the older snapshot.
    pub log_due: u64,
    /// Bytes of the largest segment.
    pub segment: u64,
}

impl Disk {
    /// Bytes of snapshots and log.
    pub fn bytes(&self) -> u64 {
        self.snapshots.iter().sum::<u64>() + self.log
    }

    /// Two snapshots, the log since the older, and two segments.
    pub fn bytes_due(&self) -> u64 {
        self.snapshots.iter().rev().take(2).sum::<u64>() + self.log_due + 2 * self.segment
    }
}

impl Sample {
    /// Names of the columns of [`Sample::row`].
    pub const COLUMNS: &str = "seconds\tmemory_bytes\tdescriptors\tdisk_bytes\tdisk_bytes_due\tsnapshots";

    /// Looks at a process and its data directory.
    ///
    /// # Errors
    /// If the process is gone, or something cannot be read.
    pub fn of(pid: u32, data: &Path, at: Duration) -> Result<Sample, String> {
        let process = Path::new("/proc").join(pid.to_string());
        let status = std::fs::read_to_string(process.join("status"))
            .map_err(|why| format!("the server is gone: {why}"))?;
        let memory = resident(&status).ok_or("the server has ended")?;
        let descriptors =
            std::fs::read_dir(process.join("fd")).map_err(|why| format!("its descriptors: {why}"))?.count();
        Ok(Sample { at, memory, descriptors, disk: disk(data)? })
    }

    /// One line of figures between tabs.
    pub fn row(&self) -> String {
        let Sample { at, memory, descriptors, disk } = self;
        let (bytes, due, snapshots) = (disk.bytes(), disk.bytes_due(), disk.snapshots.len());
        format!("{}\t{memory}\t{descriptors}\t{bytes}\t{due}\t{snapshots}", at.as_secs())
    }
}

impl fmt::Display for Sample {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (seconds, memory, disk) = (self.at.as_secs(), mib(self.memory), mib(self.disk.bytes()));
        write!(f, "{seconds} s: memory {memory}, {} descriptors, disk {disk}", self.descriptors)
    }
}

/// Bytes as mebibytes for people.
pub(super) fn mib(bytes: u64) -> String {
    format!("{:.1} MiB", bytes as f64 / f64::from(1 << 20))
}

/// `VmRSS` of a `/proc/PID/status`, in bytes; `None` for a process that has ended and is not yet waited for.
fn resident(status: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok().map(|kib| kib * 1024)
}

/// How often a directory is looked at before it counts as one that cannot be.
const LOOKS: usize = 5;

/// Where under its data directory a server keeps log and snapshots.
const LOG_DIR: &str = "raft";

/// Looks at a directory that its server is writing on. A file that is listed may be gone when it is opened: then again.
fn survey(folder: &Path) -> Result<inspect::Report, String> {
    let look = || inspect::inspect(Arc::new(RealVfs), folder);
    (0..LOOKS).find_map(|_| look().ok()).map_or_else(|| look().map_err(|why| why.to_string()), Ok)
}

fn disk(data: &Path) -> Result<Disk, String> {
    let folder = data.join(LOG_DIR);
    let report = survey(&folder)?;
    let spare = std::fs::metadata(folder.join("log-spare.tmp")).map_or(0, |spare| spare.len());
    let mut snapshots: Vec<(LogId, u64)> =
        report.snapshots.iter().map(|snapshot| (snapshot.last, snapshot.bytes)).collect();
    snapshots.sort_unstable();
    // With one snapshot or none, the whole log is needed.
    let older = snapshots.iter().rev().nth(1).map_or(0, |(last, _)| last.index);
    let is_due = |last: Option<LogId>| last.is_some_and(|last| last.index > older);
    let due = report.segments.iter().filter(|segment| is_due(segment.last));
    Ok(Disk {
        log: report.segments.iter().map(|segment| segment.bytes).sum::<u64>() + spare,
        log_due: due.map(|segment| segment.bytes).sum(),
        segment: report.segments.iter().map(|segment| segment.bytes).max().unwrap_or(0),
        snapshots: snapshots.into_iter().map(|(_, bytes)| bytes).collect(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_read_from_the_process_status() {
        assert_eq!(resident("Name:\tkonsul\nVmRSS:\t   20480 kB\nThreads:\t4\n"), Some(20 << 20));
        assert_eq!(resident("Name:\tkonsul\nState:\tZ (zombie)\n"), None);
    }

    #[test]
    fn this_process_can_be_looked_at() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join(LOG_DIR)).unwrap();
        let sample = Sample::of(std::process::id(), folder.path(), Duration::ZERO).unwrap();
        assert!(sample.memory > 1 << 20 && sample.descriptors >= 3, "{sample}");
        assert_eq!(sample.disk, Disk::default());
    }
}
