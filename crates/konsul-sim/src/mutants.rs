//! The bugs that the simulator must catch, and how each is switched on.

/// Who catches a bug.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Catcher {
    /// A seed of the whole server.
    Simulation,
    /// The storage engine alone, crashed at every call: [`crate::storage_suite`].
    Storage,
}

/// One bug.
#[derive(Debug, Clone, Copy)]
pub struct Mutant {
    /// Its number in the project's list.
    pub number: u32,
    /// What it does.
    pub what: &'static str,
    /// Who catches it.
    pub catcher: Catcher,
}

const fn simulated(number: u32, what: &'static str) -> Mutant {
    Mutant { number, what, catcher: Catcher::Simulation }
}

/// Those that make sense on one node. A cluster of one never takes an entry back, so number 7 is for the storage suite.
pub const ALL: [Mutant; 34] = [
    simulated(1, "acknowledges before the sync"),
    simulated(3, "forgets to sync the directory after a rename"),
    simulated(4, "drops the last frame of each segment at recovery"),
    simulated(5, "skips a corrupt frame in the middle"),
    simulated(6, "does not look at a snapshot's checksums"),
    Mutant { number: 7, what: "a truncation does not reach the disk", catcher: Catcher::Storage },
    simulated(8, "an old frame in a reused segment revives"),
    simulated(14, "publishes the applied index before the state"),
    simulated(15, "leaves the request ids out of the snapshot"),
    simulated(16, "forgets request ids by each replica's own clock"),
    simulated(17, "a hash map's order decides an outcome"),
    simulated(19, "believes an expiry without its renewal number"),
    simulated(20, "a new leader gives sessions no time"),
    simulated(21, "a removal does not raise the index of its prefix"),
    simulated(22, "registers a reader after it has read"),
    simulated(23, "the feed drops the oldest silently"),
    simulated(26, "a restore takes effect in two steps"),
    simulated(28, "ignores a failed sync once"),
    simulated(29, "a critical check does not end the sessions that lean on it"),
    simulated(30, "nobody wakes a reader of passing instances"),
    simulated(31, "a reader of one service wakes by news of any"),
    simulated(32, "the index of a service goes back with its last instance"),
    simulated(33, "an instance that goes leaves its checks"),
    simulated(34, "a critical instance stays in answers of passing ones"),
    simulated(35, "an equal registration is written all the same"),
    simulated(36, "a prepared query outlives its session"),
    simulated(37, "what a check says is news to readers of passing instances"),
    simulated(38, "checks that are registered together are counted apart"),
    simulated(39, "sessions are found by their node's name as it was spelled"),
    simulated(40, "the instances of a service are not counted down"),
    simulated(41, "a node's own check is no news of the services on it"),
    simulated(42, "a removed check leaves the sessions that lean on it"),
    simulated(43, "a check that warns ends the sessions that lean on it"),
    simulated(44, "a lock that was lost with its session is free at once"),
];

/// The bug with this number.
pub fn find(number: u32) -> Option<Mutant> {
    ALL.into_iter().find(|mutant| mutant.number == number)
}

/// Switches one on for this process, in whichever room it lives; 0 switches all off.
///
/// Number 1 lives in two rooms. Here it is the finer one: consensus is told of an append before the sync, which does come. A
/// storage whose sync does nothing is for the storage suite.
pub fn switch_on(number: u32) {
    konsul_operations::mutants::select(number);
    konsul_raft::mutants::activate(number);
    konsul_state::mutants::activate(number);
    konsul_storage::mutants::select(if number == 1 { 0 } else { number });
    konsul_watch::mutants::select(number);
}
