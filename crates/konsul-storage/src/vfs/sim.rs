//! A simulated disk: deterministic by its seed, and worse than any real one.
//!
//! A [`SimDisk`] is a handle; clones share the disk, so a test keeps one while the engine under test lives
//! and dies on another. Each file has cached and durable bytes by 512-byte sector, each directory cached and
//! durable names. [`SimDisk::reboot`] is a power cut: it decides, by policy, which of the unsynced sectors
//! and names survive. [`SimDisk::restart_process`] is `kill -9`: the cache survives. Handles of an earlier
//! life answer errors for ever.
//!
//! Calls that would change something are counted ([`SimDisk::calls`]); a test runs a history once, learns the
//! count, and then crashes it at every call. Calls that only read are not counted: a crash at a read is a
//! crash before the next change.
//!
//! Directories themselves are durable as soon as they are made: the engine makes one in its life, before
//! anything else.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::{LockError, Vfs, VfsFile, VfsLock};

mod inode;
mod names;
pub mod rng;
mod state;

use state::State;

/// What a power cut leaves of what was not synced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RebootPolicy {
    /// Nothing: the cache had not been written at all.
    LoseAll,
    /// Everything: the cache had just been written.
    KeepAll,
    /// Any subset of sectors and names, and of a sector written twice any of its versions.
    RandomSubset,
    /// Everything, but the last sector of the last write is new only up to some byte.
    TornLastSector,
}

/// How often faults happen by themselves, in ten thousand calls. All 0 at first.
#[derive(Debug, Clone, Copy, Default)]
pub struct FaultRates {
    /// A write that writes less than it was asked to.
    pub short_write: u32,
    /// A sync that fails, after which the pages count as clean but are not durable.
    pub failed_sync: u32,
    /// A write, creation or reservation that finds no space.
    pub full: u32,
}

/// What happened so far, so that a run that met no fault is not counted as a proof.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Marks {
    /// Crashes at a counted call.
    pub crashes: u64,
    /// Power cuts that tore a sector.
    pub torn: u64,
    /// Syncs that failed.
    pub failed_syncs: u64,
    /// Calls refused for want of space.
    pub full: u64,
    /// Writes cut short.
    pub short_writes: u64,
    /// Writes that went elsewhere.
    pub misdirected: u64,
    /// Writes that went nowhere.
    pub lost_writes: u64,
    /// Calls of sync that succeeded, on files.
    pub syncs: u64,
}

/// A handle to a simulated disk.
#[derive(Debug, Clone)]
pub struct SimDisk(Arc<Mutex<State>>);

#[derive(Debug)]
struct SimFile {
    disk: SimDisk,
    inode: u64,
    life: u64,
}

#[derive(Debug)]
struct SimLock {
    disk: SimDisk,
    path: PathBuf,
    life: u64,
}

impl SimDisk {
    /// An empty disk whose luck follows from the seed.
    pub fn new(seed: u64) -> Self {
        SimDisk(Arc::new(Mutex::new(State::new(seed))))
    }

    /// A handle of the kind that engines take.
    pub fn vfs(&self) -> Arc<dyn Vfs> {
        Arc::new(self.clone())
    }

    /// Calls so far that would change something.
    pub fn calls(&self) -> u64 {
        self.state().calls
    }

    /// The call with this number (counted from the disk's beginning) and all after it fail, until a reboot.
    pub fn crash_at(&self, call: u64) {
        self.state().crash_at = Some(call);
    }

    /// All calls fail from now on, until a reboot.
    pub fn crash_now(&self) {
        self.state().crashed = true;
    }

    /// Whether the process on this disk is dead.
    pub fn crashed(&self) -> bool {
        self.state().crashed
    }

    /// Cuts the power and starts the machine again. Locks are gone, old handles dead.
    pub fn reboot(&self, policy: RebootPolicy) {
        self.state().power_cut(policy);
    }

    /// Kills the process only: what was written stays readable, whether it is durable or not.
    pub fn restart_process(&self) {
        self.state().restart();
    }

    /// The next `n` syncs (of files and directories) fail; bytes they should have written count as clean and
    /// are not durable.
    pub fn fail_next_syncs(&self, n: u32) {
        self.state().failing_syncs = n;
    }

