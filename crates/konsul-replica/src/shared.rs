//! What the machine publishes and readers take.

use std::sync::Arc;

use arc_swap::ArcSwap;
use konsul_state::State;
use konsul_types::{Change, ChangeSet};
use konsul_watch::{Feed, FeedLimits};

use crate::clock::LogClock;

/// The published side of a replica.
#[derive(Debug)]
pub struct Shared {
    pub(crate) state: ArcSwap<State>,
    pub(crate) feed: Feed,
    pub(crate) clock: LogClock,
}

impl Shared {
    /// An empty state, published.
    pub fn new(limits: FeedLimits) -> Arc<Shared> {
        let state = ArcSwap::from_pointee(State::new());
        Arc::new(Shared { state, feed: Feed::new(limits), clock: LogClock::start() })
    }

    /// The published state.
    pub fn state(&self) -> Arc<State> {
        self.state.load_full()
    }

    /// Makes a state visible, then its changes.
    pub(crate) fn publish(&self, state: &State, sets: Vec<ChangeSet>) {
        self.clock.observe(state.at());
        self.state.store(Arc::new(state.clone()));
        self.announce(sets);
    }

    /// Makes a state visible that came whole from elsewhere: nobody's place in the history holds any more.
    pub(crate) fn replace(&self, state: &State) {
        self.clock.observe(state.at());
        self.state.store(Arc::new(state.clone()));
        self.feed.reset(state.index());
    }

    /// Hands change sets to the feed. A reset among them begins history anew.
    fn announce(&self, mut sets: Vec<ChangeSet>) {
        let is_reset = |set: &ChangeSet| set.changes.contains(&Change::Reset);
        while let Some(at) = sets.iter().position(is_reset) {
            let rest = sets.split_off(at + 1);
            let reset = sets.pop().map(|set| set.index);
            self.feed.publish(sets);
            if let Some(index) = reset {
                self.feed.reset(index);
            }
            sets = rest;
        }
        if !sets.is_empty() {
            self.feed.publish(sets);
        }
    }
}
