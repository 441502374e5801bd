//! The promises, one file each, with a test that each one fires. Numbers are those of the project's list of invariants.

pub mod acked_durable;
pub mod applied_monotonic;
pub mod corrupt_never_served;
pub mod exactly_once;
#[cfg(test)]
mod fabricated;
pub mod feed;
pub mod index_monotonic;
pub mod liveness;
pub mod lock_delay;
pub mod lock_fence;
pub mod missed_wake;
pub mod no_phantom;
pub mod order;
pub mod passing_only;
pub mod prefix_index;
pub mod quiet_write;
pub mod quota;
pub mod real_time;
pub mod ref_integrity;
pub mod replay_equal;
pub mod restore_atomic;
pub mod service_news;
pub mod session_early;
pub mod session_late;
pub mod space_bound;
pub mod spurious_wake;
pub mod stale_expiry;
pub mod time_monotonic;
pub mod usage_counters;
pub mod vote_monotonic;
