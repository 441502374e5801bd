//! Services, nodes, checks, the catalogue and prepared queries.

use super::common::{Answer, Body, Kind, Link, Method, Operation, Parameter, Resource};
use super::headers::LOCATION;
use super::parameters::{CONSISTENCY, CURSOR, IDEMPOTENCY_KEY, LIMIT, NAMESPACE, own, path};
use super::{Id, code};

static SERVICE: &[Parameter] =
    &[path("name", Kind::Text { min: 1, max: 512 }, "The service's name. A slash in it is sent as `%2F`.")];
static NODE_NAME: &[Parameter] = &[path("name", Kind::Node, "The node's name or id, or the id's beginning.")];
static CHECK_PATH: &[Parameter] = &[
    path("node", Kind::Node, "The check's node."),
    path("id", Kind::Text { min: 1, max: 512 }, "The check's id. A slash in it is sent as `%2F`."),
];
static QUERY_ID: &[Parameter] = &[path("id", Kind::Uuid, "The query's id.")];
static QUERY_NAME: &[Parameter] = &[path(
    "name",
    Kind::Text { min: 1, max: crate::v2::query::NAME_MAX },
    "Its id, its name, or a name that a template answers for.",
)];

static FILTER: Parameter = own(
    "filter",
    Kind::Text { min: 1, max: 1_048_576 },
    "An expression of Consul's filter language over Consul's form of the records, such as `Service.Port == 80`.",
);
static NODE_META: Parameter = own(
    "node_meta",
    Kind::Texts { min: 1, max: 1024 },
    "`key:value`: a pair that the node must have. Repeat it for more.",
);
static META: Parameter = own(
    "meta",
    Kind::Texts { min: 1, max: 1024 },
    "`key:value`: a pair that the instance must have. Repeat it for more.",
);
static TAG: Parameter = own(
    "tag",
    Kind::Texts { min: 1, max: 512 },
    "A tag that must be there, in whatever case. Repeat it for more.",
);
static NEAR: Parameter = own(
    "near",
    Kind::Text { min: 1, max: 128 },
    "Nearest first, by stored coordinates: a node's name, `_agent` for the answering one, `_ip` for the client's.",
);
static PASSING: Parameter =
    own("passing", Kind::Flag, "Only instances of which every check passes, the node's included.");
static STRATEGY: Parameter = own(
    "strategy",
    Kind::Text { min: 1, max: 64 },
    "`random`, `round_robin`, `weighted`, `smooth_weighted`, `least_connections`, `least_load`, `nearest`, `consistent_hash` or `zone_aware`; absent for the service's own.",
);
static KEY: Parameter =
    own("key", Kind::Text { min: 0, max: 8192 }, "The caller's key, for `consistent_hash`.");
static ZONE: Parameter =
    own("zone", Kind::Text { min: 1, max: 256 }, "The caller's zone, or `region/zone`, for `zone_aware`.");
static COUNT: Parameter =
    own("count", Kind::Number { min: 1, max: 1000, default: Some(1) }, "Most instances.");
static OF_NODE: Parameter = own("node", Kind::Node, "Only checks on this node.");
static OF_SERVICE: Parameter =
    own("service", Kind::Text { min: 1, max: 512 }, "Only checks of this service's instances.");
static INSTANCE: Parameter = own("id", Kind::Text { min: 1, max: 512 }, "One instance alone.");
static PART: Parameter =
    own("service", Kind::Text { min: 1, max: 512 }, "The part that this service belongs to; absent for all.");
static STATUS: Parameter =
    own("status", Kind::Choice(&["any", "passing", "warning", "critical"]), "Only checks that stand so.");
static CONNECT: Parameter =
    own("connect", Kind::Flag, "Only instances that speak the mesh's protocol, whatever the query says.");

const BY_NAME: &[(&str, &str)] = &[("name", "$request.path.name")];
const PAGE_CODES: &[&code::Code] = &[&code::BAD_FILTER, &code::INVALID_CURSOR, &code::CURSOR_MISMATCH];

pub(super) static SERVICES: Resource = Resource {
    path: "/v2/services",
    greedy: false,
    parameters: &[],
    operations: &[Operation::new(Id::ServiceList, Method::Get, "services", "Lists services")
        .about("By name, with how many of their instances pass, warn and are critical.")
        .takes(&[&NAMESPACE, &CONSISTENCY, &FILTER, &NODE_META, &LIMIT, &CURSOR])
        .answers(&[Answer::new(200, "A page.", &[Body::json("ServicePage")])])
        .codes_of(PAGE_CODES)
        .needs("service:read")
        .cli("konsulctl service ls")],
};

