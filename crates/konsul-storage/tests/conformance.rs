//! Both engines pass one suite of behaviours, and follow one model through random histories.

use std::path::PathBuf;
use std::sync::Arc;

use konsul_storage::conformance::{CASES, Harness, Restarted, random_actions};
use konsul_storage::vfs::sim::{FaultRates, RebootPolicy, SimDisk};
use konsul_storage::{DiskOptions, DiskStorage, MemoryStorage, RealVfs, Storage};

struct Memory;

impl Harness for Memory {
    fn create(&mut self) -> Box<dyn Storage> {
        Box::new(MemoryStorage::new())
    }

    fn restart(&mut self, store: Box<dyn Storage>) -> Restarted {
        Restarted::NotPossible(store)
    }
}

/// The disk engine in a directory of this machine.
struct RealDisk {
    root: tempfile::TempDir,
    stores: u32,
    options: DiskOptions,
}

impl RealDisk {
    fn new(options: DiskOptions) -> Self {
        RealDisk { root: tempfile::tempdir().expect("a temporary directory"), stores: 0, options }
    }

    fn dir(&self) -> PathBuf {
        self.root.path().join(format!("store-{}", self.stores))
    }

    fn open(&self) -> Box<dyn Storage> {
        Box::new(DiskStorage::open(Arc::new(RealVfs), &self.dir(), self.options.clone()).expect("open"))
    }
}

impl Harness for RealDisk {
    fn create(&mut self) -> Box<dyn Storage> {
        self.stores += 1;
        self.open()
    }

    fn restart(&mut self, store: Box<dyn Storage>) -> Restarted {
        drop(store);
        Restarted::Again(self.open())
    }
}

/// The disk engine on a simulated disk whose power is cut at each restart.
struct Simulated {
    disk: SimDisk,
    rates: FaultRates,
    seed: u64,
}

impl Simulated {
    fn new(seed: u64, rates: FaultRates) -> Self {
        Simulated { disk: SimDisk::new(seed), rates, seed }
    }

    fn open(&self) -> Box<dyn Storage> {
        let dir = PathBuf::from("/data");
        Box::new(DiskStorage::open(self.disk.vfs(), &dir, DiskOptions::small()).expect("open"))
    }
}

impl Harness for Simulated {
    fn create(&mut self) -> Box<dyn Storage> {
        self.seed += 1;
        self.disk = SimDisk::new(self.seed);
        self.disk.set_rates(self.rates);
        self.open()
    }

    fn restart(&mut self, store: Box<dyn Storage>) -> Restarted {
        self.disk.crash_now();
        drop(store);
        self.disk.reboot(RebootPolicy::RandomSubset);
        Restarted::Again(self.open())
    }
}

fn all_cases(harness: &mut dyn Harness) {
    for (_, case) in CASES {
        case(harness);
    }
}

#[test]
fn memory_shows_every_behaviour() {
    all_cases(&mut Memory);
}

#[test]
fn disk_shows_every_behaviour() {
    all_cases(&mut RealDisk::new(DiskOptions { min_free_bytes: 0, ..DiskOptions::default() }));
}

#[test]
fn disk_with_small_segments_shows_every_behaviour() {
    all_cases(&mut RealDisk::new(DiskOptions::small()));
}

#[test]
fn simulated_disk_shows_every_behaviour() {
    all_cases(&mut Simulated::new(1, FaultRates::default()));
}

#[test]
fn simulated_disk_with_short_writes_shows_every_behaviour() {
    all_cases(&mut Simulated::new(2, FaultRates { short_write: 3000, ..FaultRates::default() }));
}

#[test]
fn memory_follows_the_model() {
    for seed in 0..100 {
        random_actions(&mut Memory, seed, 60).unwrap_or_else(|e| panic!("{e}"));
    }
}

#[test]
fn disk_follows_the_model() {
    let mut harness = RealDisk::new(DiskOptions::small());
    for seed in 0..20 {
        random_actions(&mut harness, seed, 60).unwrap_or_else(|e| panic!("{e}"));
    }
}

#[test]
fn simulated_disk_follows_the_model() {
    for seed in 0..150 {
        let rates = FaultRates { short_write: (seed % 3) as u32 * 500, ..FaultRates::default() };
        random_actions(&mut Simulated::new(seed, rates), seed, 60).unwrap_or_else(|e| panic!("{e}"));
    }
}
