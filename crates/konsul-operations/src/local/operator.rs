//! What operators ask.

use std::sync::Arc;

use konsul_state::usage::Usage;
use konsul_types::service::SERVERS_SERVICE;
use konsul_types::{Service, ServiceKind};

use super::Inner;
use super::reads::answer;
use crate::answer::Answer;
use crate::context::Context;
use crate::error::Error;
use crate::permission::Permission;
use crate::ports::{NamespaceUsage, RaftServer, Replica, UsageReport};

impl<R: Replica> Inner<R> {
    pub(crate) async fn status_leader(&self, ctx: &Context) -> Result<Option<String>, Error> {
        self.permit(ctx, &Permission::Public)?;
        self.here(ctx)?;
        Ok(self.replica.leader_address())
    }

    pub(crate) async fn status_peers(&self, ctx: &Context) -> Result<Vec<String>, Error> {
        self.permit(ctx, &Permission::Public)?;
        self.here(ctx)?;
        Ok(self.replica.servers().into_iter().map(|server| server.address).collect())
    }

    pub(crate) async fn raft_configuration(&self, ctx: &Context) -> Result<Answer<Vec<RaftServer>>, Error> {
        self.permit(ctx, &Permission::OperatorRead)?;
        let staleness = self.fresh(ctx).await?;
        let index = self.replica.state().index();
        Ok(answer(self.replica.servers(), index, ctx.consistency, staleness))
    }

    pub(crate) async fn usage(&self, ctx: &Context) -> Result<Answer<UsageReport>, Error> {
        self.permit(ctx, &Permission::OperatorRead)?;
        let staleness = self.fresh(ctx).await?;
        let state = self.replica.state();
        let is_billable = |service: &&Arc<Service>| {
            service.kind == ServiceKind::Typical && service.name.as_str() != SERVERS_SERVICE
        };
        let report = UsageReport {
            billable_instances: state.catalog().services().filter(is_billable).count() as u64,
            requests: state.requests().len() as u64,
            nodes: state.catalog().nodes().len() as u64,
            services: state.catalog().services_count() as u64,
            instances: state.catalog().services().len() as u64,
            checks: state.catalog().checks().len() as u64,
            queries: state.queries().iter().len() as u64,
            namespaces: state.usage().iter().map(namespace_usage).collect(),
        };
        Ok(answer(report, state.index(), ctx.consistency, staleness))
    }
}

fn namespace_usage(usage: &Usage) -> NamespaceUsage {
    NamespaceUsage {
        name: usage.namespace.to_string(),
        keys: usage.keys,
        bytes: usage.bytes,
        sessions: usage.sessions,
        locks: usage.locks,
        lock_waiters: usage.lock_waiters,
        history_versions: usage.history_versions,
        history_bytes: usage.history_bytes,
    }
}
