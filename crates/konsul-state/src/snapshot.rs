//! The whole state as a sequence of chunks, and back.
//!
//! A chunk is one versioned part of at most about [`CHUNK_BYTES`]. The head comes first, then each table's rows in
//! order, then an end that counts the parts and carries a checksum over their bytes, so that a sequence that was cut short
//! or damaged is never taken for whole. What can be derived (sizes, deadlines, holders, hashes) is not stored but built
//! anew, and the hashes of the head prove that it came out the same.

use std::sync::Arc;

use imbl::{OrdMap, Vector};
use konsul_types::encoding::{self, DecodeError};
use konsul_types::{
    Check, Event, Index, Key, KvRecord, Limits, LimitsV1, Lock, LockName, LockWaiter, Millis, Namespace,
    Node, NodeCoordinate, NodeName, PreparedQuery, RequestId, RestoreId, Service, ServiceName, Session,
    Transition, Value, node::CheckV1,
};
use serde::{Deserialize, Serialize};
use smol_str::SmolStr;

use crate::catalog::CheckKey;
use crate::dirs::Dir;
use crate::hash::RecordHash;
use crate::history::PastRow;
use crate::mutants;
use crate::requests::{Answered, Remembered};
use crate::state::State;

mod batches;
mod catalogue;
mod restorer;

pub use restorer::{Restorer, SnapshotError};

use batches::{Row, batches};

/// Roughly how large a chunk is: rows are added until it is at least this.
pub const CHUNK_BYTES: usize = 256 * 1024;

/// What is not in a table.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Head {
    pub index: Index,
    pub term: u64,
    pub log_index: u64,
    pub at: Millis,
    pub feature_level: u32,
    pub limits: LimitsV1,
    pub restored_at: Index,
    pub sessions_changed: Vec<(Namespace, Index)>,
    pub nodes_changed: Index,
    pub checks_changed: Index,
    pub events_changed: Index,
    pub ltime: u64,
    pub forgotten_to: Millis,
    pub checkpoints: Vec<(Index, Vec<u64>)>,
    pub hashes: Vec<u64>,
}

/// One chunk's content. Variants are only ever appended.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) enum Part {
    Head(Box<Head>),
    Keyspace {
        namespace: Namespace,
        root: Dir,
    },
    Keys {
        namespace: Namespace,
        rows: Vec<(Key, Arc<KvRecord>)>,
    },
    Marks {
        namespace: Namespace,
        rows: Vec<(SmolStr, Dir)>,
    },
    Graves {
        namespace: Namespace,
        rows: Vec<(SmolStr, Index)>,
    },
    Delays {
        namespace: Namespace,
        rows: Vec<(Key, Millis)>,
    },
    Sessions(Vec<(Namespace, Arc<Session>)>),
    Nodes(Vec<Arc<Node>>),
    Checks(Vec<CheckV1>),
    Events(Vec<Arc<Event>>),
    Requests(Vec<(RequestId, Answered)>),
    Staging {
        id: RestoreId,
    },
    Staged(Vec<Value>),
    End {
        parts: u64,
        /// [`RecordHash`] over the bytes of all parts before.
        checksum: u64,
    },
    // Feature level 2.
    Bounds(Limits),
    History {
        namespace: Namespace,
        rows: Vec<PastRow>,
    },
    Locks(Vec<(Namespace, LockName, Arc<Lock>)>),
    LockWaiters(Vec<(Namespace, LockName, Arc<LockWaiter>)>),
    LocksChanged(Vec<(Namespace, Index)>),
    /// Requests with a fingerprint, or whose ids tell no time.
    NamedRequests(Vec<(RequestId, Option<u64>, Answered)>),
    Timeline(Vec<(Index, Millis)>),
    // Feature level 3.
    CatalogMarks(Box<CatalogMarks>),
    Services(Vec<Arc<Service>>),
    Groups(Vec<((Namespace, ServiceName), Index, Index)>),
    NodeMarks(Vec<(NodeName, Index)>),
    /// Checks that level 1 cannot say.
    FullChecks(Vec<Arc<Check>>),
    Transitions(Vec<(CheckKey, Vec<Transition>)>),
    Coordinates(Vec<Arc<NodeCoordinate>>),
    Queries(Vec<Arc<PreparedQuery>>),
}

/// Indexes of the catalogue that no record tells.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct CatalogMarks {
    pub services_changed: Vec<(Namespace, Index)>,
    pub extinct: Vec<(Namespace, Index)>,
    pub nodes_extinct: Index,
    pub coordinates_changed: Index,
    pub queries_changed: Index,
}

/// How many parts there were, and the checksum over their bytes.
#[derive(Debug, Clone, Copy)]
struct Sent {
    parts: u64,
    checksum: RecordHash,
}

impl Default for Sent {
    fn default() -> Self {
        Sent { parts: 0, checksum: RecordHash::new(7) }
    }
}

