//! The data directory: paths, and errors that name the operation and the path.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::contract::StorageError;
use crate::vfs::{self, Vfs, VfsFile};

/// What to do about a damaged file.
pub(crate) const ADVICE: &str = "Keep the files. A node of a cluster rejoins as a new learner with an empty \
    directory; a node alone is repaired with `konsul storage repair`, which first prints what would be lost";

/// The data directory on its file system.
#[derive(Debug, Clone)]
pub(crate) struct Files {
    /// Where all access goes through.
    pub(crate) vfs: Arc<dyn Vfs>,
    /// The directory.
    pub(crate) dir: PathBuf,
}

impl Files {
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.join(name)
    }

    pub(crate) fn create(&self, name: &str) -> Result<Arc<dyn VfsFile>, StorageError> {
        let path = self.path(name);
        self.vfs.create(&path).map_err(|e| refused("create", &path, e))
    }

    pub(crate) fn open(&self, name: &str) -> Result<Arc<dyn VfsFile>, StorageError> {
        let path = self.path(name);
        self.vfs.open(&path).map_err(|e| refused("open", &path, e))
    }

    pub(crate) fn open_read(&self, name: &str) -> Result<Arc<dyn VfsFile>, StorageError> {
        let path = self.path(name);
        self.vfs.open_read(&path).map_err(|e| refused("open for reading", &path, e))
    }

    pub(crate) fn rename(&self, from: &str, to: &str) -> Result<(), StorageError> {
        let from = self.path(from);
        self.vfs.rename(&from, &self.path(to)).map_err(|e| refused("rename", &from, e))
    }

    pub(crate) fn remove(&self, name: &str) -> Result<(), StorageError> {
        let path = self.path(name);
        match self.vfs.remove(&path) {
            Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(()),
            answer => answer.map_err(|e| refused("remove", &path, e)),
        }
    }

    pub(crate) fn list(&self) -> Result<Vec<String>, StorageError> {
        self.vfs.list(&self.dir).map_err(|e| refused("list", &self.dir, e))
    }

    /// Syncs the directory. Never answers [`StorageError::Full`]: a failed sync is not a refusal, it leaves
    /// the unknown.
    pub(crate) fn sync_dir(&self) -> Result<(), StorageError> {
        self.vfs.sync_dir(&self.dir).map_err(|e| failed("sync directory", &self.dir, e))
    }
}

/// Whether an error says that there is no room.
pub(crate) fn is_full(e: &io::Error) -> bool {
    matches!(e.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
}

/// An operation that the system refused; for want of space is a case of its own.
pub(crate) fn refused(operation: &'static str, path: &Path, source: io::Error) -> StorageError {
    if is_full(&source) {
        return StorageError::Full { path: path.display().to_string() };
    }
    failed(operation, path, source)
}

/// An operation that went wrong, for whatever reason.
pub(crate) fn failed(operation: &'static str, path: &Path, source: io::Error) -> StorageError {
    StorageError::Io { operation, path: path.display().to_string(), source }
}

pub(crate) fn len(file: &dyn VfsFile, path: &Path) -> Result<u64, StorageError> {
    file.len().map_err(|e| failed("get the length of", path, e))
}

pub(crate) fn read(
    file: &dyn VfsFile,
    path: &Path,
    offset: u64,
    into: &mut [u8],
) -> Result<usize, StorageError> {
    vfs::read_full_at(file, offset, into).map_err(|e| failed("read", path, e))
}

pub(crate) fn read_all(file: &dyn VfsFile, path: &Path) -> Result<Vec<u8>, StorageError> {
    let mut bytes = vec![0; len(file, path)? as usize];
    let got = read(file, path, 0, &mut bytes)?;
    bytes.truncate(got);
    Ok(bytes)
}

pub(crate) fn write(file: &dyn VfsFile, path: &Path, offset: u64, bytes: &[u8]) -> Result<(), StorageError> {
    vfs::write_all_at(file, offset, bytes).map_err(|(_, e)| refused("write", path, e))
}

pub(crate) fn sync(file: &dyn VfsFile, path: &Path) -> Result<(), StorageError> {
    file.sync_data().map_err(|e| failed("fdatasync", path, e))
}
