//! One run of a check by itself: nothing is kept, told or registered.

use konsul_runtime::time::{self, Duration};

use crate::decide::Finding;
use crate::definition::{Definition, Kind};
use crate::run::{Limit, Runners};

/// What one run found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tried {
    /// How it went, and what it says.
    pub finding: Finding,
    /// How long it took.
    pub took: Duration,
    /// How long it might have taken.
    pub timeout: Duration,
}

/// Runs a check once, within the bounds of its definition and without thresholds; `None` if it is of a kind that runs
/// nothing.
pub async fn try_once(definition: &Definition, runners: &dyn Runners) -> Option<Tried> {
    let Kind::Polled(polled) = &definition.kind else { return None };
    let timeout = polled.timeout_in_force();
    let runner = runners.runner(&polled.probe);
    let begun = time::now();
    let finding = runner.run(Limit::of(timeout, definition.output_bytes())).await;
    Some(Tried { finding, took: time::now() - begun, timeout })
}
