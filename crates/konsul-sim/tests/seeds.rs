//! A few seeds, a few replays and a few bugs on each commit. `konsul-sim` runs thousands of them.

use std::process::{Command, Output};

/// Fewer operations than usual: enough for every kind of fault to strike.
const OPERATIONS: &str = "700";

fn konsul_sim(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_konsul-sim")).args(arguments).output().expect("the simulator starts")
}

fn text(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

/// The batch fails also if it misses a mark: then these seeds prove less than they should.
#[test]
fn fixed_seeds_hold_and_hit_every_mark() {
    // A torn tail is rare; seed 90 has one.
    let batch = ["seeds", "--from", "1", "--count", "20", "--also", "90", "--jobs", "2"];
    let output = konsul_sim(&[&batch[..], &["--operations", OPERATIONS]].concat());
    assert!(output.status.success(), "{}", text(&output));
}

#[test]
fn seeds_replay() {
    let output = konsul_sim(&["replay-check", "--from", "2", "--count", "3", "--operations", OPERATIONS]);
    assert!(output.status.success(), "{}", text(&output));
}

#[test]
fn bugs_are_caught() {
    let hunt = ["mutants", "--only", "3,23,29,38", "--most", "60", "--operations", OPERATIONS];
    let output = konsul_sim(&hunt);
    assert!(output.status.success(), "{}", text(&output));
}

/// A run that finds something says so by its exit status, and names the promise.
#[test]
fn a_broken_promise_is_a_failure() {
    let output = konsul_sim(&["run", "--seed", "1", "--operations", OPERATIONS, "--mutant", "33"]);
    assert_eq!(output.status.code(), Some(1), "{}", text(&output));
    assert!(text(&output).contains("I-33 RefIntegrity"), "{}", text(&output));
}

/// What was run is not run again, and counts all the same.
#[test]
fn a_batch_goes_on_where_it_was() {
    let file = std::env::temp_dir().join(format!("konsul-sim-{}.state", std::process::id()));
    let state = file.to_str().expect("a plain path");
    let run = |count| konsul_sim(&["seeds", "--count", count, "--operations", "60", "--state", state]);
    let (first, second) = (run("2"), run("3"));
    let lines = std::fs::read_to_string(&file).expect("the state was written");
    std::fs::remove_file(&file).expect("it can be removed");
    assert_eq!(lines.lines().count(), 3, "{lines}");
    assert!(text(&first).contains("2 seeds, 0 broken"), "{}", text(&first));
    assert!(text(&second).contains("3 seeds, 0 broken"), "{}", text(&second));
}

/// A seed that fails is made smaller, and what is left fails in the same way.
#[test]
fn a_failing_seed_is_made_smaller() {
    let bug = ["--seed", "1", "--operations", OPERATIONS, "--mutant", "33"];
    let shrunk = konsul_sim(&[&["shrink"], &bug[..]].concat());
    assert!(shrunk.status.success(), "{}", text(&shrunk));
    let said = text(&shrunk);
    let smallest = said.trim().strip_prefix("smallest: konsul-sim ").expect("a command to repeat it");
    let arguments: Vec<&str> = smallest.split(' ').collect();
    let left: u64 = arguments[4].parse().expect("a number of operations");
    assert!(left < OPERATIONS.parse().expect("a number") && arguments.contains(&"--without"), "{said}");
    let again = konsul_sim(&arguments);
    assert_eq!(again.status.code(), Some(1), "{}", text(&again));
    assert!(text(&again).contains("I-33 RefIntegrity"), "{}", text(&again));
}
