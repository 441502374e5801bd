//! The newest user events.

use std::sync::Arc;

use imbl::Vector;
use konsul_types::event::EVENTS_KEPT;
use konsul_types::{Change, Event, Index, Outcome};

use crate::hash::{RecordHash, Table};
use crate::state::State;

/// The newest events, oldest first.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Events {
    pub(crate) kept: Vector<Arc<Event>>,
    /// Logical time of the newest event ever fired.
    pub(crate) ltime: u64,
    pub(crate) changed: Index,
}

impl Events {
    /// The kept events, oldest first.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<Event>> {
        self.kept.iter()
    }

    /// When the last one was fired.
    pub fn changed(&self) -> Index {
        self.changed
    }
}

pub(crate) fn event_hash(event: &Event) -> u64 {
    RecordHash::new(5).value(event).finish()
}

impl State {
    pub(crate) fn event_fire(&mut self, wanted: &Event, changes: &mut Vec<Change>) -> Outcome {
        let events = &mut self.events;
        events.ltime += 1;
        events.changed = self.index;
        let event = Arc::new(Event { ltime: events.ltime, index: self.index, ..wanted.clone() });
        let dropped = if events.kept.len() >= EVENTS_KEPT { events.kept.pop_front() } else { None };
        events.kept.push_back(Arc::clone(&event));
        self.hashes.replace(Table::Events, dropped.as_deref().map(event_hash), Some(event_hash(&event)));
        changes.push(Change::Event(Arc::clone(&event)));
        Outcome::Event(event)
    }
}
