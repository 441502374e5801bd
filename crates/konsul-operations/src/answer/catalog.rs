//! Answers of operations on nodes, services, checks and prepared queries.

use std::collections::BTreeSet;
use std::sync::Arc;

use konsul_types::{Check, CheckStatus, Node, PreparedQuery, QueryId, Service, ServiceName, Transition};
use smol_str::SmolStr;

/// One instance with what belongs to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Instance {
    /// Its node.
    pub node: Arc<Node>,
    /// The instance.
    pub service: Arc<Service>,
    /// Its node's checks, then its own; empty if they were not asked for.
    pub checks: Vec<Arc<Check>>,
}

impl Instance {
    /// How it stands: the worst of its checks.
    pub fn status(&self) -> CheckStatus {
        self.checks.iter().map(|check| check.status).max().unwrap_or(CheckStatus::Passing)
    }

    /// Its address: its own, or its node's if it has none.
    pub fn address(&self) -> &str {
        if self.service.address.is_empty() { &self.node.address } else { &self.service.address }
    }

    /// Its weight as it stands; zero if it is critical.
    pub fn weight(&self) -> u16 {
        match self.status() {
            CheckStatus::Passing => self.service.weights.passing,
            CheckStatus::Warning => self.service.weights.warning,
            CheckStatus::Critical => 0,
        }
    }
}

/// A service as a whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServiceSummary {
    /// Its name, as one of its instances writes it.
    pub name: ServiceName,
    /// The tags of its instances.
    pub tags: BTreeSet<SmolStr>,
    /// The kinds of its instances, in Consul's words, without plain ones.
    pub kinds: BTreeSet<&'static str>,
    /// How many instances pass.
    pub passing: u64,
    /// How many warn.
    pub warning: u64,
    /// How many are critical.
    pub critical: u64,
}

/// A node and the instances on it in one namespace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodeWithServices {
    /// The node.
    pub node: Arc<Node>,
    /// Its instances, by id.
    pub services: Vec<Arc<Service>>,
}

/// What became of a check.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CheckPast {
    /// As it is.
    pub check: Arc<Check>,
    /// The newest moments at which its status became another one, oldest first.
    pub transitions: Vec<Transition>,
}

/// A moment at which the status of a check became another one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CheckChange {
    /// The check as it is.
    pub check: Arc<Check>,
    /// What happened.
    pub transition: Transition,
}

/// How far two nodes are from each other.
#[derive(Debug, Clone, PartialEq)]
pub struct Distance {
    /// The estimated round-trip time in seconds; `None` where one of them has no coordinate that the other's can be
    /// compared with.
    pub seconds: Option<f64>,
    /// Whether the first has a coordinate.
    pub from_is_known: bool,
    /// Whether the second has.
    pub to_is_known: bool,
}

/// What executing a prepared query gave.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QueryAnswer {
    /// The service that was asked for.
    pub service: String,
    /// Its instances.
    pub instances: Vec<Instance>,
    /// Time to live of the answer over DNS, as the query tells it; empty for the usual.
    pub dns_ttl: String,
    /// The datacentre that they are in.
    pub datacenter: String,
    /// How many other places were tried.
    pub failovers: u32,
}

/// A query as it would be executed for a name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QueryExplained {
    /// The query, with its expressions replaced.
    pub query: PreparedQuery,
    /// The id of the stored one.
    pub id: QueryId,
}

/// Instances that were chosen, first choice first.
#[derive(Debug, Clone, PartialEq)]
pub struct Picked {
    /// How they were chosen.
    pub strategy: String,
    /// The instances.
    pub instances: Vec<Instance>,
}

/// Why an instance is, or is not, in answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WhyInstance {
    /// The instance, if there is one.
    pub instance: Option<Instance>,
    /// Whether DNS answers with it.
    pub in_dns: bool,
    /// Whether health answers with it, as it was asked.
    pub in_health: bool,
    /// The reasons, most telling first: a stable code and a sentence each.
    pub reasons: Vec<(&'static str, String)>,
}
