//! The port: what DNS asks of the registry.
//!
//! DNS decides names, records, order and sizes. Who is registered, who is healthy, who may see what, and how stale an
//! answer may be is the directory's: it applies the permissions of the token under which DNS asks, `allow_stale` and
//! `max_stale`, and goes to another server or datacentre where it has to.
//!
//! Every text in a question arrives with its ASCII letters lower-cased, since names in DNS have no case: names and tags
//! are to be compared without it.

use std::collections::BTreeMap;
use std::future::Future;
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::Arc;

use konsul_runtime::time::Duration;

use crate::wire::ClientSubnet;

/// An answer that is there at once where the state is here, and later where it has to be fetched. A future that is
/// ready when it is first polled costs no task.
pub type Asked<T> = Pin<Box<dyn Future<Output = Result<T, DirectoryError>> + Send>>;

/// Wraps an answer that is there at once.
pub fn at_once<T: Send + 'static>(answer: Result<T, DirectoryError>) -> Asked<T> {
    Box::pin(std::future::ready(answer))
}

/// What DNS asks of the registry.
pub trait Directory: Send + Sync + 'static {
    /// A number that changes whenever any answer of this directory could change. `None` while it must not answer yet:
    /// then every question gets SERVFAIL, never an empty list. Asked once for each batch of questions: keep it as cheap
    /// as the load of an atomic.
    fn generation(&self) -> Option<u64>;

    /// The version of what [`Directory::service`] would answer now, for answers that were kept while the generation
    /// moved on because of something else. `None` where that is not to be had cheaply: then the question is asked again.
    fn service_version(&self, query: &ServiceQuery) -> Option<u64> {
        let _ = query;
        None
    }

    /// Instances of a service that bear the tag, critical ones included or not: DNS leaves them out itself. `None` where
    /// there is no such service, or nothing of it may be seen.
    fn service(&self, query: ServiceQuery) -> Asked<Option<Arc<Service>>>;

    /// A node by its name.
    fn node(&self, query: NodeQuery) -> Asked<Option<Arc<Node>>>;

    /// The first node that has an address, else the first service that has it for its own.
    fn by_address(&self, address: IpAddr) -> Asked<Option<Reverse>>;

    /// Runs a prepared query, by name, template or id.
    fn prepared_query(&self, query: PreparedQuery) -> Asked<Option<Executed>>;

    /// The virtual address of a service, for transparent proxies.
    fn virtual_address(&self, query: ServiceQuery) -> Asked<Virtual>;

    /// The servers of this datacentre, in any order: they become the NS records of the zone.
    fn servers(&self) -> Asked<Vec<Arc<Node>>>;
}

/// Why a directory has no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DirectoryError {
    /// The datacentre is not known, or there is no way to it: NXDOMAIN.
    #[error("no path to datacenter {0:?}")]
    NoPath(String),
    /// What was asked for does not exist in this edition or version, such as peers or partitions: NXDOMAIN.
    #[error("{0} is not supported")]
    Unsupported(&'static str),
    /// No leader, too stale, a time-out, a broken connection: SERVFAIL.
    #[error("{0}")]
    Unavailable(String),
}

/// Where a name points, by the labels right of its kind. All empty for what is local to the agent.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct Locality {
    /// The datacentre; the agent's if none.
    pub datacenter: Option<String>,
    /// The namespace; the agent's if none.
    pub namespace: Option<String>,
    /// The admin partition.
    pub partition: Option<String>,
    /// The cluster peer.
    pub peer: Option<String>,
    /// The sameness group.
    pub sameness_group: Option<String>,
}

/// Which instances of a service are meant.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum ServiceKind {
    /// Its own.
    #[default]
    Plain,
    /// Those that speak the mesh: proxies for it, and instances that are native.
    Connect,
    /// Ingress gateways that expose it.
    Ingress,
}

/// A question for the instances of a service.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct ServiceQuery {
    /// Its name.
    pub name: String,
    /// The tag that an instance must bear, if any. May hold dots.
    pub tag: Option<String>,
    /// Which instances.
    pub kind: ServiceKind,
    /// Where.
    pub locality: Locality,
    /// Instances in warning may be left out too (`dns_config.only_passing`); DNS leaves them out in any case.
    pub only_passing: bool,
}

