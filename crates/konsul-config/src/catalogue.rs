//! [`Known`]: what a key is, of all the keys that Konsul or Consul knows.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use crate::consul;
use crate::nearest::nearest;
use crate::option::ConfigOption;
use crate::options;

/// What a key stands for.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Known {
    /// An option of ours.
    Option(&'static ConfigOption),
    /// A block with keys in it.
    Block,
    /// Consul has it, we do not have it yet.
    NotBuilt,
    /// Consul has it, and here it means nothing, for this reason.
    MeansNothing(&'static str),
}

/// Every key and block, by its path in small letters.
static KEYS: LazyLock<BTreeMap<&'static str, Known>> = LazyLock::new(|| {
    let mut keys = BTreeMap::new();
    for (key, known) in leaves() {
        let key = key.strip_suffix(".*").unwrap_or(key);
        for (end, _) in key.match_indices('.') {
            keys.entry(&key[..end]).or_insert(Known::Block);
        }
        keys.insert(key, known);
    }
    keys
});

/// Every key that can hold a value, as it stands in its table, aliases included.
pub(crate) fn leaves() -> impl Iterator<Item = (&'static str, Known)> {
    let ours = options::all().filter(|option| option.in_files);
    let named = ours
        .flat_map(|option| std::iter::once(&option.key).chain(option.aliases).map(move |key| (key, option)));
    let ours = named.map(|(key, option)| (*key, Known::Option(option)));
    let coming = consul::NOT_BUILT.iter().map(|key| (*key, Known::NotBuilt));
    let nothing = consul::MEANS_NOTHING.iter().map(|(key, reason)| (*key, Known::MeansNothing(reason)));
    ours.chain(coming).chain(nothing)
}

/// What the key of this path is. Case does not matter, as it does not for Consul.
pub(crate) fn look_up(path: &str) -> Option<Known> {
    KEYS.get(path.to_ascii_lowercase().as_str()).copied()
}

/// The right key that an unknown one was probably meant to be.
pub(crate) fn nearest_key(path: &str) -> Option<&'static str> {
    let path = path.to_ascii_lowercase();
    let (block, name) = path.rsplit_once('.').unwrap_or(("", &path));
    let siblings = KEYS.keys().filter(|key| key.rsplit_once('.').unwrap_or(("", key)).0 == block);
    same_name(name)
        .or_else(|| flag_as_key(name))
        .or_else(|| nearest(&path, siblings.copied()))
        .or_else(|| nearest(&path, KEYS.keys().copied()))
}

/// A key of exactly this name in another block.
fn same_name(name: &str) -> Option<&'static str> {
    let mut same = KEYS.keys().filter(|key| key.rsplit('.').next() == Some(name));
    // Several mean that the name alone says too little.
    same.next().filter(|_| same.next().is_none()).copied()
}

/// The key of the option whose flag was written as a key, such as `http_port`.
fn flag_as_key(name: &str) -> Option<&'static str> {
    let mut ours = options::all().filter(|option| option.in_files);
    ours.find(|option| option.flag_name().replace('-', "_") == name).map(|option| option.key)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_key_is_the_one_that_was_meant() {
        assert_eq!(nearest_key("prots"), Some("ports"));
        assert_eq!(nearest_key("ports.htpp"), Some("ports.http"));
        assert_eq!(nearest_key("http_port"), Some("ports.http"));
        assert_eq!(nearest_key("kv_max_value_size"), Some("limits.kv_max_value_size"));
        assert_eq!(nearest_key("telemetry.kv_max_keys"), Some("limits.kv_max_keys"));
        assert_eq!(nearest_key("Node"), Some("node_name"));
        assert_eq!(nearest_key("bootstrap_expct"), Some("bootstrap_expect"));
        assert_eq!(nearest_key("unheard_of"), None);
    }
}
