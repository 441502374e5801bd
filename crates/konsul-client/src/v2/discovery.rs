//! Services, nodes, checks and the catalogue over `/v2`.

use bytes::Bytes;
use http::Method;
use konsul_api::v2::catalog::{
    CatalogDeregister, CatalogRegister, CheckHistory, NodeServices, ServiceTimeline,
};
use konsul_api::v2::coordinate::{CoordinatePage, Distance};
use konsul_api::v2::discovery::{Graph, Impact, Picked, WhyAnswer};
use konsul_api::v2::page::{CheckPage, InstancePage, NodePage, ServicePage};

use super::call::Call;
use super::{Pages, V2};
use crate::error::Error;

/// Which records of a list are meant. All that is set must hold.
#[derive(Debug, Clone, Default)]
pub struct Narrow {
    /// Tags that the instance must have.
    pub tags: Vec<String>,
    /// Pairs that the instance must have, as `key:value`.
    pub meta: Vec<String>,
    /// Pairs that the node must have, as `key:value`.
    pub node_meta: Vec<String>,
    /// An expression of the filter language.
    pub filter: Option<String>,
    /// Nearest first: a node, `_agent` or `_ip`.
    pub near: Option<String>,
    /// Only instances of which every check passes.
    pub passing: bool,
}

impl Narrow {
    fn on(&self, call: Call) -> Call {
        let each = |call: Call, name: &'static str, values: &[String]| {
            values.iter().fold(call, |call, value| call.param(name, value.as_str()))
        };
        let call = each(call, "tag", &self.tags);
        let call = each(call, "meta", &self.meta);
        let call = each(call, "node_meta", &self.node_meta);
        call.maybe("filter", self.filter.as_deref())
            .maybe("near", self.near.as_deref())
            .flag("passing", self.passing)
    }
}

/// How instances are chosen.
#[derive(Debug, Clone, Default)]
pub struct Pick {
    /// The strategy; `None` for the service's own.
    pub strategy: Option<String>,
    /// The caller's key, for consistent hashing.
    pub key: Option<String>,
    /// The caller's zone.
    pub zone: Option<String>,
    /// Most instances; `None` for one.
    pub count: Option<u32>,
}

/// Which checks are listed.
#[derive(Debug, Clone, Default)]
pub struct CheckSelect {
    /// Those on this node.
    pub node: Option<String>,
    /// Those of this service's instances; not together with `node`.
    pub service: Option<String>,
    /// Those that stand so.
    pub status: Option<String>,
}

/// In which form a graph is drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Drawing {
    /// A tree of text.
    Tree,
    /// Mermaid's flowchart text.
    Mermaid,
    /// Graphviz' DOT.
    Graphviz,
}

impl Drawing {
    fn media(self) -> &'static str {
        match self {
            Drawing::Tree => "text/plain",
            Drawing::Mermaid => "text/vnd.mermaid",
            Drawing::Graphviz => "text/vnd.graphviz",
        }
    }
}

const SERVICES: &str = "/v2/services";

