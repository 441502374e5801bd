//! Checks the marks of one namespace against its keys.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use imbl::OrdMap;
use konsul_types::{Index, Key, KvRecord, Namespace};

use crate::dirs::{DEPTH_MAX, Dirs, grave_name};
use crate::text::directories;

/// The first thing that does not hold.
pub(super) fn verify(name: &Namespace, records: &OrdMap<Key, Arc<KvRecord>>, dirs: &Dirs) -> Option<String> {
    verify_counts(records, dirs)
        .or_else(|| verify_graves(records, dirs))
        .or_else(|| verify_order(dirs))
        .map(|what| format!("namespace {name}: {what}"))
}

/// Keys below, and the newest of their changes, by directory.
fn recount(records: &OrdMap<Key, Arc<KvRecord>>) -> BTreeMap<&str, (u64, Index)> {
    let mut found = BTreeMap::new();
    for (key, record) in records {
        for dir in directories(key.as_str()).take(DEPTH_MAX) {
            let (count, newest) = found.entry(dir).or_insert((0, Index::ZERO));
            *count += 1;
            *newest = record.modify_index.max(*newest);
        }
    }
    found
}

fn verify_counts(records: &OrdMap<Key, Arc<KvRecord>>, dirs: &Dirs) -> Option<String> {
    let found = recount(records);
    let unmarked = found.keys().find(|path| !dirs.marks.contains_key(**path));
    if let Some(path) = unmarked {
        return Some(format!("directory {path:?} has keys, but no mark"));
    }
    dirs.marks.iter().find_map(|(path, dir)| {
        let (count, newest) = found.get(&**path).copied().unwrap_or_default();
        if dir.keys != count {
            return Some(format!("directory {path:?} marks {} keys, but holds {count}", dir.keys));
        }
        if dir.changed < newest || dir.changed > dirs.root.changed || dir.floor > dir.changed {
            return Some(format!(
                "directory {path:?} says {dir:?}; its newest key changed at {newest}, the whole at {}",
                dirs.root.changed
            ));
        }
        None
    })
}

fn verify_graves(records: &OrdMap<Key, Arc<KvRecord>>, dirs: &Dirs) -> Option<String> {
    dirs.graves.iter().find_map(|(key, index)| {
        if records.contains_key(&**key) {
            return Some(format!("key {key:?} lives and has a grave"));
        }
        let covered = |dir: &&str| dirs.marks.get(*dir).is_none_or(|mark| mark.changed >= *index);
        directories(key)
            .take(DEPTH_MAX)
            .find(|dir| !covered(dir))
            .map(|dir| format!("directory {dir:?} knows nothing of the removal of {key:?} at {index}"))
    })
}

fn verify_order(dirs: &Dirs) -> Option<String> {
    let graves = dirs.graves.iter().map(|(key, index)| (*index, grave_name(key)));
    let empty = dirs.marks.iter().filter(|(_, dir)| dir.keys == 0);
    let empty = empty.map(|(path, dir)| (dir.changed, path.clone()));
    let due: BTreeSet<_> = graves.chain(empty).collect();
    (!due.iter().eq(dirs.order.iter())).then(|| "other names wait to be reaped than should".into())
}
