//! One file of the simulated disk: what programs read, what a power cut leaves, and what lies between.

use std::collections::BTreeMap;

use super::RebootPolicy;
use super::rng::Rng;

/// The grain at which a disk keeps or loses a write.
pub(super) const SECTOR: usize = 512;

type Sector = Box<[u8; SECTOR]>;

/// A file's bytes, cached and durable.
#[derive(Debug, Default)]
pub(super) struct Inode {
    /// What reads see.
    pub(super) cached: Vec<u8>,
    /// What survives for certain.
    pub(super) durable: Vec<u8>,
    /// Every version a sector has had since the last sync, oldest first: the disk may hold any of them.
    pending: BTreeMap<usize, Vec<Sector>>,
}

impl Inode {
    pub(super) fn write(&mut self, offset: usize, bytes: &[u8]) {
        let end = offset + bytes.len();
        if self.cached.len() < end {
            self.cached.resize(end, 0);
        }
        self.cached[offset..end].copy_from_slice(bytes);
        if !bytes.is_empty() {
            for sector in offset / SECTOR..=(end - 1) / SECTOR {
                let version = self.sector(sector);
                self.pending.entry(sector).or_default().push(version);
            }
        }
    }

    pub(super) fn set_len(&mut self, len: usize) {
        self.cached.resize(len, 0);
        self.pending.retain(|sector, _| sector * SECTOR < len);
    }

    pub(super) fn sync(&mut self) {
        self.durable.resize(self.cached.len(), 0);
        for (sector, versions) in std::mem::take(&mut self.pending) {
            if let Some(last) = versions.last() {
                put_sector(&mut self.durable, sector, last);
            }
        }
    }

    /// What a failed sync leaves on systems that then call the pages clean: reads see the bytes, a power cut
    /// loses them, and the next sync has nothing to do.
    pub(super) fn forget_pending(&mut self) {
        self.pending.clear();
    }

    /// Damages both sides, as decay does once it is read back.
    pub(super) fn flip(&mut self, offset: usize, bit: u8) {
        for side in [&mut self.cached, &mut self.durable] {
            if let Some(byte) = side.get_mut(offset) {
                *byte ^= 1 << bit;
            }
        }
    }

    /// Replaces the file by what a power cut leaves. `torn` is the last sector written anywhere, if it lies
    /// in this file.
    pub(super) fn power_cut(&mut self, policy: RebootPolicy, rng: &mut Rng, torn: Option<usize>) {
        let mut disk = std::mem::take(&mut self.durable);
        let pending = std::mem::take(&mut self.pending);
        let grown = match policy {
            RebootPolicy::LoseAll => false,
            RebootPolicy::KeepAll | RebootPolicy::TornLastSector => true,
            RebootPolicy::RandomSubset => rng.coin(),
        };
        if grown {
            disk.resize(self.cached.len(), 0);
        }
        for (sector, versions) in pending {
            if let Some(bytes) = survivor(policy, rng, &disk, sector, &versions, torn == Some(sector)) {
                let needed = self.cached.len().min((sector + 1) * SECTOR);
                if disk.len() < needed {
                    disk.resize(needed, 0);
                }
                put_sector(&mut disk, sector, &bytes);
            }
        }
        self.cached = disk.clone();
        self.durable = disk;
    }

    fn sector(&self, sector: usize) -> Sector {
        read_sector(&self.cached, sector)
    }
}

/// The version of a sector that a power cut leaves, or `None` for the durable one.
fn survivor(
    policy: RebootPolicy,
    rng: &mut Rng,
    disk: &[u8],
    sector: usize,
    versions: &[Sector],
    torn: bool,
) -> Option<Sector> {
    let newest = versions.last()?;
    match policy {
        RebootPolicy::LoseAll => None,
        RebootPolicy::KeepAll => Some(newest.clone()),
        RebootPolicy::TornLastSector if torn => {
            let before = match versions.len() {
                1 => read_sector(disk, sector),
                n => versions[n - 2].clone(),
            };
            Some(tear(rng, &before, newest))
        }
        RebootPolicy::TornLastSector => Some(newest.clone()),
        RebootPolicy::RandomSubset => {
            let pick = rng.below(versions.len() as u64 + 1) as usize;
            pick.checked_sub(1).map(|i| versions[i].clone())
        }
    }
}

/// The first bytes new, the rest old: harsher than a disk that keeps sectors whole.
fn tear(rng: &mut Rng, before: &Sector, after: &Sector) -> Sector {
    let mut torn = before.clone();
    let cut = rng.below(SECTOR as u64) as usize;
    torn[..cut].copy_from_slice(&after[..cut]);
    torn
}

fn read_sector(bytes: &[u8], sector: usize) -> Sector {
    let mut out = Box::new([0; SECTOR]);
    let start = (sector * SECTOR).min(bytes.len());
    let end = (start + SECTOR).min(bytes.len());
    out[..end - start].copy_from_slice(&bytes[start..end]);
    out
}

fn put_sector(bytes: &mut [u8], sector: usize, content: &Sector) {
    let start = (sector * SECTOR).min(bytes.len());
    let end = (start + SECTOR).min(bytes.len());
    bytes[start..end].copy_from_slice(&content[..end - start]);
}
