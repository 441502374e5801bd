//! I-10 AppliedMonotonic: the applied position never goes back while a process lives, and a new one begins no earlier than the
//! last durable snapshot.
//!
//! Source: Raft paper, figure 2 (`lastApplied` increases monotonically) and section 7.

use crate::broken::{Held, hold};

/// The invariant's name.
pub const NAME: &str = "I-10 AppliedMonotonic";

/// One life of a process.
#[derive(Debug, Clone, Copy, Default)]
pub struct Life {
    /// It may not publish less than this.
    least: u64,
    /// The empty state of the first moments was seen.
    began: bool,
}

impl Life {
    /// A life that begins with a durable snapshot up to `covered`.
    pub fn begin(covered: u64) -> Life {
        Life { least: covered, began: false }
    }

    /// A position was published.
    pub fn published(&mut self, applied: u64) -> Held {
        // Before the snapshot is loaded there is nothing, and nobody may read it.
        if !self.began && applied == 0 {
            return Ok(());
        }
        self.began = true;
        hold(NAME, applied >= self.least, || {
            format!("position {applied} is published after {}", self.least)
        })?;
        self.least = applied;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fires_on_a_step_back_and_on_a_start_below_the_snapshot() {
        let mut life = Life::begin(5);
        assert!(life.published(0).is_ok());
        assert!(life.clone().published(4).is_err());
        life.published(7).unwrap();
        assert!(life.published(6).is_err());
        assert!(life.published(0).is_err());
    }
}
