//! The table of routes: every route of Consul's HTTP API, those that are answered and those that say that they are not
//! built yet. The documentation's page comes from it.

use super::inbound::Inbound;
use super::{
    agent, catalog, coordinate, event, health, internal_ui, kv, not_built, operator, prepared, register,
    session, snapshot, status, txn,
};
use crate::outside;
use crate::service::Handled;

/// What answers.
pub(crate) type Handler = fn(&mut Inbound<'_>, &'static Route) -> Handled;

/// A method of a route.
pub struct Verb {
    /// The method.
    pub method: &'static str,
    /// The operation's id; where a route stands for several, the most common one.
    pub operation: &'static str,
    /// What may be asked besides what every route knows: for the documentation.
    pub note: &'static str,
    pub(crate) handler: Handler,
}

impl Verb {
    /// Whether it is answered.
    pub fn is_built(&self) -> bool {
        self.operation != not_built::OPERATION
    }
}

/// A route.
pub struct Route {
    /// Its path. A part that begins with a colon stands for any text; at the end also for slashes and for nothing.
    pub path: &'static str,
    /// Its methods.
    pub verbs: &'static [Verb],
    /// What comes before the first part that stands for any text.
    prefix: &'static str,
    /// What comes after that part; `None` if there is no such part.
    suffix: Option<&'static str>,
}

impl Route {
    /// A method of it.
    pub fn verb(&self, method: &str) -> Option<&Verb> {
        self.verbs.iter().find(|verb| verb.method == method)
    }

    /// What `Allow` says.
    pub fn allow(&self) -> String {
        self.verbs.iter().fold("OPTIONS".to_owned(), |allow, verb| allow + "," + verb.method)
    }

    /// The text that the last part stands for, if the path is of this route.
    fn matches<'p>(&self, path: &'p str) -> Option<&'p str> {
        let Some(suffix) = self.suffix else {
            return (path == self.prefix).then_some("");
        };
        let Some(rest) = path.strip_prefix(self.prefix) else {
            // Consul redirects from the name without its slash. Here it is simply the same route.
            return (suffix.is_empty() && self.prefix.strip_suffix('/') == Some(path)).then_some("");
        };
        if suffix.is_empty() {
            return Some(rest);
        }
        match suffix.strip_prefix("/:") {
            Some(_) => rest.split_once('/').filter(|(first, _)| !first.is_empty()).map(|(first, _)| first),
            None => rest.strip_suffix(suffix).filter(|part| !part.is_empty() && !part.contains('/')),
        }
    }
}

/// The route of a decoded path, and the text that its variable part stands for.
pub fn find(path: &str) -> Option<(&'static Route, &str)> {
    ROUTES.iter().find_map(|route| route.matches(path).map(|tail| (route, tail)))
}

const fn route(path: &'static str, verbs: &'static [Verb]) -> Route {
    let bytes = path.as_bytes();
    let mut colon = 0;
    while colon < bytes.len() && bytes[colon] != b':' {
        colon += 1;
    }
    let (prefix, variable) = path.split_at(colon);
    if variable.is_empty() {
        return Route { path, verbs, prefix, suffix: None };
    }
    let mut end = colon;
    while end < bytes.len() && bytes[end] != b'/' {
        end += 1;
    }
    let (_, suffix) = path.split_at(end);
    Route { path, verbs, prefix, suffix: Some(suffix) }
}

const fn verb(method: &'static str, operation: &'static str, handler: Handler, note: &'static str) -> Verb {
    Verb { method, operation, note, handler }
}

const fn later(method: &'static str) -> Verb {
    Verb { method, operation: not_built::OPERATION, note: "", handler: not_built::answer }
}

const GET: &[Verb] = &[later("GET")];
const PUT: &[Verb] = &[later("PUT")];
const POST: &[Verb] = &[later("POST")];
const DELETE: &[Verb] = &[later("DELETE")];
const GET_POST: &[Verb] = &[later("GET"), later("POST")];
const GET_PUT: &[Verb] = &[later("GET"), later("PUT")];
const GET_DELETE: &[Verb] = &[later("GET"), later("DELETE")];
const GET_PUT_DELETE: &[Verb] = &[later("GET"), later("PUT"), later("DELETE")];
const ALL: &[Verb] = &[later("GET"), later("POST"), later("PUT"), later("DELETE")];

