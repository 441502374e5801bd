//! The rules by which results become a status: pure, without a clock, without chance, without tasks.

mod alias;
mod flaps;
mod output;
mod thresholds;

pub use alias::{TargetCheck, TargetHealth};
pub use flaps::{FlapRule, Flapping};
pub use thresholds::Thresholds;

pub(crate) use alias::judge_alias;
pub(crate) use flaps::Flaps;
pub(crate) use output::{Tail, head, head_of_note, lossy};
pub(crate) use thresholds::Judge;

use std::sync::Arc;

use konsul_types::CheckStatus;

/// What one run of a check found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// How it went.
    pub status: CheckStatus,
    /// What it says, in Consul's words.
    pub output: Arc<str>,
}

impl Finding {
    /// Passing, with this output.
    pub fn passing(output: impl Into<Arc<str>>) -> Self {
        Self { status: CheckStatus::Passing, output: output.into() }
    }

    /// Warning, with this output.
    pub fn warning(output: impl Into<Arc<str>>) -> Self {
        Self { status: CheckStatus::Warning, output: output.into() }
    }

    /// Critical, with this output.
    pub fn critical(output: impl Into<Arc<str>>) -> Self {
        Self { status: CheckStatus::Critical, output: output.into() }
    }
}