/// A question for a node.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct NodeQuery {
    /// Its name. May hold dots.
    pub name: String,
    /// Where. A namespace other than the default was refused before.
    pub locality: Locality,
}

/// A question that runs a prepared query.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PreparedQuery {
    /// Its name or id. May hold dots.
    pub name: String,
    /// The datacentre to run it in; the agent's if none.
    pub datacenter: Option<String>,
    /// Who asks: the address of the client's own subnet where a resolver has passed it on (RFC 7871), else the address
    /// that the question came from. For `near = "_ip"`.
    pub source: IpAddr,
    /// The subnet as it came, if it came.
    pub subnet: Option<ClientSubnet>,
}

/// The instances of a service, at one version.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Service {
    /// Changes whenever anything here does. Zero for "unknown", which is never kept past its generation.
    pub version: u64,
    /// In any order, critical ones included or not.
    pub instances: Vec<Instance>,
    /// In which order they go out.
    pub order: Order,
}

/// In which order instances go out.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Order {
    /// Another random one for each answer.
    #[default]
    Shuffled,
    /// Another random one for each answer, in which an instance of twice the weight comes first twice as often.
    Weighted,
    /// As given.
    Given,
}

/// One instance of a service.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Instance {
    /// Where it runs.
    pub node: Arc<Node>,
    /// Its own address: an IP address, a host name, or empty for its node's.
    pub address: String,
    /// Its port.
    pub port: u16,
    /// Its tagged addresses: `lan`, `wan`, `lan_ipv4`, `lan_ipv6`, `wan_ipv4`, `wan_ipv6`, and others, which mean nothing
    /// to DNS.
    pub tagged_addresses: BTreeMap<String, TaggedAddress>,
    /// Its weights.
    pub weights: Weights,
    /// The worst of the checks of its node and its own.
    pub status: Status,
}

/// An address and a port under a tag.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TaggedAddress {
    /// An IP address or a host name.
    pub address: String,
    /// A port; zero for the service's.
    pub port: u16,
}

/// Weights of an instance, for SRV and [`Order::Weighted`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Weights {
    /// While it passes.
    pub passing: u16,
    /// While it warns.
    pub warning: u16,
}

impl Default for Weights {
    fn default() -> Weights {
        Weights { passing: 1, warning: 1 }
    }
}

/// The worst of an instance's checks.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Status {
    /// All pass, or there is none.
    #[default]
    Passing,
    /// At least one warns.
    Warning,
    /// At least one is critical, or it is in maintenance: never in an answer.
    Critical,
}

/// A node.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Node {
    /// Its name, in its own case.
    pub name: String,
    /// Its id; empty if it has none.
    pub id: String,
    /// Its datacentre.
    pub datacenter: String,
    /// An IP address or a host name.
    pub address: String,
    /// As for an instance, without ports.
    pub tagged_addresses: BTreeMap<String, String>,
    /// Its metadata, which become TXT records.
    pub meta: BTreeMap<String, String>,
    /// The peer that it was imported from, if any.
    pub peer: Option<String>,
}

/// Who has an address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reverse {
    /// A node.
    Node {
        /// Its name.
        name: String,
        /// Its datacentre.
        datacenter: String,
    },
    /// A service.
    Service {
        /// Its name.
        name: String,
        /// Its namespace, unless it is the default one.
        namespace: Option<String>,
        /// Its datacentre.
        datacenter: String,
    },
}

/// What a prepared query gave.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Executed {
    /// The service whose instances these are; its rules of TTL hold where the query has none of its own.
    pub service: String,
    /// The query's own `DNS.TTL`.
    pub ttl: Option<Duration>,
    /// In the order in which they are to be answered. Critical ones are left out by DNS; whether warning ones are in is
    /// the query's to say.
    pub instances: Vec<Instance>,
}

/// What is known of a virtual address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Virtual {
    /// There is no such service: NXDOMAIN.
    NoService,
    /// It has none: an empty answer.
    NoAddress,
    /// This one.
    Address(IpAddr),
}
