//! Reads of checks.

use std::sync::Arc;

use konsul_state::{Found, State};
use konsul_types::{Check, Namespace};
use konsul_watch::Topic;

use super::Inner;
use super::nodes::has_meta;
use super::parking::Topics;
use crate::answer::{Answer, CheckPast};
use crate::arguments::{CheckHistory, CheckList, CheckSelect};
use crate::context::Context;
use crate::error::Error;
use crate::filters::{self, CheckView};
use crate::permission::Permission;
use crate::ports::Replica;

impl<R: Replica> Inner<R> {
    pub(crate) async fn check_list(
        &self,
        ctx: &Context,
        args: CheckList,
    ) -> Result<Answer<Vec<Arc<Check>>>, Error> {
        let narrow = &args.narrow;
        let filter = filters::compile(&narrow.filter, &filters::CHECK)?;
        let topics = || topics(&ctx.namespace, &args);
        self.read(ctx, args.blocking, topics, |state| {
            let wanted = |check: &&Arc<Check>| {
                on_meant_node(state, &args, check)
                    && self.may_read_check(ctx, check)
                    && filter.as_ref().is_none_or(|filter| filter.matches(&CheckView::of(check)))
            };
            let mut checks: Vec<_> = selected(state, &ctx.namespace, &args).filter(wanted).cloned().collect();
            self.sort_near(state, narrow.near.as_ref(), &mut checks, |check| &check.node);
            found(state, &ctx.namespace, &args, checks)
        })
        .await
    }

    pub(crate) async fn check_history(
        &self,
        ctx: &Context,
        args: CheckHistory,
    ) -> Result<Answer<Option<CheckPast>>, Error> {
        self.permit(ctx, &Permission::NodeRead(args.node.as_str()))?;
        let answer = self
            .read(
                ctx,
                None,
                || Topic::Checks,
                |state| {
                    let changed = state.catalog().checks_changed();
                    state.found(past(state, &ctx.namespace, &args), changed, changed)
                },
            )
            .await?;
        if let Some(CheckPast { check, .. }) = &answer.value {
            self.permit(ctx, &of_service(check))?;
        }
        Ok(answer)
    }

    /// A check is told of by whoever may read its node, and its service if it is of one.
    pub(super) fn may_read_check(&self, ctx: &Context, check: &Check) -> bool {
        self.may_read_node(ctx, &check.node) && self.allows(ctx, &of_service(check))
    }
}

fn of_service(check: &Check) -> Permission<'_> {
    match &check.service {
        Some(service) => Permission::ServiceRead(service.name.as_str()),
        None => Permission::Public,
    }
}

/// One check as a context's namespace sees it: an instance's in the namespace, or the node's own, which are of all.
pub(super) fn check_seen<'a>(
    state: &'a State,
    namespace: &Namespace,
    node: &konsul_types::NodeName,
    id: &konsul_types::CheckId,
) -> Option<&'a Arc<Check>> {
    let catalog = state.catalog();
    let of_node = || catalog.check(node, id).filter(|check| check.service.is_none());
    catalog.check_of(node, namespace, id).or_else(of_node)
}

fn past(state: &State, namespace: &Namespace, args: &CheckHistory) -> Option<CheckPast> {
    let check = check_seen(state, namespace, &args.node, &args.id)?;
    let kept = state.catalog().transitions(&check.node, &check.namespace, &check.id);
    let transitions = kept.map(|kept| kept.iter().cloned().collect()).unwrap_or_default();
    Some(CheckPast { check: Arc::clone(check), transitions })
}

type Checks<'a> = Box<dyn Iterator<Item = &'a Arc<Check>> + 'a>;

fn selected<'a>(state: &'a State, namespace: &'a Namespace, args: &CheckList) -> Checks<'a> {
    let catalog = state.catalog();
    let is_here = move |check: &&Arc<Check>| check.service.is_none() || check.namespace == *namespace;
    match &args.select {
        CheckSelect::Node(node) => Box::new(catalog.checks_on(node).filter(is_here)),
        CheckSelect::Service(name) => {
            Box::new(catalog.instances(namespace, name).flat_map(|service| catalog.checks_of(service)))
        }
        CheckSelect::Status(None) => Box::new(catalog.checks().filter(is_here)),
        CheckSelect::Status(Some(status)) => {
            let status = *status;
            Box::new(catalog.checks().filter(move |check| check.status == status).filter(is_here))
        }
    }
}

fn on_meant_node(state: &State, args: &CheckList, check: &Check) -> bool {
    let wanted = &args.narrow.node_meta;
    wanted.is_empty() || state.catalog().node(&check.node).is_some_and(|node| has_meta(node, wanted))
}

/// The checks of one service are news of that service. Others have the index of all checks, and with pairs of nodes that
/// of nodes too.
fn found<T>(state: &State, namespace: &Namespace, args: &CheckList, value: T) -> Found<T> {
    if let CheckSelect::Service(name) = &args.select {
        return state.found_service(namespace, name, false, value);
    }
    let mut changed = state.catalog().checks_changed();
    if !args.narrow.node_meta.is_empty() {
        changed = changed.max(state.catalog().nodes_changed());
    }
    state.found(value, changed, changed)
}

fn topics(namespace: &Namespace, args: &CheckList) -> Topics {
    match &args.select {
        CheckSelect::Service(name) => Topic::Service(namespace.clone(), name.folded()).into(),
        _ if !args.narrow.node_meta.is_empty() => vec![Topic::Checks, Topic::Nodes].into(),
        _ => Topic::Checks.into(),
    }
}
