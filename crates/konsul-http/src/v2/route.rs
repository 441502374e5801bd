//! From a raw path to an operation.

use std::borrow::Cow;

use konsul_api::v2::operations::{Id, Method, Operation, RESOURCES, Resource};

use super::inbound::{Begun, Inbound};
use super::stream;
use super::{
    backups, batch, catalog, checks, coordinates, events, export, graph, history, import, keys, listing,
    local, locks, nodes, queries, services, sessions, snapshot, system,
};
use crate::v1::path::{PathError, decode};

/// The resource of a raw path, and the raw text that its parameter stands for.
pub fn find(path: &str) -> Option<(&'static Resource, &str)> {
    RESOURCES.iter().find_map(|resource| matched(resource, path).map(|variable| (*resource, variable)))
}

/// The raw text that a resource's parameter stands for, if the path is of this resource. Two parameters stand side by side,
/// parted by a slash.
pub(crate) fn matched<'p>(resource: &Resource, path: &'p str) -> Option<&'p str> {
    let Some((before, after)) = resource.path.split_once('{') else {
        return (path == resource.path).then_some("");
    };
    let rest = path.strip_prefix(before)?;
    if resource.greedy {
        return Some(rest);
    }
    let (_, suffix) = after.rsplit_once('}')?;
    let variables = rest.strip_suffix(suffix)?;
    let mut parts = variables.split('/');
    let fits = resource.parameters.iter().all(|_| parts.next().is_some_and(|part| !part.is_empty()));
    (fits && parts.next().is_none()).then_some(variables)
}

/// What a path's parameter says, decoded once.
///
/// # Errors
/// If an escape is none, or the bytes are no text.
pub fn variable(raw: &str) -> Result<Cow<'_, str>, PathError> {
    decode(raw)
}

