//! What a read of the model answers, and below which index an answer may not say that it is.

use std::collections::BTreeSet;
use std::sync::Arc;

use konsul_types::{CheckStatus, Index, Namespace, Node, NodeName, Service, ServiceName};

use super::Model;
use super::catalogue::lower;
use crate::history::{Content, Instance, Query};

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
            Query::Health(namespace, name, true) => Content::Instances(self.passing(namespace, name)),
            Query::Health(namespace, name, false) => Content::Instances(self.instances(namespace, name)),
            Query::ServiceChecks(namespace, name) => {
                let instances = self.instances(namespace, name);
                let own = instances.iter().flat_map(|one| self.catalogue.of_service(&one.service));
                Content::Checks(own.collect())
            }
            Query::Checks(namespace) => {
                let seen = self.catalogue.checks.values();
                let seen = seen.filter(|check| check.service.is_none() || check.namespace == *namespace);
                Content::Checks(seen.cloned().collect())
            }
            Query::Nodes => Content::Nodes(self.catalogue.nodes.values().cloned().collect()),
            Query::Node(namespace, name) => Content::Node(self.node_with_services(namespace, name)),
            Query::Queries => Content::Queries(self.queries.values().cloned().collect()),
            Query::Execute(namespace, name) => Content::Executed(self.execute(namespace, name)),
        }
    }

    fn node_with_services(
        &self,
        namespace: &Namespace,
        name: &str,
    ) -> Option<(Arc<Node>, Vec<Arc<Service>>)> {
        let name = NodeName::new(name).ok()?;
        let node = self.catalogue.node(&name)?;
        let here = self.catalogue.services.values();
        let here = here.filter(|one| lower(&one.node) == lower(&name) && one.namespace == *namespace);
        Some((node.clone(), here.cloned().collect()))
    }

    /// Critical instances are never answered with; with "only passing" none that does not pass.
    fn execute(&self, namespace: &Namespace, name: &str) -> Option<Vec<Instance>> {
        let query = self.queries.values().find(|query| query.name.eq_ignore_ascii_case(name))?;
        let service = ServiceName::new(query.service.service.as_str()).ok()?;
        let worst = if query.service.only_passing { CheckStatus::Passing } else { CheckStatus::Warning };
        let mut found = self.instances(namespace, &service);
        found.retain(|one| one.checks.iter().all(|check| check.status <= worst));
        Some(found)
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
            Query::Health(namespace, name, _) | Query::ServiceChecks(namespace, name) => {
                self.service_news(namespace, name, false)
            }
            Query::Checks(_) => self.news.checks,
            Query::Nodes => self.news.nodes,
            Query::Node(_, name) => self.node_news(name),
            Query::Queries => self.queries_changed(),
            Query::Events | Query::Execute(..) => Index::ZERO,
        };
        changed.max(self.restored_at)
    }
}
