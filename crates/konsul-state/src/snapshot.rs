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
    Check, Event, Index, Key, KvRecord, Limits, Millis, Namespace, Node, RequestId, RestoreId, Session, Value,
};
use serde::{Deserialize, Serialize};
use smol_str::SmolStr;

use crate::dirs::Dir;
use crate::hash::RecordHash;
use crate::mutants;
use crate::requests::Remembered;
use crate::state::State;

mod batches;
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
    pub limits: Limits,
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
    Checks(Vec<Arc<Check>>),
    Events(Vec<Arc<Event>>),
    Requests(Vec<(RequestId, Arc<Remembered>)>),
    Staging {
        id: RestoreId,
    },
    Staged(Vec<Value>),
    End {
        parts: u64,
        /// [`RecordHash`] over the bytes of all parts before.
        checksum: u64,
    },
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
                .chain(self.request_parts()),
        )
    }

    fn head(&self) -> Head {
        Head {
            index: self.index,
            term: self.term,
            log_index: self.log_index,
            at: self.at,
            feature_level: self.feature_level,
            limits: self.limits,
            restored_at: self.restored_at,
            sessions_changed: self.sessions.changed.iter().map(|(name, at)| (name.clone(), *at)).collect(),
            nodes_changed: self.catalog.nodes_changed,
            checks_changed: self.catalog.checks_changed,
            events_changed: self.events.changed,
            ltime: self.events.ltime,
            forgotten_to: self.requests.forgotten_to,
            checkpoints: self.checkpoints.iter().cloned().collect(),
            hashes: self.hashes.to_vec(),
        }
    }

    fn session_parts(&self) -> impl Iterator<Item = Part> + Send + use<> {
        batches(self.sessions.by_id.clone(), |rows| {
            Part::Sessions(rows.into_iter().map(|((namespace, _), session)| (namespace, session)).collect())
        })
    }

    fn request_parts(&self) -> impl Iterator<Item = Part> + Send + use<> {
        let left_out = mutants::active(mutants::REQUESTS_NOT_IN_SNAPSHOT);
        batches(if left_out { OrdMap::new() } else { self.requests.by_id.clone() }, Part::Requests)
    }

    fn small_parts(&self) -> impl Iterator<Item = Part> + Send + use<> {
        let nodes = batches(self.catalog.nodes.clone(), |rows| {
            Part::Nodes(rows.into_iter().map(|(_, n)| n).collect())
        });
        let checks = batches(self.catalog.checks.clone(), |rows| {
            Part::Checks(rows.into_iter().map(|(_, c)| c).collect())
        });
        let events = self.events.kept.clone().into_iter().map(|event| Part::Events(vec![event]));
        let staging = self.staging.clone();
        let begun = staging.as_ref().map(|staging| Part::Staging { id: staging.id });
        let staged: Vector<Value> = staging.map(|staging| staging.chunks).unwrap_or_default();
        let staged = staged.into_iter().map(|chunk| Part::Staged(vec![chunk]));
        nodes.chain(checks).chain(events).chain(begun).chain(staged)
    }
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
        16 + encoding::encode(self.1).len()
    }
}

impl From<DecodeError> for SnapshotError {
    fn from(why: DecodeError) -> Self {
        SnapshotError::Unreadable(why.to_string())
    }
}