/// Every route. The first that matches counts, so the more special ones come first.
pub static ROUTES: &[Route] = &[
    route(
        "/v1/kv/:key",
        &[
            verb("GET", "kv_get", kv::get, "`raw`, `recurse`, `keys`, `separator`; blocks"),
            verb("PUT", "kv_put", kv::put, "`flags`, `cas`, `acquire`, `release`; Konsul's own: `ttl`"),
            verb("DELETE", "kv_delete", kv::delete, "`recurse`, `cas`"),
        ],
    ),
    route("/v1/txn", &[verb("PUT", "txn", txn::put_txn, "members of `KV`, `Node`, `Service` and `Check`")]),
    route("/v1/session/create", &[verb("PUT", "session_create", session::create, "")]),
    route("/v1/session/destroy/:id", &[verb("PUT", "session_destroy", session::destroy, "")]),
    route("/v1/session/renew/:id", &[verb("PUT", "session_renew", session::renew, "")]),
    route("/v1/session/info/:id", &[verb("GET", "session_info", session::info, "blocks")]),
    route("/v1/session/node/:node", &[verb("GET", "session_list", session::of_node, "blocks")]),
    route("/v1/session/list", &[verb("GET", "session_list", session::list, "blocks")]),
    route("/v1/event/fire/:name", &[verb("PUT", "event_fire", event::fire, "`node`, `service`, `tag`")]),
    route(
        "/v1/event/list",
        &[verb("GET", "event_list", event::list, "`name`; blocks while the index is equal")],
    ),
    route("/v1/status/leader", &[verb("GET", "status_leader", status::leader, "")]),
    route("/v1/status/peers", &[verb("GET", "status_peers", status::peers, "")]),
    route(
        "/v1/snapshot",
        &[
            verb("GET", "snapshot_save", snapshot::save, "streamed"),
            verb("PUT", "snapshot_restore", snapshot::restore, "streamed"),
        ],
    ),
    route("/v1/agent/self", &[verb("GET", "agent_self", agent::itself, "")]),
    route("/v1/agent/host", &[verb("GET", "agent_host", agent::host, "")]),
    route("/v1/agent/members", &[verb("GET", "agent_self", agent::members, "`wan`")]),
    route("/v1/agent/version", &[verb("GET", "agent_self", agent::version, "")]),
    route("/v1/agent/metrics", &[verb("GET", "agent_metrics", agent::metrics, "`format=prometheus`")]),
    route(
        "/v1/agent/monitor",
        &[verb("GET", "agent_monitor", agent::monitor, "`loglevel`, `logjson`; streamed")],
    ),
    route(
        "/v1/agent/reload",
        &[verb("PUT", "agent_reload", agent::reload, "Konsul's own: answers what changed")],
    ),
    route("/v1/agent/leave", &[verb("PUT", "agent_leave", agent::leave, "")]),
    route(
        "/v1/operator/raft/configuration",
        &[verb("GET", "raft_configuration", operator::raft_configuration, "")],
    ),
    route("/v1/operator/usage", &[verb("GET", "usage", operator::usage, "")]),
    route("/metrics", &[verb("GET", "agent_metrics", outside::metrics, "Prometheus' text")]),
    route("/health", &[verb("GET", "health", outside::ready, "503 unless live and ready")]),
    route("/health/ready", &[verb("GET", "health", outside::ready, "503 unless live and ready")]),
    route("/health/live", &[verb("GET", "health", outside::live, "503 unless live")]),
    route("/v1/agent/services", &[verb("GET", "agent_services", agent::services::services, "`filter`")]),
    route(
        "/v1/agent/service/register",
        &[verb(
            "PUT",
            "agent_service_register",
            agent::services::register,
            "`replace-existing-checks`; Konsul's own: `DependsOn`, `Strategy`",
        )],
    ),
    route(
        "/v1/agent/service/deregister/:id",
        &[verb("PUT", "agent_service_deregister", agent::services::deregister, "")],
    ),
    route(
        "/v1/agent/service/maintenance/:id",
        &[verb("PUT", "agent_maintenance", agent::maintenance::service, "`enable`, `reason`")],
    ),
    route(
        "/v1/agent/service/:id",
        &[verb(
            "GET",
            "agent_services",
            agent::services::service,
            "`hash`, `wait`: waits while the hash is the same",
        )],
    ),
    route("/v1/agent/checks", &[verb("GET", "agent_checks", agent::checks::checks, "`filter`")]),
    route("/v1/agent/check/register", &[verb("PUT", "agent_check_register", agent::checks::register, "")]),
    route(
        "/v1/agent/check/deregister/:id",
        &[verb("PUT", "agent_check_deregister", agent::checks::deregister, "")],
    ),
    route("/v1/agent/check/pass/:id", &[verb("PUT", "agent_check_update", agent::checks::pass, "`note`")]),
    route("/v1/agent/check/warn/:id", &[verb("PUT", "agent_check_update", agent::checks::warn, "`note`")]),
    route("/v1/agent/check/fail/:id", &[verb("PUT", "agent_check_update", agent::checks::fail, "`note`")]),
    route("/v1/agent/check/update/:id", &[verb("PUT", "agent_check_update", agent::checks::update, "")]),
    route(
        "/v1/agent/health/service/id/:id",
        &[verb("GET", "agent_services", agent::service_health::by_id, "`format=text`; 200, 429, 503 or 404")],
    ),
    route(
        "/v1/agent/health/service/name/:name",
        &[verb(
            "GET",
            "agent_services",
            agent::service_health::by_name,
            "`format=text`; 200, 429, 503 or 404",
        )],
    ),
    route(
        "/v1/agent/maintenance",
        &[verb("PUT", "agent_maintenance", agent::maintenance::node, "`enable`, `reason`")],
    ),
    route("/v1/catalog/register", &[verb("PUT", "catalog_register", register::register, "")]),
    route("/v1/catalog/deregister", &[verb("PUT", "catalog_deregister", register::deregister, "")]),
    route("/v1/catalog/datacenters", &[verb("GET", "datacenter_list", catalog::datacenters, "")]),
    route(
        "/v1/catalog/nodes",
        &[verb("GET", "node_list", catalog::nodes, "`near`, `node-meta`, `filter`; blocks")],
    ),
    route(
        "/v1/catalog/services",
        &[verb("GET", "service_list", catalog::services, "`node-meta`, `filter`; blocks")],
    ),
    route(
        "/v1/catalog/service/:service",
        &[verb("GET", "service_instances", catalog::service, "`tag`, `near`, `node-meta`, `filter`; blocks")],
    ),
    route(
        "/v1/catalog/connect/:service",
        &[verb("GET", "service_instances", catalog::connect, "`tag`, `near`, `node-meta`, `filter`; blocks")],
    ),
    route("/v1/catalog/node/:node", &[verb("GET", "node_services", catalog::node, "`filter`; blocks")]),
    route(
        "/v1/catalog/node-services/:node",
        &[verb("GET", "node_services", catalog::node_services, "`filter`; blocks")],
    ),
    route(
        "/v1/catalog/gateway-services/:gateway",
        &[verb(
            "GET",
            "service_instances",
            catalog::gateway_services,
            "empty until there are configuration entries; blocks",
        )],
    ),
    route("/v1/health/node/:node", &[verb("GET", "check_list", health::node, "`filter`; blocks")]),
    route(
        "/v1/health/checks/:service",
        &[verb("GET", "check_list", health::checks, "`near`, `node-meta`, `filter`; blocks")],
    ),
    route(
        "/v1/health/state/:state",
        &[verb("GET", "check_list", health::state, "`near`, `node-meta`, `filter`; blocks")],
    ),
    route(
        "/v1/health/service/:service",
        &[verb(
            "GET",
            "service_instances",
            health::service,
            "`passing`, `tag`, `near`, `node-meta`, `filter`; blocks",
        )],
    ),
    route(
        "/v1/health/connect/:service",
        &[verb(
            "GET",
            "service_instances",
            health::connect,
            "`passing`, `tag`, `near`, `node-meta`, `filter`; blocks",
        )],
    ),
    route(
        "/v1/health/ingress/:service",
        &[verb(
            "GET",
            "service_instances",
            health::ingress,
            "empty until there are configuration entries; blocks",
        )],
    ),
    route(
        "/v1/query",
        &[
            verb("GET", "query_list", prepared::list_all, "blocks"),
            verb("POST", "query_create", prepared::create, ""),
        ],
    ),
    route(
        "/v1/query/:id/execute",
        &[verb("GET", "query_execute", prepared::execute, "`near`, `limit`, `connect`")],
    ),
    route(
        "/v1/query/:id/explain",
        &[verb("GET", "query_explain", prepared::explain, "`near`, `limit`, `connect`")],
    ),
    route(
        "/v1/query/:id",
        &[
            verb("GET", "query_list", prepared::get, "blocks"),
            verb("PUT", "query_update", prepared::update, ""),
            verb("DELETE", "query_delete", prepared::delete, ""),
        ],
    ),
    route("/v1/coordinate/datacenters", &[verb("GET", "coordinate_list", coordinate::datacenters, "")]),
    route("/v1/coordinate/nodes", &[verb("GET", "coordinate_list", coordinate::nodes, "`segment`; blocks")]),
    route(
        "/v1/coordinate/node/:node",
        &[verb("GET", "coordinate_list", coordinate::node, "`segment`; blocks")],
    ),
    route("/v1/coordinate/update", &[verb("PUT", "coordinate_update", coordinate::update, "")]),
    route(
        "/v1/internal/ui/nodes",
        &[verb("GET", "node_list", internal_ui::nodes, "`filter` over the nodes' own fields; blocks")],
    ),
    route("/v1/internal/ui/node/:node", &[verb("GET", "node_services", internal_ui::node, "")]),
    route(
        "/v1/internal/ui/services",
        &[verb("GET", "service_list", internal_ui::services, "`filter` over entries of health; blocks")],
    ),
    // From here on nothing is built yet.
    route("/v1/agent/metrics/stream", GET),
    route("/v1/agent/join/:address", PUT),
    route("/v1/agent/force-leave/:node", PUT),
    route("/v1/agent/token/:kind", PUT),
    route("/v1/agent/connect/authorize", POST),
    route("/v1/agent/connect/ca/roots", GET),
    route("/v1/agent/connect/ca/leaf/:service", GET),
    route("/v1/operator/raft/transfer-leader", POST),
    route("/v1/operator/raft/peer", DELETE),
    route("/v1/operator/keyring", ALL),
    route("/v1/operator/utilization", GET),
    route("/v1/operator/autopilot/configuration", GET_PUT),
    route("/v1/operator/autopilot/health", GET),
    route("/v1/operator/autopilot/state", GET),
    route("/v1/operator/audit-hash", POST),
    route("/v1/operator/segment", GET),
    route("/v1/operator/area", GET_POST),
    route("/v1/operator/area/:id/join", PUT),
    route("/v1/operator/area/:id/members", GET),
    route("/v1/operator/area/:id", GET_PUT_DELETE),
    route("/v1/operator/license", GET_PUT_DELETE),
    route("/v1/acl/bootstrap", PUT),
    route("/v1/acl/replication", GET),
    route("/v1/acl/login", POST),
    route("/v1/acl/logout", POST),
    route("/v1/acl/policies", GET),
    route("/v1/acl/policy", PUT),
    route("/v1/acl/policy/name/:name", GET),
    route("/v1/acl/policy/:id", GET_PUT_DELETE),
    route("/v1/acl/roles", GET),
    route("/v1/acl/role", PUT),
    route("/v1/acl/role/name/:name", GET),
    route("/v1/acl/role/:id", GET_PUT_DELETE),
    route("/v1/acl/tokens", GET),
    route("/v1/acl/token", PUT),
    route("/v1/acl/token/self", GET),
    route("/v1/acl/token/:accessor/clone", PUT),
    route("/v1/acl/token/:accessor", GET_PUT_DELETE),
    route("/v1/acl/binding-rules", GET),
    route("/v1/acl/binding-rule", PUT),
    route("/v1/acl/binding-rule/:id", GET_PUT_DELETE),
    route("/v1/acl/auth-methods", GET),
    route("/v1/acl/auth-method", PUT),
    route("/v1/acl/auth-method/:name", GET_PUT_DELETE),
    route("/v1/acl/templated-policies", GET),
    route("/v1/acl/templated-policy/name/:name", GET),
    route("/v1/acl/templated-policy/preview/:name", POST),
    route("/v1/config", PUT),
    route("/v1/config/:kind/:name", GET_DELETE),
    route("/v1/config/:kind", GET),
    route("/v1/exported-services", GET),
    route("/v1/imported-services", GET),
    route("/v1/connect/ca/roots", GET),
    route("/v1/connect/ca/configuration", GET_PUT),
    route("/v1/connect/intentions", GET_POST),
    route("/v1/connect/intentions/exact", GET_PUT_DELETE),
    route("/v1/connect/intentions/match", GET),
    route("/v1/connect/intentions/check", GET),
    route("/v1/connect/intentions/:id", GET_PUT_DELETE),
    route("/v1/discovery-chain/:service", GET_POST),
    route("/v1/peering/token", POST),
    route("/v1/peering/establish", POST),
    route("/v1/peering/:name", GET_DELETE),
    route("/v1/peerings", GET),
    route("/v1/namespace", PUT),
    route("/v1/namespace/:name", GET_PUT_DELETE),
    route("/v1/namespaces", GET),
    route("/v1/partition", PUT),
    route("/v1/partition/:name", GET_PUT_DELETE),
    route("/v1/partitions", GET),
    route("/v1/internal/acl/authorize", POST),
    route("/v1/internal/federation-states", GET),
    route("/v1/internal/federation-states/mesh-gateways", GET),
    route("/v1/internal/federation-state/:dc", GET),
    route("/v1/internal/service-virtual-ip", PUT),
    route("/v1/internal/ui/exported-services", GET),
    route("/v1/internal/ui/catalog-overview", GET),
    route("/v1/internal/ui/gateway-services-nodes/:gateway", GET),
    route("/v1/internal/ui/gateway-intentions/:gateway", GET),
    route("/v1/internal/ui/service-topology/:service", GET),
    route("/v1/internal/ui/metrics-proxy/:path", GET),
];

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[track_caller]
    fn check(path: &str, expect: Option<(&str, &str)>) {
        let found = find(path).map(|(route, tail)| (route.path, tail));
        assert_eq!(found, expect, "{path}");
    }

    #[test]
    fn paths_find_their_routes() {
        check("/v1/kv/a/b", Some(("/v1/kv/:key", "a/b")));
        check("/v1/kv//a", Some(("/v1/kv/:key", "/a")));
        check("/v1/kv/", Some(("/v1/kv/:key", "")));
        check("/v1/kv", Some(("/v1/kv/:key", "")));
        check("/v1/kvx", None);
        check("/v1/txn/", None);
        check("/v1/session/list", Some(("/v1/session/list", "")));
        check("/v1/query/a/execute", Some(("/v1/query/:id/execute", "a")));
        check("/v1/query/a", Some(("/v1/query/:id", "a")));
        check("/v1/query", Some(("/v1/query", "")));
        check("/v1/config/a/b", Some(("/v1/config/:kind/:name", "a")));
        check("/v1/config/a", Some(("/v1/config/:kind", "a")));
        check("/v1/acl/token/self", Some(("/v1/acl/token/self", "")));
        check("/v1/acl/token/x/clone", Some(("/v1/acl/token/:accessor/clone", "x")));
        check("/v1//session/list", None);
        check("/", None);
    }

    #[test]
    fn every_route_can_be_reached_and_stands_once() {
        let mut seen = BTreeSet::new();
        for route in ROUTES {
            assert!(seen.insert(route.path), "{} stands twice", route.path);
            let example: String = route
                .path
                .split('/')
                .map(|part| if part.starts_with(':') { "x" } else { part })
                .collect::<Vec<_>>()
                .join("/");
            assert_eq!(find(&example).map(|(found, _)| found.path), Some(route.path), "{example}");
        }
    }

    #[test]
    fn every_answered_route_names_a_known_operation() {
        let known: BTreeSet<&str> =
            konsul_operations::catalogue::OPERATIONS.iter().map(|one| one.id).collect();
        for verb in ROUTES.iter().flat_map(|route| route.verbs).filter(|verb| verb.is_built()) {
            assert!(known.contains(verb.operation), "{}", verb.operation);
        }
    }

    #[test]
    fn allow_begins_with_options() {
        assert_eq!(find("/v1/kv/a").unwrap().0.allow(), "OPTIONS,GET,PUT,DELETE");
    }
}
