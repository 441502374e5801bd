//! One process for each run, several at a time.

use std::io;
use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use super::line::Line;

/// A run to be made.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ask {
    pub(crate) seed: u64,
    pub(crate) operations: u64,
    pub(crate) mutant: u32,
}

impl Ask {
    /// The command that a person types to see the same run.
    pub(crate) fn command(&self) -> String {
        let Ask { seed, operations, mutant } = self;
        let mutant = if *mutant == 0 { String::new() } else { format!(" --mutant {mutant}") };
        format!("konsul-sim run --seed {seed} --operations {operations}{mutant}")
    }

    /// Runs it in a process of its own. A process that dies without a line has broken something, too.
    pub(crate) fn run(&self) -> io::Result<Line> {
        let output = Command::new(std::env::current_exe()?)
            .arg("run")
            .args(["--seed", &self.seed.to_string()])
            .args(["--operations", &self.operations.to_string()])
            .args(["--mutant", &self.mutant.to_string()])
            .stdin(Stdio::null())
            .output()?;
        let text = String::from_utf8_lossy(&output.stdout);
        let line = text.lines().last().and_then(Line::read);
        Ok(line.unwrap_or_else(|| self.died(&output.stderr)))
    }

    fn died(&self, stderr: &[u8]) -> Line {
        let words = String::from_utf8_lossy(stderr).replace('\n', " ");
        let fields = [("seed", self.seed.to_string()), ("verdict", "broken".into())];
        let fields = fields.map(|(name, value)| (name.to_owned(), value)).into();
        Line { fields, note: format!("the process died: {}", words.chars().take(600).collect::<String>()) }
    }
}

/// Runs seeds with several processes at a time, as long as `wanted` says so, and hands each line to `take`.
pub(crate) fn run_all(
    seeds: std::ops::Range<u64>,
    jobs: usize,
    ask: impl Fn(u64) -> Option<Ask> + Sync,
    take: impl Fn(Ask, Line) + Sync,
) -> io::Result<()> {
    let next = AtomicU64::new(seeds.start);
    let failed = Mutex::new(None);
    std::thread::scope(|scope| {
        for _ in 0..jobs.max(1) {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= seeds.end {
                        return;
                    }
                    let Some(ask) = ask(seed) else { continue };
                    match ask.run() {
                        Ok(line) => take(ask, line),
                        Err(error) => {
                            failed.lock().expect("nobody panics with it").get_or_insert(error);
                            return;
                        }
                    }
                }
            });
        }
    });
    failed.into_inner().expect("nobody panics with it").map_or(Ok(()), Err)
}
