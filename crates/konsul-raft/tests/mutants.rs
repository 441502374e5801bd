//! The checker of histories catches the bugs that are put in by hand. In a process of its own: a mutant is process-wide.

mod common;

use common::history::play;
use konsul_raft::mutants::{ACK_BEFORE_SYNC, activate};

#[test]
fn an_acknowledgement_before_the_sync_is_caught() {
    activate(ACK_BEFORE_SYNC);
    let caught = (0..50).find_map(|seed| play(seed, 5).err().map(|broken| (seed, broken)));
    let (seed, broken) = caught.expect("the mutant survived 50 seeds");
    println!("caught at seed {seed}: {broken}");
    activate(0);
    play(seed, 5).expect("the same seed passes without the mutant");
}
