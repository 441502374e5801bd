//! `konsul-sim prove`: the long proofs, as the project's proof runner calls them.
//!
//! `KONSUL_PROVE_DIR` names a folder to keep what is needed to go on, `KONSUL_PROVE_SECONDS` how long to work. The last line is
//! `prove: HOW MANY | WHAT WAS FOUND`.

use std::io;
use std::path::PathBuf;
use std::sync::Mutex;

use clap::{Args, ValueEnum};
use konsul_runtime::time::{Duration, Instant, now};
use konsul_sim::mutants::ALL;

use super::child::{Ask, run_all};
use super::seeds::Sums;
use super::state::State;
use super::{Done, OPERATIONS, mutants, say};

/// Works on one proof for as long as it is told.
#[derive(Args)]
pub(crate) struct Prove {
    /// Which proof.
    part: Part,
    /// Processes at a time.
    #[arg(long, default_value_t = 2)]
    jobs: usize,
}

#[derive(Clone, Copy, ValueEnum)]
enum Part {
    /// Fresh seeds, none of which was run before.
    Seeds,
    /// Every known bug, each from a place of its own.
    Mutants,
}

/// Fresh seeds begin behind those that are fixed in tests.
const FIRST: u64 = 1_000;

/// Seeds after which a bug counts as having survived.
const MOST: u64 = 2_000;

impl Prove {
    pub(crate) fn execute(&self) -> Done {
        let folder = PathBuf::from(std::env::var_os("KONSUL_PROVE_DIR").unwrap_or_else(|| ".".into()));
        let seconds = std::env::var("KONSUL_PROVE_SECONDS").ok();
        let seconds = match seconds.as_deref().map(str::parse) {
            None => 60,
            Some(Ok(seconds)) => seconds,
            Some(Err(_)) => return Err(io::Error::other("KONSUL_PROVE_SECONDS must be a number of seconds")),
        };
        let end = now() + Duration::from_secs(seconds);
        match self.part {
            Part::Seeds => self.seeds(&State::open(Some(&folder.join("seeds.txt")))?, end),
            Part::Mutants => self.mutants(&State::open(Some(&folder.join("mutants.txt")))?, end),
        }
    }

    fn seeds(&self, state: &State, end: Instant) -> Done {
        let first = state.known.iter().map(|(_, line)| line.number("seed") + 1).max().unwrap_or(FIRST);
        say(&format!("seeds from {first} on"));
        let sums = Mutex::new(Sums::default());
        let ask = |seed| (now() < end).then_some(Ask { seed, operations: OPERATIONS, mutant: 0 });
        // Nobody asks for seeds once the time is over, so the range only has to be long enough.
        run_all(first..first + 1_000_000, self.jobs, ask, |ask, line| {
            if !line.held() {
                say(&format!("seed {} BROKEN {}\n  again: {}", ask.seed, line.note, ask.command()));
            }
            if let Err(error) = state.add("fresh", &line) {
                say(&format!("the state file cannot be written: {error}"));
            }
            sums.lock().expect("nobody panics with it").add(&line);
        })?;
        let sums = sums.into_inner().expect("nobody panics with it");
        sums.tell_smallest(OPERATIONS)?;
        let well = sums.tell();
        let found = match sums.broken.first() {
            None if well => "nothing".to_owned(),
            None => "marks that no seed hit".to_owned(),
            Some(line) => format!(
                "{} broken, the first is seed {}: {}",
                sums.broken.len(),
                line.number("seed"),
                line.note
            ),
        };
        let (seeds, operations) = (sums.seeds, sums.operations);
        say(&format!("prove: {seeds} seeds from {first}, {operations} operations | {}", brief(&found)));
        Ok(well)
    }

    /// One round over all bugs, each hunted from where the last round ended, so that rounds do not repeat each other.
    fn mutants(&self, state: &State, end: Instant) -> Done {
        let rounds = state.known.len() as u64 / ALL.len() as u64;
        let from = 1 + rounds * MOST;
        let (mut told, mut survived, mut seeds) = (0, Vec::new(), 0);
        for mutant in ALL {
            if now() >= end {
                break;
            }
            let caught = mutants::hunt(mutant, from..from + MOST, self.jobs, OPERATIONS)?;
            mutants::tell(mutant, caught.as_ref(), from, MOST);
            told += 1;
            match caught {
                Some(line) => {
                    seeds += line.number("seed") - from + 1;
                    state.add(&format!("mutant-{}", mutant.number), &line)?;
                }
                None => survived.push(mutant.number.to_string()),
            }
        }
        let found = if survived.is_empty() {
            "each was caught".to_owned()
        } else {
            format!("survived: {}", survived.join(", "))
        };
        say(&format!("prove: {told} of {} bugs, {seeds} seeds from {from} | {found}", ALL.len()));
        Ok(survived.is_empty() && told == ALL.len())
    }
}

fn brief(text: &str) -> String {
    text.chars().take(300).collect()
}
