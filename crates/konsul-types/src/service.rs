//! Instances of services, as the catalogue holds them.

use serde::{Deserialize, Serialize};
use smol_str::SmolStr;

use crate::{Index, Namespace, NodeName, Pairs, ServiceId, ServiceName, Tags};

/// The service whose instances are the servers themselves, as in Consul.
pub const SERVERS_SERVICE: &str = "consul";

/// One instance of a service on a node. `(node, namespace, id)` is its identity.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Service {
    /// The node that it runs on.
    pub node: NodeName,
    /// The namespace that it belongs to.
    pub namespace: Namespace,
    /// Its id, unique on its node within the namespace.
    pub id: ServiceId,
    /// The service that it is an instance of.
    pub name: ServiceName,
    /// What kind of thing it is.
    pub kind: ServiceKind,
    /// Its tags, in its owner's order.
    pub tags: Tags,
    /// Where it listens; empty for its node's address.
    pub address: SmolStr,
    /// Its port; zero for none.
    pub port: u16,
    /// A unix socket instead of address and port; empty for none.
    pub socket_path: SmolStr,
    /// Further addresses by kind (`lan`, `wan`, `lan_ipv4`), sorted.
    pub tagged_addresses: Vec<(SmolStr, ServiceAddress)>,
    /// Free pairs.
    pub meta: Pairs,
    /// How much of the traffic it should get.
    pub weights: Weights,
    /// Whether tags may be changed in the catalogue against what its agent says.
    pub enable_tag_override: bool,
    /// Whether it speaks the mesh's protocol itself.
    pub connect_native: bool,
    /// What a proxy stands for; `None` if it is none.
    pub proxy: Option<Box<Proxy>>,
    /// Where it stands, for answers that prefer what is near.
    pub locality: Option<Box<Locality>>,
    /// What callers should know of it beside where it is.
    pub advice: Option<Box<Advice>>,
    /// Who registered it.
    pub owner: Owner,
    /// Index of the entry that made it.
    pub create_index: Index,
    /// Index of the entry that last changed it.
    pub modify_index: Index,
}

impl Service {
    /// An instance with nothing but its identity, owned by the catalogue.
    pub fn new(node: NodeName, namespace: Namespace, id: ServiceId, name: ServiceName) -> Service {
        Service {
            node,
            namespace,
            id,
            name,
            kind: ServiceKind::Typical,
            tags: Tags::default(),
            address: SmolStr::default(),
            port: 0,
            socket_path: SmolStr::default(),
            tagged_addresses: Vec::new(),
            meta: Pairs::default(),
            weights: Weights::default(),
            enable_tag_override: false,
            connect_native: false,
            proxy: None,
            locality: None,
            advice: None,
            owner: Owner::Catalog,
            create_index: Index::ZERO,
            modify_index: Index::ZERO,
        }
    }

    /// Whether it says the same as `other`, whenever either was written.
    pub fn same_as(&self, other: &Service) -> bool {
        let unindexed = |service: &Service| Service {
            create_index: Index::ZERO,
            modify_index: Index::ZERO,
            ..service.clone()
        };
        unindexed(self) == unindexed(other)
    }
}

/// What kind of thing an instance is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
pub enum ServiceKind {
    /// A service.
    #[default]
    Typical,
    /// A sidecar proxy.
    ConnectProxy,
    /// A gateway between datacentres.
    MeshGateway,
    /// A gateway out of the mesh.
    TerminatingGateway,
    /// A gateway into the mesh.
    IngressGateway,
    /// A gateway into the mesh with routes of its own.
    ApiGateway,
}

impl ServiceKind {
    /// Every kind.
    pub const ALL: [ServiceKind; 6] = [
        ServiceKind::Typical,
        ServiceKind::ConnectProxy,
        ServiceKind::MeshGateway,
        ServiceKind::TerminatingGateway,
        ServiceKind::IngressGateway,
        ServiceKind::ApiGateway,
    ];

    /// Consul's word for it; empty for a plain service.
    pub fn name(self) -> &'static str {
        match self {
            ServiceKind::Typical => "",
            ServiceKind::ConnectProxy => "connect-proxy",
            ServiceKind::MeshGateway => "mesh-gateway",
            ServiceKind::TerminatingGateway => "terminating-gateway",
            ServiceKind::IngressGateway => "ingress-gateway",
            ServiceKind::ApiGateway => "api-gateway",
        }
    }

    /// The kind of a word.
    pub fn of_name(name: &str) -> Option<ServiceKind> {
        ServiceKind::ALL.into_iter().find(|kind| kind.name() == name)
    }
}

/// An address of one kind.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServiceAddress {
    /// Host or IP address.
    pub address: SmolStr,
    /// Port.
    pub port: u16,
}

/// How much of the traffic an instance should get, against its siblings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Weights {
    /// While all its checks pass; at least 1.
    pub passing: u16,
    /// While one of them warns.
    pub warning: u16,
}

impl Default for Weights {
    fn default() -> Self {
        Weights { passing: 1, warning: 1 }
    }
}

/// What a proxy stands for.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Proxy {
    /// The service that it stands for.
    pub destination_service: SmolStr,
    /// The instance that it stands for; empty for none in particular.
    pub destination_id: SmolStr,
    /// Where that instance listens; empty for the loopback address.
    pub local_address: SmolStr,
    /// The port on which that instance listens.
    pub local_port: u16,
    /// Everything else that its owner said, as a JSON object with Consul's names; empty for nothing.
    pub rest: String,
}

/// Where something stands.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Locality {
    /// The region.
    pub region: SmolStr,
    /// The zone within it.
    pub zone: SmolStr,
}

/// What callers should know of a service beside where it is.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Advice {
    /// The services that it needs.
    pub depends_on: Vec<Dependency>,
    /// How callers should choose among the instances, unless they say otherwise; empty for at random.
    pub strategy: SmolStr,
}

/// The words for [`Advice::strategy`].
pub const STRATEGIES: [&str; 9] = [
    "random",
    "round_robin",
    "weighted",
    "smooth_weighted",
    "least_connections",
    "least_load",
    "nearest",
    "consistent_hash",
    "zone_aware",
];

/// One service that another one needs.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Dependency {
    /// Which.
    pub service: ServiceName,
    /// Whether it can do nothing without it.
    pub required: bool,
}

/// Who registered a record. Whoever cleans up removes only what it owns.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize)]
pub enum Owner {
    /// Somebody, directly in the catalogue.
    #[default]
    Catalog,
    /// The agent of its node, which keeps it true.
    Agent,
    /// A synchronisation with another system.
    Sync,
}
