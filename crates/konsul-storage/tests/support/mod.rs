//! A disk that lived through something: what the tests of damage and of repair begin with.

use std::path::{Path, PathBuf};

use konsul_storage::conformance::crash::{self, DIR};
use konsul_storage::conformance::model::{Action, Model};
use konsul_storage::vfs::sim::SimDisk;
use konsul_storage::{DiskOptions, DiskStorage, Storage as _, StorageError};

pub(crate) fn open(disk: &SimDisk) -> Result<DiskStorage, StorageError> {
    crash::open(disk, &DiskOptions::small())
}

/// A file of the store's directory.
pub(crate) fn path(name: &str) -> PathBuf {
    Path::new(DIR).join(name)
}

/// A disk after a history that ended with everything synced, and what it should hold.
pub(crate) fn lived(history: &[Action]) -> (SimDisk, Model) {
    let disk = SimDisk::new(1);
    let mut model = Model::default();
    let mut store = open(&disk).expect("open");
    for action in history {
        action.run(&mut store).expect("no fault is injected");
        model.apply(action);
    }
    store.sync().expect("sync");
    drop(store);
    (disk, model)
}
