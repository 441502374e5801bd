//! Lists of keys, a page at a time: what a page costs is bounded by what it tells, or by a bound on the work.

use std::ops::Bound;
use std::sync::Arc;

use konsul_types::{Key, KvRecord};

use crate::dirs::walk_from;
use crate::keyspace::Keyspace;
use crate::text::prefix_end;

/// Where a page begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct After<'a> {
    /// The last name that was told.
    pub name: &'a str,
    /// Whether everything that begins with it is passed over: it was a folder.
    pub beyond: bool,
}

/// A name on one level of the key space.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Listed<'a> {
    /// A key.
    Key(&'a Key, &'a Arc<KvRecord>),
    /// A name that was cut after the delimiter; it stands for the keys that begin with it.
    Folder(&'a str),
}

/// How much one page of a search may look at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Work {
    /// Most keys.
    pub keys: usize,
    /// Most bytes of keys and values; the key that reaches it is still looked at.
    pub bytes: usize,
}

/// One page of a search.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hits {
    /// What was found, in order.
    pub hits: Vec<(Key, Arc<KvRecord>)>,
    /// The last key that was looked at, if there are more.
    pub next: Option<Key>,
}

impl Keyspace {
    /// Keys and folders under a prefix, in order, from a place on. A folder is what a name is cut to after the first
    /// delimiter beyond the prefix; an empty delimiter makes none. Jumps over what a folder stands for: each name costs a
    /// search in the table, however many keys lie below.
    pub fn level<'a>(
        &'a self,
        prefix: &'a str,
        delimiter: &'a str,
        after: Option<After<'_>>,
    ) -> impl Iterator<Item = Listed<'a>> + use<'a> {
        let cut = move |key: &str| -> Option<usize> {
            let found = key[prefix.len()..].find(delimiter)?;
            (!delimiter.is_empty()).then(|| prefix.len() + found + delimiter.len())
        };
        let end = after.filter(|after| after.beyond).map(|after| prefix_end(after.name));
        let from = match (&end, after) {
            // Nothing begins beyond the greatest of all names.
            (Some(None), _) => None,
            (Some(Some(end)), _) => Some(start(prefix, Bound::Included(end))),
            (None, Some(after)) => Some(start(prefix, Bound::Excluded(after.name))),
            (None, None) => Some(Bound::Included(prefix)),
        };
        let rows = from.map(|from| {
            walk_from(&self.records, prefix, from, move |key, _| cut(key).map(|end| &key[..end]))
        });
        rows.into_iter().flatten().map(move |(key, record)| match cut(key.as_str()) {
            None => Listed::Key(key, record),
            Some(end) => Listed::Folder(&key.as_str()[..end]),
        })
    }

    /// Looks through the keys under a prefix, in order, after one of them, until `most` are found or the work is done.
    pub fn search(
        &self,
        prefix: &str,
        after: Option<&str>,
        matches: impl Fn(&Key, &KvRecord) -> bool,
        most: usize,
        work: Work,
    ) -> Hits {
        let (mut hits, mut looked_at, mut bytes) = (Vec::new(), 0, 0);
        let mut rows = self.under_after(prefix, after).peekable();
        while let Some((key, record)) = rows.next() {
            looked_at += 1;
            bytes += key.as_str().len() + record.value.len();
            if matches(key, record) {
                hits.push((key.clone(), Arc::clone(record)));
            }
            if hits.len() >= most || looked_at >= work.keys || bytes >= work.bytes {
                let next = rows.peek().map(|_| key.clone());
                return Hits { hits, next };
            }
        }
        Hits { hits, next: None }
    }
}

/// A place before the prefix is the prefix.
fn start<'a>(prefix: &'a str, from: Bound<&'a str>) -> Bound<&'a str> {
    match from {
        Bound::Included(name) | Bound::Excluded(name) if name < prefix => Bound::Included(prefix),
        from => from,
    }
}

#[cfg(test)]
mod tests {
    use konsul_types::{Index, Value};

    use super::*;

    fn keyspace(names: &[&str]) -> Keyspace {
        let mut keys = Keyspace::default();
        for (name, index) in names.iter().zip(1..) {
            let index = Index(index);
            let record = KvRecord {
                value: Value::from(name.as_bytes()),
                flags: 0,
                lock_index: 0,
                session: None,
                create_index: index,
                modify_index: index,
                expires_at: konsul_types::Expiry::NEVER,
            };
            keys.replace(&Key::new(*name).unwrap(), Some(&Arc::new(record)), index);
        }
        keys
    }

    fn told(listed: Listed<'_>) -> String {
        match listed {
            Listed::Key(key, _) => key.to_string(),
            Listed::Folder(name) => format!("[{name}]"),
        }
    }

    /// Every way to cut the list into pages gives the same list.
    #[test]
    fn pages_of_any_size_make_up_the_whole() {
        let names = [
            "a",
            "a/",
            "a/b",
            "a/b/c",
            "a/b/d",
            "a/c",
            "a0",
            "b/x/y",
            "b/x/z",
            "b/\u{10FFFF}/q",
            "\u{10FFFF}/r",
        ];
        let keys = keyspace(&names);
        for prefix in ["", "a", "a/", "a/b", "b/", "b/\u{10FFFF}", "none"] {
            for delimiter in ["", "/", "b/"] {
                let whole: Vec<_> = keys.level(prefix, delimiter, None).map(told).collect();
                for size in 1..4 {
                    assert_eq!(
                        in_pages(&keys, prefix, delimiter, size),
                        whole,
                        "{prefix:?} {delimiter:?} by {size}"
                    );
                }
            }
        }
    }

    fn in_pages(keys: &Keyspace, prefix: &str, delimiter: &str, size: usize) -> Vec<String> {
        let (mut all, mut last) = (Vec::new(), None::<(String, bool)>);
        loop {
            let after = last.as_ref().map(|(name, beyond)| After { name, beyond: *beyond });
            let page: Vec<_> = keys.level(prefix, delimiter, after).take(size).collect();
            let Some(end) = page.last() else { return all };
            last = Some(match end {
                Listed::Key(key, _) => (key.to_string(), false),
                Listed::Folder(name) => ((*name).to_owned(), true),
            });
            all.extend(page.into_iter().map(told));
        }
    }

    #[test]
    fn a_search_ends_at_its_bounds_and_goes_on() {
        let keys = keyspace(&["a1", "a2", "a3", "a4", "b1"]);
        let even = |key: &Key, _: &KvRecord| key.as_str().ends_with(['2', '4']);
        let plenty = Work { keys: 100, bytes: 1000 };
        let find = |after: Option<&str>, most, work| {
            let page = keys.search("a", after, even, most, work);
            let names: Vec<String> = page.hits.iter().map(|(key, _)| key.to_string()).collect();
            (names.join(" "), page.next.map(|key| key.to_string()))
        };
        assert_eq!(find(None, 10, plenty), ("a2 a4".into(), None));
        assert_eq!(find(None, 1, plenty), ("a2".into(), Some("a2".into())));
        assert_eq!(find(Some("a2"), 10, plenty), ("a4".into(), None));
        assert_eq!(find(None, 10, Work { keys: 3, bytes: 1000 }), ("a2".into(), Some("a3".into())));
        assert_eq!(find(None, 10, Work { keys: 100, bytes: 1 }), ("".into(), Some("a1".into())));
    }
}
