//! DNS on this agent: its sockets, its settings, and the registry as DNS sees it.

mod directory;
mod settings;

use std::net::SocketAddr;
use std::sync::Arc;

use konsul_config::Config;
use konsul_dns::{Endpoint, Server};
use konsul_operations::Local;
use konsul_replica::ServerReplica;

use crate::AgentError;

pub(crate) use settings::settings;

/// Binds every address on which DNS is to be served, so that one that is taken is told before anything runs.
pub(crate) fn bind(config: &Config) -> Result<Vec<Endpoint>, AgentError> {
    let sockets = settings(config).limits.udp_sockets;
    let bound = |address: SocketAddr| {
        Endpoint::bind(address, sockets).map_err(|why| AgentError::Dns(told(address, &why)))
    };
    config.dns_listen().into_iter().map(bound).collect()
}

fn told(address: SocketAddr, why: &std::io::Error) -> String {
    let hint = match why.kind() {
        std::io::ErrorKind::AddrInUse => {
            ": another program listens there; end it, choose another port with -dns-port or ports.dns, or -1 for none"
        }
        std::io::ErrorKind::PermissionDenied => ": a port below 1024 needs the right CAP_NET_BIND_SERVICE",
        _ => "",
    };
    format!("cannot listen on {address}: {why}{hint}")
}

/// Begins to answer; `None` if DNS is off.
pub(crate) fn start(
    config: &Config,
    endpoints: Vec<Endpoint>,
    operations: &Local<ServerReplica>,
) -> Result<Option<Server>, AgentError> {
    if endpoints.is_empty() {
        return Ok(None);
    }
    let directory = Arc::new(directory::Registry::new(config, operations));
    let server = Server::start(directory, settings(config), endpoints)
        .map_err(|why| AgentError::Dns(why.to_string()))?;
    for address in server.addresses() {
        tracing::info!(%address, "serving DNS over UDP and TCP");
    }
    Ok(Some(server))
}
