//! Several operations in one request.

mod fields;
mod schema;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::catalog::{CheckRegistration, NodeRegistration, Status};
use super::kv::Entry;
use super::registration::{CheckDefinition, ServiceDefinition};
use super::value::{Text, objects, present, present_object};

/// Most members of a batch.
pub const OPERATIONS_MAX: usize = 10_000;

/// Several operations.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[schema(as = BatchRequest)]
#[serde(deny_unknown_fields)]
pub struct Request {
    /// All or none, at one index; otherwise each for itself, in order.
    #[serde(default)]
    pub atomic: bool,
    /// The members, in order.
    #[serde(deserialize_with = "objects")]
    #[schema(min_items = 1, max_items = 10_000)]
    pub operations: Vec<Operation>,
}

/// The same as it lies in its body: a batch is where speed counts, and its texts go elsewhere anyway.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RequestRef<'a> {
    /// All or none, at one index; otherwise each for itself, in order.
    #[serde(default)]
    pub atomic: bool,
    /// The members, in order.
    #[serde(borrow, deserialize_with = "objects")]
    pub operations: Vec<Operation<Text<'a>>>,
}

/// What a member does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verb {
    /// Writes a key. Takes a value, and may take `flags`, `ttl` and `if_index`.
    KvPut,
    /// Reads a key.
    #[default]
    KvGet,
    /// Removes a key. May take `if_index`.
    KvDelete,
    /// Removes all keys under a prefix.
    KvDeleteTree,
    /// Fails unless a key's modify index is `if_index`; zero: unless it is absent.
    KvCheck,
    /// Registers a node in the catalogue. Takes `registration`, and may take `if_index`.
    NodeRegister,
    /// Removes a node with all that is on it. Takes `node`, and may take `if_index`.
    NodeDeregister,
    /// Registers an instance in the catalogue. Takes `node` and `service`, and may take `if_index`.
    ServiceRegister,
    /// Removes an instance with its checks. Takes `node` and `service_id`, and may take `if_index`.
    ServiceDeregister,
    /// Registers a check in the catalogue. Takes `node` and `check`, and may take `if_index`.
    CheckRegister,
    /// Removes a check. Takes `node` and `check_id`, and may take `if_index`.
    CheckDeregister,
    /// Registers an instance with the agent. Takes `service`, and may take `replace_checks`.
    AgentServiceRegister,
    /// Removes an instance from the agent. Takes `service_id`.
    AgentServiceDeregister,
    /// Registers a check with the agent. Takes `definition`.
    AgentCheckRegister,
    /// Removes a check from the agent. Takes `check_id`.
    AgentCheckDeregister,
    /// Reports how a check of the agent with a time to live stands. Takes `check_id` and `status`, and may take `output`.
    AgentCheckUpdate,
}

impl Verb {
    /// Whether it is about what the answering agent keeps, which is no part of the log: such members stand for themselves.
    pub fn is_of_agent(self) -> bool {
        matches!(
            self,
            Verb::AgentServiceRegister
                | Verb::AgentServiceDeregister
                | Verb::AgentCheckRegister
                | Verb::AgentCheckDeregister
                | Verb::AgentCheckUpdate
        )
    }
}

