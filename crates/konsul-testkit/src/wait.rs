//! Waiting for conditions.

use std::fmt::Debug;

use konsul_runtime::time::{Duration, now, sleep};

/// Longest that a test waits for anything.
const PATIENCE: Duration = Duration::from_secs(20);

/// Polls until `look` answers `Ok`, and gives what it answered.
///
/// # Panics
/// After twenty seconds, with `what` and the last `Err`.
pub async fn until<T, E: Debug>(what: &str, mut look: impl FnMut() -> Result<T, E>) -> T {
    let deadline = now() + PATIENCE;
    loop {
        match look() {
            Ok(found) => return found,
            Err(last) if now() > deadline => panic!("waited in vain for {what}; last seen: {last:?}"),
            Err(_) => sleep(Duration::from_millis(2)).await,
        }
    }
}
