//! Small sets of texts as catalogue records hold them: compact, shared, in order.
//!
//! A hundred thousand instances each have a handful of tags and pairs. A tree for each would take half a kilobyte even for
//! two pairs; a sorted slice takes what the texts take, and copying a record shares it.

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use smol_str::SmolStr;

/// Pairs of texts, sorted by key, each key once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pairs(Arc<[(SmolStr, SmolStr)]>);

impl Default for Pairs {
    fn default() -> Self {
        static EMPTY: LazyLock<Arc<[(SmolStr, SmolStr)]>> = LazyLock::new(|| Arc::from([]));
        Pairs(Arc::clone(&EMPTY))
    }
}

impl Pairs {
    /// The value of a key.
    pub fn get(&self, key: &str) -> Option<&str> {
        let at = self.0.binary_search_by(|(found, _)| found.as_str().cmp(key)).ok()?;
        Some(&self.0[at].1)
    }

    /// All of them, by key.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&str, &str)> + '_ {
        self.0.iter().map(|(key, value)| (key.as_str(), value.as_str()))
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether all of `wanted` are among these.
    pub fn contains_all(&self, wanted: &Pairs) -> bool {
        wanted.iter().all(|(key, value)| self.get(key) == Some(value))
    }
}

impl<K: Into<SmolStr>, V: Into<SmolStr>> FromIterator<(K, V)> for Pairs {
    /// Of a key that comes twice the last value stays.
    fn from_iter<I: IntoIterator<Item = (K, V)>>(pairs: I) -> Pairs {
        let sorted: BTreeMap<SmolStr, SmolStr> =
            pairs.into_iter().map(|(key, value)| (key.into(), value.into())).collect();
        if sorted.is_empty() { Pairs::default() } else { Pairs(sorted.into_iter().collect()) }
    }
}

impl Serialize for Pairs {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_seq(self.0.iter())
    }
}

impl<'de> Deserialize<'de> for Pairs {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        Ok(Vec::<(SmolStr, SmolStr)>::deserialize(from)?.into_iter().collect())
    }
}

/// Tags in the order in which their owner gave them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tags(Arc<[SmolStr]>);

impl Default for Tags {
    fn default() -> Self {
        static EMPTY: LazyLock<Arc<[SmolStr]>> = LazyLock::new(|| Arc::from([]));
        Tags(Arc::clone(&EMPTY))
    }
}

impl Tags {
    /// All of them.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &str> + '_ {
        self.0.iter().map(SmolStr::as_str)
    }

    /// Whether one is there, in whatever case, as Consul compares tags.
    pub fn has(&self, tag: &str) -> bool {
        self.0.iter().any(|found| found.eq_ignore_ascii_case(tag))
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }
}

impl<T: Into<SmolStr>> FromIterator<T> for Tags {
    fn from_iter<I: IntoIterator<Item = T>>(tags: I) -> Tags {
        let tags: Vec<SmolStr> = tags.into_iter().map(Into::into).collect();
        if tags.is_empty() { Tags::default() } else { Tags(tags.into()) }
    }
}

impl Serialize for Tags {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_seq(self.0.iter())
    }
}

impl<'de> Deserialize<'de> for Tags {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        Ok(Vec::<SmolStr>::deserialize(from)?.into_iter().collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs_are_found_by_key_and_keep_the_last_of_two() {
        let pairs: Pairs = [("b", "2"), ("a", "1"), ("b", "3")].into_iter().collect();
        assert_eq!(pairs.iter().collect::<Vec<_>>(), [("a", "1"), ("b", "3")]);
        assert_eq!((pairs.get("b"), pairs.get("c")), (Some("3"), None));
        let bytes = postcard::to_allocvec(&pairs).unwrap();
        assert_eq!(postcard::from_bytes::<Pairs>(&bytes).unwrap(), pairs);
    }

    #[test]
    fn tags_keep_their_order_and_compare_without_case() {
        let tags: Tags = ["Primary", "a"].into_iter().collect();
        assert_eq!(tags.iter().collect::<Vec<_>>(), ["Primary", "a"]);
        assert!(tags.has("primary") && tags.has("A") && !tags.has("b"));
        assert!(Pairs::default().is_empty() && Tags::default().is_empty());
    }
}
