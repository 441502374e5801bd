//! Batches: many operations in one entry, all or none, or each for itself.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::{Key, KvRecord, TxnFailure, TxnResult};

/// Most operations in one batch that a client sends.
pub const BATCH_OPS_MAX: usize = 10_000;

/// What one member of a batch gives back, in the order of the members.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum BatchItem {
    /// It is done, or the check holds; there is nothing more to say.
    Done,
    /// It is done, for so many keys.
    Counted(u64),
    /// A key that was written, or read; `None` if it may be absent and is.
    Record(Option<Arc<KvRecord>>),
    /// The keys under a prefix.
    Tree(Vec<(Key, Arc<KvRecord>)>),
    /// It did not happen. In a batch of all or none nothing else did either.
    Failed(TxnFailure),
    // Feature level 3.
    /// A record of the catalogue that was written, or read.
    Catalog(TxnResult),
}

impl BatchItem {
    /// Why it did not happen, if it did not.
    pub fn failure(&self) -> Option<&TxnFailure> {
        match self {
            BatchItem::Failed(why) => Some(why),
            _ => None,
        }
    }
}
