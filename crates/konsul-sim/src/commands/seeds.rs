//! `konsul-sim seeds`: many seeds, a table, and which marks they hit.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Mutex;

use clap::Args;
use konsul_sim::marks::REQUIRED;

use super::child::{Ask, run_all};
use super::line::Line;
use super::state::State;
use super::{Done, OPERATIONS, say, shrink};

/// Runs many seeds.
#[derive(Args)]
pub(crate) struct Seeds {
    /// The first seed.
    #[arg(long, default_value_t = 1)]
    from: u64,
    /// How many.
    #[arg(long, default_value_t = 100)]
    count: u64,
    /// These seeds, too: such as one that comes by something rare.
    #[arg(long, value_delimiter = ',')]
    also: Vec<u64>,
    /// Processes at a time.
    #[arg(long, default_value_t = 2)]
    jobs: usize,
    /// Client operations after which faults end.
    #[arg(long, default_value_t = OPERATIONS)]
    operations: u64,
    /// Remembers finished seeds in this file, and goes on from there.
    #[arg(long)]
    state: Option<PathBuf>,
    /// Prints only what was broken, and the sums.
    #[arg(long)]
    quiet: bool,
}

/// Sums over all seeds.
#[derive(Default)]
pub(crate) struct Sums {
    pub(crate) seeds: u64,
    pub(crate) broken: Vec<Line>,
    pub(crate) operations: u64,
    cpu_ms: u64,
    marks: BTreeMap<String, (u64, u64)>,
}

const PREFIX: &str = "seeds";

impl Seeds {
    pub(crate) fn execute(&self) -> Done {
        let state = State::open(self.state.as_ref())?;
        let sums = Mutex::new(Sums::default());
        let wanted =
            |seed: u64| (self.from..self.from + self.count).contains(&seed) || self.also.contains(&seed);
        let last = self.also.iter().copied().chain([self.from + self.count - 1]).max().unwrap_or(self.from);
        let first = self.also.iter().copied().chain([self.from]).min().unwrap_or(self.from);
        let mut known = BTreeMap::new();
        for (_, line) in state.known.iter().filter(|(prefix, _)| *prefix == self.prefix()) {
            known.insert(line.number("seed"), line.clone());
        }
        known.retain(|seed, _| wanted(*seed));
        known.values().for_each(|line| sums.lock().expect("nobody panics with it").add(line));
        let ask = |seed| {
            let fresh = wanted(seed) && !known.contains_key(&seed);
            fresh.then_some(Ask { seed, operations: self.operations, mutant: 0 })
        };
        run_all(first..last + 1, self.jobs, ask, |ask, line| {
            self.print(ask, &line);
            if let Err(error) = state.add(&self.prefix(), &line) {
                say(&format!("the state file cannot be written: {error}"));
            }
            sums.lock().expect("nobody panics with it").add(&line);
        })?;
        let sums = sums.into_inner().expect("nobody panics with it");
        sums.tell_smallest(self.operations)?;
        Ok(sums.tell())
    }

    /// Runs of another length are other runs.
    fn prefix(&self) -> String {
        format!("{PREFIX}-{}", self.operations)
    }

    fn print(&self, ask: Ask, line: &Line) {
        if !line.held() {
            say(&format!("seed {:>6} BROKEN {}\n  again: {}", ask.seed, line.note, ask.command()));
        } else if !self.quiet {
            let columns = ["operations", "entries", "virtual_ms", "cpu_ms"].map(|name| line.number(name));
            let [operations, entries, virtual_ms, cpu_ms] = columns;
            say(&format!(
                "seed {:>6} held  {operations:>6} operations {entries:>6} entries {virtual_ms:>8} virtual ms {cpu_ms:>6} cpu ms  {}",
                ask.seed, line.note
            ));
        }
    }
}

impl Sums {
    pub(crate) fn add(&mut self, line: &Line) {
        self.seeds += 1;
        self.operations += line.number("operations");
        self.cpu_ms += line.number("cpu_ms");
        for (mark, count) in line.marks() {
            let (seeds, sum) = self.marks.entry(mark).or_default();
            *seeds += u64::from(count > 0);
            *sum += count;
        }
        if !line.held() {
            self.broken.push(line.clone());
        }
    }

    /// Makes the first broken run smaller; the others may well be of the same cause.
    pub(crate) fn tell_smallest(&self, operations: u64) -> std::io::Result<()> {
        let Some(line) = self.broken.iter().min_by_key(|line| line.number("seed")) else { return Ok(()) };
        let ask = Ask { seed: line.number("seed"), operations, mutant: 0 };
        say(&format!("seed {} is made smaller", ask.seed));
        shrink::tell(ask, line)
    }

    /// Prints the sums; answers whether all promises held and every mark was hit.
    pub(crate) fn tell(&self) -> bool {
        say("\nmark                      seeds  in all");
        for (mark, (seeds, sum)) in &self.marks {
            say(&format!("{mark:<24} {seeds:>6} {sum:>7}"));
        }
        let missing: Vec<&str> = REQUIRED
            .into_iter()
            .filter(|mark| self.marks.get(*mark).is_none_or(|(seeds, _)| *seeds == 0))
            .collect();
        let rate = self.operations * 1_000 / self.cpu_ms.max(1);
        say(&format!(
            "\n{} seeds, {} broken, {} operations, {rate} operations per second of CPU",
            self.seeds,
            self.broken.len(),
            self.operations
        ));
        if !missing.is_empty() {
            say(&format!("marks that no seed hit, so that the batch does not count: {}", missing.join(", ")));
        }
        self.broken.is_empty() && missing.is_empty()
    }
}
