//! `konsul-sim shrink`: a seed that fails, with as little in it as still fails in the same way.
//!
//! Kinds of faults and clients are left out one by one, then clients of a kind, then operations by halves. What is left is drawn
//! as before. A smaller run is another run, so none of this need succeed; what is printed was seen to fail.

use std::io;

use clap::Args;
use konsul_sim::plan::{Cut, Plan};

use super::child::Ask;
use super::line::Line;
use super::{Done, OPERATIONS, say};

/// Makes a failing seed smaller.
#[derive(Args)]
pub(crate) struct Shrink {
    /// The seed.
    #[arg(long)]
    seed: u64,
    /// Client operations after which faults end.
    #[arg(long, default_value_t = OPERATIONS)]
    operations: u64,
    /// The number of a bug to put in.
    #[arg(long, default_value_t = 0)]
    mutant: u32,
}

/// Fewer operations than this are no help to whoever reads them.
const OPERATIONS_LEAST: u64 = 20;

impl Shrink {
    pub(crate) fn execute(&self) -> Done {
        let Shrink { seed, operations, mutant } = *self;
        let ask = Ask { seed, operations, mutant };
        let first = ask.run()?;
        if first.held() {
            say("the seed holds: there is nothing to make smaller");
            return Ok(false);
        }
        tell(ask, &first)?;
        Ok(true)
    }
}

/// Makes a run smaller and prints the command that is left.
pub(crate) fn tell(ask: Ask, broken: &Line) -> io::Result<()> {
    let (ask, cut) = smallest(ask, broken)?;
    say(&format!("  smallest: konsul-sim {}", ask.arguments(&cut).join(" ")));
    Ok(())
}

fn smallest(mut ask: Ask, broken: &Line) -> io::Result<(Ask, Cut)> {
    let plan = Plan::draw(ask.seed, ask.operations);
    let mut cut = Cut::default();
    for kind in plan.kinds() {
        let mut less = cut.clone();
        less.without.push(kind.to_owned());
        if fails_alike(ask, &less, broken)? {
            cut = less;
        }
    }
    for crowd in 1..plan.crowd {
        let less = Cut { crowd: Some(crowd), ..cut.clone() };
        if fails_alike(ask, &less, broken)? {
            cut = less;
            break;
        }
    }
    while ask.operations / 2 >= OPERATIONS_LEAST {
        let less = Ask { operations: ask.operations / 2, ..ask };
        if !fails_alike(less, &cut, broken)? {
            break;
        }
        ask = less;
    }
    Ok((ask, cut))
}

/// Whether a run breaks the promise that the whole one broke.
fn fails_alike(ask: Ask, cut: &Cut, broken: &Line) -> io::Result<bool> {
    let line = ask.run_cut(cut)?;
    Ok(!line.held() && promise(&line) == promise(broken))
}

/// The name of the promise, which stands before the colon.
fn promise(line: &Line) -> &str {
    line.note.split_once(':').map_or(line.note.as_str(), |(name, _)| name)
}
