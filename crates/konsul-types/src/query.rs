//! Prepared queries: questions about services that are kept under a name.

use serde::{Deserialize, Serialize};
use smol_str::SmolStr;

use crate::{Index, Pairs, QueryId, SessionId, Tags};

/// A stored query. What it means when it is asked is decided where it is executed; see Consul's prepared queries.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PreparedQuery {
    /// Its id, drawn by whoever makes it.
    pub id: QueryId,
    /// Its name; of a template, the beginning of the names that it answers for.
    pub name: SmolStr,
    /// The session with which it ends.
    pub session: Option<SessionId>,
    /// Set if it is a template.
    pub template: Option<QueryTemplate>,
    /// What is asked.
    pub service: QueryService,
    /// Time to live of its answers over DNS as the client wrote it; empty for the usual.
    pub dns_ttl: SmolStr,
    /// Index of the entry that made it.
    pub create_index: Index,
    /// Index of the entry that last changed it.
    pub modify_index: Index,
}

/// What makes a query a template.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct QueryTemplate {
    /// Applied to the whole name asked for; empty for none.
    pub regexp: SmolStr,
    /// Whether tags that became empty are dropped.
    pub remove_empty_tags: bool,
}

/// Which service, and which of its instances in which order.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct QueryService {
    /// Its name; may hold expressions in a template.
    pub service: SmolStr,
    /// What to try when nothing is left here.
    pub failover: QueryFailover,
    /// Whether instances with a warning are left out too.
    pub only_passing: bool,
    /// The node that answers should be near to; empty for none, `_agent` for the asking agent's, `_ip` for the client's.
    pub near: SmolStr,
    /// Tags that must be there, or with `!` must not.
    pub tags: Tags,
    /// Checks that do not count.
    pub ignore_check_ids: Vec<SmolStr>,
    /// Pairs that the node must have.
    pub node_meta: Pairs,
    /// Pairs that the instance must have.
    pub service_meta: Pairs,
    /// Whether only instances are meant that speak the mesh's protocol.
    pub connect: bool,
    /// The cluster that is asked; empty for this one.
    pub peer: SmolStr,
}

/// Where else to look.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct QueryFailover {
    /// So many of the nearest datacentres.
    pub nearest_n: u32,
    /// These datacentres, in order.
    pub datacenters: Vec<SmolStr>,
    /// These, in order; not together with the other two.
    pub targets: Vec<QueryTarget>,
}

/// One place to look.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct QueryTarget {
    /// A peered cluster.
    pub peer: SmolStr,
    /// A datacentre.
    pub datacenter: SmolStr,
    /// A partition.
    pub partition: SmolStr,
    /// A namespace.
    pub namespace: SmolStr,
}

/// A change asked of the prepared queries.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum QueryCommand {
    /// Makes one; refused if its id is taken. Indexes in the record are ignored.
    Create(Box<PreparedQuery>),
    /// Replaces one; refused if its id is unknown. Indexes in the record are ignored.
    Update(Box<PreparedQuery>),
    /// Removes one; refused if its id is unknown.
    Delete(QueryId),
}
