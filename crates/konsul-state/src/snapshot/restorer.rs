//! Chunks become a state again.

use std::sync::Arc;

use konsul_types::encoding;

use super::{Head, Part, Sent};
use crate::catalog::node_hash;
use crate::events::event_hash;
use crate::hash::Table;
use crate::history::PastRow;
use crate::keyspace::record_hash;
use crate::requests::{Answered, Remembered, request_hash};
use crate::restore::Staging;
use crate::state::State;

/// Why chunks are no snapshot. The state that was there before is untouched.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SnapshotError {
    /// A chunk cannot be read.
    #[error("a chunk cannot be read: {0}")]
    Unreadable(String),
    /// Chunks are missing, or come in another order.
    #[error("the snapshot is not whole: {0}")]
    NotWhole(String),
    /// A newer build wrote it.
    #[error("the snapshot has feature level {found}; this build knows {known}. Use a newer build")]
    Newer {
        /// Its level.
        found: u32,
        /// Ours.
        known: u32,
    },
    /// A table came out other than it was.
    #[error("table {0} of the snapshot does not have the hash that it was saved with")]
    HashDiffers(&'static str),
}

/// Reads chunks in order.
#[derive(Debug, Default)]
pub struct Restorer {
    state: State,
    head: Option<Head>,
    read: Sent,
    ended: bool,
}

impl Restorer {
    /// One that has read nothing yet.
    pub fn new() -> Restorer {
        Restorer::default()
    }

    /// Reads one chunk.
    pub fn chunk(&mut self, bytes: &[u8]) -> Result<(), SnapshotError> {
        let part: Part = encoding::decode(bytes)?;
        if self.ended {
            return Err(SnapshotError::NotWhole("there are chunks after the end".into()));
        }
        if let Part::End { parts, checksum } = part {
            self.ended = true;
            return self.compare(parts, checksum);
        }
        self.read.add(bytes);
        match (part, self.head.is_some()) {
            (Part::Head(head), false) => self.begin(*head),
            (Part::Head(_), true) => Err(SnapshotError::NotWhole("there are two heads".into())),
            (_, false) => Err(SnapshotError::NotWhole("the head is missing".into())),
            (part, true) => self.rows(part),
        }
    }

    /// The state, if everything was there.
    pub fn finish(self) -> Result<State, SnapshotError> {
        let head = self.head.ok_or_else(|| SnapshotError::NotWhole("it is empty".into()))?;
        if !self.ended {
            return Err(SnapshotError::NotWhole("its end is missing".into()));
        }
        match self.state.hashes.first_difference(&head.hashes) {
            Some(table) => Err(SnapshotError::HashDiffers(table.name())),
            None => Ok(self.state),
        }
    }

    fn compare(&self, parts: u64, checksum: u64) -> Result<(), SnapshotError> {
        if parts != self.read.parts {
            return Err(SnapshotError::NotWhole(format!("{} of {parts} chunks are here", self.read.parts)));
        }
        if checksum != self.read.checksum.finish() {
            return Err(SnapshotError::NotWhole("its bytes are not those that were written".into()));
        }
        Ok(())
    }

    fn begin(&mut self, head: Head) -> Result<(), SnapshotError> {
        if head.feature_level > konsul_types::FEATURE_LEVEL {
            return Err(SnapshotError::Newer {
                found: head.feature_level,
                known: konsul_types::FEATURE_LEVEL,
            });
        }
        let state = &mut self.state;
        state.index = head.index;
        state.term = head.term;
        state.log_index = head.log_index;
        state.at = head.at;
        state.feature_level = head.feature_level;
        state.limits = head.limits.over(state.limits);
        state.restored_at = head.restored_at;
        state.sessions.changed = head.sessions_changed.iter().cloned().collect();
        state.catalog.nodes_changed = head.nodes_changed;
        state.catalog.checks_changed = head.checks_changed;
        state.events.changed = head.events_changed;
        state.events.ltime = head.ltime;
        state.requests.forgotten_to = head.forgotten_to;
        state.checkpoints = head.checkpoints.iter().cloned().collect();
        self.head = Some(head);
        Ok(())
    }

