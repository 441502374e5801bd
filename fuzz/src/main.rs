//! Runs the targets under libFuzzer: `make prove PART=fuzz`, or one of them by hand.
//!
//! Without words it proves: see [`prove`]. With words it does one thing:
//!
//! - `list` names the targets;
//! - `seeds` puts the seeds that this build's encoders make into the corpus that is checked in;
//! - `run TARGET FILE…` runs inputs one after another, as they are, without libFuzzer.

mod prove;

use std::path::Path;
use std::process::ExitCode;

use konsul_fuzz::{corpus, find, targets};

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let done = match words.as_slice() {
        [] => prove::run(),
        ["list"] => list(),
        ["seeds"] => seeds(),
        ["run", target, files @ ..] => replay(target, files),
        _ => Err("nothing (to prove), or one of: list; seeds; run TARGET FILE…".to_owned()),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            say(&why);
            ExitCode::FAILURE
        }
    }
}

fn list() -> Result<(), String> {
    targets::ALL.iter().for_each(|target| say(&format!("{:<10} {}", target.name, target.about)));
    Ok(())
}

fn seeds() -> Result<(), String> {
    for target in targets::ALL {
        let folder = corpus::checked_in(target.name);
        corpus::write_seeds(&folder, &(target.seeds)())
            .map_err(|why| format!("{}: {why}", folder.display()))?;
    }
    Ok(())
}

fn replay(target: &str, files: &[&str]) -> Result<(), String> {
    let target = find(target).ok_or_else(|| format!("there is no target {target:?}; `list` names them"))?;
    for file in files {
        let bytes = std::fs::read(Path::new(file)).map_err(|why| format!("{file}: {why}"))?;
        target.check(&bytes);
        say(&format!("{file}: {} bytes, nothing found", bytes.len()));
    }
    Ok(())
}

#[allow(clippy::print_stdout)]
fn say(line: &str) {
    println!("{line}");
}
