//! What the answering agent keeps.

use super::common::{Answer, Body, Kind, Method, Operation, Parameter, Resource};
use super::parameters::{CONSISTENCY, IDEMPOTENCY_KEY, NAMESPACE, own, path};
use super::{Id, code};

static ID: &[Parameter] =
    &[path("id", Kind::Text { min: 1, max: 512 }, "The instance's id. A slash in it is sent as `%2F`.")];
static CHECK_ID: &[Parameter] =
    &[path("id", Kind::Text { min: 1, max: 512 }, "The check's id. A slash in it is sent as `%2F`.")];
static FILTER: Parameter = own(
    "filter",
    Kind::Text { min: 1, max: 1_048_576 },
    "An expression of Consul's filter language over Consul's form of the records.",
);
static REPLACE_CHECKS: Parameter =
    own("replace_checks", Kind::Flag, "Whether checks of the instance that are not named go.");

pub(super) static SERVICES: Resource = Resource {
    path: "/v2/agent/services",
    greedy: false,
    parameters: &[],
    operations: &[Operation::new(
        Id::AgentServices,
        Method::Get,
        "agent",
        "Lists the instances that the agent keeps",
    )
    .about("By id. Their checks are listed by `agent_checks`.")
    .takes(&[&NAMESPACE, &CONSISTENCY, &FILTER])
    .answers(&[Answer::new(200, "All of them.", &[Body::json("InstancePage")])])
    .codes_of(&[&code::BAD_FILTER])
    .needs("service:read")
    .cli("konsulctl service ls")],
};

pub(super) static SERVICE: Resource = Resource {
    path: "/v2/agent/services/{id}",
    greedy: false,
    parameters: ID,
    operations: &[
        Operation::new(Id::AgentServiceRegister, Method::Put, "agent", "Registers an instance with the agent")
            .about("The agent keeps it over restarts, runs its checks, and puts the catalogue right. The same definition again changes nothing.")
            .takes(&[&NAMESPACE, &IDEMPOTENCY_KEY, &REPLACE_CHECKS])
            .body(&[Body::json("ServiceDefinition")])
            .answers(&[Answer::new(204, "It is registered.", &[])])
            .codes_of(&[&code::TOO_LARGE])
            .needs("service:write")
            .cli("konsulctl service register"),
        Operation::new(Id::AgentServiceDeregister, Method::Delete, "agent", "Removes an instance with its checks from the agent")
            .takes(&[&NAMESPACE, &IDEMPOTENCY_KEY])
            .answers(&[Answer::new(204, "It is gone.", &[])])
            .codes_of(&[&code::SERVICE_NOT_FOUND])
            .needs("service:write")
            .cli("konsulctl service deregister"),
    ],
};

pub(super) static CHECKS: Resource = Resource {
    path: "/v2/agent/checks",
    greedy: false,
    parameters: &[],
    operations: &[Operation::new(
        Id::AgentChecks,
        Method::Get,
        "agent",
        "Lists the checks that the agent keeps",
    )
    .about("By id.")
    .takes(&[&NAMESPACE, &CONSISTENCY, &FILTER])
    .answers(&[Answer::new(200, "All of them.", &[Body::json("CheckPage")])])
    .codes_of(&[&code::BAD_FILTER])
    .needs("service:read or node:read")
    .cli("konsulctl check ls")],
};

pub(super) static CHECK: Resource = Resource {
    path: "/v2/agent/checks/{id}",
    greedy: false,
    parameters: CHECK_ID,
    operations: &[
        Operation::new(Id::AgentCheckRegister, Method::Put, "agent", "Registers a check with the agent")
            .takes(&[&NAMESPACE, &IDEMPOTENCY_KEY])
            .body(&[Body::json("CheckDefinition")])
            .answers(&[Answer::new(204, "It is registered.", &[])])
            .codes_of(&[&code::SERVICE_NOT_FOUND, &code::TOO_LARGE])
            .needs("service:write or node:write")
            .cli("konsulctl check register"),
        Operation::new(Id::AgentCheckDeregister, Method::Delete, "agent", "Removes a check from the agent")
            .takes(&[&NAMESPACE, &IDEMPOTENCY_KEY])
            .answers(&[Answer::new(204, "It is gone.", &[])])
            .codes_of(&[&code::CHECK_NOT_FOUND])
            .needs("service:write or node:write")
            .cli("konsulctl check deregister"),
    ],
};

pub(super) static CHECK_STATUS: Resource = Resource {
    path: "/v2/agent/checks/{id}/status",
    greedy: false,
    parameters: CHECK_ID,
    operations: &[Operation::new(
        Id::AgentCheckUpdate,
        Method::Put,
        "agent",
        "Reports a result of a check with a time to live",
    )
    .about("It stands so until the next report, or until its time to live has passed.")
    .takes(&[&NAMESPACE, &IDEMPOTENCY_KEY])
    .body(&[Body::json("CheckUpdate")])
    .answers(&[Answer::new(204, "It is noted.", &[])])
    .codes_of(&[&code::CHECK_NOT_FOUND, &code::NOT_A_TTL_CHECK, &code::TOO_LARGE])
    .needs("service:write or node:write")
    .cli("konsulctl check pass")],
};

pub(super) static MAINTENANCE: Resource = Resource {
    path: "/v2/agent/maintenance",
    greedy: false,
    parameters: &[],
    operations: &[Operation::new(
        Id::AgentMaintenance,
        Method::Put,
        "agent",
        "Puts the node or an instance into maintenance, or takes it out",
    )
    .about("A critical check stands for it, so that no answer has it meanwhile.")
    .takes(&[&NAMESPACE, &IDEMPOTENCY_KEY])
    .body(&[Body::json("Maintenance")])
    .answers(&[Answer::new(204, "It is so.", &[])])
    .codes_of(&[&code::SERVICE_NOT_FOUND])
    .needs("service:write or node:write")
    .cli("konsulctl service maint")],
};
