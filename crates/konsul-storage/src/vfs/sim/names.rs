//! Directory entries of the simulated disk. A name that was not synced may or may not survive.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::RebootPolicy;
use super::rng::Rng;

/// One change of a directory since its last sync.
#[derive(Debug, Clone)]
enum Change {
    Link(PathBuf, u64),
    Rename(PathBuf, PathBuf, u64),
    Unlink(PathBuf),
}

impl Change {
    fn dir(&self) -> Option<&Path> {
        match self {
            Change::Link(path, _) | Change::Unlink(path) | Change::Rename(path, _, _) => path.parent(),
        }
    }

    fn apply(&self, names: &mut BTreeMap<PathBuf, u64>) {
        match self {
            Change::Link(path, inode) => {
                names.insert(path.clone(), *inode);
            }
            Change::Rename(from, to, inode) => {
                // The file is carried along: its first name may itself have been lost.
                names.remove(from);
                names.insert(to.clone(), *inode);
            }
            Change::Unlink(path) => {
                names.remove(path);
            }
        }
    }
}

/// All names, as programs see them and as a power cut leaves them.
#[derive(Debug, Default)]
pub(super) struct Names {
    cached: BTreeMap<PathBuf, u64>,
    durable: BTreeMap<PathBuf, u64>,
    pending: Vec<Change>,
}

impl Names {
    pub(super) fn get(&self, path: &Path) -> Option<u64> {
        self.cached.get(path).copied()
    }

    pub(super) fn in_dir(&self, dir: &Path) -> Vec<String> {
        let names = self.cached.keys().filter(|p| p.parent() == Some(dir));
        names.filter_map(|p| p.file_name()).map(|n| n.to_string_lossy().into_owned()).collect()
    }

    pub(super) fn link(&mut self, path: &Path, inode: u64) {
        self.change(Change::Link(path.to_path_buf(), inode));
    }

    pub(super) fn rename(&mut self, from: &Path, to: &Path, inode: u64) {
        self.change(Change::Rename(from.to_path_buf(), to.to_path_buf(), inode));
    }

    pub(super) fn unlink(&mut self, path: &Path) {
        self.change(Change::Unlink(path.to_path_buf()));
    }

    pub(super) fn sync(&mut self, dir: &Path) {
        let pending = std::mem::take(&mut self.pending);
        let (synced, rest): (Vec<_>, Vec<_>) = pending.into_iter().partition(|c| c.dir() == Some(dir));
        synced.iter().for_each(|c| c.apply(&mut self.durable));
        self.pending = rest;
    }

    pub(super) fn power_cut(&mut self, policy: RebootPolicy, rng: &mut Rng) {
        for change in std::mem::take(&mut self.pending) {
            let kept = match policy {
                RebootPolicy::LoseAll => false,
                RebootPolicy::KeepAll | RebootPolicy::TornLastSector => true,
                RebootPolicy::RandomSubset => rng.coin(),
            };
            if kept {
                change.apply(&mut self.durable);
            }
        }
        self.cached = self.durable.clone();
    }

    pub(super) fn inodes(&self) -> impl Iterator<Item = u64> {
        self.cached.values().chain(self.durable.values()).copied()
    }

    fn change(&mut self, change: Change) {
        change.apply(&mut self.cached);
        self.pending.push(change);
    }
}
