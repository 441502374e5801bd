//! Marks on directories: when anything below a prefix last changed, deletions included.
//!
//! A blocking read of a prefix needs an index that rises with every change below it and never goes back, also after the
//! last key below it is gone. Scanning for the highest index would cost the whole subtree, so each directory of a key
//! (its beginnings that end with a slash, its own name among them if it ends so, up to [`DEPTH_MAX`] of them) carries a
//! mark. Keys that were removed leave a grave
//! for prefixes that end inside a name. Graves and empty directories are reaped after a while; what they knew is folded
//! into the `floor` of the directory above, which stands in for every name that is no longer known there.

use std::borrow::Borrow;
use std::ops::Bound;

use imbl::{OrdMap, OrdSet};
use konsul_types::Index;
use serde::{Deserialize, Serialize};
use smol_str::{SmolStr, format_smolstr};

use crate::mutants;
use crate::text::{directories, prefix_end};

/// How many directories of a key carry marks. Prefixes below that are answered by looking at their keys.
pub const DEPTH_MAX: usize = 16;

/// What is known of one directory.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Dir {
    /// Index of the last change anywhere below.
    pub changed: Index,
    /// Highest index of a change whose name was forgotten: a grave or an empty directory below this one.
    pub floor: Index,
    /// Keys anywhere below.
    pub keys: u64,
}

/// The marks of one namespace.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Dirs {
    pub(crate) root: Dir,
    pub(crate) marks: OrdMap<SmolStr, Dir>,
    pub(crate) graves: OrdMap<SmolStr, Index>,
    /// Graves and empty directories by age: what may be reaped, oldest first.
    pub(crate) order: OrdSet<(Index, SmolStr)>,
}

/// What happened to a key, as the marks see it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Touch {
    /// It did not exist before.
    Created,
    /// It existed and exists.
    Changed,
    /// It exists no more.
    Removed,
}

impl Dirs {
    /// Notes a change of a key. Answers when it had been removed, if it was made anew and its grave was still there.
    pub fn touch(&mut self, key: &SmolStr, index: Index, touch: Touch) -> Option<Index> {
        let removed = match touch {
            Touch::Created => self.forget_grave(key),
            Touch::Removed => {
                self.dig_grave(key, index);
                None
            }
            Touch::Changed => None,
        };
        bump(&mut self.root, index, touch);
        for dir in directories(key).take(DEPTH_MAX) {
            self.touch_dir(dir, index, touch);
        }
        removed
    }

    fn touch_dir(&mut self, path: &str, index: Index, touch: Touch) {
        let (before, after) = match self.marks.get_mut(path) {
            Some(dir) => {
                let before = *dir;
                bump(dir, index, touch);
                (Some(before), *dir)
            }
            None => {
                let floor = self.nearest(path).floor;
                let mut dir = Dir { floor, ..Dir::default() };
                bump(&mut dir, index, touch);
                self.marks.insert(SmolStr::new(path), dir);
                (None, dir)
            }
        };
        self.keep_order(path, before, after);
    }

    /// Empty directories wait in the order to be reaped.
    fn keep_order(&mut self, path: &str, before: Option<Dir>, after: Dir) {
        if let Some(before) = before.filter(|dir| dir.keys == 0) {
            self.order.remove(&(before.changed, SmolStr::new(path)));
        }
        if after.keys == 0 {
            self.order.insert((after.changed, SmolStr::new(path)));
        }
    }

    /// Takes a mark from a snapshot.
    pub(crate) fn load_mark(&mut self, path: SmolStr, dir: Dir) {
        self.keep_order(&path, None, dir);
        self.marks.insert(path, dir);
    }

    pub(crate) fn dig_grave(&mut self, key: &SmolStr, index: Index) {
        if mutants::active(mutants::DELETE_KEEPS_INDEX) {
            return;
        }
        self.graves.insert(key.clone(), index);
        self.order.insert((index, grave_name(key)));
    }

    fn forget_grave(&mut self, key: &SmolStr) -> Option<Index> {
        if self.graves.is_empty() {
            return None;
        }
        let removed = self.graves.remove(&**key)?;
        self.order.remove(&(removed, grave_name(key)));
        Some(removed)
    }

    /// The deepest known directory that `path` lies in.
    fn nearest(&self, path: &str) -> Dir {
        directories(path)
            .take(DEPTH_MAX)
            .fold(self.root, |found, dir| self.marks.get(dir).copied().unwrap_or(found))
    }

    /// What the marks know of a prefix.
    pub fn changed(&self, prefix: &str) -> Covered {
        if prefix.is_empty() {
            return Covered { changed: self.root.changed, known: true, whole: true };
        }
        if prefix.ends_with('/')
            && let Some(dir) = self.marks.get(prefix)
        {
            return Covered { changed: dir.changed.max(dir.floor), known: true, whole: true };
        }
        self.partial(prefix)
    }

