//! What is asked of the agent's own registrations.

use std::sync::Arc;

use konsul_types::{Check, CheckId, Namespace, Service, ServiceId};

use super::Inner;
use crate::arguments::{AgentCheckRegister, AgentCheckUpdate, AgentMaintenance, AgentServiceRegister};
use crate::context::Context;
use crate::error::Error;
use crate::filters::{self, CheckView, ServiceView};
use crate::permission::Permission;
use crate::ports::{LocalRegistry, Replica};

impl<R: Replica> Inner<R> {
    pub(crate) async fn agent_services(
        &self,
        ctx: &Context,
        filter: String,
    ) -> Result<Vec<Arc<Service>>, Error> {
        let filter = filters::compile(&filter, &filters::SERVICE)?;
        let mut services = self.registry("agent_services")?.services(&ctx.namespace);
        services.retain(|one| self.allows(ctx, &Permission::ServiceRead(one.name.as_str())));
        services.retain(|one| filter.as_ref().is_none_or(|f| f.matches(&ServiceView::of(one))));
        Ok(services)
    }

    pub(crate) async fn agent_checks(&self, ctx: &Context, filter: String) -> Result<Vec<Arc<Check>>, Error> {
        let filter = filters::compile(&filter, &filters::CHECK)?;
        let mut checks = self.registry("agent_checks")?.checks(&ctx.namespace);
        checks.retain(|check| self.may_read_check(ctx, check));
        checks.retain(|check| filter.as_ref().is_none_or(|f| f.matches(&CheckView::of(check))));
        Ok(checks)
    }

    pub(crate) async fn agent_service_register(
        &self,
        ctx: &Context,
        args: AgentServiceRegister,
    ) -> Result<(), Error> {
        let registry = self.registry("agent_service_register")?;
        self.permit(ctx, &Permission::ServiceWrite(args.definition.name.as_str()))?;
        self.permit_instance(ctx, &*registry, &args.definition.namespace, &args.definition.id)?;
        registry.register_service(args.definition, args.replace_checks).await
    }

    pub(crate) async fn agent_service_deregister(&self, ctx: &Context, id: ServiceId) -> Result<(), Error> {
        let registry = self.registry("agent_service_deregister")?;
        self.permit_instance(ctx, &*registry, &ctx.namespace, &id)?;
        registry.deregister_service(ctx.namespace.clone(), id).await
    }

    pub(crate) async fn agent_check_register(
        &self,
        ctx: &Context,
        args: AgentCheckRegister,
    ) -> Result<(), Error> {
        let registry = self.registry("agent_check_register")?;
        let namespace = args.definition.namespace.as_ref().unwrap_or(&ctx.namespace);
        match &args.definition.service {
            Some(id) => self.permit_instance(ctx, &*registry, namespace, id)?,
            None => self.permit_own_node(ctx)?,
        }
        registry.register_check(args.definition).await
    }

    pub(crate) async fn agent_check_deregister(&self, ctx: &Context, id: CheckId) -> Result<(), Error> {
        let registry = self.registry("agent_check_deregister")?;
        self.permit_own_check(ctx, &*registry, &id)?;
        registry.deregister_check(ctx.namespace.clone(), id).await
    }

    pub(crate) async fn agent_check_update(
        &self,
        ctx: &Context,
        args: AgentCheckUpdate,
    ) -> Result<(), Error> {
        let registry = self.registry("agent_check_update")?;
        self.permit_own_check(ctx, &*registry, &args.id)?;
        registry.update_check(ctx.namespace.clone(), args.id, args.status, args.output).await
    }

    pub(crate) async fn agent_maintenance(&self, ctx: &Context, args: AgentMaintenance) -> Result<(), Error> {
        let registry = self.registry("agent_maintenance")?;
        match &args.service {
            Some((namespace, id)) => self.permit_instance(ctx, &*registry, namespace, id)?,
            None => self.permit_own_node(ctx)?,
        }
        registry.maintenance(args.service, args.enable, args.reason).await
    }

    /// Where the agent keeps its registrations.
    fn registry(&self, operation: &'static str) -> Result<Arc<dyn LocalRegistry>, Error> {
        let absent =
            if self.agent.keeps_registrations() { Error::NotReady } else { Error::NotOffered { operation } };
        self.agent.registry().ok_or(absent)
    }

    fn permit_own_node(&self, ctx: &Context) -> Result<(), Error> {
        self.permit(ctx, &Permission::NodeWrite(self.agent.node_name().as_str()))
    }

    /// An instance that is not there is for the registry to tell.
    fn permit_instance(
        &self,
        ctx: &Context,
        registry: &dyn LocalRegistry,
        namespace: &Namespace,
        id: &ServiceId,
    ) -> Result<(), Error> {
        match registry.service(namespace, id) {
            Some(service) => self.permit(ctx, &Permission::ServiceWrite(service.name.as_str())),
            None => Ok(()),
        }
    }

    fn permit_own_check(
        &self,
        ctx: &Context,
        registry: &dyn LocalRegistry,
        id: &CheckId,
    ) -> Result<(), Error> {
        if self.authorizer.allows_all() {
            return Ok(());
        }
        match registry.check(&ctx.namespace, id).map(|check| check.service.clone()) {
            Some(Some(service)) => self.permit(ctx, &Permission::ServiceWrite(service.name.as_str())),
            Some(None) => self.permit_own_node(ctx),
            None => Ok(()),
        }
    }
}
