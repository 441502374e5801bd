//! Rows of a table in batches of bounded size, read from a shared map that is never copied.

use std::ops::Bound;

use imbl::OrdMap;

use super::{CHUNK_BYTES, Part};

/// A row that knows roughly how many bytes it will take.
pub(super) trait Row {
    fn weight(&self) -> usize;
}

/// Reads a table in batches, each made into a part.
pub(super) fn batches<K, V>(
    map: OrdMap<K, V>,
    make: impl Fn(Vec<(K, V)>) -> Part + Send,
) -> impl Iterator<Item = Part> + Send
where
    K: Ord + Clone + Send + Sync,
    V: Clone + Send + Sync,
    for<'a> (&'a K, &'a V): Row,
{
    let mut last: Option<K> = None;
    std::iter::from_fn(move || {
        let from = last.as_ref().map_or(Bound::Unbounded, Bound::Excluded);
        let mut rows = Vec::new();
        let mut bytes = 0;
        for (key, value) in map.range::<_, K>((from, Bound::Unbounded)) {
            bytes += (key, value).weight();
            rows.push((key.clone(), value.clone()));
            if bytes >= CHUNK_BYTES {
                break;
            }
        }
        last = rows.last().map(|(key, _)| key.clone()).or(last.take());
        (!rows.is_empty()).then(|| make(rows))
    })
}
