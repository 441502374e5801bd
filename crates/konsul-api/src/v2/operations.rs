//! The table of operations: for each its id, method, path, parameters, bodies, statuses, codes, what it needs, and the
//! command line that calls it. Routing, the OpenAPI document, the book's page and the labels of metrics come from it.

mod agent;
mod common;
mod discovery;
mod keys;
mod locks;
mod places;
mod server;
mod transfers;

pub use common::{
    Answer, Body, Header, Kind, Link, Method, Operation, Parameter, Place, Resource, headers, parameters,
};

use crate::v2::code::{self, Code};

macro_rules! ids {
    ($($name:ident $id:literal)*) => {
        /// The id of an operation: OpenAPI's operation id, the label of metrics, the verb of the audit log.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Id {
            $(#[doc = concat!("`", $id, "`")] $name),*
        }

        impl Id {
            /// Its text.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Id::$name => $id),*
                }
            }
        }
    };
}

ids! {
    KvGet "kv_get" KvPut "kv_put" KvPatch "kv_patch" KvDelete "kv_delete"
    KvList "kv_list" KvDeleteTree "kv_delete_tree" KvSearch "kv_search"
    KvHistory "kv_history" KvDiff "kv_diff" KvUndo "kv_undo"
    Batch "batch" Export "export" Import "import"
    ServiceList "service_list" ServiceInstances "service_instances" ServicePick "service_pick"
    ServiceWhy "service_why" ServiceTimeline "service_timeline" ServiceImpact "service_impact" ServiceGraph "service_graph"
    NodeList "node_list" NodeServices "node_services"
    CheckList "check_list" CheckHistory "check_history"
    CoordinateList "coordinate_list" CoordinateDistance "coordinate_distance"
    CatalogRegister "catalog_register" CatalogDeregister "catalog_deregister"
    AgentServices "agent_services" AgentServiceRegister "agent_service_register"
    AgentServiceDeregister "agent_service_deregister" AgentChecks "agent_checks"
    AgentCheckRegister "agent_check_register" AgentCheckDeregister "agent_check_deregister"
    AgentCheckUpdate "agent_check_update" AgentMaintenance "agent_maintenance"
    QueryList "query_list" QueryCreate "query_create" QueryGet "query_get" QueryUpdate "query_update"
    QueryDelete "query_delete" QueryExecute "query_execute" QueryExplain "query_explain"
    LockList "lock_list" LockGet "lock_get" LockAcquire "lock_acquire" LockRelease "lock_release"
    SessionCreate "session_create" SessionList "session_list" SessionGet "session_get"
    SessionRenew "session_renew" SessionDestroy "session_destroy"
    EventFire "event_fire" EventList "event_list"
    SnapshotSave "snapshot_save" SnapshotRestore "snapshot_restore"
    BackupList "backup_list" BackupRun "backup_run"
    Watch "watch" WatchSocket "watch_socket"
    Limits "limits" System "system" Usage "usage" MetricsHistory "metrics_history"
    LogLevelGet "log_level_get" LogLevelSet "log_level_set"
    Openapi "openapi"
}

/// Every path with its operations, the most used first.
pub static RESOURCES: &[&Resource] = &[
    &keys::KEY,
    &keys::KEYS,
    &transfers::BATCH,
    &discovery::SERVICE_INSTANCES,
    &discovery::SERVICE_PICK,
    &discovery::SERVICES,
    &discovery::SERVICE_WHY,
    &discovery::SERVICE_TIMELINE,
    &discovery::SERVICE_IMPACT,
    &discovery::GRAPH,
    &agent::CHECK_STATUS,
    &agent::SERVICE,
    &agent::SERVICES,
    &agent::CHECK,
    &agent::CHECKS,
    &agent::MAINTENANCE,
    &discovery::NODE,
    &discovery::NODES,
    &discovery::CHECKS,
    &discovery::CHECK_HISTORY,
    &places::COORDINATES,
    &places::DISTANCE,
    &discovery::CATALOG_REGISTER,
    &discovery::CATALOG_DEREGISTER,
    &discovery::QUERY_EXECUTE,
    &discovery::QUERY_EXPLAIN,
    &discovery::QUERY,
    &discovery::QUERIES,
    &keys::SEARCH,
    &keys::HISTORY,
    &keys::DIFF,
    &keys::UNDO,
    &transfers::EXPORT,
    &transfers::IMPORT,
    &locks::ACQUIRE,
    &locks::RELEASE,
    &locks::LOCK,
    &locks::LOCKS,
    &locks::RENEWAL,
    &locks::SESSION,
    &locks::SESSIONS,
    &server::EVENTS,
    &server::WATCH,
    &server::SOCKET,
    &server::SNAPSHOT,
    &server::BACKUPS,
    &server::LIMITS,
    &server::LOG_LEVEL,
    &server::SYSTEM,
    &server::USAGE,
    &server::METRICS_HISTORY,
    &server::OPENAPI,
];

/// Every operation.
pub fn all() -> impl Iterator<Item = (&'static Resource, &'static Operation)> {
    RESOURCES.iter().flat_map(|resource| resource.operations.iter().map(|operation| (*resource, operation)))
}

/// The operation of an id.
pub fn find(id: Id) -> Option<(&'static Resource, &'static Operation)> {
    all().find(|(_, operation)| operation.id == id)
}

impl Operation {
    /// Every code that its problems may have: its own, and those that follow from what it takes.
    pub fn codes(&self) -> Vec<&'static Code> {
        let mut codes: Vec<&'static Code> = common::EVERY.to_vec();
        codes.extend(self.codes);
        if self.writes {
            codes.extend(common::WRITES);
        }
        if !self.body.is_empty() {
            codes.extend(common::BODIES);
        }
        if self.body.iter().any(|body| body.media == "application/json") {
            codes.extend([&code::MALFORMED_JSON, &code::INVALID_BODY]);
        }
        codes.sort_by_key(|code| (code.status, code.id));
        codes.dedup();
        codes
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_operation_stands_once_and_says_what_it_is() {
        let (mut ids, mut routes) = (BTreeSet::new(), BTreeSet::new());
        for (resource, operation) in all() {
            let id = operation.id.as_str();
            assert!(ids.insert(id), "{id} stands twice");
            assert!(routes.insert((resource.path, operation.method.as_str())), "{id}");
            assert!(!operation.summary.is_empty() && !operation.summary.ends_with('.'), "{id}");
            assert!(operation.about.is_empty() || operation.about.ends_with('.'), "{id}");
            assert!(operation.cli.starts_with("konsulctl "), "{id}");
            assert!(!operation.answers.is_empty() && !operation.needs.is_empty(), "{id}");
            assert!(operation.method.writes() == operation.writes, "{id}");
        }
    }

    #[test]
    fn every_part_of_a_path_is_declared() {
        for resource in RESOURCES {
            let named: Vec<&str> = resource.path.split(['{', '}']).skip(1).step_by(2).collect();
            let declared: Vec<&str> = resource.parameters.iter().map(|one| one.name).collect();
            assert_eq!(named, declared, "{}", resource.path);
        }
    }
}
