//! Cores, processor time and memory, as Linux tells them.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use rustix::thread::{CpuSet, sched_setaffinity};

use crate::error::{Error, Result};

/// The core that servers run on.
pub const SERVER_CORE: usize = 0;

/// The core that the generator runs on.
pub const GENERATOR_CORE: usize = 1;

/// Binds this process, and what it starts without saying otherwise, to the generator's core, and raises its bound on open
/// files as far as it may.
///
/// # Errors
///
/// [`Error::Usage`] on a machine with one core: server and generator would measure each other.
pub fn prepare() -> Result<()> {
    let mut set = CpuSet::new();
    set.set(GENERATOR_CORE);
    sched_setaffinity(None, &set).map_err(|why| {
        Error::Usage(format!(
            "cannot run on core {GENERATOR_CORE} ({why}): the benchmark needs two cores, one for the server and one for \
             the load"
        ))
    })?;
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit { current: limit.maximum, maximum: limit.maximum };
    setrlimit(Resource::Nofile, raised)
        .map_err(|why| Error::Usage(format!("cannot open enough files: {why}")))
}

/// How much of the machine was used over one second, in percent. Before a run it is what others use, and above some percent
/// the figures are theirs as much as the servers'.
///
/// # Errors
///
/// [`Error::File`] where there is no `/proc`.
pub fn used_percent() -> Result<f64> {
    let before = machine_ticks()?;
    std::thread::sleep(Duration::from_secs(1));
    let after = machine_ticks()?;
    let (busy, all) = (after.0.saturating_sub(before.0), after.1.saturating_sub(before.1));
    Ok(busy as f64 * 100.0 / all.max(1) as f64)
}

/// Ticks of all cores since the start of the machine: those in which something ran, and all.
fn machine_ticks() -> Result<(u64, u64)> {
    let text = std::fs::read_to_string("/proc/stat").map_err(|why| Error::file("read /proc/stat", why))?;
    let first = text.lines().next().unwrap_or_default();
    let ticks: Vec<u64> = first.split_whitespace().skip(1).filter_map(|word| word.parse().ok()).collect();
    let all: u64 = ticks.iter().take(8).sum();
    // The fourth is idle time, the fifth is idle time with a disk under way.
    let idle: u64 = ticks.iter().skip(3).take(2).sum();
    Ok((all - idle, all))
}

/// The processor time of this process.
pub fn own_time() -> Duration {
    let usage = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    Duration::new(u64::try_from(usage.tv_sec).unwrap_or(0), u32::try_from(usage.tv_nsec).unwrap_or(0))
}

/// Linux tells processes' times in hundredths of a second, on every machine.
const MS_PER_TICK: u64 = 10;

/// A process that is watched.
#[derive(Debug, Clone, Copy)]
pub struct Process {
    pid: u32,
    with_children: bool,
}

impl Process {
    /// The process of this id.
    pub fn new(pid: u32) -> Process {
        Process { pid, with_children: false }
    }

    /// It, and what it started: the times of a server that is several processes are those of all of them.
    #[must_use]
    pub fn with_children(self) -> Process {
        Process { with_children: true, ..self }
    }

    /// Its id.
    pub fn pid(&self) -> u32 {
        self.pid
    }

    /// Its processor time so far, of all its threads, ended ones too, to ten milliseconds.
    ///
    /// # Errors
    ///
    /// [`Error::File`] when there is no such process any more.
    pub fn cpu_time(&self) -> Result<Duration> {
        let own = self.own_cpu_time()?;
        if !self.with_children {
            return Ok(own);
        }
        self.children().into_iter().try_fold(own, |sum, child| Ok(sum + child.cpu_time()?))
    }

    /// Those that live now. None where the kernel does not tell.
    fn children(&self) -> Vec<Process> {
        let path = self.path(&format!("task/{}/children", self.pid));
        let text = std::fs::read_to_string(path).unwrap_or_default();
        let pids = text.split_whitespace().filter_map(|word| word.parse().ok());
        pids.map(|pid| Process::new(pid).with_children()).collect()
    }

