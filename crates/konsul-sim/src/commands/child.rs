//! One process for each run, several at a time.

use std::io;
use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use konsul_sim::plan::Cut;

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
        format!("konsul-sim {}", self.arguments(&Cut::default()).join(" "))
    }

    /// What to type after the program's name for a run of the seed with less in it.
    pub(crate) fn arguments(&self, cut: &Cut) -> Vec<String> {
        let Ask { seed, operations, mutant } = self;
        let mut all: Vec<String> = vec!["run".into(), "--seed".into(), seed.to_string()];
        all.extend(["--operations".into(), operations.to_string()]);
        if *mutant != 0 {
            all.extend(["--mutant".into(), mutant.to_string()]);
        }
        if !cut.without.is_empty() {
            all.extend(["--without".into(), cut.without.join(",")]);
        }
        all.extend(cut.crowd.into_iter().flat_map(|crowd| ["--crowd".into(), crowd.to_string()]));
        all
    }

    /// Runs it in a process of its own. A process that dies without a line has broken something, too.
    pub(crate) fn run(&self) -> io::Result<Line> {
        self.run_cut(&Cut::default())
    }

    /// The same with less in it.
    pub(crate) fn run_cut(&self, cut: &Cut) -> io::Result<Line> {
        let output =
            Command::new(std::env::current_exe()?).args(self.arguments(cut)).stdin(Stdio::null()).output()?;
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
