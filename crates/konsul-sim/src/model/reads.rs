//! What a read of the model answers, and below which index an answer may not say that it is.

use std::collections::BTreeSet;
use std::sync::Arc;

use konsul_types::{Index, Namespace};

use super::Model;
use crate::history::{Content, Query};

impl Model {
    /// The answer to a query.
    pub fn answer(&self, query: &Query) -> Content {
        match query {
            Query::Get(namespace, key) => {
                Content::Record(self.keys.get(&(namespace.clone(), key.clone())).cloned())
            }
            Query::List(namespace, prefix) => Content::Records(self.under(namespace, prefix)),
            Query::Keys(namespace, prefix, separator) => {
                Content::Names(self.names(namespace, prefix, separator))
            }
            Query::Session(namespace, id) => {
                Content::Session(self.sessions.contains_key(&(namespace.clone(), *id)).then_some(*id))
            }
            Query::Sessions(namespace) => {
                let here = self.sessions.keys().filter(|(name, _)| name == namespace);
                Content::Sessions(here.map(|(_, id)| *id).collect())
            }
            Query::Events => Content::Events(self.events.clone()),
        }
    }

    fn names(&self, namespace: &Namespace, prefix: &str, separator: &str) -> Vec<Arc<str>> {
        let cut = |key: &str| -> String {
            let rest = &key[prefix.len()..];
            match rest.find(separator).filter(|_| !separator.is_empty()) {
                Some(at) => key[..prefix.len() + at + separator.len()].to_owned(),
                None => key.to_owned(),
            }
        };
        let names: BTreeSet<String> =
            self.under(namespace, prefix).iter().map(|(key, _)| cut(key.as_str())).collect();
        names.into_iter().map(Arc::from).collect()
    }

    /// The index of the last change of what a query is about, removals included.
    pub fn changed(&self, query: &Query) -> Index {
        let of_keys = |namespace: &Namespace, about: &dyn Fn(&str) -> bool| {
            let touched =
                self.touched.iter().filter(|((name, key), _)| name == namespace && about(key.as_str()));
            let live = self.keys.iter().filter(|((name, key), _)| name == namespace && about(key.as_str()));
            let touched = touched.map(|(_, index)| *index);
            touched.chain(live.map(|(_, record)| record.modify_index)).max().unwrap_or_default()
        };
        let changed = match query {
            Query::Get(namespace, wanted) => of_keys(namespace, &|key| key == wanted.as_str()),
            Query::List(namespace, prefix) | Query::Keys(namespace, prefix, _) => {
                of_keys(namespace, &|key| key.starts_with(prefix.as_str()))
            }
            Query::Session(namespace, _) | Query::Sessions(namespace) => {
                self.sessions_changed.get(namespace).copied().unwrap_or_default()
            }
            Query::Events => Index::ZERO,
        };
        changed.max(self.restored_at)
    }
}
