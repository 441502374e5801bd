//! What is asked of the agent itself.

use super::Inner;
use crate::context::Context;
use crate::error::Error;
use crate::permission::Permission;
use crate::ports::{
    AgentInfo, HostInfo, LogFilter, LogLevels, LogLines, MetricsFormat, MetricsHistory, ReloadReport, Replica,
};

impl<R: Replica> Inner<R> {
    pub(crate) async fn agent_self(&self, ctx: &Context) -> Result<AgentInfo, Error> {
        self.permit(ctx, &Permission::AgentRead)?;
        Ok(self.agent.info())
    }

    pub(crate) async fn agent_host(&self, ctx: &Context) -> Result<HostInfo, Error> {
        self.permit(ctx, &Permission::OperatorRead)?;
        Ok(self.agent.host())
    }

    pub(crate) async fn agent_reload(&self, ctx: &Context) -> Result<ReloadReport, Error> {
        self.permit(ctx, &Permission::AgentWrite)?;
        self.agent.reload().map_err(|why| Error::invalid("configuration", why))
    }

    pub(crate) async fn agent_leave(&self, ctx: &Context) -> Result<(), Error> {
        self.permit(ctx, &Permission::AgentWrite)?;
        self.agent.leave();
        Ok(())
    }

    pub(crate) async fn agent_monitor(&self, ctx: &Context, filter: LogFilter) -> Result<LogLines, Error> {
        self.permit(ctx, &Permission::AgentRead)?;
        self.agent.monitor(filter).map_err(|why| Error::invalid("loglevel", why))
    }

    pub(crate) async fn metrics_history(&self, ctx: &Context) -> Result<MetricsHistory, Error> {
        self.permit(ctx, &Permission::AgentRead)?;
        self.agent.metrics_history().ok_or(Error::NotOffered { operation: "metrics_history" })
    }

    pub(crate) async fn log_level_get(&self, ctx: &Context) -> Result<LogLevels, Error> {
        self.permit(ctx, &Permission::AgentRead)?;
        self.agent.log_levels().ok_or(Error::NotOffered { operation: "log_level_get" })
    }

    pub(crate) async fn log_level_set(&self, ctx: &Context, levels: LogLevels) -> Result<LogLevels, Error> {
        self.permit(ctx, &Permission::AgentWrite)?;
        self.agent.set_log_levels(levels).map_err(|why| Error::invalid("level", why))
    }

    pub(crate) async fn agent_metrics(&self, ctx: &Context, format: MetricsFormat) -> Result<String, Error> {
        self.permit(ctx, &Permission::AgentRead)?;
        Ok(self.agent.metrics(format))
    }
}
