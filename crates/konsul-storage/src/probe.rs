//! Tries out the data directory before anything relies on it.
//!
//! Network file systems and odd mounts fail one operation and not the others; a node that learns this on its
//! first election is a riddle, one that says "rename /data/probe.tmp: not supported" is not.

use crate::contract::StorageError;
use crate::files::{self, Files};
use crate::vfs::{LockError, VfsLock};

const LOCK: &str = "lock";
const BEFORE: &str = "probe.tmp";
const AFTER: &str = "probe.done";
const WORDS: &[u8] = b"konsul was here\n";

/// Takes the directory for this process.
pub(crate) fn lock(files: &Files) -> Result<Box<dyn VfsLock>, StorageError> {
    let path = files.path(LOCK);
    files.vfs.lock(&path).map_err(|e| match e {
        LockError::Held { holder } => StorageError::Locked { path: files.dir.display().to_string(), holder },
        LockError::Io(e) => files::refused("lock", &path, e),
    })
}

/// Creates, writes, syncs, renames, reads and removes a small file, and asks for free space. Answers the free
/// bytes.
pub(crate) fn probe(files: &Files) -> Result<u64, StorageError> {
    let path = files.path(BEFORE);
    let file = files.create(BEFORE)?;
    files::write(&*file, &path, 0, WORDS)?;
    files::sync(&*file, &path)?;
    files.rename(BEFORE, AFTER)?;
    files.sync_dir()?;
    let found = files::read_all(&*files.open_read(AFTER)?, &files.path(AFTER))?;
    files.remove(AFTER)?;
    if found != WORDS {
        let what =
            "a small file does not read as it was written. Use another disk or file system".to_string();
        return Err(StorageError::Corrupt { path: files.path(AFTER).display().to_string(), offset: 0, what });
    }
    files.vfs.free_space(&files.dir).map_err(|e| files::failed("get the free space of", &files.dir, e))
}

/// Removes what an interrupted probe left.
pub(crate) fn clean_up(files: &Files, names: &[String]) -> Result<(), StorageError> {
    for name in names.iter().filter(|name| [BEFORE, AFTER].contains(&name.as_str())) {
        files.remove(name)?;
    }
    Ok(())
}
