//! The commands of `service` that write.

use std::path::{Path, PathBuf};

use clap::Args;
use konsul_client::Client;
use konsul_client::v2::api::catalog::{CatalogDeregister, CatalogRegister, NodeRegistration};
use konsul_client::v2::api::registration::{
    CheckDefinition as CheckBody, Dependency, Maintenance, ServiceDefinition as Body,
};
use konsul_config::Definitions;
use serde::Serialize;

use super::{definition, many};
use crate::exit::Exit;
use crate::failure::{Failure, Outcome};
use crate::output::{Column, Row};
use crate::run::Run;

pub(super) const REGISTER: &str = "\
Examples:
  konsulctl service register web.hcl
  konsulctl service register --name web --id web-1 --port 8080 --tag v1 --depends-on db
  konsulctl service register --name db --port 5432 --on-node db-host --node-address 10.0.0.9

A file is HCL, JSON or TOML as in the agent's config directory; several definitions go in one request, each for itself. \
The agent keeps what is registered, over restarts, and runs its checks. With --on-node it goes directly into the catalogue, \
for a node without an agent.

Exit codes: 0 all is registered; 1 at least one definition is not; 2 the file or the command line cannot be used.";

pub(super) const DEREGISTER: &str = "\
Examples:
  konsulctl service deregister web-1
  konsulctl service deregister db --on-node db-host

Exit codes: 0 it is gone; 3 this agent keeps no such instance.";

pub(super) const MAINT: &str = "\
Examples:
  konsulctl service maint web-1 --reason 'new disk'
  konsulctl service maint web-1 --off
  konsulctl service maint --node --off

Exit codes: 0 done, also if it stood so already; 3 this agent keeps no such instance.";

/// What is registered.
#[derive(Debug, Args)]
pub struct Register {
    /// A file with definitions of services and checks
    #[arg(value_name = "FILE", required_unless_present = "name", conflicts_with_all = ["name", "on_node"])]
    file: Option<PathBuf>,
    /// The service
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    /// The instance's id [default: the name]
    #[arg(long, value_name = "ID", requires = "name")]
    id: Option<String>,
    /// Where it listens [default: its node's address]
    #[arg(long, value_name = "ADDRESS", requires = "name", default_value = "", hide_default_value = true)]
    address: String,
    /// Its port
    #[arg(long, value_name = "PORT", requires = "name", default_value_t = 0, hide_default_value = true)]
    port: u16,
    /// A tag; repeat it for more
    #[arg(long = "tag", value_name = "TAG", requires = "name")]
    tags: Vec<String>,
    /// A pair; repeat it for more
    #[arg(long = "meta", value_name = "KEY:VALUE", requires = "name", value_parser = pair)]
    meta: Vec<(String, String)>,
    /// A service that it cannot do without; repeat it for more
    #[arg(long = "depends-on", value_name = "SERVICE", requires = "name")]
    depends_on: Vec<String>,
    /// Checks of the instance that are not named go
    #[arg(long, conflicts_with = "on_node")]
    replace_checks: bool,
    /// The node, for a registration directly in the catalogue
    #[arg(long, value_name = "NODE", requires_all = ["name", "node_address"])]
    on_node: Option<String>,
    /// That node's address
    #[arg(long, value_name = "ADDRESS", requires = "on_node")]
    node_address: Option<String>,
}

fn pair(text: &str) -> Result<(String, String), String> {
    let (key, value) = text.split_once(':').ok_or("write key:value")?;
    Ok((key.to_owned(), value.to_owned()))
}

/// Reads a file of definitions.
pub(crate) fn read(path: &Path) -> Result<Definitions, Failure> {
    let name = path.display().to_string();
    let bytes = std::fs::read(path)
        .map_err(|e| Failure::with(Exit::Usage, format!("the file {name} cannot be read: {e}")))?;
    parse(&name, &bytes, "nothing was registered")
}

/// Reads definitions; `nothing` says what did not happen if they cannot be used.
pub(crate) fn parse(name: &str, bytes: &[u8], nothing: &str) -> Result<Definitions, Failure> {
    Definitions::read(name, bytes).map_err(|errors| {
        let failure = Failure::with(Exit::Usage, format!("{name} cannot be used; {nothing}"));
        errors.iter().fold(failure, |failure, error| failure.detail(error.to_string()))
    })
}

impl Register {
    pub(super) async fn run(self, run: &mut Run<'_>) -> Outcome {
        let client = run.client()?;
        match &self.file {
            Some(path) => file(&client, path, self.replace_checks, run).await,
            None => self.one(&client, run).await,
        }
    }

