//! What an agent is told to keep: instances with their checks, and how each check is run.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::catalog::Status;
use super::value::{objects, present, present_object};

/// An address of one kind.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TaggedAddress {
    /// Host or IP address.
    pub address: String,
    /// Port; absent for the instance's own.
    #[serde(default)]
    pub port: u64,
}

/// How much of the traffic an instance should get, against its siblings.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Weights {
    /// While all its checks pass; from 1 to 65535.
    pub passing: u64,
    /// While one of them warns; from 0 to 65535.
    pub warning: u64,
}

impl Default for Weights {
    fn default() -> Weights {
        Weights { passing: 1, warning: 1 }
    }
}

/// Where something stands.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Locality {
    /// The region.
    pub region: String,
    /// The zone within it; empty for none.
    #[serde(default)]
    pub zone: String,
}

fn yes() -> bool {
    true
}

/// A service that another one needs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Dependency {
    /// Which.
    #[schema(schema_with = super::shape::label)]
    pub service: String,
    /// Whether it can do nothing without it; `true` if absent.
    #[serde(default = "yes")]
    pub required: bool,
}

/// An instance with its checks.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ServiceDefinition {
    /// Its service.
    #[schema(schema_with = super::shape::service)]
    pub name: String,
    /// Its id; absent for the name. Where the path names it, it must be the same.
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub id: Option<String>,
    /// Its tags.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<String>,
    /// Where it listens; empty for its node's address.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub address: String,
    /// Its port, up to 65535; zero for none.
    #[serde(default)]
    pub port: u64,
    /// A unix socket instead of address and port; empty for none.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub socket_path: String,
    /// Further addresses by kind.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub tagged_addresses: BTreeMap<String, TaggedAddress>,
    /// Its pairs.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub meta: BTreeMap<String, String>,
    /// How much of the traffic it should get; absent for 1 and 1.
    #[serde(default, deserialize_with = "present_object", skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub weights: Option<Weights>,
    /// Whether tags may be changed in the catalogue against what its agent says.
    #[serde(default)]
    pub enable_tag_override: bool,
    /// Where it stands.
    #[serde(default, deserialize_with = "present_object", skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub locality: Option<Locality>,
    /// The services that it needs.
    #[serde(default, deserialize_with = "objects", skip_serializing_if = "Vec::is_empty")]
    pub depends_on: Vec<Dependency>,
    /// How callers should choose among the instances; empty for at random.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub strategy: String,
    /// Its checks.
    #[serde(default, deserialize_with = "objects", skip_serializing_if = "Vec::is_empty")]
    pub checks: Vec<CheckDefinition>,
}

/// A check with what it runs. Exactly one of the kinds is there: `ttl`, `http`, `tcp`, `udp`, `grpc`, `h2ping`,
/// `script_args`, `os_service`, or an alias.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct CheckDefinition {
    /// Its id; absent for the one that its place gives it. Where the path names it, it must be the same.
    #[serde(deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub id: Option<String>,
    /// A name for people; empty for the usual one.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// What the operator writes.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub notes: String,
    /// How it stands until it has run; absent for critical.
    #[serde(deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub status: Option<Status>,
    /// The instance that it is of; absent for the node, or for that in which it is defined.
    #[serde(deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub service_id: Option<String>,
    /// Time without an update after which it is critical.
    #[serde(deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, schema_with = super::shape::duration)]
    pub ttl: Option<String>,
    /// How often it runs.
    #[serde(deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, schema_with = super::shape::duration)]
    pub interval: Option<String>,
    /// How long a run may take.
    #[serde(deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, schema_with = super::shape::duration)]
    pub timeout: Option<String>,
    /// URL of an HTTP check.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub http: String,
    /// Its method; empty for `GET`.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub method: String,
    /// Its headers.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub header: BTreeMap<String, Vec<String>>,
    /// Its body.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub body: String,
    /// Whether a redirect is an answer rather than followed.
    pub disable_redirects: bool,
    /// Name to be verified in the certificate; empty for the host's.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub tls_server_name: String,
    /// Whether any certificate will do.
    pub tls_skip_verify: bool,
    /// `host:port` of a TCP check.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub tcp: String,
    /// Whether the TCP check makes a TLS handshake.
    pub tcp_use_tls: bool,
    /// `host:port` of a UDP check.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub udp: String,
    /// `host:port[/service]` of a gRPC check.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub grpc: String,
    /// Whether the gRPC check uses TLS.
    pub grpc_use_tls: bool,
    /// `host:port` of an HTTP/2 ping.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub h2ping: String,
    /// Whether the ping goes over TLS; absent for yes.
    #[serde(deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub h2ping_use_tls: Option<bool>,
    /// Unit or service of the operating system.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub os_service: String,
    /// Program and arguments of a script.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub script_args: Vec<String>,
    /// Container in which the script runs; empty for none.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub docker_container_id: String,
    /// Shell for a script in a container; empty for none.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub shell: String,
    /// Node that an alias looks at; empty for this one.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub alias_node: String,
    /// Instance that an alias looks at.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub alias_service: String,
    /// So many successes in a row before it passes.
    pub success_before_passing: u64,
    /// So many failures in a row before it warns; absent for as many as before it is critical.
    #[serde(deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub failures_before_warning: Option<u64>,
    /// So many failures in a row before it is critical.
    pub failures_before_critical: u64,
    /// Time in critical after which its instance is deregistered; absent for never.
    #[serde(deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, schema_with = super::shape::duration)]
    pub deregister_after: Option<String>,
    /// Most bytes of output kept; zero for 4096.
    pub output_max: u64,
}

/// A result of a check with a time to live.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CheckUpdate {
    /// How it stands.
    pub status: Status,
    /// What it says.
    #[serde(default)]
    pub output: String,
}

/// Maintenance of the agent's node, or of an instance on it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Maintenance {
    /// Into maintenance, or out of it.
    pub enable: bool,
    /// The instance's id; absent for the node.
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub service_id: Option<String>,
    /// Why, for people.
    #[serde(default)]
    pub reason: String,
}
