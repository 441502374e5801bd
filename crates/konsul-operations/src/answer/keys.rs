//! Answers about keys that go beyond one key and one value.

use std::sync::Arc;

use konsul_types::{Index, KvRecord, Millis};

use super::KvEntry;
use crate::arguments::Resume;

/// One page of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page<T> {
    /// What it holds, in order.
    pub items: Vec<T>,
    /// Where the next one begins; `None` if there is nothing more.
    pub next: Option<Resume>,
}

/// A key, or a folder that stands for the keys below it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KvListed {
    /// A key.
    Entry(KvEntry),
    /// A name that was cut after the delimiter.
    Folder(Arc<str>),
}

/// A key at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KvVersion {
    /// Since when: the modify index, or that of the removal.
    pub index: Index,
    /// Log time of that entry; `None` if nothing is remembered of a time so long ago.
    pub at: Option<Millis>,
    /// What it held; `None` if it was absent.
    pub record: Option<Arc<KvRecord>>,
    /// Whether this is the present.
    pub current: bool,
}

/// What is remembered of a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KvVersions {
    /// The versions asked for, newest first.
    pub versions: Vec<KvVersion>,
    /// Whether there are older ones that were not asked for.
    pub more: bool,
}

/// Two versions of a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KvDifference {
    /// The older one; `None` if the newer one is the first that there was.
    pub from: Option<KvVersion>,
    /// The newer one.
    pub to: KvVersion,
}
