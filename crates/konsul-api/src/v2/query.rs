//! Prepared queries: questions about services that are kept under a name.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::catalog::Instance;
use super::value::{present, present_object};

/// Most bytes of the name that a query is executed or explained by: a template may answer for any.
pub const NAME_MAX: u32 = 512;

/// Where else to look when nothing is left here.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[schema(as = QueryFailover)]
#[serde(deny_unknown_fields, default)]
pub struct Failover {
    /// So many of the nearest datacentres.
    pub nearest: u64,
    /// These datacentres, in order.
    pub datacenters: Vec<String>,
}

/// What makes a query a template.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[schema(as = QueryTemplate)]
#[serde(deny_unknown_fields, default)]
pub struct Template {
    /// Applied to the whole name asked for; empty for none.
    pub regexp: String,
    /// Whether tags that became empty are dropped.
    pub remove_empty_tags: bool,
}

/// A query as it is written.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct QueryDefinition {
    /// Its name; of a template, the beginning of the names that it answers for.
    #[serde(default)]
    pub name: String,
    /// The service that is asked for; may hold expressions in a template.
    pub service: String,
    /// Tags that must be there, or with `!` must not.
    #[serde(default)]
    pub tags: Vec<String>,
    /// Whether instances with a warning are left out too.
    #[serde(default)]
    pub only_passing: bool,
    /// The node that answers should be near to; `_agent` for the asking agent's, `_ip` for the client's.
    #[serde(default)]
    pub near: String,
    /// Pairs that the node must have.
    #[serde(default)]
    pub node_meta: BTreeMap<String, String>,
    /// Pairs that the instance must have.
    #[serde(default)]
    pub meta: BTreeMap<String, String>,
    /// Checks that do not count.
    #[serde(default)]
    pub ignore_checks: Vec<String>,
    /// Whether only instances are meant that speak the mesh's protocol.
    #[serde(default)]
    pub connect: bool,
    /// Where else to look.
    #[serde(default, deserialize_with = "present_object", skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub failover: Option<Failover>,
    /// Set if it is a template.
    #[serde(default, deserialize_with = "present_object", skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub template: Option<Template>,
    /// The session with which it ends.
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, schema_with = super::shape::uuid)]
    pub session: Option<String>,
    /// Time to live of its answers over DNS.
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, schema_with = super::shape::duration)]
    pub dns_ttl: Option<String>,
}

/// A query that is kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Query {
    /// Its id.
    #[schema(format = "uuid")]
    pub id: String,
    /// What it asks.
    pub definition: QueryDefinition,
    /// The index at which it was made.
    pub create_index: u64,
    /// The index at which it last changed.
    pub modify_index: u64,
}

/// A query that was made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct QueryCreated {
    /// Its id.
    #[schema(format = "uuid")]
    pub id: String,
    /// The index of the answer.
    pub index: u64,
}

/// What executing a query gave.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct QueryAnswer {
    /// The service that was asked for.
    pub service: String,
    /// Its instances.
    pub items: Vec<Instance>,
    /// The datacentre that they are in.
    pub datacenter: String,
    /// How many other places were tried.
    pub failovers: u64,
    /// The index of the answer.
    pub index: u64,
}

/// A query as it would be executed for a name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct QueryExplained {
    /// The id of the stored one.
    #[schema(format = "uuid")]
    pub id: String,
    /// What would be asked, with its expressions replaced.
    pub definition: QueryDefinition,
    /// The index of the answer.
    pub index: u64,
}
