//! The catalogue as Consul's API tells it.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::error::Error;
use crate::options::ReadOptions;
use crate::request::Request;
use crate::transport::Transport;

/// A node.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct Node {
    /// Its id; empty for none.
    #[serde(rename = "ID")]
    pub id: String,
    /// Its name.
    pub node: String,
    /// Its address.
    pub address: String,
    /// Its datacentre.
    pub datacenter: String,
    /// Further addresses by kind.
    pub tagged_addresses: Option<BTreeMap<String, String>>,
    /// Its pairs. Records of instances call them otherwise.
    #[serde(alias = "NodeMeta")]
    pub meta: Option<BTreeMap<String, String>>,
}

/// Which nodes are meant.
#[derive(Debug, Clone, Default)]
pub struct NodeQuery {
    /// Those with an instance of this service.
    pub service: Option<String>,
    /// By whose place they are sorted.
    pub near: Option<String>,
    /// Pairs that they must have, as `key:value`.
    pub meta: Vec<String>,
    /// An expression of the filter language.
    pub filter: Option<String>,
}

/// The catalogue.
#[derive(Debug, Clone, Copy)]
pub struct Catalog<'a>(pub(crate) &'a Transport);

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct OnNode {
    services: Option<BTreeMap<String, Instance>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Instance {
    service: String,
    tags: Option<Vec<String>>,
}

impl Catalog<'_> {
    /// The datacentres that are known.
    ///
    /// # Errors
    /// [`Error`], as every call.
    pub async fn datacenters(&self) -> Result<Vec<String>, Error> {
        Ok(self.0.json(Request::get("/v1/catalog/datacenters")).await?.value)
    }

    /// Nodes, each once.
    ///
    /// # Errors
    /// [`Error`], as every call.
    pub async fn nodes(&self, query: &NodeQuery, options: &ReadOptions) -> Result<Vec<Node>, Error> {
        let request = match &query.service {
            Some(name) => Request::get("/v1/catalog/service/").word(name),
            None => Request::get("/v1/catalog/nodes"),
        };
        let request = request.maybe("near", query.near.as_deref()).maybe("filter", query.filter.as_deref());
        let request = query.meta.iter().fold(request, |request, pair| request.param("node-meta", pair));
        let mut found: Vec<Node> = self.0.json(request.reading(options)).await?.value;
        let mut seen = std::collections::BTreeSet::new();
        found.retain(|node| seen.insert(node.node.clone()));
        Ok(found)
    }

    /// The names of services with their tags.
    ///
    /// # Errors
    /// [`Error`], as every call.
    pub async fn services(
        &self,
        node_meta: &[String],
        options: &ReadOptions,
    ) -> Result<BTreeMap<String, Vec<String>>, Error> {
        let request = Request::get("/v1/catalog/services");
        let request = node_meta.iter().fold(request, |request, pair| request.param("node-meta", pair));
        Ok(self.0.json(request.reading(options)).await?.value)
    }

    /// The same of one node.
    ///
    /// # Errors
    /// [`Error`], as every call.
    pub async fn services_on(
        &self,
        node: &str,
        options: &ReadOptions,
    ) -> Result<BTreeMap<String, Vec<String>>, Error> {
        let request = Request::get("/v1/catalog/node/").word(node).reading(options);
        let found: Option<OnNode> = self.0.json(request).await?.value;
        let mut out: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for instance in found.and_then(|found| found.services).unwrap_or_default().into_values() {
            out.entry(instance.service).or_default().extend(instance.tags.unwrap_or_default());
        }
        for tags in out.values_mut() {
            tags.sort();
            tags.dedup();
        }
        Ok(out)
    }
}