/// A member of a batch. Which fields it may have depends on what it does; the schema says it, and [`Operation::fits`]
/// checks it. One flat type, because tagged enums are read by way of a copy. `S` is what its texts are.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, bound(deserialize = "S: Deserialize<'de>"))]
pub struct Operation<S = String> {
    /// What it does.
    pub op: Verb,
    /// Which key; none for [`Verb::KvDeleteTree`].
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub key: Option<S>,
    /// Which prefix, for [`Verb::KvDeleteTree`].
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub prefix: Option<S>,
    /// Its namespace; absent for the request's.
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub namespace: Option<S>,
    /// The value as text.
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub value: Option<S>,
    /// The value in base64.
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub value_base64: Option<S>,
    /// A number that clients use as they like.
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub flags: Option<u64>,
    /// Time to live.
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub ttl: Option<S>,
    /// Only if the key's modify index is this; zero: only if it is absent.
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub if_index: Option<u64>,
    /// Which node, for members of the catalogue.
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub node: Option<S>,
    /// A node that is registered.
    #[serde(default, deserialize_with = "present_object", skip_serializing_if = "Option::is_none")]
    pub registration: Option<Box<NodeRegistration>>,
    /// An instance that is registered. It has no `checks` of its own where it goes into the catalogue.
    #[serde(default, deserialize_with = "present_object", skip_serializing_if = "Option::is_none")]
    pub service: Option<Box<ServiceDefinition>>,
    /// A check that is registered in the catalogue.
    #[serde(default, deserialize_with = "present_object", skip_serializing_if = "Option::is_none")]
    pub check: Option<Box<CheckRegistration>>,
    /// A check that is registered with the agent.
    #[serde(default, deserialize_with = "present_object", skip_serializing_if = "Option::is_none")]
    pub definition: Option<Box<CheckDefinition>>,
    /// Which instance.
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub service_id: Option<S>,
    /// Which check.
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub check_id: Option<S>,
    /// How a check stands.
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub status: Option<Status>,
    /// What it says.
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub output: Option<S>,
    /// Whether checks of the instance that are not named go.
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub replace_checks: Option<bool>,
}

impl<S> Operation<S> {
    /// Whether it has the fields that it must have, and no others.
    pub fn fits(&self) -> bool {
        let there = self.fields();
        let (must, may) = fields::of(self.op);
        // Of a value there is one form.
        let value = self.op != Verb::KvPut || self.value.is_some() != self.value_base64.is_some();
        value && there & must == must && there & !(must | may) == 0
    }

    /// Which of the fields are there, the verb and the namespace aside.
    fn fields(&self) -> u32 {
        [
            (self.key.is_some(), fields::KEY),
            (self.prefix.is_some(), fields::PREFIX),
            (self.value.is_some() || self.value_base64.is_some(), fields::VALUE),
            (self.flags.is_some(), fields::FLAGS),
            (self.ttl.is_some(), fields::TTL),
            (self.if_index.is_some(), fields::IF_INDEX),
            (self.node.is_some(), fields::NODE),
            (self.registration.is_some(), fields::REGISTRATION),
            (self.service.is_some(), fields::SERVICE),
            (self.check.is_some(), fields::CHECK),
            (self.definition.is_some(), fields::DEFINITION),
            (self.service_id.is_some(), fields::SERVICE_ID),
            (self.check_id.is_some(), fields::CHECK_ID),
            (self.status.is_some(), fields::STATUS),
            (self.output.is_some(), fields::OUTPUT),
            (self.replace_checks.is_some(), fields::REPLACE_CHECKS),
        ]
        .into_iter()
        .filter_map(|(there, bit)| there.then_some(bit))
        .sum()
    }
}

/// Why a member failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = BatchFailure)]
pub struct Failure {
    /// The problem's code.
    pub code: String,
    /// What went wrong.
    pub detail: String,
}

/// What became of a member.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = BatchResult)]
pub struct Outcome {
    /// The member's place, from 0.
    pub position: u64,
    /// For a write that happened: the key's modify index after it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub modify_index: Option<u64>,
    /// For the removal of a prefix: how many keys there were.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub deleted: Option<u64>,
    /// For a read: the entry; absent if the key is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub entry: Option<Entry>,
    /// Why it failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub failure: Option<Failure>,
}

/// What became of a batch. As NDJSON: a line for each result, then a line with the rest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = BatchAnswer)]
pub struct Answer {
    /// What became of each member, in order. An atomic batch that did not happen lists only the members that failed.
    pub results: Vec<Outcome>,
    /// The sums.
    pub summary: Summary,
}

/// The last line of a batch's answer as NDJSON.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = BatchSummaryLine)]
pub struct SummaryLine {
    /// The sums.
    pub summary: Summary,
}

/// The sums of a batch.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[schema(as = BatchSummary)]
pub struct Summary {
    /// How many happened.
    pub succeeded: u64,
    /// How many did not.
    pub failed: u64,
    /// The index of the answer.
    pub index: u64,
}