    fn own_cpu_time(&self) -> Result<Duration> {
        let path = self.path("stat");
        let text = std::fs::read_to_string(&path)
            .map_err(|why| Error::file(format!("read {}", path.display()), why))?;
        // The name of the program is in brackets and may hold anything; user and system time are the 12th and 13th after it.
        let rest = text.rsplit(')').next().unwrap_or_default();
        let ticks: u64 =
            rest.split_whitespace().skip(11).take(2).filter_map(|word| word.parse::<u64>().ok()).sum();
        Ok(Duration::from_millis(ticks * MS_PER_TICK))
    }

    /// The processor time of the threads that live, to the nanosecond: a sum that shows whether anything is done, since a
    /// thread that ends takes its share away.
    fn recent_time(&self) -> Result<Duration> {
        let tasks = self.path("task");
        let entries =
            std::fs::read_dir(&tasks).map_err(|why| Error::file(format!("read {}", tasks.display()), why))?;
        let mut nanos = 0;
        for entry in entries.flatten() {
            let text = std::fs::read_to_string(entry.path().join("schedstat")).unwrap_or_default();
            nanos += text.split_whitespace().next().and_then(|word| word.parse::<u64>().ok()).unwrap_or(0);
        }
        Ok(Duration::from_nanos(nanos))
    }

    /// Its resident memory in bytes.
    ///
    /// # Errors
    ///
    /// [`Error::File`] when there is no such process any more.
    pub fn memory(&self) -> Result<u64> {
        let path = self.path("status");
        let text = std::fs::read_to_string(&path)
            .map_err(|why| Error::file(format!("read {}", path.display()), why))?;
        let line = text.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kib =
            line.and_then(|rest| rest.split_whitespace().next()).and_then(|word| word.parse::<u64>().ok());
        kib.map(|kib| kib * 1024).ok_or_else(|| Error::Process(format!("process {} has ended", self.pid)))
    }

    /// Waits until it uses less than a fiftieth of a core, three times in a row over 50 ms: what was asked of it is done.
    ///
    /// # Errors
    ///
    /// [`Error::Hangs`] when it is not quiet within two minutes.
    pub fn until_quiet(&self) -> Result<()> {
        const WINDOW: Duration = Duration::from_millis(50);
        const LIMIT: Duration = Duration::from_secs(120);
        let began = Instant::now();
        let (mut quiet, mut last) = (0, self.recent_time()?);
        while quiet < 3 {
            std::thread::sleep(WINDOW);
            let now = self.recent_time()?;
            quiet = if now.abs_diff(last) < WINDOW / 50 { quiet + 1 } else { 0 };
            last = now;
            if began.elapsed() > LIMIT {
                return Err(Error::Hangs(LIMIT));
            }
        }
        Ok(())
    }

    fn path(&self, name: &str) -> PathBuf {
        PathBuf::from(format!("/proc/{}/{name}", self.pid))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_uses_time_and_memory() {
        let own = Process::new(std::process::id());
        let before = own.cpu_time().expect("it lives");
        let spun = (0..100_000_000_u64)
            .fold(0_u64, |sum, n| sum.wrapping_mul(31).wrapping_add(std::hint::black_box(n)));
        std::hint::black_box(spun);
        assert!(own.cpu_time().expect("it lives") > before);
        assert!(own.memory().expect("it lives") > 100_000);
    }

    #[test]
    fn a_process_with_children_has_their_time_too() {
        // The shell stays, since it has something left to do after its child, which counts until its input ends.
        let script =
            "sh -c 'i=0; while [ $i -lt 200000 ]; do i=$((i+1)); done; echo counted; read end'; true";
        let mut shell = std::process::Command::new("sh")
            .args(["-c", script])
            .stdin(std::process::Stdio::piped())
            .stdout(std::process::Stdio::piped())
            .spawn()
            .expect("there is a shell");
        let mut line = String::new();
        let said = shell.stdout.take().expect("it is piped");
        std::io::BufRead::read_line(&mut std::io::BufReader::new(said), &mut line)
            .expect("it says something");
        let alone = Process::new(shell.id());
        let (own, all) =
            (alone.cpu_time().expect("it lives"), alone.with_children().cpu_time().expect("it lives"));
        drop(shell.stdin.take());
        shell.wait().expect("it ends");
        assert!(all > own, "{own:?} alone, {all:?} with its child");
    }

    #[test]
    fn a_process_that_is_gone_is_an_error() {
        assert!(Process::new(u32::MAX).memory().is_err());
    }
}
