//! The promises, one file each, with a test that each one fires. Numbers are those of the project's list of invariants.

pub mod acked_durable;
pub mod applied_monotonic;
pub mod corrupt_never_served;
pub mod order;
pub mod quota;
pub mod ref_integrity;
pub mod replay_equal;
pub mod space_bound;
pub mod time_monotonic;
pub mod usage_counters;
pub mod vote_monotonic;
