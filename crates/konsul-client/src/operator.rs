//! The cluster as its operator sees it.

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
    /// Last index known to be on it.
    pub last_index: u64,
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
}
