//! The file system as storage sees it: the only door to files in this crate.
//!
//! [`real::RealVfs`] is the operating system. `sim::SimDisk` (feature `sim`) is a disk that can lose what was
//! not synced, rot, be full and die at any call. The engine above cannot tell them apart, so whatever the
//! simulated disk proves about it holds for the code that is shipped.
//!
//! All file names are flat, inside one directory, and made of `[a-z0-9.-]`, which every file system can
//! store.

use std::fmt;
use std::io;
use std::path::Path;
use std::sync::Arc;

pub mod real;
#[cfg(any(test, feature = "sim"))]
pub mod sim;

/// A file system. Calls block; handles may be shared between threads.
pub trait Vfs: Send + Sync + fmt::Debug {
    /// Creates a directory and its parents; no error if it is there.
    fn create_dir(&self, dir: &Path) -> io::Result<()>;

    /// Creates a file, or empties the one that is there. Its name is durable only after [`Vfs::sync_dir`].
    fn create(&self, path: &Path) -> io::Result<Arc<dyn VfsFile>>;

    /// Opens an existing file for reading and writing.
    fn open(&self, path: &Path) -> io::Result<Arc<dyn VfsFile>>;

    /// Opens an existing file for reading only.
    fn open_read(&self, path: &Path) -> io::Result<Arc<dyn VfsFile>>;

    /// Gives a file another name in the same directory, replacing what had it. Durable only after
    /// [`Vfs::sync_dir`].
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;

    /// Removes a file. Durable only after [`Vfs::sync_dir`].
    fn remove(&self, path: &Path) -> io::Result<()>;

    /// The names of the files in a directory, sorted.
    fn list(&self, dir: &Path) -> io::Result<Vec<String>>;

    /// Whether a file of this name exists.
    fn exists(&self, path: &Path) -> io::Result<bool>;

    /// Makes the names in a directory survive a power cut. Where a system cannot sync directories, it orders
    /// renames itself.
    fn sync_dir(&self, dir: &Path) -> io::Result<()>;

    /// Bytes that an unprivileged process may still write below this directory.
    fn free_space(&self, dir: &Path) -> io::Result<u64>;

    /// Takes the advisory lock on a file, creating it, and notes this process in it. Held until the answer is
    /// dropped.
    fn lock(&self, path: &Path) -> Result<Box<dyn VfsLock>, LockError>;

    /// A number that nobody who writes data can foresee. It salts checksums; it is no secret.
    fn nonce(&self) -> u32;
}

/// An open file.
pub trait VfsFile: Send + Sync + fmt::Debug {
    /// Its length in bytes.
    fn len(&self) -> io::Result<u64>;

    /// Whether it has no bytes.
    fn is_empty(&self) -> io::Result<bool> {
        self.len().map(|len| len == 0)
    }

    /// Reads some bytes at an offset; 0 at the end of the file.
    fn read_at(&self, offset: u64, into: &mut [u8]) -> io::Result<usize>;

    /// Writes some of the bytes at an offset and answers how many. May be short.
    fn write_at(&self, offset: u64, bytes: &[u8]) -> io::Result<usize>;

    /// Reserves room for a file of `len` bytes, which then reads as zeros where nothing was written.
    ///
    /// The room alone is not enough for fast syncs: until bytes are written, each first write also changes
    /// metadata.
    fn preallocate(&self, len: u64) -> io::Result<()>;

    /// Cuts the file to `len` bytes.
    fn set_len(&self, len: u64) -> io::Result<()>;

    /// Makes bytes, and the length needed to read them, survive a power cut.
    fn sync_data(&self) -> io::Result<()>;
}

/// A held lock; dropping it releases.
pub trait VfsLock: Send + fmt::Debug {}

/// Why a lock was not taken.
#[derive(Debug)]
pub enum LockError {
    /// Somebody else holds it.
    Held {
        /// The process id found in the file.
        holder: Option<u32>,
    },
    /// The system refused for another reason.
    Io(io::Error),
}

/// Writes all bytes. On an error, also answers how many bytes reached the file before it.
pub(crate) fn write_all_at(file: &dyn VfsFile, offset: u64, bytes: &[u8]) -> Result<(), (u64, io::Error)> {
    let mut done = 0usize;
    while done < bytes.len() {
        match file.write_at(offset + done as u64, &bytes[done..]) {
            Ok(0) => return Err((done as u64, io::ErrorKind::WriteZero.into())),
            Ok(n) => done += n,
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(e) => return Err((done as u64, e)),
        }
    }
    Ok(())
}

/// Fills the buffer from an offset; answers how many bytes there were before the end of the file.
pub(crate) fn read_full_at(file: &dyn VfsFile, offset: u64, into: &mut [u8]) -> io::Result<usize> {
    let mut done = 0usize;
    while done < into.len() {
        match file.read_at(offset + done as u64, &mut into[done..]) {
            Ok(0) => break,
            Ok(n) => done += n,
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(e) => return Err(e),
        }
    }
    Ok(done)
}
