//! The simulated disk's inside: files, names, and the faults that wait to happen.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Path, PathBuf};

use super::inode::{Inode, SECTOR};
use super::names::Names;
use super::rng::Rng;
use super::{FaultRates, Marks, RebootPolicy};

#[derive(Debug)]
pub(super) struct State {
    pub(super) rng: Rng,
    /// Grows with each restart; handles of an earlier life are dead.
    pub(super) life: u64,
    pub(super) inodes: BTreeMap<u64, Inode>,
    pub(super) names: Names,
    pub(super) locks: BTreeMap<PathBuf, u64>,
    pub(super) dirs: BTreeSet<PathBuf>,
    pub(super) next_inode: u64,
    pub(super) calls: u64,
    pub(super) crash_at: Option<u64>,
    pub(super) crashed: bool,
    pub(super) full: bool,
    pub(super) full_from: Option<u64>,
    pub(super) capacity: Option<u64>,
    pub(super) failing_syncs: u32,
    pub(super) failing_sync_at: Option<u64>,
    pub(super) short_writes: bool,
    pub(super) misdirect: Option<i64>,
    pub(super) lose_write: bool,
    pub(super) bad_sectors: BTreeSet<(u64, usize)>,
    pub(super) rates: FaultRates,
    pub(super) marks: Marks,
    last_write: Option<(u64, usize)>,
}

impl State {
    pub(super) fn new(seed: u64) -> Self {
        State {
            rng: Rng::new(seed),
            life: 1,
            inodes: BTreeMap::new(),
            names: Names::default(),
            locks: BTreeMap::new(),
            dirs: BTreeSet::new(),
            next_inode: 1,
            calls: 0,
            crash_at: None,
            crashed: false,
            full: false,
            full_from: None,
            capacity: None,
            failing_syncs: 0,
            failing_sync_at: None,
            short_writes: false,
            misdirect: None,
            lose_write: false,
            bad_sectors: BTreeSet::new(),
            rates: FaultRates::default(),
            marks: Marks::default(),
            last_write: None,
        }
    }

    /// Refuses every call of a dead process.
    pub(super) fn alive(&self, life: u64) -> io::Result<()> {
        if self.crashed || life != self.life {
            return Err(io::Error::other("simulated crash: the process is dead"));
        }
        Ok(())
    }

    /// Counts a call that would change something, and dies if its time has come.
    pub(super) fn count(&mut self, life: u64) -> io::Result<()> {
        self.alive(life)?;
        self.calls += 1;
        if self.crash_at.is_some_and(|n| self.calls >= n) {
            self.crashed = true;
            self.marks.crashes += 1;
        }
        if self.full_from.is_some_and(|n| self.calls >= n) {
            self.full = true;
        }
        self.alive(life)
    }

    pub(super) fn inode(&mut self, id: u64) -> io::Result<&mut Inode> {
        self.inodes.get_mut(&id).ok_or_else(|| io::Error::other("simulated disk: no such inode"))
    }