pub(super) static SERVICE_INSTANCES: Resource = Resource {
    path: "/v2/services/{name}",
    greedy: false,
    parameters: SERVICE,
    operations: &[Operation::new(
        Id::ServiceInstances,
        Method::Get,
        "services",
        "Lists the instances of a service",
    )
    .about("With their checks. By node and id, or nearest first. An unknown service has none.")
    .takes(&[&NAMESPACE, &CONSISTENCY, &TAG, &META, &NODE_META, &FILTER, &PASSING, &NEAR, &LIMIT, &CURSOR])
    .answers(&[Answer::new(200, "A page.", &[Body::json("InstancePage")]).links(&[
        Link { to: Id::ServicePick, parameters: BY_NAME },
        Link { to: Id::ServiceWhy, parameters: BY_NAME },
    ])])
    .codes_of(PAGE_CODES)
    .needs("service:read and node:read")
    .cli("konsulctl service show")],
};

pub(super) static SERVICE_PICK: Resource = Resource {
    path: "/v2/services/{name}/pick",
    greedy: false,
    parameters: SERVICE,
    operations: &[Operation::new(
        Id::ServicePick,
        Method::Get,
        "services",
        "Chooses among the instances of a service",
    )
    .about("Critical ones are never chosen, and warned ones as their weight says. An answer may be empty.")
    .takes(&[&NAMESPACE, &CONSISTENCY, &STRATEGY, &KEY, &ZONE, &COUNT, &TAG, &NODE_META, &FILTER, &NEAR])
    .answers(&[Answer::new(200, "What was chosen.", &[Body::json("Picked")])])
    .codes_of(&[&code::BAD_FILTER])
    .needs("service:read and node:read")
    .cli("konsulctl service pick")],
};

pub(super) static SERVICE_WHY: Resource = Resource {
    path: "/v2/services/{name}/why",
    greedy: false,
    parameters: SERVICE,
    operations: &[Operation::new(Id::ServiceWhy, Method::Get, "services", "Says why instances are, or are not, in answers")
        .about("Of DNS, and of health as it was asked: checks, tags, the filter, maintenance. What is not there at all is said too.")
        .takes(&[&NAMESPACE, &CONSISTENCY, &INSTANCE, &TAG, &FILTER, &PASSING])
        .answers(&[Answer::new(200, "The reasons.", &[Body::json("WhyAnswer")])])
        .codes_of(&[&code::BAD_FILTER])
        .needs("service:read or operator:read")
        .cli("konsulctl service why")],
};

pub(super) static SERVICE_TIMELINE: Resource = Resource {
    path: "/v2/services/{name}/timeline",
    greedy: false,
    parameters: SERVICE,
    operations: &[Operation::new(
        Id::ServiceTimeline,
        Method::Get,
        "services",
        "Reads what became of a service's checks",
    )
    .about(
        "The changes of status of every check of its instances and of their nodes, merged, newest first. Of each check the newest 100 are kept.",
    )
    .takes(&[&NAMESPACE, &CONSISTENCY, &LIMIT])
    .answers(&[Answer::new(200, "The changes.", &[Body::json("ServiceTimeline")])])
    .codes_of(&[&code::SERVICE_NOT_FOUND])
    .needs("service:read or node:read")
    .cli("konsulctl service timeline")],
};

pub(super) static SERVICE_IMPACT: Resource = Resource {
    path: "/v2/services/{name}/impact",
    greedy: false,
    parameters: SERVICE,
    operations: &[Operation::new(
        Id::ServiceImpact,
        Method::Get,
        "services",
        "Says whom it reaches when a service is down",
    )
    .about("Along what services say they depend on.")
    .takes(&[&NAMESPACE, &CONSISTENCY])
    .answers(&[Answer::new(200, "The blast radius.", &[Body::json("ServiceImpact")])])
    .codes_of(&[&code::SERVICE_NOT_FOUND, &code::TOO_LARGE])
    .needs("service:read")
    .cli("konsulctl service impact")],
};

