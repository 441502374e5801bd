//! Reads of the instances of one service: the question that is asked most.
//!
//! An answer shares its records with the state. What is made for it is the list itself and one list of checks for each
//! instance; instances come ordered by node, so that a node with many of them is looked up once.

use std::sync::Arc;

use konsul_filter::Filter;
use konsul_state::catalog::Catalog;
use konsul_state::{Found, State};
use konsul_types::{Check, CheckStatus, Namespace, Node, NodeName, Pairs, Service, ServiceName};
use konsul_watch::Topic;

use super::nodes::has_meta;
use super::parking::Topics;
use super::{Inner, connect};
use crate::answer::{Answer, Instance};
use crate::arguments::ServiceInstances;
use crate::context::Context;
use crate::error::Error;
use crate::filters::{self, EntryView, ServiceNodeView};
use crate::mutants;
use crate::permission::Permission;
use crate::ports::Replica;

impl<R: Replica> Inner<R> {
    pub(crate) async fn service_instances(
        &self,
        ctx: &Context,
        args: ServiceInstances,
    ) -> Result<Answer<Vec<Instance>>, Error> {
        let schema = if args.with_checks { &filters::ENTRY } else { &filters::SERVICE_NODE };
        let filter = filters::compile(&args.narrow.filter, schema)?;
        let datacenter = self.agent.datacenter();
        let select = Select {
            tags: &args.tags,
            node_meta: &args.narrow.node_meta,
            with_checks: args.with_checks,
            passing: args.passing,
            filter: filter.as_ref(),
            datacenter: &datacenter,
        };
        // What a filter looks at may change without a change of who passes.
        let passing_only = args.passing && filter.is_none();
        let topics = || self.topics_of(ctx, &args, passing_only);
        self.read(ctx, args.blocking, topics, |state| {
            let mut instances = self.select(ctx, state, &args, &select);
            self.sort_near(state, args.narrow.near.as_ref(), &mut instances, |one| &one.node.name);
            found(state, &ctx.namespace, &args, passing_only, instances)
        })
        .await
    }

    /// At which index the answer to the same arguments stands. Where not everybody may see everything, answers of an equal
    /// index may differ, and nothing is said.
    pub(crate) async fn service_version(
        &self,
        ctx: &Context,
        args: ServiceInstances,
    ) -> Result<Answer<()>, Error> {
        if !self.authorizer.allows_all() {
            return Err(Error::NotOffered { operation: "service_version" });
        }
        let passing_only = args.passing && args.narrow.filter.is_empty();
        let topics = || self.topics_of(ctx, &args, passing_only);
        self.read(ctx, args.blocking, topics, |state| found(state, &ctx.namespace, &args, passing_only, ()))
            .await
    }

    fn topics_of(&self, ctx: &Context, args: &ServiceInstances, passing_only: bool) -> Topics {
        let (namespace, name) = (ctx.namespace.clone(), args.name.folded());
        match (args.connect, passing_only) {
            (true, _) => connect::topics(&self.replica.state(), namespace, &name),
            (false, true) => Topic::PassingService(namespace, name).into(),
            (false, false) => Topic::Service(namespace, name).into(),
        }
    }

    fn select(
        &self,
        ctx: &Context,
        state: &State,
        args: &ServiceInstances,
        select: &Select<'_>,
    ) -> Vec<Instance> {
        if !self.allows(ctx, &Permission::ServiceRead(args.name.as_str())) {
            return Vec::new();
        }
        if args.connect {
            let capable = connect::instances(state.catalog(), &ctx.namespace, &args.name);
            return self.gather(ctx, state, capable.into_iter(), select, 0);
        }
        self.instances_of(ctx, state, &args.name, select)
    }

    /// The instances of a service that may be seen, of which all that is selected holds.
    pub(super) fn instances_of(
        &self,
        ctx: &Context,
        state: &State,
        name: &ServiceName,
        select: &Select<'_>,
    ) -> Vec<Instance> {
        let catalog = state.catalog();
        let count = catalog.group(&ctx.namespace, name).map_or(0, |group| group.instances as usize);
        // Where few are expected to be left, the list grows as it must.
        let room = if select.is_everything() { count } else { count.min(16) };
        self.gather(ctx, state, catalog.instances(&ctx.namespace, name), select, room)
    }

