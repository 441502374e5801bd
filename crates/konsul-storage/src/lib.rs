//! Persistence.

#[cfg(any(test, feature = "sim"))]
pub mod conformance;
pub mod contract;
pub mod disk;
mod files;
pub mod memory;
pub mod mutants;
mod probe;
mod snapshot;
pub mod vfs;
mod wal;

pub use contract::{
    Entry, EntryKind, FinishedSnapshot, LogId, SnapshotMeta, SnapshotReader, SnapshotWriter, Storage, StorageError,
    StorageUsage, Vote,
};
pub use disk::{DiskOptions, DiskStorage};
pub use memory::MemoryStorage;
pub use vfs::Vfs;
pub use vfs::real::RealVfs;