impl<'a> V2<'a> {
    /// Lists services, by name.
    pub fn service_list(&self, narrow: &Narrow) -> Pages<'a, ServicePage> {
        Pages::new(*self, narrow.on(self.get(SERVICES)))
    }

    /// Lists the instances of a service with their checks. An unknown service has none.
    pub fn service_instances(&self, name: &str, narrow: &Narrow) -> Pages<'a, InstancePage> {
        Pages::new(*self, narrow.on(self.of_service(name)))
    }

    fn of_service(&self, name: &str) -> Call {
        self.get(SERVICES).then("/").word(name)
    }

    /// Chooses among the instances of a service.
    ///
    /// # Errors
    /// [`Error`], as every call.
    pub async fn service_pick(&self, name: &str, pick: &Pick, narrow: &Narrow) -> Result<Picked, Error> {
        let call = narrow.on(self.of_service(name).then("/pick"));
        let call = call.maybe("strategy", pick.strategy.as_deref()).maybe("key", pick.key.as_deref());
        let call = call.maybe("zone", pick.zone.as_deref());
        self.answer(&call.maybe("count", pick.count.map(|count| count.to_string()))).await
    }

    /// Says why instances are, or are not, in answers.
    ///
    /// # Errors
    /// [`Error`], as every call.
    pub async fn service_why(
        &self,
        name: &str,
        id: Option<&str>,
        narrow: &Narrow,
    ) -> Result<WhyAnswer, Error> {
        self.answer(&narrow.on(self.of_service(name).then("/why")).maybe("id", id)).await
    }

    /// Reads the newest changes of the checks that bear on a service; `None` if it has no instance.
    ///
    /// # Errors
    /// [`Error`], as every call.
    pub async fn service_timeline(&self, name: &str, limit: u32) -> Result<Option<ServiceTimeline>, Error> {
        self.found(&self.of_service(name).then("/timeline").param("limit", limit.to_string())).await
    }

    /// Says whom it reaches when a service is down; `None` if nothing is known of it.
    ///
    /// # Errors
    /// [`Error`], as every call.
    pub async fn service_impact(&self, name: &str) -> Result<Option<Impact>, Error> {
        self.found(&self.of_service(name).then("/impact")).await
    }

    /// Reads what services need of each other; of the part of one service, if one is given.
    ///
    /// # Errors
    /// [`Error`], as every call.
    pub async fn service_graph(&self, service: Option<&str>) -> Result<Graph, Error> {
        self.answer(&self.get("/v2/graph").accept("application/json").maybe("service", service)).await
    }

    /// The same, drawn.
    ///
    /// # Errors
    /// [`Error`], as every call.
    pub async fn service_graph_drawn(&self, service: Option<&str>, drawing: Drawing) -> Result<Bytes, Error> {
        let call = self.get("/v2/graph").accept(drawing.media()).maybe("service", service);
        let mut reply = self.send(&call).await?;
        let mut text = Vec::new();
        while let Some(piece) = reply.piece().await? {
            text.extend_from_slice(&piece);
        }
        Ok(text.into())
    }

    /// Lists nodes, by name.
    pub fn node_list(&self, narrow: &Narrow) -> Pages<'a, NodePage> {
        Pages::new(*self, narrow.on(self.get("/v2/nodes")))
    }

    /// Reads a node with its instances and checks; `None` if there is no such node.
    ///
    /// # Errors
    /// [`Error`], as every call.
    pub async fn node_services(&self, name: &str) -> Result<Option<NodeServices>, Error> {
        self.found(&self.get("/v2/nodes/").word(name)).await
    }

    /// Lists checks, by node and id.
    pub fn check_list(&self, select: &CheckSelect, narrow: &Narrow) -> Pages<'a, CheckPage> {
        let call = narrow.on(self.get("/v2/checks")).maybe("node", select.node.as_deref());
        let call = call.maybe("service", select.service.as_deref());
        Pages::new(*self, call.maybe("status", select.status.as_deref()))
    }

    /// Reads what became of a check; `None` if there is no such check.
    ///
    /// # Errors
    /// [`Error`], as every call.
    pub async fn check_history(&self, node: &str, id: &str) -> Result<Option<CheckHistory>, Error> {
        self.found(&self.get("/v2/checks/").word(node).then("/").word(id).then("/history")).await
    }

    /// Lists where nodes stand, by node and segment; of one node, if one is given.
    pub fn coordinate_list(&self, node: Option<&str>) -> Pages<'a, CoordinatePage> {
        Pages::new(*self, self.get("/v2/coordinates").maybe("node", node))
    }

    /// Estimates the round-trip time between two nodes; `None` if one of them is not registered.
    ///
    /// # Errors
    /// [`Error`], as every call.
    pub async fn coordinate_distance(&self, from: &str, to: &str) -> Result<Option<Distance>, Error> {
        self.found(&self.get("/v2/coordinates/distance").param("from", from).param("to", to)).await
    }

    /// Registers a node, an instance and checks directly in the catalogue, all or none.
    ///
    /// # Errors
    /// [`Error`], as every call.
    pub async fn catalog_register(&self, wanted: &CatalogRegister) -> Result<(), Error> {
        self.done(&self.write(Method::POST, "/v2/catalog/register").json(wanted)?).await
    }

    /// Removes a check, an instance or a node directly from the catalogue; what is not there is success.
    ///
    /// # Errors
    /// [`Error`], as every call.
    pub async fn catalog_deregister(&self, what: &CatalogDeregister) -> Result<(), Error> {
        self.done(&self.write(Method::POST, "/v2/catalog/deregister").json(what)?).await
    }
}