pub(super) static GRAPH: Resource = Resource {
    path: "/v2/graph",
    greedy: false,
    parameters: &[],
    operations: &[Operation::new(Id::ServiceGraph, Method::Get, "services", "Reads what services need of each other")
        .about("With circles, the order of starting, and how each service stands given what it needs. As text it is a tree; the other two are drawn by Mermaid and Graphviz.")
        .takes(&[&NAMESPACE, &CONSISTENCY, &PART])
        .answers(&[Answer::new(200, "The graph.", &[
            Body::json("ServiceGraph"),
            Body::bytes("text/plain"),
            Body::bytes("text/vnd.mermaid"),
            Body::bytes("text/vnd.graphviz"),
        ])])
        .codes_of(&[&code::SERVICE_NOT_FOUND, &code::TOO_LARGE])
        .needs("service:read")
        .cli("konsulctl service graph")],
};

pub(super) static NODES: Resource = Resource {
    path: "/v2/nodes",
    greedy: false,
    parameters: &[],
    operations: &[Operation::new(Id::NodeList, Method::Get, "nodes", "Lists nodes")
        .about("By name, or nearest first.")
        .takes(&[&CONSISTENCY, &FILTER, &NODE_META, &NEAR, &LIMIT, &CURSOR])
        .answers(&[Answer::new(200, "A page.", &[Body::json("NodePage")])])
        .codes_of(PAGE_CODES)
        .needs("node:read")
        .cli("konsulctl node ls")],
};

pub(super) static NODE: Resource = Resource {
    path: "/v2/nodes/{name}",
    greedy: false,
    parameters: NODE_NAME,
    operations: &[Operation::new(
        Id::NodeServices,
        Method::Get,
        "nodes",
        "Reads a node with its instances and checks",
    )
    .takes(&[&NAMESPACE, &CONSISTENCY, &FILTER])
    .answers(&[Answer::new(200, "The node.", &[Body::json("NodeServices")])])
    .codes_of(&[&code::NODE_NOT_FOUND, &code::BAD_FILTER])
    .needs("node:read")
    .cli("konsulctl node show")],
};

pub(super) static CHECKS: Resource = Resource {
    path: "/v2/checks",
    greedy: false,
    parameters: &[],
    operations: &[Operation::new(Id::CheckList, Method::Get, "checks", "Lists checks")
        .about("By node, namespace and id. Those of one node, of one service, or all.")
        .takes(&[
            &NAMESPACE,
            &CONSISTENCY,
            &OF_NODE,
            &OF_SERVICE,
            &STATUS,
            &FILTER,
            &NODE_META,
            &LIMIT,
            &CURSOR,
        ])
        .answers(&[Answer::new(200, "A page.", &[Body::json("CheckPage")])])
        .codes_of(PAGE_CODES)
        .needs("service:read or node:read")
        .cli("konsulctl check ls")],
};

pub(super) static CHECK_HISTORY: Resource = Resource {
    path: "/v2/checks/{node}/{id}/history",
    greedy: false,
    parameters: CHECK_PATH,
    operations: &[Operation::new(Id::CheckHistory, Method::Get, "checks", "Reads what became of a check")
        .about("Since when it stands so, and what it said at each change.")
        .takes(&[&NAMESPACE, &CONSISTENCY])
        .answers(&[Answer::new(200, "The check and its changes.", &[Body::json("CheckHistory")])])
        .codes_of(&[&code::CHECK_NOT_FOUND])
        .needs("service:read or node:read")
        .cli("konsulctl check history")],
};

pub(super) static CATALOG_REGISTER: Resource = Resource {
    path: "/v2/catalog/register",
    greedy: false,
    parameters: &[],
    operations: &[Operation::new(Id::CatalogRegister, Method::Post, "catalog", "Registers a node, an instance and checks")
        .about("All or none, directly in the catalogue: for what has no agent. No agent keeps it true or takes it away.")
        .takes(&[&NAMESPACE, &IDEMPOTENCY_KEY])
        .body(&[Body::json("CatalogRegister")])
        .answers(&[Answer::new(204, "It is registered.", &[])])
        .codes_of(&[&code::NODE_NAME_TAKEN, &code::MISSING_NODE, &code::MISSING_SERVICE, &code::TOO_LARGE])
        .needs("node:write and service:write")
        .cli("konsulctl service register")],
};

