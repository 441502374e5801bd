//! `konsul-sim run`: one seed, in this process.

use clap::Args;
use konsul_sim::mutants::{self, Catcher};
use konsul_sim::plan::{Cut, Plan};
use konsul_sim::{run, storage_suite};

use super::line::Line;
use super::{Done, OPERATIONS, say};

/// Runs one seed.
#[derive(Args)]
pub(crate) struct Run {
    /// The seed.
    #[arg(long)]
    seed: u64,
    /// Client operations after which faults end.
    #[arg(long, default_value_t = OPERATIONS)]
    operations: u64,
    /// The number of a bug to put in.
    #[arg(long, default_value_t = 0)]
    mutant: u32,
    /// Kinds of faults and clients to leave out.
    #[arg(long, value_delimiter = ',')]
    without: Vec<String>,
    /// At most so many clients of each kind.
    #[arg(long)]
    crowd: Option<u32>,
}

impl Run {
    pub(crate) fn execute(&self) -> Done {
        mutants::switch_on(self.mutant);
        if mutants::find(self.mutant).is_some_and(|mutant| mutant.catcher == Catcher::Storage) {
            return Ok(self.storage());
        }
        let cut = Cut { without: self.without.clone(), crowd: self.crowd };
        let plan = Plan::draw(self.seed, self.operations).cut(&cut).map_err(std::io::Error::other)?;
        let report = run::run(plan);
        say(&Line::of(&report, cpu_ms()).to_string());
        Ok(report.broken.is_none())
    }

    fn storage(&self) -> bool {
        let done = storage_suite::run(self.seed);
        let (verdict, note) = match &done {
            Ok(points) => ("held", format!("{points} crashes of the storage engine")),
            Err(broken) => ("broken", broken.to_string().replace('\n', " ")),
        };
        say(&format!("seed={} verdict={verdict} # {note}", self.seed));
        done.is_ok()
    }
}

/// Processor time of this process so far; 0 where the system does not tell.
fn cpu_ms() -> u64 {
    let text = std::fs::read_to_string("/proc/self/schedstat").unwrap_or_default();
    let nanos: Option<u64> = text.split(' ').next().and_then(|nanos| nanos.parse().ok());
    nanos.unwrap_or(0) / 1_000_000
}
