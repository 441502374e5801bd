//! Steady load on a real server for an hour, and what must not grow meanwhile.
//!
//! # The life of a soak
//!
//! 1. [`run`] starts the server on an empty directory and looks at it before anybody connects.
//! 2. `load` overwrites a fixed set of keys at a fixed rate; beside that sessions and locks come and go, some of them
//!    abandoned; readers wait on keys and give up; connections are opened and dropped in the middle of a request.
//! 3. Every ten seconds [`sample`] reads from outside what the process holds: resident memory, descriptors, and what lies
//!    in the data directory.
//! 4. When the time is over the load ends, the clients hang up, and a last look is taken at the idle server.
//! 5. [`judge`] compares: memory with that of the first five minutes, descriptors with those before the load, the disk with
//!    two snapshots, the log since the older one, and two segments.

pub mod judge;
mod load;
pub mod sample;

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use crate::process::{Server, ServerSpec};
use load::{Done, Load};
use sample::Sample;

/// How long a whole soak takes.
pub const HOUR: Duration = Duration::from_secs(3600);

/// How much of it memory may take to find its level.
pub const WARM_UP: Duration = Duration::from_secs(300);

/// Between two samples.
const PAUSE: Duration = Duration::from_secs(10);

/// How long old files may stay after they were replaced.
const SETTLES: Duration = Duration::from_secs(2);

/// How long the server may take to be rid of clients that hung up.
const HANG_UP: Duration = Duration::from_secs(10);

/// How a soak is run.
#[derive(Debug, Clone)]
pub struct Options {
    /// How long.
    pub time: Duration,
    /// How much of that is warm-up.
    pub warm_up: Duration,
    /// Writes to keys in each second.
    pub writes_per_second: u64,
    /// How many keys are overwritten.
    pub keys: u64,
}

impl Default for Options {
    fn default() -> Options {
        Options { time: HOUR, warm_up: WARM_UP, writes_per_second: 2000, keys: 1000 }
    }
}

/// What a soak found.
#[derive(Debug)]
pub struct Report {
    /// How long it ran.
    pub time: Duration,
    /// What the clients did.
    done: Done,
    /// The figures, as a text.
    figures: String,
    /// What should not be.
    pub findings: Vec<String>,
}

impl Report {
    /// How many, and what was found, with a bar between them.
    pub fn closing(&self) -> String {
        let short = if self.time < HOUR { " (a short run: an hour is due)" } else { "" };
        let found =
            if self.findings.is_empty() { "nothing grew".to_owned() } else { self.findings.join("; ") };
        let minutes = self.time.as_secs() / 60;
        let rate = self.done.writes as f64 / self.time.as_secs_f64();
        format!(
            "{minutes} minutes{short}, {} ({rate:.0} writes a second) | {found}. {}",
            self.done, self.figures
        )
    }
}

/// Runs a soak in a folder; what an earlier one left there is removed. `say` hears of its progress.
///
/// # Errors
/// What kept it from being run to its end.
pub async fn run(
    binary: &Path,
    folder: &Path,
    options: &Options,
    say: impl Fn(&str),
) -> Result<Report, String> {
    let data = emptied(folder)?;
    let mut samples = Samples::begin(folder)?;
    let server = ServerSpec::new(binary, &data).start().await?;
    let pid = server.pid();
    let look = |at| Sample::of(pid, &data, at);
    let idle = look(Duration::ZERO)?;
    let begun = Instant::now();
    let done = under_load(&server, options, &mut samples, &look, &say).await?;
    let time = begun.elapsed();
    let after = after_hang_up(&idle, time, &look).await?;
    server.terminate().await?;
    if !done.failures.is_empty() {
        // What a load that was broken off left behind says nothing.
        return Ok(Report { time, findings: done.failures.clone(), done, figures: String::new() });
    }
    let judged = judge::judge(options, &idle, &samples.taken, &after);
    Ok(Report { time, done, figures: judged.figures, findings: judged.findings })
}

/// An empty data directory in the folder.
fn emptied(folder: &Path) -> Result<PathBuf, String> {
    let data = folder.join("data");
    let named = |why: std::io::Error| format!("{}: {why}", data.display());
    if data.exists() {
        std::fs::remove_dir_all(&data).map_err(named)?;
    }
    std::fs::create_dir_all(&data).map_err(named)?;
    Ok(data)
}

/// Takes samples while the clients work.
async fn under_load(
    server: &Server,
    options: &Options,
    samples: &mut Samples,
    look: &impl Fn(Duration) -> Result<Sample, String>,
    say: &impl Fn(&str),
) -> Result<Done, String> {
    let load = Load::start(&server.client(), options);
    let begun = Instant::now();
    let mut ticks = tokio::time::interval(PAUSE.min(options.time / 20));
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    ticks.tick().await;
    while begun.elapsed() < options.time {
        ticks.tick().await;
        let sample = settled(begun.elapsed(), look).await?;
        if samples.taken.len().is_multiple_of(6) {
            say(&format!("{sample}, {}", load.done()));
        }
        samples.add(sample)?;
        if load.has_failed() {
            break;
        }
    }
    Ok(load.stop().await)
}

/// A sample that does not fall into the moment between a new snapshot and the removal of what it replaces.
async fn settled(at: Duration, look: &impl Fn(Duration) -> Result<Sample, String>) -> Result<Sample, String> {
    let deadline = Instant::now() + SETTLES;
    loop {
        let sample = look(at)?;
        if sample.disk.bytes() <= sample.disk.bytes_due() || Instant::now() > deadline {
            return Ok(sample);
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// The server without clients: it may take a moment to notice that they hung up.
async fn after_hang_up(
    idle: &Sample,
    at: Duration,
    look: &impl Fn(Duration) -> Result<Sample, String>,
) -> Result<Sample, String> {
    let deadline = Instant::now() + HANG_UP;
    loop {
        let sample = look(at)?;
        if judge::hung_up(idle, &sample) || Instant::now() > deadline {
            return Ok(sample);
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// All samples, also in a file for whoever wants to draw them.
struct Samples {
    taken: Vec<Sample>,
    file: std::fs::File,
}

impl Samples {
    fn begin(folder: &Path) -> Result<Samples, String> {
        let path = folder.join("samples.tsv");
        let mut file = std::fs::File::create(&path).map_err(|why| format!("{}: {why}", path.display()))?;
        writeln!(file, "{}", Sample::COLUMNS).map_err(|why| why.to_string())?;
        Ok(Samples { taken: Vec::new(), file })
    }

    fn add(&mut self, sample: Sample) -> Result<(), String> {
        writeln!(self.file, "{}", sample.row()).map_err(|why| format!("samples.tsv: {why}"))?;
        self.taken.push(sample);
        Ok(())
    }
}