    /// The same of services that are given, which are looked at in their order.
    pub(super) fn gather<'s>(
        &self,
        ctx: &Context,
        state: &'s State,
        services: impl Iterator<Item = &'s Arc<Service>>,
        select: &Select<'_>,
        room: usize,
    ) -> Vec<Instance> {
        let mut instances = Vec::with_capacity(room);
        let mut on: Option<OnNode<'s>> = None;
        for service in services.filter(|service| select.tags.iter().all(|tag| service.tags.has(tag))) {
            if on.as_ref().is_none_or(|on| on.node.name != service.node) {
                on = self.on_node(ctx, state.catalog(), &service.node, select, on);
            }
            let Some(on) = on.as_ref().filter(|on| on.counts) else { continue };
            if !self.allows(ctx, &Permission::ServiceRead(service.name.as_str())) {
                continue;
            }
            instances.extend(select.instance(state.catalog(), on, service));
        }
        instances
    }

    /// Looks at a node for the instances that are on it. The list of checks of the one before is used again.
    fn on_node<'s>(
        &self,
        ctx: &Context,
        catalog: &'s Catalog,
        name: &NodeName,
        select: &Select<'_>,
        before: Option<OnNode<'s>>,
    ) -> Option<OnNode<'s>> {
        let node = catalog.node(name)?;
        let mut checks = before.map(|before| before.checks).unwrap_or_default();
        checks.clear();
        let mut counts = has_meta(node, select.node_meta) && self.may_read_node(ctx, &node.name);
        if counts && (select.with_checks || select.passing) {
            checks.extend(catalog.checks_of_node(&node.name));
            counts = !(select.passing && checks.iter().any(|check| is_bad(check)));
        }
        Some(OnNode { node, checks, counts })
    }
}

/// Which instances of a service are wanted, and how much of them.
pub(super) struct Select<'a> {
    /// All of these must be there.
    pub(super) tags: &'a [String],
    /// The node must have all of these.
    pub(super) node_meta: &'a Pairs,
    /// Whether checks come along.
    pub(super) with_checks: bool,
    /// Whether every check must pass.
    pub(super) passing: bool,
    /// What must hold of the entry, or without checks of the flat record.
    pub(super) filter: Option<&'a Filter>,
    /// The datacentre, for the filter.
    pub(super) datacenter: &'a str,
}

/// A node while its instances are looked at.
struct OnNode<'s> {
    node: &'s Arc<Node>,
    checks: Vec<&'s Arc<Check>>,
    /// Whether its instances may be in the answer.
    counts: bool,
}

impl Select<'_> {
    fn is_everything(&self) -> bool {
        self.tags.is_empty() && self.node_meta.is_empty() && !self.passing && self.filter.is_none()
    }

    fn instance(&self, catalog: &Catalog, on: &OnNode<'_>, service: &Arc<Service>) -> Option<Instance> {
        let mut checks = Vec::new();
        if self.with_checks {
            checks.extend(on.checks.iter().map(|check| Arc::clone(check)));
            checks.extend(catalog.checks_of(service).cloned());
        }
        // The node's own checks were looked at with the node.
        if self.passing && self.has_bad_check(catalog, on, service, &checks) {
            return None;
        }
        let instance = Instance { node: Arc::clone(on.node), service: Arc::clone(service), checks };
        self.fits(&instance).then_some(instance)
    }

    fn has_bad_check(
        &self,
        catalog: &Catalog,
        on: &OnNode<'_>,
        service: &Service,
        checks: &[Arc<Check>],
    ) -> bool {
        if mutants::is(mutants::CRITICAL_STAYS) {
            return false;
        }
        if self.with_checks {
            checks[on.checks.len()..].iter().any(|check| is_bad(check))
        } else {
            catalog.checks_of(service).any(|check| is_bad(check))
        }
    }

    fn fits(&self, instance: &Instance) -> bool {
        let Some(filter) = self.filter else { return true };
        if self.with_checks {
            filter.matches(&EntryView::of(instance, self.datacenter))
        } else {
            filter.matches(&ServiceNodeView::of(&instance.node, &instance.service, self.datacenter))
        }
    }
}

/// Those at some places, each named once, in that order.
pub(super) fn in_order(instances: Vec<Instance>, places: Vec<usize>) -> Vec<Instance> {
    let mut left: Vec<Option<Instance>> = instances.into_iter().map(Some).collect();
    places.into_iter().filter_map(|at| left[at].take()).collect()
}

fn is_bad(check: &Check) -> bool {
    check.status != CheckStatus::Passing
}

fn found<T>(
    state: &State,
    namespace: &Namespace,
    args: &ServiceInstances,
    passing_only: bool,
    value: T,
) -> Found<T> {
    if args.connect {
        let changed = connect::changed(state.catalog(), namespace, &args.name);
        return state.found(value, changed, changed);
    }
    state.found_service(namespace, &args.name, passing_only, value)
}
