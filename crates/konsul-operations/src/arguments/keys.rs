//! Arguments of operations on keys that go beyond one key and one value.

use konsul_types::{Index, Key, TtlPatch};
use konsul_watch::Glob;

/// Changes flags and time to live of a key, and leaves its value.
#[derive(Debug, Clone)]
pub struct KvPatch {
    /// Which.
    pub key: Key,
    /// New flags, if they change.
    pub flags: Option<u64>,
    /// What becomes of the time to live.
    pub ttl: TtlPatch,
    /// The modify index that the key must have, if that matters.
    pub cas: Option<Index>,
}

/// Where a list goes on. An edge hides it in a cursor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resume {
    /// The last name that was told.
    pub after: String,
    /// Whether everything that begins with it is passed over: it was a folder.
    pub beyond: bool,
}

/// One page of the keys and folders under a prefix.
#[derive(Debug, Clone)]
pub struct KvPage {
    /// The prefix; empty for all.
    pub prefix: String,
    /// Names are cut after the first one beyond the prefix, and each cut is told once, as a folder; empty for no folders.
    pub delimiter: String,
    /// Where the page before ended.
    pub after: Option<Resume>,
    /// Most keys and folders; at least one is told.
    pub limit: usize,
}

/// What is searched for.
#[derive(Debug, Clone)]
pub enum Needle {
    /// Keys that contain a text.
    KeyText(String),
    /// Keys that match a pattern.
    KeyGlob(Glob),
    /// Values that contain these bytes.
    ValueBytes(Vec<u8>),
}

/// One page of a search over all folders.
#[derive(Debug, Clone)]
pub struct KvSearch {
    /// Only keys that begin with it; empty for all.
    pub prefix: String,
    /// What is searched for.
    pub needle: Needle,
    /// Where the page before ended.
    pub after: Option<Resume>,
    /// Most hits. A page may have fewer and yet not be the last: its work is bounded too.
    pub limit: usize,
}

/// What a key held before.
#[derive(Debug, Clone)]
pub struct KvHistory {
    /// Which.
    pub key: Key,
    /// Only versions below this index.
    pub before: Option<Index>,
    /// Most versions, newest first.
    pub limit: usize,
}

/// Two versions of a key.
#[derive(Debug, Clone)]
pub struct KvDiff {
    /// Which.
    pub key: Key,
    /// Index of the older one; `None` for the one before `to`.
    pub from: Option<Index>,
    /// Index of the newer one; `None` for the present one.
    pub to: Option<Index>,
}

/// Puts an earlier value back.
#[derive(Debug, Clone)]
pub struct KvUndo {
    /// Which.
    pub key: Key,
    /// Index of the version wanted; `None` for the newest whose value or flags differ from the present.
    pub to_index: Option<Index>,
}

/// Which keys are meant.
#[derive(Debug, Clone)]
pub enum KvSelect {
    /// One.
    Key(Key),
    /// All that begin with a text; the empty one means all.
    Prefix(String),
    /// All that match a pattern.
    Glob(Glob),
}
