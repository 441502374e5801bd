//! What is asked about services: which instance to take, why one is missing, and who needs whom.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::catalog::{Instance, Status};

/// Instances that were chosen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Picked {
    /// How they were chosen.
    pub strategy: String,
    /// The instances, first choice first; empty if none can be used.
    pub items: Vec<Instance>,
    /// The index of the answer.
    pub index: u64,
}

/// A reason why an instance is, or is not, in answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = WhyReason)]
pub struct Reason {
    /// Its stable name.
    pub code: String,
    /// It in a sentence.
    pub detail: String,
}

/// Why an instance is, or is not, in answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = WhyInstance)]
pub struct Why {
    /// The instance; absent where there is none to speak of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub instance: Option<Instance>,
    /// Whether DNS answers with it.
    pub in_dns: bool,
    /// Whether health answers with it, as it was asked.
    pub in_health: bool,
    /// The reasons, most telling first.
    pub reasons: Vec<Reason>,
}

/// Why instances are, or are not, in answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct WhyAnswer {
    /// An entry for each instance.
    pub items: Vec<Why>,
    /// The index of the answer.
    pub index: u64,
}

/// That a service needs another one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = GraphNeed)]
pub struct Need {
    /// Which.
    pub service: String,
    /// Whether nothing works without it.
    pub required: bool,
    /// `declared` by the service, or `observed`.
    pub origin: String,
}

/// A service in the graph.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct GraphService {
    /// Its name.
    pub name: String,
    /// Whether it is registered, and not just needed by another one.
    pub registered: bool,
    /// How it stands by its own instances.
    pub status: Status,
    /// How it stands with what it needs; never better than its own.
    pub effective: Status,
    /// Why it stands worse than by itself: from it, each needing the next, to the one that is so by itself.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub because: Vec<String>,
    /// What it needs, by name.
    pub needs: Vec<Need>,
}

/// Services that need each other in a circle.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = GraphCycle)]
pub struct Cycle {
    /// Each needs the next, the last the first.
    pub members: Vec<String>,
    /// Whether all of these needs are required: then none of them can be the first to start.
    pub required: bool,
}

/// What services need of each other.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = ServiceGraph)]
pub struct Graph {
    /// The services, by name.
    pub services: Vec<GraphService>,
    /// Circles, at most 100.
    pub cycles: Vec<Cycle>,
    /// Whether these are all.
    pub cycles_complete: bool,
    /// In which order to start them: layers, each of groups. A group of several can only be started together.
    pub start_order: Vec<Vec<Vec<String>>>,
    /// The index of the answer.
    pub index: u64,
}

/// A service that is reached.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = ImpactReached)]
pub struct Reached {
    /// Which.
    pub service: String,
    /// `broken`: it requires something that is down or broken. `degraded`: it can do without.
    pub effect: String,
    /// Why: from it, each needing the next, to the one that is down.
    pub path: Vec<String>,
}

/// Whom it reaches when a service is down.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = ServiceImpact)]
pub struct Impact {
    /// The service that is taken to be down.
    pub service: String,
    /// Everybody else that is reached: broken ones first, then by name.
    pub reached: Vec<Reached>,
    /// The index of the answer.
    pub index: u64,
}