    pub(super) fn find(&self, path: &Path) -> io::Result<u64> {
        self.names.get(path).ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    pub(super) fn create(&mut self, path: &Path) -> io::Result<u64> {
        let known = path.parent().is_some_and(|dir| self.dirs.contains(dir));
        if !known {
            return Err(io::ErrorKind::NotFound.into());
        }
        if let Some(id) = self.names.get(path) {
            self.inode(id)?.set_len(0);
            return Ok(id);
        }
        self.refuse_if_full()?;
        let id = self.next_inode;
        self.next_inode += 1;
        self.inodes.insert(id, Inode::default());
        self.names.link(path, id);
        Ok(id)
    }

    pub(super) fn write(&mut self, id: u64, offset: u64, bytes: &[u8]) -> io::Result<usize> {
        self.refuse_if_full()?;
        let wanted = self.shortened(bytes.len());
        let len = wanted.min(self.room(id, offset)?);
        if len == 0 && !bytes.is_empty() {
            self.marks.full += 1;
            return Err(io::ErrorKind::StorageFull.into());
        }
        if std::mem::take(&mut self.lose_write) {
            self.marks.lost_writes += 1;
            return Ok(len);
        }
        let place = self.aimed(offset);
        self.inode(id)?.write(place as usize, &bytes[..len]);
        self.last_write = Some((id, (place as usize + len.max(1) - 1) / SECTOR));
        Ok(len)
    }

    pub(super) fn preallocate(&mut self, id: u64, len: u64) -> io::Result<()> {
        self.refuse_if_full()?;
        let have = self.inode(id)?.cached.len() as u64;
        if len > have && self.free_bytes() < len - have {
            self.marks.full += 1;
            return Err(io::ErrorKind::StorageFull.into());
        }
        self.inode(id)?.set_len(len.max(have) as usize);
        Ok(())
    }

    pub(super) fn read(&mut self, id: u64, offset: u64, into: &mut [u8]) -> io::Result<usize> {
        let sectors = offset as usize / SECTOR..=(offset as usize + into.len().max(1) - 1) / SECTOR;
        if sectors.into_iter().any(|s| self.bad_sectors.contains(&(id, s))) {
            return Err(io::Error::other("simulated disk: unreadable sector"));
        }
        let file = &self.inode(id)?.cached;
        let start = (offset as usize).min(file.len());
        let len = into.len().min(file.len() - start);
        into[..len].copy_from_slice(&file[start..start + len]);
        Ok(len)
    }

    /// Whether this sync is one of those that fail.
    pub(super) fn sync_fails(&mut self) -> bool {
        let fails = self.failing_syncs > 0
            || self.failing_sync_at.is_some_and(|n| n == self.calls)
            || self.rng.chance(self.rates.failed_sync);
        self.failing_syncs = self.failing_syncs.saturating_sub(1);
        self.marks.failed_syncs += u64::from(fails);
        fails
    }

    pub(super) fn free_bytes(&self) -> u64 {
        if self.full {
            return 0;
        }
        let live: BTreeSet<u64> = self.names.inodes().collect();
        let used: u64 = live.iter().filter_map(|id| self.inodes.get(id)).map(|i| i.cached.len() as u64).sum();
        self.capacity.map_or(u64::MAX, |c| c.saturating_sub(used))
    }

    pub(super) fn power_cut(&mut self, policy: RebootPolicy) {
        let torn = self.last_write.take();
        self.marks.torn += u64::from(policy == RebootPolicy::TornLastSector && torn.is_some());
        self.names.power_cut(policy, &mut self.rng);
        for (id, inode) in &mut self.inodes {
            let torn = torn.filter(|(t, _)| t == id).map(|(_, sector)| sector);
            inode.power_cut(policy, &mut self.rng, torn);
        }
        let live: BTreeSet<u64> = self.names.inodes().collect();
        self.inodes.retain(|id, _| live.contains(id));
        self.restart();
    }

    /// A new process on the same machine: the cache is still there, handles and locks are not.
    pub(super) fn restart(&mut self) {
        self.life += 1;
        self.locks.clear();
        self.crashed = false;
        self.crash_at = None;
    }

    fn refuse_if_full(&mut self) -> io::Result<()> {
        if self.full || self.rng.chance(self.rates.full) {
            self.marks.full += 1;
            return Err(io::ErrorKind::StorageFull.into());
        }
        Ok(())
    }

    fn room(&mut self, id: u64, offset: u64) -> io::Result<usize> {
        let allocated = (self.inode(id)?.cached.len() as u64).saturating_sub(offset);
        if self.capacity.is_none() {
            return Ok(usize::MAX);
        }
        Ok(allocated.saturating_add(self.free_bytes()) as usize)
    }

    fn shortened(&mut self, len: usize) -> usize {
        if len > 1 && (self.short_writes || self.rng.chance(self.rates.short_write)) {
            self.marks.short_writes += 1;
            return 1 + self.rng.below(len as u64 - 1) as usize;
        }
        len
    }

    fn aimed(&mut self, offset: u64) -> u64 {
        match self.misdirect.take() {
            Some(by) => {
                self.marks.misdirected += 1;
                offset.saturating_add_signed(by)
            }
            None => offset,
        }
    }
}