pub(super) static CATALOG_DEREGISTER: Resource = Resource {
    path: "/v2/catalog/deregister",
    greedy: false,
    parameters: &[],
    operations: &[Operation::new(
        Id::CatalogDeregister,
        Method::Post,
        "catalog",
        "Removes a check, an instance or a node",
    )
    .about("What an agent keeps comes back: deregister that with its agent.")
    .takes(&[&NAMESPACE, &IDEMPOTENCY_KEY])
    .body(&[Body::json("CatalogDeregister")])
    .answers(&[Answer::new(204, "It is gone, or was not there.", &[])])
    .needs("node:write or service:write")
    .cli("konsulctl service deregister")],
};

pub(super) static QUERIES: Resource = Resource {
    path: "/v2/queries",
    greedy: false,
    parameters: &[],
    operations: &[
        Operation::new(Id::QueryList, Method::Get, "queries", "Lists prepared queries")
            .about("By id.")
            .takes(&[&CONSISTENCY, &LIMIT, &CURSOR])
            .answers(&[Answer::new(200, "A page.", &[Body::json("QueryPage")])])
            .codes_of(&[&code::INVALID_CURSOR, &code::CURSOR_MISMATCH])
            .needs("query:read")
            .cli("konsulctl query ls"),
        Operation::new(Id::QueryCreate, Method::Post, "queries", "Makes a prepared query")
            .takes(&[&IDEMPOTENCY_KEY])
            .body(&[Body::json("QueryDefinition")])
            .answers(&[Answer::new(201, "It is made.", &[Body::json("QueryCreated")])
                .with(&[&LOCATION])
                .links(&[
                    Link { to: Id::QueryGet, parameters: &[("id", "$response.body#/id")] },
                    Link { to: Id::QueryDelete, parameters: &[("id", "$response.body#/id")] },
                ])])
            .codes_of(&[&code::QUERY_NAME_TAKEN, &code::UNKNOWN_SESSION])
            .needs("query:write")
            .cli("konsulctl query create"),
    ],
};

pub(super) static QUERY: Resource = Resource {
    path: "/v2/queries/{id}",
    greedy: false,
    parameters: QUERY_ID,
    operations: &[
        Operation::new(Id::QueryGet, Method::Get, "queries", "Reads a prepared query")
            .takes(&[&CONSISTENCY])
            .answers(&[Answer::new(200, "The query.", &[Body::json("Query")])])
            .codes_of(&[&code::QUERY_NOT_FOUND])
            .needs("query:read")
            .cli("konsulctl query get"),
        Operation::new(Id::QueryUpdate, Method::Put, "queries", "Replaces a prepared query")
            .takes(&[&IDEMPOTENCY_KEY])
            .body(&[Body::json("QueryDefinition")])
            .answers(&[Answer::new(204, "It is replaced.", &[])])
            .codes_of(&[&code::QUERY_NOT_FOUND, &code::QUERY_NAME_TAKEN, &code::UNKNOWN_SESSION])
            .needs("query:write")
            .cli("konsulctl query update"),
        Operation::new(Id::QueryDelete, Method::Delete, "queries", "Removes a prepared query")
            .takes(&[&IDEMPOTENCY_KEY])
            .answers(&[Answer::new(204, "It is gone.", &[])])
            .codes_of(&[&code::QUERY_NOT_FOUND])
            .needs("query:write")
            .cli("konsulctl query delete"),
    ],
};

pub(super) static QUERY_EXECUTE: Resource = Resource {
    path: "/v2/queries/{name}/execute",
    greedy: false,
    parameters: QUERY_NAME,
    operations: &[Operation::new(Id::QueryExecute, Method::Get, "queries", "Executes a prepared query")
        .takes(&[&CONSISTENCY, &NEAR, &COUNT, &CONNECT])
        .answers(&[Answer::new(200, "The instances that it found.", &[Body::json("QueryAnswer")])])
        .codes_of(&[&code::QUERY_NOT_FOUND, &code::NO_PATH_TO_DATACENTER])
        .needs("query:read and service:read and node:read")
        .cli("konsulctl query execute")],
};

pub(super) static QUERY_EXPLAIN: Resource = Resource {
    path: "/v2/queries/{name}/explain",
    greedy: false,
    parameters: QUERY_NAME,
    operations: &[Operation::new(
        Id::QueryExplain,
        Method::Get,
        "queries",
        "Says what executing a prepared query would ask",
    )
    .takes(&[&CONSISTENCY])
    .answers(&[Answer::new(
        200,
        "The query, with its expressions replaced.",
        &[Body::json("QueryExplained")],
    )])
    .codes_of(&[&code::QUERY_NOT_FOUND])
    .needs("query:read")
    .cli("konsulctl query explain")],
};