    /// The sync that is the call with this number fails.
    pub fn fail_sync_at(&self, call: u64) {
        self.state().failing_sync_at = Some(call);
    }

    /// Whether every write finds the disk full.
    pub fn set_full(&self, full: bool) {
        let mut state = self.state();
        state.full = full;
        state.full_from = None;
    }

    /// From the call with this number on every write finds the disk full, until [`SimDisk::set_full`] says
    /// otherwise.
    pub fn full_at(&self, call: u64) {
        self.state().full_from = Some(call);
    }

    /// How many bytes all files together may have; `None` for no bound. Writes are cut short at the bound.
    pub fn set_capacity(&self, bytes: Option<u64>) {
        self.state().capacity = bytes;
    }

    /// Whether every write of more than a byte is cut short somewhere.
    pub fn set_short_writes(&self, on: bool) {
        self.state().short_writes = on;
    }

    /// The next write lands this many bytes further on, and its caller is told that all is well.
    pub fn misdirect_next_write(&self, by: i64) {
        self.state().misdirect = Some(by);
    }

    /// The next write goes nowhere, and its caller is told that all is well.
    pub fn lose_next_write(&self) {
        self.state().lose_write = true;
    }

    /// Faults that happen by themselves from now on.
    pub fn set_rates(&self, rates: FaultRates) {
        self.state().rates = rates;
    }

    /// What happened so far.
    pub fn marks(&self) -> Marks {
        self.state().marks
    }

    /// Flips one bit at rest. Panics if there is no such file: a test that damages nothing proves nothing.
    pub fn flip_bit(&self, path: &Path, offset: u64, bit: u8) {
        let mut state = self.state();
        let id = state.find(path).expect("a bit is flipped in a file that exists");
        let inode = state.inode(id).expect("names lead to inodes");
        assert!((offset as usize) < inode.cached.len(), "no byte {offset} in {}", path.display());
        inode.flip(offset as usize, bit & 7);
    }

    /// Makes the sector with this byte unreadable. Panics if there is no such file.
    pub fn break_sector(&self, path: &Path, offset: u64) {
        let mut state = self.state();
        let id = state.find(path).expect("a sector is broken in a file that exists");
        state.bad_sectors.insert((id, offset as usize / inode::SECTOR));
    }

    /// The bytes that a program would read now; `None` if there is no such file.
    pub fn bytes(&self, path: &Path) -> Option<Vec<u8>> {
        let mut state = self.state();
        let id = state.find(path).ok()?;
        state.inode(id).ok().map(|i| i.cached.clone())
    }

    /// Overwrites bytes on both sides of the cache, as a stray tool would. Panics if there is no such file.
    pub fn overwrite(&self, path: &Path, offset: u64, bytes: &[u8]) {
        let mut state = self.state();
        let id = state.find(path).expect("bytes are overwritten in a file that exists");
        let inode = state.inode(id).expect("names lead to inodes");
        inode.write(offset as usize, bytes);
        inode.sync();
    }

    /// Bytes of all files in a directory, as names and lengths.
    pub fn sizes(&self, dir: &Path) -> Vec<(String, u64)> {
        let mut state = self.state();
        let names = state.names.in_dir(dir);
        let mut sizes = Vec::new();
        for name in names {
            let id = state.find(&dir.join(&name)).expect("a listed name exists");
            let len = state.inode(id).expect("names lead to inodes").cached.len() as u64;
            sizes.push((name, len));
        }
        sizes
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // A test that panicked elsewhere must not hide its message behind a second panic here.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn life(&self) -> u64 {
        self.state().life
    }

    fn handle(&self, inode: u64) -> Arc<dyn VfsFile> {
        Arc::new(SimFile { disk: self.clone(), inode, life: self.life() })
    }

    /// A call on a path, which belongs to whichever process lives now.
    fn call(&self) -> io::Result<MutexGuard<'_, State>> {
        let mut state = self.state();
        let life = state.life;
        state.count(life)?;
        Ok(state)
    }

    fn look(&self) -> io::Result<MutexGuard<'_, State>> {
        let state = self.state();
        state.alive(state.life)?;
        Ok(state)
    }
}

