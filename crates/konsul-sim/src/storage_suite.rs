//! The storage engine alone, driven by a drawn history and crashed at every call of it: for bugs that no run of a cluster of
//! one can reach, because nobody there ever takes an entry back.

use konsul_storage::DiskOptions;
use konsul_storage::conformance::{crash, history};

use crate::broken::Broken;

/// The name under which the suite reports.
pub const NAME: &str = "Storage";

/// Steps of one history.
const LENGTH: usize = 25;

/// One history, crashed at each of its calls under each policy. Answers how many runs that were.
///
/// # Errors
/// The first run after which the store was not what it should be.
pub fn run(seed: u64) -> Result<u64, Broken> {
    let history = history::random(seed, LENGTH);
    match crash::at_every_call(&history, &DiskOptions::small(), seed) {
        Ok(report) => Ok(report.points),
        Err(failure) => Err(Broken::new(NAME, failure.to_string())),
    }
}
