//! Arguments of operations that move many keys: batches, export, import. Those of a watch are in [`crate::watch`].

use konsul_types::{Key, Namespace, TxnOp, Value};

use super::KvSelect;

/// Runs operations together.
#[derive(Debug, Clone)]
pub struct Batch {
    /// Whether all happen or none, in one log entry. Otherwise each for itself, in as few entries as hold them.
    pub atomic: bool,
    /// The members, in order.
    pub ops: Vec<TxnOp>,
}

/// Reads keys of one consistent state as a stream.
#[derive(Debug, Clone)]
pub struct Export {
    /// Which keys.
    pub select: KvSelect,
    /// Those of every namespace, instead of the context's.
    pub all_namespaces: bool,
}

/// What becomes of keys that an import does not name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ImportMode {
    /// They stay.
    Merge,
    /// They are removed, below the import's prefix. The entries must come in order of namespace and key.
    Replace,
}

/// Brings keys in.
#[derive(Debug, Clone)]
pub struct Import {
    /// What becomes of other keys.
    pub mode: ImportMode,
    /// Only tell what would change.
    pub dry_run: bool,
    /// Only keys that begin with it are accepted, and only those are replaced; empty for all.
    pub prefix: String,
    /// Whether entries may name other namespaces than the context's. With [`ImportMode::Replace`] the keys of every
    /// namespace are replaced then, of those too that no entry names.
    pub all_namespaces: bool,
}

/// One entry of an import.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImportEntry {
    /// Where.
    pub namespace: Namespace,
    /// Which.
    pub key: Key,
    /// The bytes.
    pub value: Value,
    /// The flags.
    pub flags: u64,
    /// Time to live in milliseconds from now.
    pub ttl_ms: Option<u64>,
}