impl Vfs for SimDisk {
    fn create_dir(&self, dir: &Path) -> io::Result<()> {
        if self.look()?.dirs.contains(dir) {
            return Ok(());
        }
        self.call()?.dirs.insert(dir.to_path_buf());
        Ok(())
    }

    fn create(&self, path: &Path) -> io::Result<Arc<dyn VfsFile>> {
        let inode = self.call()?.create(path)?;
        Ok(self.handle(inode))
    }

    fn open(&self, path: &Path) -> io::Result<Arc<dyn VfsFile>> {
        let inode = self.look()?.find(path)?;
        Ok(self.handle(inode))
    }

    fn open_read(&self, path: &Path) -> io::Result<Arc<dyn VfsFile>> {
        self.open(path)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        let mut state = self.call()?;
        let inode = state.find(from)?;
        state.names.rename(from, to, inode);
        Ok(())
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        let mut state = self.call()?;
        state.find(path)?;
        state.names.unlink(path);
        Ok(())
    }

    fn list(&self, dir: &Path) -> io::Result<Vec<String>> {
        let state = self.look()?;
        if !state.dirs.contains(dir) {
            return Err(io::ErrorKind::NotFound.into());
        }
        Ok(state.names.in_dir(dir))
    }

    fn exists(&self, path: &Path) -> io::Result<bool> {
        Ok(self.look()?.find(path).is_ok())
    }

    fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        let mut state = self.call()?;
        if state.sync_fails() {
            // Names are journalled: a later sync that succeeds carries them.
            return Err(io::Error::other("simulated disk: directory sync failed"));
        }
        state.names.sync(dir);
        Ok(())
    }

    fn free_space(&self, _dir: &Path) -> io::Result<u64> {
        Ok(self.look()?.free_bytes())
    }

    fn lock(&self, path: &Path) -> Result<Box<dyn VfsLock>, LockError> {
        if !self.exists(path).map_err(LockError::Io)? {
            self.create(path).map_err(LockError::Io)?;
        }
        let mut state = self.call().map_err(LockError::Io)?;
        if let Some(life) = state.locks.get(path) {
            return Err(LockError::Held { holder: u32::try_from(*life).ok() });
        }
        let life = state.life;
        state.locks.insert(path.to_path_buf(), life);
        Ok(Box::new(SimLock { disk: self.clone(), path: path.to_path_buf(), life }))
    }

    fn nonce(&self) -> u32 {
        self.state().rng.next_u64() as u32
    }
}

impl VfsLock for SimLock {}

impl Drop for SimLock {
    fn drop(&mut self) {
        let mut state = self.disk.state();
        // A lock of an earlier life was released by the reboot; the path may have a new holder.
        if state.life == self.life {
            state.locks.remove(&self.path);
        }
    }
}

impl VfsFile for SimFile {
    fn len(&self) -> io::Result<u64> {
        let mut state = self.disk.state();
        state.alive(self.life)?;
        Ok(state.inode(self.inode)?.cached.len() as u64)
    }

    fn read_at(&self, offset: u64, into: &mut [u8]) -> io::Result<usize> {
        let mut state = self.disk.state();
        state.alive(self.life)?;
        state.read(self.inode, offset, into)
    }

    fn write_at(&self, offset: u64, bytes: &[u8]) -> io::Result<usize> {
        let mut state = self.disk.state();
        state.count(self.life)?;
        state.write(self.inode, offset, bytes)
    }

    fn preallocate(&self, len: u64) -> io::Result<()> {
        let mut state = self.disk.state();
        state.count(self.life)?;
        state.preallocate(self.inode, len)
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        let mut state = self.disk.state();
        state.count(self.life)?;
        state.inode(self.inode)?.set_len(len as usize);
        Ok(())
    }

    fn sync_data(&self) -> io::Result<()> {
        let mut state = self.disk.state();
        state.count(self.life)?;
        if state.sync_fails() {
            state.inode(self.inode)?.forget_pending();
            return Err(io::Error::other("simulated disk: sync failed"));
        }
        state.marks.syncs += 1;
        state.inode(self.inode)?.sync();
        Ok(())
    }
}
