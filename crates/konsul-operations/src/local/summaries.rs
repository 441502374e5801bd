//! The services of a namespace as a whole.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use konsul_filter::Filter;
use konsul_state::State;
use konsul_types::{Check, CheckStatus, Namespace, Node, NodeName, Service, ServiceKind, ServiceName};
use konsul_watch::Topic;
use smol_str::SmolStr;

use super::Inner;
use super::nodes::has_meta;
use super::parking::Topics;
use crate::answer::{Answer, ServiceSummary};
use crate::arguments::{Narrow, ServiceList};
use crate::context::Context;
use crate::error::Error;
use crate::filters::{self, ServiceNodeView};
use crate::permission::Permission;
use crate::ports::Replica;

impl<R: Replica> Inner<R> {
    pub(crate) async fn service_list(
        &self,
        ctx: &Context,
        args: ServiceList,
    ) -> Result<Answer<Vec<ServiceSummary>>, Error> {
        let filter = filters::compile(&args.narrow.filter, &filters::SERVICE_NODE)?;
        let datacenter = self.agent.datacenter();
        let asked = Asked { narrow: &args.narrow, filter, datacenter: &datacenter };
        let topics = || topics(&ctx.namespace, &args, asked.looks_at_nodes());
        self.read(ctx, args.blocking, topics, |state| {
            let bad = (!args.names_only).then(|| BadChecks::of(state));
            let names = state.catalog().service_names(&ctx.namespace);
            let seen = names.filter(|(name, _)| self.allows(ctx, &Permission::ServiceRead(name.as_str())));
            let services =
                seen.filter_map(|(name, _)| summary(ctx, state, name, &asked, bad.as_ref())).collect();
            let catalog = state.catalog();
            let mut changed = catalog.services_changed(&ctx.namespace);
            if asked.looks_at_nodes() {
                changed = changed.max(catalog.nodes_changed());
            }
            if !args.names_only {
                changed = changed.max(catalog.checks_changed());
            }
            state.found(services, changed, changed)
        })
        .await
    }
}

fn topics(namespace: &Namespace, args: &ServiceList, looks_at_nodes: bool) -> Topics {
    let services = Topic::Services(namespace.clone());
    if args.names_only && !looks_at_nodes {
        return services.into();
    }
    let nodes = looks_at_nodes.then_some(Topic::Nodes);
    let checks = (!args.names_only).then_some(Topic::Checks);
    [services].into_iter().chain(nodes).chain(checks).collect::<Vec<_>>().into()
}

/// Of which instances a service is listed.
struct Asked<'a> {
    narrow: &'a Narrow,
    filter: Option<Filter>,
    datacenter: &'a str,
}

impl Asked<'_> {
    fn looks_at_nodes(&self) -> bool {
        self.filter.is_some() || !self.narrow.node_meta.is_empty()
    }

    fn holds_of(&self, state: &State, service: &Service) -> bool {
        if !self.looks_at_nodes() {
            return true;
        }
        let fits = |node: &Arc<Node>| {
            let view = || ServiceNodeView::of(node, service, self.datacenter);
            has_meta(node, &self.narrow.node_meta) && self.filter.as_ref().is_none_or(|f| f.matches(&view()))
        };
        state.catalog().node(&service.node).is_some_and(fits)
    }
}

/// `None` if no instance is meant.
fn summary(
    ctx: &Context,
    state: &State,
    name: &ServiceName,
    asked: &Asked<'_>,
    bad: Option<&BadChecks<'_>>,
) -> Option<ServiceSummary> {
    let instances = state.catalog().instances(&ctx.namespace, name).filter(|one| asked.holds_of(state, one));
    whole(instances.map(|one| (&**one, bad.map(|bad| bad.status_of(one)))))
}

/// A service of its instances and how each stands, if that is to be counted; `None` without instances.
pub(super) fn whole<'a>(
    instances: impl Iterator<Item = (&'a Service, Option<CheckStatus>)>,
) -> Option<ServiceSummary> {
    let mut instances = instances.peekable();
    let mut summary = ServiceSummary {
        name: instances.peek()?.0.name.clone(),
        tags: BTreeSet::new(),
        kinds: BTreeSet::new(),
        passing: 0,
        warning: 0,
        critical: 0,
    };
    for (instance, status) in instances {
        for tag in instance.tags.iter().filter(|tag| !summary.tags.contains(*tag)).collect::<Vec<_>>() {
            summary.tags.insert(tag.into());
        }
        if instance.kind != ServiceKind::Typical {
            summary.kinds.insert(instance.kind.name());
        }
        match status {
            None => {}
            Some(CheckStatus::Passing) => summary.passing += 1,
            Some(CheckStatus::Warning) => summary.warning += 1,
            Some(CheckStatus::Critical) => summary.critical += 1,
        }
    }
    Some(summary)
}

/// The checks that do not pass, by whom they are of. They are few where there are many instances, so that one look at each
/// check is far less than one look-up for each instance.
struct BadChecks<'a> {
    nodes: BTreeMap<NodeName, CheckStatus>,
    instances: BTreeMap<(NodeName, &'a Namespace, SmolStr), CheckStatus>,
}

impl<'a> BadChecks<'a> {
    fn of(state: &'a State) -> BadChecks<'a> {
        let mut bad = BadChecks { nodes: BTreeMap::new(), instances: BTreeMap::new() };
        let failing = |check: &&Arc<Check>| check.status != CheckStatus::Passing;
        for check in state.catalog().checks().filter(failing) {
            let node = check.node.folded();
            let worst = match &check.service {
                None => bad.nodes.entry(node).or_insert(check.status),
                Some(service) => {
                    let key = (node, &check.namespace, service.id.shared());
                    bad.instances.entry(key).or_insert(check.status)
                }
            };
            *worst = (*worst).max(check.status);
        }
        bad
    }

    fn status_of(&self, service: &'a Service) -> CheckStatus {
        let node = service.node.folded();
        let of_node = self.nodes.get(&node).copied().unwrap_or(CheckStatus::Passing);
        if self.instances.is_empty() {
            return of_node;
        }
        let own = self.instances.get(&(node, &service.namespace, service.id.shared()));
        own.copied().unwrap_or(CheckStatus::Passing).max(of_node)
    }
}
