//! The bugs that the simulator must catch, and how each is switched on.

/// One bug.
#[derive(Debug, Clone, Copy)]
pub struct Mutant {
    /// Its number in the project's list.
    pub number: u32,
    /// What it does.
    pub what: &'static str,
}

/// Those that make sense on one node.
pub const ALL: [Mutant; 17] = [
    Mutant { number: 1, what: "acknowledges before the sync" },
    Mutant { number: 3, what: "forgets to sync the directory after a rename" },
    Mutant { number: 4, what: "drops the last frame of each segment at recovery" },
    Mutant { number: 5, what: "skips a corrupt frame in the middle" },
    Mutant { number: 6, what: "does not look at a snapshot's checksums" },
    Mutant { number: 7, what: "a truncation does not reach the disk" },
    Mutant { number: 8, what: "an old frame in a reused segment revives" },
    Mutant { number: 14, what: "publishes the applied index before the state" },
    Mutant { number: 15, what: "leaves the request ids out of the snapshot" },
    Mutant { number: 16, what: "forgets request ids by each replica's own clock" },
    Mutant { number: 17, what: "a hash map's order decides an outcome" },
    Mutant { number: 19, what: "believes an expiry without its renewal number" },
    Mutant { number: 20, what: "a new leader gives sessions no time" },
    Mutant { number: 21, what: "a removal does not raise the index of its prefix" },
    Mutant { number: 22, what: "registers a reader after it has read" },
    Mutant { number: 23, what: "the feed drops the oldest silently" },
    Mutant { number: 26, what: "a restore takes effect in two steps" },
];

/// The last one of the list.
pub const SYNC_ERROR_IGNORED: Mutant = Mutant { number: 28, what: "ignores a failed sync once" };

/// All of them.
pub fn all() -> impl Iterator<Item = Mutant> {
    ALL.into_iter().chain([SYNC_ERROR_IGNORED])
}

/// Switches one on for this process, in whichever room it lives; 0 switches all off.
pub fn switch_on(number: u32) {
    konsul_raft::mutants::activate(number);
    konsul_state::mutants::activate(number);
    konsul_storage::mutants::select(number);
    konsul_watch::mutants::select(number);
}
