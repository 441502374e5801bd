//! `contract`: the long run of `compat/run.sh contract`, as a part of the proofs: requests made from the OpenAPI document
//! against a real node, with stateful links. A server error, a status that is not documented, or a body that its schema
//! refuses is a finding.

use crate::error::{Error, Result};
use crate::process::Command;
use crate::run::target_dir;

/// How long requests are made.
const SECONDS: &str = "1200";

/// Runs it and prints the closing line of a part.
///
/// # Errors
///
/// [`Error::Found`] when the document has a complaint, or a node does not hold to it.
pub fn run(_words: &[String]) -> Result<()> {
    let script = crate::tree::root().join("compat/run.sh");
    let command = Command::new("bash").arg(script).args(["contract"]).env("KONSUL_CONTRACT_SECONDS", SECONDS);
    let done = command.run();
    let said = std::fs::read_to_string(target_dir().join("compat/contract/last.log")).unwrap_or_default();
    println!("prove: {} | {}", cases(&said), if done.is_ok() { "nothing" } else { "see above" });
    done.map_err(|_| Error::Found("a node does not hold to its document".to_owned()))
}

/// How many requests were made, as the tester's summary says it.
fn cases(said: &str) -> String {
    let line = said.lines().map(str::trim).find(|line| line.contains("generated"));
    line.map_or_else(|| "unknown".to_owned(), str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_summary_says_how_many() {
        assert_eq!(cases("Test cases:\n  12345 generated, 12345 passed\n"), "12345 generated, 12345 passed");
        assert_eq!(cases("nothing"), "unknown");
    }
}
