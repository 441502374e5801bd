//! What became of a service: the changes of every check that bears on it, merged.

use std::cmp::Reverse;
use std::collections::BTreeSet;
use std::sync::Arc;

use konsul_state::State;
use konsul_types::{Check, NodeName, ServiceName};
use konsul_watch::Topic;

use super::Inner;
use crate::answer::{Answer, CheckChange};
use crate::arguments::ServiceTimeline;
use crate::context::Context;
use crate::error::Error;
use crate::permission::Permission;
use crate::ports::Replica;

impl<R: Replica> Inner<R> {
    pub(crate) async fn service_timeline(
        &self,
        ctx: &Context,
        args: ServiceTimeline,
    ) -> Result<Answer<Option<Vec<CheckChange>>>, Error> {
        let topic = || Topic::Service(ctx.namespace.clone(), args.name.folded());
        self.read(ctx, None, topic, |state| {
            let changes = self.changes_of(ctx, state, &args);
            state.found_service(&ctx.namespace, &args.name, false, changes)
        })
        .await
    }

    fn changes_of(&self, ctx: &Context, state: &State, args: &ServiceTimeline) -> Option<Vec<CheckChange>> {
        if !self.allows(ctx, &Permission::ServiceRead(args.name.as_str())) {
            return None;
        }
        let checks = bearing_on(state, ctx, &args.name)?;
        let readable = checks.into_iter().filter(|check| self.may_read_check(ctx, check));
        let mut changes: Vec<CheckChange> = readable.flat_map(|check| changes_of(state, check)).collect();
        // Of one entry the later member first, as everything here.
        let place = |one: &CheckChange| (one.transition.index, one.check.node.clone(), one.check.id.clone());
        changes.sort_by_cached_key(|one| Reverse(place(one)));
        changes.truncate(args.count);
        Some(changes)
    }
}

/// The checks of a service's instances, and those of the nodes that they are on; `None` if there is no instance.
fn bearing_on<'a>(state: &'a State, ctx: &Context, name: &ServiceName) -> Option<Vec<&'a Arc<Check>>> {
    let catalog = state.catalog();
    let (mut nodes, mut checks) = (BTreeSet::<NodeName>::new(), Vec::new());
    let mut there = false;
    for service in catalog.instances(&ctx.namespace, name) {
        there = true;
        checks.extend(catalog.checks_of(service));
        if nodes.insert(service.node.clone()) {
            checks.extend(catalog.checks_of_node(&service.node));
        }
    }
    there.then_some(checks)
}

fn changes_of<'a>(state: &'a State, check: &'a Arc<Check>) -> impl Iterator<Item = CheckChange> + 'a {
    let kept = state.catalog().transitions(&check.node, &check.namespace, &check.id);
    let kept = kept.into_iter().flat_map(|kept| kept.iter());
    kept.map(|transition| CheckChange { check: Arc::clone(check), transition: transition.clone() })
}
