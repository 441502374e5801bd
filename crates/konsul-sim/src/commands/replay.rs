//! `konsul-sim replay-check`: the same seed, twice, must be the same run.

use clap::Args;

use super::child::{Ask, run_all};
use super::{Done, OPERATIONS, say};

/// Runs seeds twice and compares.
#[derive(Args)]
pub(crate) struct ReplayCheck {
    /// The first seed.
    #[arg(long, default_value_t = 1)]
    from: u64,
    /// How many.
    #[arg(long, default_value_t = 5)]
    count: u64,
    /// Processes at a time.
    #[arg(long, default_value_t = 2)]
    jobs: usize,
    /// Client operations after which faults end.
    #[arg(long, default_value_t = OPERATIONS)]
    operations: u64,
}

impl ReplayCheck {
    pub(crate) fn execute(&self) -> Done {
        let differing = std::sync::Mutex::new(0);
        let seeds = self.from..self.from + self.count;
        let ask = |seed| Some(Ask { seed, operations: self.operations, mutant: 0 });
        run_all(seeds, self.jobs, ask, |ask, first| {
            let again = ask.run().map(|line| line.replayed());
            let same = again.as_ref().is_ok_and(|again| *again == first.replayed());
            let word = if same { "same" } else { "DIFFERS" };
            say(&format!(
                "seed {}: {word} {}",
                ask.seed,
                first.fields.get("trace").map_or("no trace", String::as_str)
            ));
            if !same {
                say(&format!("  first: {first}"));
                say(&format!(
                    "  again: {}",
                    again.map_or_else(|error| error.to_string(), |line| line.to_string())
                ));
                *differing.lock().expect("nobody panics with it") += 1;
            }
        })?;
        let differing = differing.into_inner().expect("nobody panics with it");
        say(&format!("{} of {} seeds replay", self.count - differing, self.count));
        Ok(differing == 0)
    }
}