impl Sent {
    fn add(&mut self, bytes: &[u8]) {
        self.parts += 1;
        self.checksum = self.checksum.bytes(bytes);
    }

    fn end(&self) -> Part {
        Part::End { parts: self.parts, checksum: self.checksum.finish() }
    }
}

impl State {
    /// The state as chunks. Cheap to call; the work is done by whoever drains it, while later entries are applied to other
    /// clones.
    pub fn chunks(&self) -> Box<dyn Iterator<Item = Vec<u8>> + Send> {
        let mut parts = self.parts().fuse();
        let mut sent = Sent::default();
        let mut ended = false;
        Box::new(std::iter::from_fn(move || {
            if let Some(part) = parts.next() {
                let bytes = encoding::encode(&part);
                sent.add(&bytes);
                return Some(bytes);
            }
            let end = (!ended).then(|| encoding::encode(&sent.end()));
            ended = true;
            end
        }))
    }

    fn parts(&self) -> Box<dyn Iterator<Item = Part> + Send> {
        let head = std::iter::once(Part::Head(Box::new(self.head())));
        let keyspaces = self.keyspaces.clone();
        let names: Vec<Namespace> = keyspaces.keys().cloned().collect();
        let keys = names.into_iter().flat_map(move |name| {
            let keys = keyspaces.get(&name).cloned().unwrap_or_default();
            keyspace_parts(name, &keys)
        });
        Box::new(
            head.chain(keys)
                .chain(self.session_parts())
                .chain(self.small_parts())
                .chain(self.request_parts())
                .chain(self.second_level_parts())
                .chain(self.third_level_parts()),
        )
    }

    fn head(&self) -> Head {
        Head {
            index: self.index,
            term: self.term,
            log_index: self.log_index,
            at: self.at,
            feature_level: self.feature_level,
            limits: self.limits.into(),
            restored_at: self.restored_at,
            sessions_changed: self.sessions.changed.iter().map(|(name, at)| (name.clone(), *at)).collect(),
            nodes_changed: self.catalog.nodes_changed,
            checks_changed: self.catalog.checks_changed,
            events_changed: self.events.changed,
            ltime: self.events.ltime,
            forgotten_to: self.requests.forgotten_to,
            checkpoints: self.checkpoints.iter().cloned().collect(),
            hashes: self.hashes.of_level(self.feature_level),
        }
    }

    fn session_parts(&self) -> impl Iterator<Item = Part> + Send + use<> {
        batches(self.sessions.by_id.clone(), |rows| {
            Part::Sessions(rows.into_iter().map(|((namespace, _), session)| (namespace, session)).collect())
        })
    }

    fn request_parts(&self) -> impl Iterator<Item = Part> + Send + use<> {
        let plain = |rows: Vec<(RequestId, Arc<Remembered>)>| {
            let plain = rows.into_iter().filter(|(_, remembered)| remembered.fingerprint.is_none());
            Part::Requests(plain.map(|(id, remembered)| (id, remembered.answered.clone())).collect())
        };
        batches(self.requests_to_save(), plain)
    }

    fn requests_to_save(&self) -> OrdMap<RequestId, Arc<Remembered>> {
        let left_out = mutants::active(mutants::REQUESTS_NOT_IN_SNAPSHOT);
        if left_out { OrdMap::new() } else { self.requests.timed.clone() }
    }

    /// What feature level 1 does not know; nothing of it is there before the level is raised.
    fn second_level_parts(&self) -> Box<dyn Iterator<Item = Part> + Send> {
        if self.feature_level < 2 {
            return Box::new(std::iter::empty());
        }
        let bounds = std::iter::once(Part::Bounds(self.limits));
        let changed = self.locks.changed.iter().map(|(name, at)| (name.clone(), *at)).collect();
        let locks = batches(self.locks.by_name.clone(), |rows| {
            Part::Locks(rows.into_iter().map(|((namespace, name), lock)| (namespace, name, lock)).collect())
        });
        let waiters = batches(self.locks.waiters.clone(), |rows| {
            let row = |((namespace, name, _), waiter)| (namespace, name, waiter);
            Part::LockWaiters(rows.into_iter().map(row).collect())
        });
        let fingerprinted = |rows: Vec<(RequestId, Arc<Remembered>)>| {
            let named = rows.into_iter().filter(|(_, remembered)| remembered.fingerprint.is_some());
            Part::NamedRequests(named.map(named_request).collect())
        };
        let keyed = |rows: Vec<(RequestId, Arc<Remembered>)>| {
            Part::NamedRequests(rows.into_iter().map(named_request).collect())
        };
        let requests = batches(self.requests_to_save(), fingerprinted)
            .chain(batches(self.requests.keyed.clone(), keyed));
        let timeline = std::iter::once(Part::Timeline(self.timeline.marks.iter().copied().collect()));
        Box::new(
            bounds
                .chain(std::iter::once(Part::LocksChanged(changed)))
                .chain(locks)
                .chain(waiters)
                .chain(requests.filter(|part| !matches!(part, Part::NamedRequests(rows) if rows.is_empty())))
                .chain(timeline)
                .chain(self.history_parts()),
        )
    }

