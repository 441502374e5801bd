//! The cluster as its operator sees it.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::error::Error;
use crate::options::{Answer, ReadOptions};
use crate::request::Request;
use crate::transport::Transport;

/// A member of the Raft cluster.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct RaftServer {
    /// Its id.
    #[serde(rename = "ID")]
    pub id: String,
    /// Its node's name.
    pub node: String,
    /// Its address.
    pub address: String,
    /// Whether it leads.
    pub leader: bool,
    /// Whether it votes.
    pub voter: bool,
    /// Version of the protocol, as text.
    pub protocol_version: String,
    /// Last index known to be on it.
    pub last_index: u64,
}

/// How much one datacentre holds.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct DatacenterUsage {
    /// Service names.
    pub services: u64,
    /// Instances.
    pub service_instances: u64,
    /// Instances of the mesh, by kind.
    pub connect_service_instances: BTreeMap<String, u64>,
    /// Instances without those of Consul's own service.
    pub billable_service_instances: u64,
    /// Nodes.
    pub nodes: u64,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Usage {
    usage: BTreeMap<String, DatacenterUsage>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Configuration {
    servers: Vec<RaftServer>,
}

/// Calls on the cluster.
#[derive(Debug, Clone, Copy)]
pub struct Operator<'a>(pub(crate) &'a Transport);

impl Operator<'_> {
    /// The members of the Raft cluster.
    ///
    /// # Errors
    /// [`Error`], as every call.
    pub async fn raft_configuration(&self, options: &ReadOptions) -> Result<Vec<RaftServer>, Error> {
        let request = Request::get("/v1/operator/raft/configuration").reading(options);
        let found: Answer<Configuration> = self.0.json(request).await?;
        Ok(found.value.servers)
    }

    /// How much there is, by datacentre; of all of them with `global`.
    ///
    /// # Errors
    /// [`Error`], as every call.
    pub async fn usage(
        &self,
        global: bool,
        options: &ReadOptions,
    ) -> Result<BTreeMap<String, DatacenterUsage>, Error> {
        let request = Request::get("/v1/operator/usage");
        let request = if global { request.flag("global") } else { request };
        let found: Answer<Usage> = self.0.json(request.reading(options)).await?;
        Ok(found.value.usage)
    }
}
