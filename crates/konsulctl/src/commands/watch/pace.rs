//! When a handler runs: for each change at once, or once for many that come close together.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::time::Instant;

use super::Change;

/// A handler is run after this many quiet times at the latest, however busy it is.
const LATEST: u32 = 10;

/// Changes that wait for their handler: the last one of each key or record.
#[derive(Debug)]
pub(super) struct Pace {
    quiet: Option<Duration>,
    waiting: BTreeMap<String, (u64, Change)>,
    came: u64,
    first: Option<Instant>,
    last: Option<Instant>,
}

impl Pace {
    pub(super) fn new(quiet: Option<Duration>) -> Pace {
        let quiet = quiet.filter(|quiet| !quiet.is_zero());
        Pace { quiet, waiting: BTreeMap::new(), came: 0, first: None, last: None }
    }

    pub(super) fn is_immediate(&self) -> bool {
        self.quiet.is_none()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    pub(super) fn add(&mut self, change: Change) {
        self.came += 1;
        self.waiting.insert(change.subject(), (self.came, change));
        let now = Instant::now();
        self.first.get_or_insert(now);
        self.last = Some(now);
    }

    /// Ends when the handler is due; never while nothing waits.
    pub(super) fn due(&self) -> impl Future<Output = ()> + use<> {
        let at = self.quiet.zip(self.first.zip(self.last));
        let at = at.map(|(quiet, (first, last))| (last + quiet).min(first + quiet * LATEST));
        async move {
            match at {
                Some(at) => tokio::time::sleep_until(at).await,
                None => std::future::pending().await,
            }
        }
    }

    /// What waited, in the order in which it came.
    pub(super) fn take(&mut self) -> Vec<Change> {
        (self.first, self.last) = (None, None);
        let mut changes: Vec<_> = std::mem::take(&mut self.waiting).into_values().collect();
        changes.sort_by_key(|(came, _)| *came);
        changes.into_iter().map(|(_, change)| change).collect()
    }
}

#[cfg(test)]
mod tests {
    use konsul_client::v2::api::watch::{Event, Kind};

    use super::*;

    fn change(key: &str, index: u64) -> Change {
        let event = Event {
            cursor: String::new(),
            index,
            kind: Kind::Put,
            key: key.to_owned(),
            entry: None,
            old: None,
        };
        Change::of_key(event, false)
    }

    #[test]
    fn only_the_last_change_of_a_key_is_left_and_in_order() {
        let mut pace = Pace::new(Some(Duration::from_secs(1)));
        [("b", 1), ("a", 2), ("b", 3)].into_iter().for_each(|(key, index)| pace.add(change(key, index)));
        let left: Vec<u64> = pace.take().iter().map(Change::index).collect();
        assert_eq!(left, [2, 3]);
        assert!(pace.is_empty());
    }
}
