//! `/v1/operator/…`: the cluster as an operator sees it.

use std::sync::Arc;

use konsul_api::v1::operator as wire;
use konsul_operations::ports::{RaftServer, UsageReport};
use konsul_operations::{Answer, Error, Meta};

use super::error::reply;
use super::inbound::Inbound;
use super::read::Options;
use super::reply::{Fresh, Reply};
use super::route::Route;
use crate::service::Handled;

/// `GET raft/configuration`.
pub(crate) fn raft_configuration(inbound: &mut Inbound<'_>, _: &'static Route) -> Handled {
    let Options { context, .. } = inbound.options()?;
    let edge = Arc::clone(inbound.edge);
    Ok(Box::pin(async move {
        match edge.operations.raft_configuration(&context).await {
            Ok(Answer { value, meta }) => {
                let servers = value.into_iter().map(server).collect();
                Reply::json(&wire::RaftConfiguration { servers, index: meta.index.0 })
            }
            Err(why) => reply(&why),
        }
    }))
}

fn server(server: RaftServer) -> wire::RaftServer {
    wire::RaftServer {
        id: server.id,
        node: if server.node.is_empty() { "(unknown)".to_owned() } else { server.node },
        address: server.address,
        leader: server.leader,
        protocol_version: "3".to_owned(),
        last_index: server.last_index.0,
        voter: server.voter,
    }
}

/// `GET usage`.
pub(crate) fn usage(inbound: &mut Inbound<'_>, _: &'static Route) -> Handled {
    let Options { context, .. } = inbound.options()?;
    let edge = Arc::clone(inbound.edge);
    Ok(Box::pin(async move {
        let both = async {
            let agent = edge.operations.agent_self(&context).await?;
            let usage = edge.operations.usage(&context).await?;
            Ok::<_, Error>((agent.datacenter, usage))
        };
        match both.await {
            Ok((datacenter, Answer { value, meta })) => {
                Reply::json(&report(datacenter, value, meta)).with_fresh(Fresh::ReadWithConsistency(meta))
            }
            Err(why) => reply(&why),
        }
    }))
}

/// Nothing of the mesh is counted yet.
fn report(datacenter: String, found: UsageReport, meta: Meta) -> wire::Usage {
    let mesh = MESH_KINDS.iter().map(|kind| ((*kind).to_owned(), 0)).collect();
    let here = wire::DatacenterUsage {
        services: found.services,
        service_instances: found.instances,
        connect_service_instances: mesh,
        billable_service_instances: found.billable_instances,
        nodes: found.nodes,
    };
    let namespaces = found.namespaces.into_iter().map(|one| wire::NamespaceUsage {
        name: one.name,
        keys: one.keys,
        bytes: one.bytes,
        sessions: one.sessions,
    });
    wire::Usage {
        usage: [(datacenter, here)].into(),
        namespaces: namespaces.collect(),
        meta: wire::QueryMeta {
            index: meta.index.0.max(1),
            last_contact: meta.last_contact_ms.saturating_mul(1_000_000),
            known_leader: meta.known_leader,
            consistency_level: meta.consistency.to_owned(),
            ..Default::default()
        },
    }
}

const MESH_KINDS: &[&str] = &[
    "api-gateway",
    "connect-native",
    "connect-proxy",
    "ingress-gateway",
    "mesh-gateway",
    "terminating-gateway",
];