    fn history_parts(&self) -> impl Iterator<Item = Part> + Send + use<> {
        let keyspaces = self.keyspaces.clone().into_iter();
        keyspaces.flat_map(|(namespace, keys)| {
            let history = keys.history.past.clone();
            let mut next = 0;
            std::iter::from_fn(move || {
                let (mut rows, mut bytes) = (Vec::new(), 0);
                while let Some(past) = history.get(next)
                    && bytes < CHUNK_BYTES
                {
                    next += 1;
                    bytes += 64 + past.key.as_str().len() + past.record.as_ref().map_or(0, |r| r.value.len());
                    rows.push(PastRow::of(past));
                }
                (!rows.is_empty()).then(|| Part::History { namespace: namespace.clone(), rows })
            })
        })
    }

    fn small_parts(&self) -> impl Iterator<Item = Part> + Send + use<> {
        let nodes = batches(self.catalog.nodes.clone(), |rows| {
            Part::Nodes(rows.into_iter().map(|(_, n)| n).collect())
        });
        let checks = batches(self.catalog.checks.clone(), |rows| {
            Part::Checks(rows.into_iter().filter_map(|(_, check)| check.as_v1()).collect())
        });
        let checks = checks.filter(|part| !matches!(part, Part::Checks(rows) if rows.is_empty()));
        let events = self.events.kept.clone().into_iter().map(|event| Part::Events(vec![event]));
        let staging = self.staging.clone();
        let begun = staging.as_ref().map(|staging| Part::Staging { id: staging.id });
        let staged: Vector<Value> = staging.map(|staging| staging.chunks).unwrap_or_default();
        let staged = staged.into_iter().map(|chunk| Part::Staged(vec![chunk]));
        nodes.chain(checks).chain(events).chain(begun).chain(staged)
    }
}

fn named_request((id, remembered): (RequestId, Arc<Remembered>)) -> (RequestId, Option<u64>, Answered) {
    (id, remembered.fingerprint, remembered.answered.clone())
}

fn keyspace_parts(name: Namespace, keys: &crate::Keyspace) -> impl Iterator<Item = Part> + Send + use<> {
    let begin = Part::Keyspace { namespace: name.clone(), root: keys.dirs.root };
    let (n1, n2, n3, n4) = (name.clone(), name.clone(), name.clone(), name);
    std::iter::once(begin)
        .chain(batches(keys.records.clone(), move |rows| Part::Keys { namespace: n1.clone(), rows }))
        .chain(batches(keys.dirs.marks.clone(), move |rows| Part::Marks { namespace: n2.clone(), rows }))
        .chain(batches(keys.dirs.graves.clone(), move |rows| Part::Graves { namespace: n3.clone(), rows }))
        .chain(batches(keys.delays.clone(), move |rows| Part::Delays { namespace: n4.clone(), rows }))
}

impl Row for (&Key, &Arc<KvRecord>) {
    fn weight(&self) -> usize {
        64 + self.0.as_str().len() + self.1.value.len()
    }
}

impl Row for (&SmolStr, &Dir) {
    fn weight(&self) -> usize {
        24 + self.0.len()
    }
}

impl Row for (&SmolStr, &Index) {
    fn weight(&self) -> usize {
        10 + self.0.len()
    }
}

impl Row for (&Key, &Millis) {
    fn weight(&self) -> usize {
        10 + self.0.as_str().len()
    }
}

// Records whose texts have no bound here are measured, so that a chunk stays below what a restore may stage.

impl<K> Row for (&K, &Arc<Session>) {
    fn weight(&self) -> usize {
        64 + encoding::encode(self.1).len()
    }
}

impl<K> Row for (&K, &Arc<Lock>) {
    fn weight(&self) -> usize {
        600 + encoding::encode(self.1).len()
    }
}

impl<K> Row for (&K, &Arc<LockWaiter>) {
    fn weight(&self) -> usize {
        600 + encoding::encode(self.1).len()
    }
}

impl<K> Row for (&K, &Arc<Node>) {
    fn weight(&self) -> usize {
        encoding::encode(self.1).len()
    }
}

impl<K> Row for (&K, &Arc<Check>) {
    fn weight(&self) -> usize {
        encoding::encode(self.1).len()
    }
}

impl Row for (&RequestId, &Arc<Remembered>) {
    fn weight(&self) -> usize {
        24 + encoding::encode(&self.1.answered).len()
    }
}

impl From<DecodeError> for SnapshotError {
    fn from(why: DecodeError) -> Self {
        SnapshotError::Unreadable(why.to_string())
    }
}