    /// Graves and marks whose names begin with the prefix, and the floor of the directory that they lie in.
    ///
    /// A mark covers everything below it, graves included, so both walks jump over the subtree of a known directory.
    fn partial(&self, prefix: &str) -> Covered {
        let floor = self.nearest(prefix).floor;
        let marks = walk(&self.marks, prefix, |path, _| Some(path));
        let marks = marks.map(|(_, dir)| dir.changed.max(dir.floor));
        let graves = walk(&self.graves, prefix, |key, _| {
            let slash = key[prefix.len()..].find('/')?;
            let dir = &key[..=prefix.len() + slash];
            self.marks.contains_key(dir).then_some(dir)
        });
        let newest = marks.chain(graves.map(|(_, &index)| index)).max();
        Covered { changed: floor.max(newest.unwrap_or(Index::ZERO)), known: newest.is_some(), whole: false }
    }

    /// When a key that does not exist was last known to change: its grave, or the floor where graves were forgotten.
    pub fn changed_missing(&self, key: &str) -> Index {
        self.graves.get(key).copied().unwrap_or_else(|| self.nearest(key).floor)
    }

    /// Forgets at most `most` graves and empty directories of changes at or before `upto`, oldest first. Answers how many.
    pub fn reap(&mut self, upto: Index, most: usize) -> u64 {
        let mut reaped = 0;
        while reaped < most as u64 {
            let Some((index, name)) = self.order.get_min().filter(|(index, _)| *index <= upto).cloned()
            else {
                break;
            };
            self.order.remove(&(index, name.clone()));
            match name.strip_prefix(GRAVE) {
                Some(key) => {
                    self.graves.remove(key);
                    self.raise_floor(key, index);
                }
                None => {
                    let gone = self.marks.remove(&*name).unwrap_or_default();
                    self.raise_floor(&name, index.max(gone.floor));
                }
            }
            reaped += 1;
        }
        reaped
    }

    /// Age of the oldest grave or empty directory.
    pub fn oldest_grave(&self) -> Option<Index> {
        self.order.get_min().map(|(index, _)| *index)
    }

    fn raise_floor(&mut self, path: &str, index: Index) {
        let above = directories(path).take(DEPTH_MAX).filter(|dir| self.marks.contains_key(*dir)).last();
        match above.and_then(|dir| self.marks.get_mut(dir)) {
            Some(dir) => dir.floor = dir.floor.max(index),
            None => self.root.floor = self.root.floor.max(index),
        }
    }
}

/// Visits the entries under a prefix in order. After each, `covers` may name a beginning whose other entries are skipped.
pub(crate) fn walk<'a, K: Borrow<str> + Ord + Clone, V: Clone>(
    map: &'a OrdMap<K, V>,
    prefix: &'a str,
    covers: impl for<'k> Fn(&'k str, &V) -> Option<&'k str> + 'a,
) -> impl Iterator<Item = (&'a K, &'a V)> {
    walk_from(map, prefix, Bound::Included(prefix), covers)
}

/// As [`walk`], beginning somewhere under the prefix.
pub(crate) fn walk_from<'a, K: Borrow<str> + Ord + Clone, V: Clone, F>(
    map: &'a OrdMap<K, V>,
    prefix: &'a str,
    from: Bound<&str>,
    covers: F,
) -> impl Iterator<Item = (&'a K, &'a V)> + use<'a, K, V, F>
where
    F: for<'k> Fn(&'k str, &V) -> Option<&'k str> + 'a,
{
    let mut rows = Some(map.range::<_, str>((from, Bound::Unbounded)));
    std::iter::from_fn(move || {
        let (key, value) = rows.as_mut()?.next()?;
        let name: &'a str = key.borrow();
        if !name.starts_with(prefix) {
            rows = None;
            return None;
        }
        if let Some(covered) = covers(name, value) {
            rows = prefix_end(covered)
                .map(|end| map.range::<_, str>((Bound::Included(end.as_str()), Bound::Unbounded)));
        }
        Some((key, value))
    })
}

/// What the marks know of a prefix.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Covered {
    /// When anything there last changed; zero if nothing is known to have.
    pub changed: Index,
    /// Whether a name there is known. If none is, `changed` is only the floor of what was forgotten.
    pub known: bool,
    /// Whether live keys are covered too. Otherwise the caller has to look at those directly at this level.
    pub whole: bool,
}

/// Tells graves from directories in the order. No key begins with a control character.
const GRAVE: char = '\u{1}';

pub(crate) fn grave_name(key: &str) -> SmolStr {
    format_smolstr!("{GRAVE}{key}")
}

fn bump(dir: &mut Dir, index: Index, touch: Touch) {
    if !(mutants::active(mutants::DELETE_KEEPS_INDEX) && touch == Touch::Removed) {
        dir.changed = index;
    }
    match touch {
        Touch::Created => dir.keys += 1,
        Touch::Changed => {}
        Touch::Removed => dir.keys = dir.keys.saturating_sub(1),
    }
}