/// What the method of a request does here.
pub(crate) enum Asked {
    /// An operation.
    Operation(&'static Operation),
    /// Which methods there are.
    Options,
    /// Something that cannot be done.
    Nothing,
}

/// What a method does with a resource.
pub(crate) fn asked(resource: &'static Resource, method: &http::Method) -> Asked {
    let wanted = match *method {
        http::Method::GET | http::Method::HEAD => Method::Get,
        http::Method::PUT => Method::Put,
        http::Method::PATCH => Method::Patch,
        http::Method::DELETE => Method::Delete,
        http::Method::POST => Method::Post,
        http::Method::OPTIONS => return Asked::Options,
        _ => return Asked::Nothing,
    };
    resource.operations.iter().find(|one| one.method == wanted).map_or(Asked::Nothing, Asked::Operation)
}

/// What `Allow` says of a resource.
pub(crate) fn allow(resource: &Resource) -> String {
    let mut methods: Vec<&str> = Vec::new();
    for operation in resource.operations {
        methods.push(operation.method.as_str());
        if operation.method == Method::Get {
            methods.push("HEAD");
        }
    }
    methods.push("OPTIONS");
    methods.join(", ")
}

/// Begins an operation.
pub(crate) fn begin(id: Id, inbound: &mut Inbound<'_>) -> Begun {
    match id {
        Id::KvGet => keys::get(inbound),
        Id::KvPut => keys::put(inbound),
        Id::KvPatch => keys::patch(inbound),
        Id::KvDelete => keys::delete(inbound),
        Id::KvList => listing::list(inbound),
        Id::KvDeleteTree => keys::delete_tree(inbound),
        Id::KvSearch => listing::search(inbound),
        Id::KvHistory => history::versions(inbound),
        Id::KvDiff => history::diff(inbound),
        Id::KvUndo => history::undo(inbound),
        Id::Batch => batch::run(inbound),
        Id::Export => export::export(inbound),
        Id::Import => import::import(inbound),
        Id::ServiceList => services::list(inbound),
        Id::ServiceInstances => services::instances(inbound),
        Id::ServicePick => services::pick(inbound),
        Id::ServiceWhy => services::why(inbound),
        Id::ServiceTimeline => services::timeline(inbound),
        Id::ServiceImpact => graph::impact(inbound),
        Id::ServiceGraph => graph::graph(inbound),
        Id::NodeList => nodes::list(inbound),
        Id::NodeServices => nodes::get(inbound),
        Id::CheckList => checks::list(inbound),
        Id::CheckHistory => checks::history(inbound),
        Id::CoordinateList => coordinates::list(inbound),
        Id::CoordinateDistance => coordinates::distance(inbound),
        Id::CatalogRegister => catalog::register(inbound),
        Id::CatalogDeregister => catalog::deregister(inbound),
        Id::AgentServices => local::services(inbound),
        Id::AgentServiceRegister => local::register_service(inbound),
        Id::AgentServiceDeregister => local::deregister_service(inbound),
        Id::AgentChecks => local::checks(inbound),
        Id::AgentCheckRegister => local::register_check(inbound),
        Id::AgentCheckDeregister => local::deregister_check(inbound),
        Id::AgentCheckUpdate => local::update_check(inbound),
        Id::AgentMaintenance => local::maintenance(inbound),
        Id::QueryList => queries::list(inbound),
        Id::QueryCreate => queries::create(inbound),
        Id::QueryGet => queries::get(inbound),
        Id::QueryUpdate => queries::update(inbound),
        Id::QueryDelete => queries::delete(inbound),
        Id::QueryExecute => queries::execute(inbound),
        Id::QueryExplain => queries::explain(inbound),
        Id::LockList => locks::list(inbound),
        Id::LockGet => locks::get(inbound),
        Id::LockAcquire => locks::acquire(inbound),
        Id::LockRelease => locks::release(inbound),
        Id::SessionCreate => sessions::create(inbound),
        Id::SessionList => sessions::list(inbound),
        Id::SessionGet => sessions::get(inbound),
        Id::SessionRenew => sessions::renew(inbound),
        Id::SessionDestroy => sessions::destroy(inbound),
        Id::EventFire => events::fire(inbound),
        Id::EventList => events::list(inbound),
        Id::SnapshotSave => snapshot::save(inbound),
        Id::SnapshotRestore => snapshot::restore(inbound),
        Id::BackupList => backups::list(inbound),
        Id::BackupRun => backups::run(inbound),
        Id::Watch => stream::watch(inbound),
        Id::WatchSocket => stream::socket(inbound),
        Id::Limits => system::limits(inbound),
        Id::System => system::system(inbound),
        Id::Usage => system::usage(inbound),
        Id::MetricsHistory => system::metrics_history(inbound),
        Id::LogLevelGet => system::log_level_get(inbound),
        Id::LogLevelSet => system::log_level_set(inbound),
        Id::Openapi => system::openapi(inbound),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(path: &str, expect: Option<(&str, &str)>) {
        assert_eq!(find(path).map(|(resource, raw)| (resource.path, raw)), expect, "{path}");
    }

    #[test]
    fn paths_find_their_resources() {
        check("/v2/kv/a/b", Some(("/v2/kv/{key}", "a/b")));
        check("/v2/kv/a%2Fb", Some(("/v2/kv/{key}", "a%2Fb")));
        check("/v2/kv//", Some(("/v2/kv/{key}", "/")));
        check("/v2/kv/", Some(("/v2/kv/{key}", "")));
        check("/v2/kv", Some(("/v2/kv", "")));
        check("/v2/kv_search", Some(("/v2/kv_search", "")));
        check("/v2/kv_history/a/b", Some(("/v2/kv_history/{key}", "a/b")));
        check("/v2/locks", Some(("/v2/locks", "")));
        check("/v2/locks/", None);
        check("/v2/locks/a%2Fb", Some(("/v2/locks/{name}", "a%2Fb")));
        check("/v2/locks/a/acquire", Some(("/v2/locks/{name}/acquire", "a")));
        check("/v2/locks/acquire", Some(("/v2/locks/{name}", "acquire")));
        check("/v2/locks/a/b", None);
        check("/v2/sessions/x/renew", Some(("/v2/sessions/{id}/renew", "x")));
        check("/v2/system/log_level", Some(("/v2/system/log_level", "")));
        check("/v2/openapi.json", Some(("/v2/openapi.json", "")));
        check("/v2/checks/n1/web%2F1/history", Some(("/v2/checks/{node}/{id}/history", "n1/web%2F1")));
        check("/v2/checks/n1/history", None);
        check("/v2/checks/a/b/c/history", None);
        check("/v2/services/web", Some(("/v2/services/{name}", "web")));
        check("/v2/services/pick", Some(("/v2/services/{name}", "pick")));
        check("/v2/services/web/pick", Some(("/v2/services/{name}/pick", "web")));
        check("/v2", None);
        check("/v2/nothing", None);
    }

    #[test]
    fn every_resource_can_be_reached() {
        for resource in RESOURCES {
            let named: Vec<String> =
                resource.parameters.iter().map(|one| format!("{{{}}}", one.name)).collect();
            let path =
                named.iter().fold(resource.path.to_owned(), |path, name| path.replace(name.as_str(), "x"));
            assert_eq!(find(&path).map(|(found, _)| found.path), Some(resource.path), "{path}");
        }
    }

    #[test]
    fn allow_names_head_with_get() {
        assert_eq!(allow(find("/v2/kv/a").unwrap().0), "GET, HEAD, PUT, PATCH, DELETE, OPTIONS");
        assert_eq!(allow(find("/v2/batch").unwrap().0), "POST, OPTIONS");
    }
}
