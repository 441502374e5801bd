//! How the targets of alias checks stand, as the catalogue tells it.

use std::sync::Arc;

use konsul_checks::{Alias, TargetCheck, TargetHealth, Targets};
use konsul_operations::ports::Replica as _;
use konsul_replica::ServerReplica;
use konsul_runtime::sync::watch;
use konsul_runtime::time::{self, Duration};
use konsul_runtime::{select, spawn};
use konsul_state::State;
use konsul_types::{NodeName, ServiceId};
use konsul_watch::Topic;

/// Even without news the target is looked at so often.
const LOOK: Duration = Duration::from_secs(60);

/// The catalogue as alias checks see it.
pub(super) struct CatalogTargets {
    pub(super) replica: Arc<ServerReplica>,
    pub(super) node: NodeName,
}

impl Targets for CatalogTargets {
    fn watch(&self, alias: &Alias) -> watch::Receiver<TargetHealth> {
        let node = alias.node.clone().unwrap_or_else(|| self.node.clone());
        let (tell, told) = watch::channel(stands(&self.replica.state(), &node, alias));
        spawn(follow(Arc::clone(&self.replica), node, alias.clone(), tell));
        told
    }
}

/// Looks again after each change of a check, or of the node and what is on it, as long as somebody listens.
async fn follow(
    replica: Arc<ServerReplica>,
    node: NodeName,
    alias: Alias,
    tell: watch::Sender<TargetHealth>,
) {
    loop {
        let feed = replica.feed();
        let (head, until) = (feed.head(), time::now() + LOOK);
        let parked = (feed.park(Topic::Checks, head), feed.park(Topic::Node(node.folded()), head));
        let health = stands(&replica.state(), &node, &alias);
        tell.send_if_modified(|told| {
            let news = *told != health;
            *told = health;
            news
        });
        match parked {
            (Ok(checks), Ok(services)) => select! {
                _ = checks.wait(until) => {}
                _ = services.wait(until) => {}
            },
            // The feed has no seat left: look again in a while.
            _ => time::sleep(Duration::from_secs(1)).await,
        }
        if tell.receiver_count() == 0 {
            return;
        }
    }
}

fn stands(state: &State, node: &NodeName, alias: &Alias) -> TargetHealth {
    let catalog = state.catalog();
    let mut checks: Vec<_> = catalog.checks_of_node(node).collect();
    if let Some(service) = &alias.service {
        let id = ServiceId::new(service.as_str()).ok();
        let Some(found) = id.and_then(|id| catalog.service(node, &alias.namespace, &id)) else {
            return TargetHealth::Absent;
        };
        checks.extend(catalog.checks_of(found));
    } else if catalog.node(node).is_none() {
        return TargetHealth::Absent;
    }
    let told = checks.into_iter().map(|check| TargetCheck {
        name: check.name.as_str().into(),
        status: check.status,
        output: check.output.as_str().into(),
    });
    TargetHealth::Checks(told.collect())
}