    fn rows(&mut self, part: Part) -> Result<(), SnapshotError> {
        match part {
            Part::Head(_) | Part::End { .. } => {}
            Part::Keyspace { namespace, root } => self.state.keyspace_mut(&namespace).dirs.root = root,
            Part::Keys { namespace, rows } => self.keys(&namespace, rows),
            Part::Marks { namespace, rows } => {
                let dirs = &mut self.state.keyspace_mut(&namespace).dirs;
                rows.into_iter().for_each(|(path, dir)| dirs.load_mark(path, dir));
            }
            Part::Graves { namespace, rows } => {
                let dirs = &mut self.state.keyspace_mut(&namespace).dirs;
                rows.into_iter().for_each(|(key, index)| dirs.dig_grave(&key, index));
            }
            Part::Delays { namespace, rows } => {
                let keys = self.state.keyspace_mut(&namespace);
                rows.iter().for_each(|(key, until)| keys.delay_lock(key, *until));
            }
            Part::Sessions(rows) => self.sessions(rows),
            Part::Nodes(rows) => self.nodes(rows),
            Part::Checks(rows) => {
                self.state.load_checks(rows.into_iter().map(|row| Arc::new(row.into())));
            }
            Part::Events(rows) => self.events(rows),
            Part::Requests(rows) => {
                rows.into_iter().for_each(|(id, answered)| self.request(id, None, answered));
            }
            Part::Staging { id } => {
                self.state.staging = Some(Staging { id, chunks: imbl::Vector::new(), bytes: 0 });
            }
            Part::Staged(chunks) => return self.staged(chunks),
            Part::Bounds(limits) => self.state.limits = limits,
            Part::History { namespace, rows } => self.history(&namespace, rows),
            Part::Locks(rows) => {
                for (namespace, name, lock) in rows {
                    self.state.swap_lock(&namespace, &name, Some(&lock));
                }
            }
            Part::LockWaiters(rows) => {
                for (namespace, name, waiter) in rows {
                    self.state.swap_waiter(&namespace, &name, waiter.session, Some(&waiter));
                }
            }
            Part::LocksChanged(rows) => self.state.locks.changed = rows.into_iter().collect(),
            Part::NamedRequests(rows) => {
                rows.into_iter().for_each(|(id, named, answered)| self.request(id, named, answered));
            }
            Part::Timeline(marks) => self.state.timeline.marks = marks.into_iter().collect(),
            Part::CatalogMarks(marks) => self.state.load_catalog_marks(*marks),
            Part::Services(rows) => self.state.load_services(rows),
            Part::Groups(rows) => self.state.load_groups(rows),
            Part::NodeMarks(rows) => self.state.catalog.node_marks.extend(rows),
            Part::FullChecks(rows) => self.state.load_checks(rows),
            Part::Transitions(rows) => self.state.load_transitions(rows),
            Part::Coordinates(rows) => self.state.load_coordinates(rows),
            Part::Queries(rows) => self.state.load_queries(&rows),
        }
        Ok(())
    }

    fn keys(
        &mut self,
        namespace: &konsul_types::Namespace,
        rows: Vec<(konsul_types::Key, Arc<konsul_types::KvRecord>)>,
    ) {
        for (key, record) in rows {
            let hash = record_hash(namespace, &key, &record);
            self.state.hashes.replace(Table::Kv, None, Some(hash));
            let keys = self.state.keyspace_mut(namespace);
            keys.reindex(&key, None, Some(&record));
            keys.records.insert(key, record);
        }
    }

    fn sessions(&mut self, rows: Vec<(konsul_types::Namespace, Arc<konsul_types::Session>)>) {
        for (namespace, session) in rows {
            let hash = crate::sessions::session_hash(&namespace, &session);
            self.state.hashes.replace(Table::Sessions, None, Some(hash));
            self.state.sessions.replace(&namespace, session.spec.id, Some(&session));
        }
    }

    fn nodes(&mut self, rows: Vec<Arc<konsul_types::Node>>) {
        for node in rows {
            self.state.hashes.replace(Table::Catalog, None, Some(node_hash(&node)));
            self.state.catalog.swap_node(&node.name, Some(&node));
        }
    }

    fn events(&mut self, rows: Vec<Arc<konsul_types::Event>>) {
        for event in rows {
            self.state.hashes.replace(Table::Events, None, Some(event_hash(&event)));
            self.state.events.kept.push_back(event);
        }
    }

    fn request(&mut self, id: konsul_types::RequestId, fingerprint: Option<u64>, answered: Answered) {
        let remembered = Arc::new(Remembered { answered, fingerprint });
        self.state.hashes.replace(Table::Requests, None, Some(request_hash(id, &remembered)));
        self.state.requests.insert(id, remembered);
    }

    fn history(&mut self, namespace: &konsul_types::Namespace, rows: Vec<PastRow>) {
        let mut hashes = self.state.hashes;
        let history = &mut self.state.keyspace_mut(namespace).history;
        rows.into_iter().for_each(|row| history.push(row.past(namespace), u64::MAX, &mut hashes));
        self.state.hashes = hashes;
    }

    fn staged(&mut self, chunks: Vec<konsul_types::Value>) -> Result<(), SnapshotError> {
        let Some(staging) = self.state.staging.as_mut() else {
            return Err(SnapshotError::NotWhole("staged chunks come before their restore".into()));
        };
        for chunk in chunks {
            staging.bytes += chunk.len() as u64;
            staging.chunks.push_back(chunk);
        }
        Ok(())
    }
}