    async fn one(self, client: &Client, run: &mut Run<'_>) -> Outcome {
        let body = Body {
            name: self.name.unwrap_or_default(),
            id: self.id,
            tags: self.tags,
            address: self.address,
            port: u64::from(self.port),
            meta: self.meta.into_iter().collect(),
            depends_on: self
                .depends_on
                .into_iter()
                .map(|service| Dependency { service, required: true })
                .collect(),
            ..Body::default()
        };
        let id = body.id.clone().unwrap_or_else(|| body.name.clone());
        let Some(node) = self.on_node else {
            let done = client.v2().agent_service_register(&body, self.replace_checks).await;
            done.map_err(|e| run.failed(&e))?;
            return run.out().done(&format!("Registered {id}"), &Named::service(&id));
        };
        let node = NodeRegistration {
            name: node,
            address: self.node_address.unwrap_or_default(),
            ..Default::default()
        };
        let sentence = format!("Registered {id} on {} in the catalogue", node.name);
        let wanted =
            CatalogRegister { node, service: Some(body), checks: Vec::new(), skip_node_update: false };
        client.v2().catalog_register(&wanted).await.map_err(|e| run.failed(&e))?;
        run.out().done(&sentence, &Named::service(&id))
    }
}

async fn file(client: &Client, path: &Path, replace_checks: bool, run: &mut Run<'_>) -> Outcome {
    let found = read(path)?;
    let services: Vec<Body> =
        found.services.iter().map(|one| definition::service(&one.definition)).collect::<Result<_, _>>()?;
    let checks: Vec<(String, CheckBody)> = found
        .checks
        .iter()
        .map(|one| (one.definition.id_in(None, 1, 1), definition::check(&one.definition)))
        .collect();
    if services.len() + checks.len() > 1 {
        return many::register(client, &services, &checks, replace_checks, run).await;
    }
    for body in &services {
        let done = client.v2().agent_service_register(body, replace_checks).await;
        done.map_err(|e| run.failed(&e))?;
        let id = body.id.as_deref().unwrap_or(&body.name);
        run.out().done(&format!("Registered {id}"), &Named::service(id))?;
    }
    for (id, body) in &checks {
        client.v2().agent_check_register(id, body).await.map_err(|e| run.failed(&e))?;
        run.out().done(&format!("Registered check {id}"), &Named { id: id.clone(), kind: "check" })?;
    }
    Ok(())
}

/// What was written.
#[derive(Serialize)]
pub(super) struct Named {
    pub(super) id: String,
    pub(super) kind: &'static str,
}

impl Named {
    pub(super) fn service(id: &str) -> Named {
        Named { id: id.to_owned(), kind: "service" }
    }
}

impl Row for Named {
    const COLUMNS: &'static [Column] = &[Column::whole("ID", 9), Column::text("KIND", 5)];

    fn cells(&self) -> Vec<String> {
        vec![self.id.clone(), self.kind.to_owned()]
    }
}

/// What is removed.
#[derive(Debug, Args)]
pub struct Deregister {
    /// The instance's id
    id: String,
    /// Directly from the catalogue: the instance of this node. What an agent keeps comes back
    #[arg(long, value_name = "NODE")]
    on_node: Option<String>,
}

impl Deregister {
    pub(super) async fn run(self, run: &mut Run<'_>) -> Outcome {
        let client = run.client()?;
        let done = match self.on_node {
            None => client.v2().agent_service_deregister(&self.id).await,
            Some(node) => {
                let what = CatalogDeregister { node, service_id: Some(self.id.clone()), check_id: None };
                client.v2().catalog_deregister(&what).await
            }
        };
        done.map_err(|e| run.failed(&e))?;
        run.out().done(&format!("Deregistered {}", self.id), &Named::service(&self.id))
    }
}

/// What is put into maintenance.
#[derive(Debug, Args)]
pub struct Maint {
    /// The instance's id
    #[arg(required_unless_present = "node", conflicts_with = "node")]
    id: Option<String>,
    /// The agent's node with all that is on it
    #[arg(long)]
    node: bool,
    /// Out of maintenance
    #[arg(long)]
    off: bool,
    /// Why, for people
    #[arg(long, value_name = "TEXT", default_value = "", hide_default_value = true, conflicts_with = "off")]
    reason: String,
}

impl Maint {
    pub(super) async fn run(self, run: &mut Run<'_>) -> Outcome {
        let client = run.client()?;
        let wanted = Maintenance { enable: !self.off, service_id: self.id.clone(), reason: self.reason };
        client.v2().agent_maintenance(&wanted).await.map_err(|e| run.failed(&e))?;
        let what = self.id.unwrap_or_else(|| "the node".to_owned());
        let is = if self.off { "is out of" } else { "is in" };
        let kind = if self.node { "node" } else { "service" };
        run.out().done(&format!("{what} {is} maintenance"), &Named { id: what.clone(), kind })
    }
}
