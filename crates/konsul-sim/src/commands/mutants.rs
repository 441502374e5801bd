//! `konsul-sim mutants`: each known bug must be caught, and how many seeds that takes is told.

use std::path::PathBuf;
use std::sync::Mutex;

use clap::Args;
use konsul_sim::mutants::{ALL, Catcher, Mutant};

use super::child::{Ask, run_all};
use super::line::Line;
use super::state::State;
use super::{Done, OPERATIONS, say};

/// Hunts every bug of the list.
#[derive(Args)]
pub(crate) struct Mutants {
    /// Only these numbers.
    #[arg(long, value_delimiter = ',')]
    only: Vec<u32>,
    /// The first seed.
    #[arg(long, default_value_t = 1)]
    from: u64,
    /// Seeds after which a bug counts as having survived.
    #[arg(long, default_value_t = 2_000)]
    most: u64,
    /// Processes at a time.
    #[arg(long, default_value_t = 2)]
    jobs: usize,
    /// Client operations after which faults end.
    #[arg(long, default_value_t = OPERATIONS)]
    operations: u64,
    /// Remembers caught bugs in this file, and goes on from there.
    #[arg(long)]
    state: Option<PathBuf>,
}

impl Mutants {
    pub(crate) fn execute(&self) -> Done {
        let state = State::open(self.state.as_ref())?;
        say("mutant  seeds  by          what it does, and how it was caught");
        let mut all_caught = true;
        for mutant in
            ALL.into_iter().filter(|mutant| self.only.is_empty() || self.only.contains(&mutant.number))
        {
            let prefix = format!("mutant-{}-{}-{}", mutant.number, self.from, self.operations);
            let known = state.known.iter().find(|(filed, _)| *filed == prefix).map(|(_, line)| line.clone());
            let caught = match known {
                Some(line) => Some(line),
                None => {
                    let caught = hunt(mutant, self.from..self.from + self.most, self.jobs, self.operations)?;
                    caught.as_ref().map_or(Ok(()), |line| state.add(&prefix, line))?;
                    caught
                }
            };
            all_caught &= caught.is_some();
            tell(mutant, caught.as_ref(), self.from, self.most);
        }
        Ok(all_caught)
    }
}

/// The line of the first seed that catches a bug.
pub(crate) fn hunt(
    mutant: Mutant,
    seeds: std::ops::Range<u64>,
    jobs: usize,
    operations: u64,
) -> std::io::Result<Option<Line>> {
    let caught: Mutex<Option<Line>> = Mutex::new(None);
    let first = || caught.lock().expect("nobody panics with it");
    let ask = |seed| {
        let wanted = first().as_ref().is_none_or(|line| line.number("seed") > seed);
        wanted.then_some(Ask { seed, operations, mutant: mutant.number })
    };
    run_all(seeds, jobs, ask, |_, line| {
        let mut first = first();
        let earlier = first.as_ref().is_none_or(|known| known.number("seed") > line.number("seed"));
        if !line.held() && earlier {
            *first = Some(line);
        }
    })?;
    Ok(caught.into_inner().expect("nobody panics with it"))
}

/// Prints one row of the table.
pub(crate) fn tell(mutant: Mutant, caught: Option<&Line>, from: u64, most: u64) {
    let by = match mutant.catcher {
        Catcher::Simulation => "simulation",
        Catcher::Storage => "storage",
    };
    let Mutant { number, what, .. } = mutant;
    match caught {
        Some(line) => {
            let seeds = line.number("seed") - from + 1;
            let how: String = line.note.chars().take(160).collect();
            say(&format!("{number:>6} {seeds:>6}  {by:<10}  {what}\n                           {how}"));
        }
        None => say(&format!("{number:>6}   SURVIVED {most} seeds: {what}")),
    }
}
