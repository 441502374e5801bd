//! I-31 TimeMonotonic: log time never goes back, over restarts and jumps of the wall clock.
//!
//! Source: Konsul's rule that the leader stamps and the state clamps; stamps themselves must not go back either within a term,
//! or a deadline could come twice.

use std::collections::BTreeMap;

use konsul_types::Millis;

use crate::broken::{Held, hold};

/// The invariant's name.
pub const NAME: &str = "I-31 TimeMonotonic";

/// Log time by position.
#[derive(Debug, Clone, Default)]
pub struct Times {
    published: BTreeMap<u64, Millis>,
    stamps: BTreeMap<u64, Millis>,
}

impl Times {
    /// A proposal at this position carries this stamp.
    pub fn stamped(&mut self, index: u64, at: Millis) {
        self.stamps.insert(index, at);
    }

    /// A state at this position says that it is this time.
    pub fn published(&mut self, index: u64, at: Millis) -> Held {
        if let Some((before, then)) = self.published.range(..=index).next_back() {
            hold(NAME, *then <= at, || format!("it is {at} at {index}, after it was {then} at {before}"))?;
        }
        if let Some((behind, then)) = self.published.range(index..).next() {
            hold(NAME, *then >= at, || format!("it is {at} at {index}, and was {then} at {behind}"))?;
        }
        let newest = self.stamps.range(..=index).map(|(_, at)| *at).next_back().unwrap_or(at);
        hold(NAME, at >= newest, || format!("it is {at} at {index}, below the stamp {newest}"))?;
        self.published.insert(index, at);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fires_on_time_that_goes_back_or_differs() {
        let mut times = Times::default();
        times.published(1, Millis(10)).unwrap();
        times.published(5, Millis(20)).unwrap();
        assert!(times.clone().published(6, Millis(19)).is_err());
        assert!(
            times.clone().published(5, Millis(21)).is_err()
                || times.clone().published(5, Millis(19)).is_err()
        );
        assert!(times.clone().published(3, Millis(21)).is_err());
        times.stamped(7, Millis(30));
        assert!(times.published(7, Millis(29)).is_err());
    }
}
