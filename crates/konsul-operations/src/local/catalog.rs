//! Registration directly in the catalogue, and removal from it.
//!
//! Who writes here owns what it writes: no agent keeps it true, and no agent takes it away. The rules and texts are those
//! of Consul's servers; what a wrong body is, is the edge's to say.

use konsul_state::State;
use konsul_types::{
    CatalogCommand, Check, Command, Namespace, Node, Owner, Registration, Service, ServiceKind,
};

use super::Inner;
use super::checks::check_seen;
use super::registering::{node_rules, service_rules};
use crate::arguments::{CatalogDeregister, CatalogRegister};
use crate::context::Context;
use crate::error::Error;
use crate::permission::Permission;
use crate::ports::Replica;

impl<R: Replica> Inner<R> {
    pub(crate) async fn catalog_register(&self, ctx: &Context, args: CatalogRegister) -> Result<(), Error> {
        let registration = owned(args.registration)?;
        self.permit_registration(ctx, &registration)?;
        let command = CatalogCommand::Register(Box::new(registration));
        self.write(ctx, Command::Catalog(command)).await.map(|_| ())
    }

    fn permit_registration(&self, ctx: &Context, wanted: &Registration) -> Result<(), Error> {
        if self.authorizer.allows_all() {
            return Ok(());
        }
        let state = self.replica.state();
        let node = state.catalog().node(&wanted.node.name);
        // Whoever registers an instance says its node again, and need not be allowed to change it for that.
        let keeps = node.is_some_and(|node| wanted.skip_node_update || says_the_same(&wanted.node, node));
        if !keeps {
            self.permit(ctx, &Permission::NodeWrite(wanted.node.name.as_str()))?;
        }
        if let Some(service) = &wanted.service {
            self.permit_service_write(ctx, &state, service)?;
        }
        wanted.checks.iter().try_for_each(|check| self.permit_check_write(ctx, &state, check, wanted))
    }

    /// An instance may be written by whoever may write its service, and the one that it was of before. A proxy acts for
    /// the service that it stands for.
    fn permit_service_write(&self, ctx: &Context, state: &State, service: &Service) -> Result<(), Error> {
        self.permit_in(ctx, &service.namespace, &Permission::ServiceWrite(service.name.as_str()))?;
        if let Some(proxy) = service.proxy.as_ref().filter(|_| service.kind == ServiceKind::ConnectProxy) {
            let needed = Permission::ServiceWrite(&proxy.destination_service);
            self.permit_in(ctx, &service.namespace, &needed)?;
        }
        match state.catalog().service(&service.node, &service.namespace, &service.id) {
            Some(old) => self.permit_in(ctx, &old.namespace, &Permission::ServiceWrite(old.name.as_str())),
            None => Ok(()),
        }
    }

    fn permit_check_write(
        &self,
        ctx: &Context,
        state: &State,
        check: &Check,
        with: &Registration,
    ) -> Result<(), Error> {
        if let Some(old) = state.catalog().check_of(&check.node, &check.namespace, &check.id) {
            self.permit_check(ctx, old)?;
        }
        let Some(of) = &check.service else {
            return self.permit(ctx, &Permission::NodeWrite(check.node.as_str()));
        };
        let comes =
            with.service.as_ref().is_some_and(|one| one.id == of.id && one.namespace == check.namespace);
        if comes {
            return Ok(());
        }
        match state.catalog().service(&check.node, &check.namespace, &of.id) {
            Some(service) => {
                self.permit_in(ctx, &service.namespace, &Permission::ServiceWrite(service.name.as_str()))
            }
            None => Err(Error::invalid(
                "Check.ServiceID",
                format!("Unknown service ID '{}' for check ID '{}'", of.id, check.id),
            )),
        }
    }

    /// A check may be written by whoever may write what it is of.
    fn permit_check(&self, ctx: &Context, check: &Check) -> Result<(), Error> {
        match &check.service {
            Some(service) => {
                self.permit_in(ctx, &check.namespace, &Permission::ServiceWrite(service.name.as_str()))
            }
            None => self.permit(ctx, &Permission::NodeWrite(check.node.as_str())),
        }
    }

    fn permit_in(&self, ctx: &Context, namespace: &Namespace, needed: &Permission<'_>) -> Result<(), Error> {
        if *namespace == ctx.namespace {
            return self.permit(ctx, needed);
        }
        self.permit(&Context { namespace: namespace.clone(), ..ctx.clone() }, needed)
    }

    pub(crate) async fn catalog_deregister(
        &self,
        ctx: &Context,
        args: CatalogDeregister,
    ) -> Result<(), Error> {
        let state = self.replica.state();
        self.permit_removal(ctx, &state, &args)?;
        let CatalogDeregister { node, service, check } = args;
        let command = match (service, check) {
            (Some(id), _) => CatalogCommand::DeregisterService { node, namespace: ctx.namespace.clone(), id },
            (None, Some(id)) => {
                let found = check_seen(&state, &ctx.namespace, &node, &id);
                let namespace = found.map_or(&ctx.namespace, |check| &check.namespace).clone();
                CatalogCommand::DeregisterCheckOf { node, namespace, id }
            }
            (None, None) => CatalogCommand::DeregisterNode { name: node },
        };
        drop(state);
        self.write(ctx, Command::Catalog(command)).await.map(|_| ())
    }

    /// Whoever may write the node may take away all of it.
    fn permit_removal(&self, ctx: &Context, state: &State, args: &CatalogDeregister) -> Result<(), Error> {
        let whole = Permission::NodeWrite(args.node.as_str());
        if self.allows(ctx, &whole) {
            return Ok(());
        }
        let unknown =
            |field, what: &str, id: &str| Error::invalid(field, format!("Unknown {what} ID '{id}'"));
        match (&args.service, &args.check) {
            (Some(id), _) => match state.catalog().service(&args.node, &ctx.namespace, id) {
                Some(service) => self.permit(ctx, &Permission::ServiceWrite(service.name.as_str())),
                None => Err(unknown("ServiceID", "service", id.as_str())),
            },
            (None, Some(id)) => match check_seen(state, &ctx.namespace, &args.node, id) {
                Some(check) => self.permit_check(ctx, check),
                None => Err(unknown("CheckID", "check", id.as_str())),
            },
            (None, None) => self.permit(ctx, &whole),
        }
    }
}

/// Whether a registration leaves a node as it is. Without an id it keeps the one that is known.
fn says_the_same(wanted: &Node, found: &Node) -> bool {
    Node { id: wanted.id.or(found.id), ..wanted.clone() }.same_as(found)
}

/// The registration as the catalogue's own, if it may stand.
fn owned(mut wanted: Registration) -> Result<Registration, Error> {
    node_rules(&wanted)?;
    let node = wanted.node.name.clone();
    if let Some(service) = &mut wanted.service {
        service_rules(service)?;
        service.node = node.clone();
        service.owner = Owner::Catalog;
    }
    for check in &mut wanted.checks {
        if check.node.folded() != node.folded() {
            let why = format!(
                "Node '{}' for check '{}' doesn't match register request node '{node}'",
                check.node, check.id
            );
            return Err(Error::invalid("Check.Node", why));
        }
        check.node = node.clone();
        check.owner = Owner::Catalog;
        if check.service.is_none() {
            check.namespace = Namespace::default_namespace();
        }
    }
    Ok(wanted)
}
