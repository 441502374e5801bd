//! The agent itself.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::error::Error;
use crate::request::Request;
use crate::transport::{Reply, Transport};

/// What an agent says of itself. Maps hold what differs between versions.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct AgentSelf {
    /// What clients need of its configuration.
    pub config: AgentConfig,
    /// Free pairs of its node.
    pub meta: Option<BTreeMap<String, String>>,
    /// Figures as text, by group.
    pub stats: BTreeMap<String, BTreeMap<String, String>>,
}

/// What clients need of an agent's configuration.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct AgentConfig {
    /// Its datacentre.
    pub datacenter: String,
    /// Its node's name.
    pub node_name: String,
    /// Its node's id.
    #[serde(rename = "NodeID")]
    pub node_id: String,
    /// Whether it is a server.
    pub server: bool,
    /// Its version.
    pub version: String,
    /// The commit of its build.
    pub revision: String,
}

/// A member of the cluster.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct Member {
    /// Its node's name.
    pub name: String,
    /// Its address.
    pub addr: String,
    /// Its port.
    pub port: u16,
    /// What it says of itself.
    pub tags: BTreeMap<String, String>,
    /// 0 none, 1 alive, 2 leaving, 3 left, 4 failed.
    pub status: u8,
    /// Version of the members' protocol.
    pub protocol_cur: u8,
}

/// An agent's build.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct AgentVersion {
    /// The commit.
    #[serde(rename = "SHA")]
    pub sha: String,
    /// When it was built.
    #[serde(rename = "BuildDate")]
    pub build_date: String,
    /// The version for people.
    #[serde(rename = "HumanVersion")]
    pub human_version: String,
}

/// Calls on the agent.
#[derive(Debug, Clone, Copy)]
pub struct Agent<'a>(pub(crate) &'a Transport);

impl Agent<'_> {
    /// What it is.
    ///
    /// # Errors
    /// [`Error`], as every call.
    pub async fn whoami(&self) -> Result<AgentSelf, Error> {
        Ok(self.0.json(Request::get("/v1/agent/self")).await?.value)
    }

    /// The members that it knows; those of the servers' own network with `wan`.
    ///
    /// # Errors
    /// [`Error`], as every call.
    pub async fn members(&self, wan: bool) -> Result<Vec<Member>, Error> {
        let request = Request::get("/v1/agent/members");
        let request = if wan { request.param("wan", "1") } else { request };
        Ok(self.0.json(request).await?.value)
    }

    /// What a path of the agent answers, as it stands on the wire: for reports, which show all of it.
    ///
    /// # Errors
    /// [`Error`], as every call.
    pub async fn raw(&self, path: &str) -> Result<serde_json::Value, Error> {
        Ok(self.0.json(Request::get(path)).await?.value)
    }

    /// What build it is.
    ///
    /// # Errors
    /// [`Error`], as every call.
    pub async fn version(&self) -> Result<AgentVersion, Error> {
        Ok(self.0.json(Request::get("/v1/agent/version")).await?.value)
    }

    /// Makes it read its configuration again.
    ///
    /// # Errors
    /// [`Error`], as every call.
    pub async fn reload(&self) -> Result<(), Error> {
        self.0.done(Request::put("/v1/agent/reload")).await
    }

    /// Makes it leave the cluster and stop.
    ///
    /// # Errors
    /// [`Error`], as every call.
    pub async fn leave(&self) -> Result<(), Error> {
        self.0.done(Request::put("/v1/agent/leave")).await
    }

    /// Registers an instance, in the form that Consul's API takes.
    ///
    /// # Errors
    /// [`Error`], as every call.
    pub async fn service_register(&self, definition: &serde_json::Value) -> Result<(), Error> {
        self.0.done(Request::put("/v1/agent/service/register").body(definition.to_string())).await
    }

    /// Removes an instance with its checks.
    ///
    /// # Errors
    /// [`Error`], as every call.
    pub async fn service_deregister(&self, id: &str) -> Result<(), Error> {
        self.0.done(Request::put("/v1/agent/service/deregister/").word(id)).await
    }

    /// Puts the agent's node, or an instance of it, into maintenance or takes it out.
    ///
    /// # Errors
    /// [`Error`], as every call.
    pub async fn maintenance(&self, service: Option<&str>, enable: bool, reason: &str) -> Result<(), Error> {
        let request = match service {
            Some(id) => Request::put("/v1/agent/service/maintenance/").word(id),
            None => Request::put("/v1/agent/maintenance"),
        };
        let request = request.param("enable", if enable { "true" } else { "false" });
        let reason = Some(reason).filter(|reason| !reason.is_empty());
        self.0.done(request.maybe("reason", reason)).await
    }

    /// Begins to read its log: take lines' bytes with [`Reply::piece`]. It ends when the agent does.
    ///
    /// # Errors
    /// [`Error`], as every call.
    pub async fn monitor(&self, level: &str, json: bool) -> Result<Reply, Error> {
        let request = Request::get("/v1/agent/monitor").param("loglevel", level);
        let request = if json { request.flag("logjson") } else { request };
        self.0.send(request).await?.success().await
    }

    /// Its figures in Prometheus' text form.
    ///
    /// # Errors
    /// [`Error`], as every call.
    pub async fn metrics(&self) -> Result<String, Error> {
        let request = Request::get("/v1/agent/metrics").param("format", "prometheus");
        let bytes = self.0.send(request).await?.success().await?.bytes().await?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }
}
