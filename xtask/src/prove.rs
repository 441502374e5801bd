//! `prove PART`: the proofs that take longer than a change can wait for.
//!
//! Each part is a command of the room that owns the proof; this file starts it, holds it to a wall limit, and
//! writes down what came of it. A part keeps what it needs to be resumed in a folder of its own under
//! `target/prove/`, so that running it again continues where it stopped.
//!
//! The contract with a part's command:
//!
//! - `KONSUL_PROVE_DIR` names its folder, `KONSUL_PROVE_SECONDS` how long it should work before it ends by itself;
//! - it prints what it likes, and at the end one line `prove: HOW MANY | WHAT WAS FOUND`;
//! - it exits with 0 when nothing was found. Any other exit is a finding.
//!
//! A part that does not end by itself is stopped a little later, at the wall limit of 80 minutes, and its line in the
//! ledger says so.

mod ledger;

use std::io::{BufRead as _, BufReader};
use std::path::PathBuf;
use std::process::{ChildStdout, ExitStatus};
use std::time::{Duration, Instant};

use crate::deps::{self, Group};
use crate::error::{Error, Result};
use crate::process::Command;
use crate::run::target_dir;
use ledger::Entry;

/// One part: its name, what it proves, and the command that does it.
struct Part {
    name: &'static str,
    about: &'static str,
    cargo: &'static str,
}

const PARTS: &[Part] = &[
    Part {
        name: "kills",
        about: "rounds of kill -9 under load on a real process and a real disk",
        cargo: "run --release --locked --package konsul-testkit --bin prove-kills",
    },
    Part {
        name: "soak",
        about: "an hour of steady load: memory, file handles, disk",
        cargo: "run --release --locked --package konsul-testkit --bin prove-soak",
    },
    Part {
        name: "seeds",
        about: "fresh seeds of the simulator",
        cargo: "run --profile prove --locked --package konsul-sim -- prove seeds",
    },
    Part {
        name: "mutants",
        about: "bugs put in by hand, each of which must be caught",
        cargo: "run --profile prove --locked --package konsul-sim -- prove mutants",
    },
    Part {
        name: "contract",
        about: "twenty minutes of requests made from the OpenAPI document, with stateful links",
        cargo: "run --locked --package xtask -- contract",
    },
    Part {
        name: "fuzz",
        about: "every parser that meets bytes from outside",
        cargo: "run --release --locked --package konsul-fuzz",
    },
];

/// No part runs longer than this.
const WALL: Duration = Duration::from_secs(80 * 60);

/// How long before the wall a part is asked to end by itself, to write its state and its closing line.
const NOTICE: Duration = Duration::from_secs(3 * 60);

/// Runs one part and adds its line to the ledger.
///
/// # Errors
///
/// [`Error::Usage`] without a known part; [`Error::Found`] when the part found something.
pub fn run(words: &[String]) -> Result<()> {
    let part = pick(words)?;
    deps::ensure(Group::Test)?;
    let started = Instant::now();
    let outcome = prove(part)?;
    let entry = Entry::new(part.name, started.elapsed(), &outcome);
    ledger::append(&entry)?;
    println!("{}", entry.row());
    if outcome.passed { Ok(()) } else { Err(Error::Found(format!("prove {}: {}", part.name, outcome.found))) }
}

fn pick(words: &[String]) -> Result<&'static Part> {
    let name = words.first().map(String::as_str).unwrap_or_default();
    let listed = || {
        PARTS.iter().map(|part| format!("  {:<8} {}", part.name, part.about)).collect::<Vec<_>>().join("\n")
    };
    let part = PARTS.iter().find(|part| part.name == name);
    part.ok_or_else(|| Error::Usage(format!("`make prove PART=…` takes one of these parts:\n{}", listed())))
}

/// What came of a part.
struct Outcome {
    passed: bool,
    how_many: String,
    found: String,
}

fn prove(part: &Part) -> Result<Outcome> {
    let folder = folder(part)?;
    // Building is not proving: the clock of the part starts when its program is there.
    let (build, _) = part.cargo.split_once(" -- ").unwrap_or((part.cargo, ""));
    Command::cargo().words(&build.replacen("run ", "build ", 1)).run()?;
    let seconds = (WALL - NOTICE).as_secs().to_string();
    let command = Command::cargo().words(part.cargo);
    let mut group =
        command.env("KONSUL_PROVE_DIR", folder).env("KONSUL_PROVE_SECONDS", seconds).start_group()?;
    let reader = group.take_stdout().map(|stdout| std::thread::spawn(move || echo(stdout)));
    let status = group.wait_at_most(WALL);
    let closing = reader.and_then(|reader| reader.join().ok()).flatten();
    Ok(judge(status, closing.as_deref()))
}

fn folder(part: &Part) -> Result<PathBuf> {
    let folder = target_dir().join("prove").join(part.name);
    std::fs::create_dir_all(&folder).map_err(|source| Error::file("create", &folder, source))?;
    Ok(folder)
}

// Passes every line on and keeps the closing one.
fn echo(stdout: ChildStdout) -> Option<String> {
    let mut closing = None;
    for line in BufReader::new(stdout).lines().map_while(std::result::Result::ok) {
        println!("{line}");
        if let Some(rest) = line.strip_prefix("prove: ") {
            closing = Some(rest.to_owned());
        }
    }
    closing
}

fn judge(status: Option<ExitStatus>, closing: Option<&str>) -> Outcome {
    let (how_many, found) = closing.and_then(|line| line.split_once('|')).unwrap_or(("unknown", ""));
    let (how_many, found) = (how_many.trim().to_owned(), found.trim());
    let (passed, found) = match status {
        None => (false, format!("stopped at the wall limit; run it again to resume. {found}")),
        Some(status) if !status.success() => (false, format!("failed ({status}). {found}")),
        Some(_) if closing.is_none() => {
            (false, "ended without its closing line `prove: HOW MANY | FOUND`".to_owned())
        }
        Some(_) => (true, found.to_owned()),
    };
    Outcome { passed, how_many, found: found.trim().to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::process::ExitStatusExt as _;

    #[test]
    fn a_part_must_be_known() {
        let message = run(&["sede".to_owned()]).expect_err("no such part").to_string();
        assert!(PARTS.iter().all(|part| message.contains(part.name)), "{message}");
    }

    #[test]
    fn only_a_clean_end_with_its_closing_line_passes() {
        let (clean, dirty) = (ExitStatus::from_raw(0), ExitStatus::from_raw(256));
        assert!(judge(Some(clean), Some("1000 rounds | nothing")).passed);
        assert!(!judge(Some(clean), None).passed);
        assert!(!judge(Some(dirty), Some("1000 rounds | nothing")).passed);
        assert!(!judge(None, Some("1000 rounds | nothing")).passed);
    }

    #[test]
    fn the_closing_line_says_how_many_and_what() {
        let outcome = judge(Some(ExitStatus::from_raw(0)), Some("1000 rounds | nothing"));
        assert_eq!((outcome.how_many.as_str(), outcome.found.as_str()), ("1000 rounds", "nothing"));
    }
}
