//! Brings the catalogue to agree with what is held: at once after a change, and by itself once a minute.

use std::sync::Arc;

use konsul_operations::ports::Replica as _;
use konsul_runtime::select;
use konsul_runtime::time::{self, Duration, Instant};
use konsul_types::{CatalogCommand, Command, Index, Node, Outcome};
use konsul_watch::Topic;

use super::local::Shared;
use super::plan;

/// Everything is compared at least so often.
const EVERYTHING_EVERY: Duration = Duration::from_secs(60);

/// After an attempt that failed, the next one.
const AGAIN_AFTER: Duration = Duration::from_millis(500);

/// Runs for as long as the agent.
pub(super) async fn run(shared: Arc<Shared>) {
    let mut compared: Option<Instant> = None;
    let mut own = Index::ZERO;
    loop {
        let due = compared.is_none_or(|at| at + EVERYTHING_EVERY <= time::now());
        if due && leads(&shared) {
            let state = shared.replica.state();
            let mut held = shared.held();
            let all = plan::everything(&held, &state, &shared.node.name);
            held.mark_again(all);
            compared = Some(time::now());
        }
        if let Err(why) = round(&shared, &mut own).await {
            tracing::debug!(%why, "the catalogue could not be told of registrations");
            wait_for_news(&shared, time::now() + AGAIN_AFTER, &mut own, &mut None).await;
            continue;
        }
        let next = compared.map_or(time::now() + AGAIN_AFTER, |at| at + EVERYTHING_EVERY);
        wait_for_news(&shared, next, &mut own, &mut compared).await;
    }
}

fn leads(shared: &Shared) -> bool {
    shared.replica.lease().is_ok() && shared.replica.state().feature_level() >= 3
}

/// Compares what is marked, and proposes what differs. Whoever waits is told that it was tried, also if it failed.
async fn round(shared: &Shared, own: &mut Index) -> Result<(), String> {
    let (marked, version) = {
        let mut held = shared.held();
        (held.take_marked(), held.version)
    };
    if marked.is_empty() {
        shared.synced.send_replace(version);
        return Ok(());
    }
    let result = if leads(shared) { agree(shared, &marked, own).await } else { Err("nobody leads".into()) };
    if result.is_err() {
        shared.held().mark_again(marked);
    }
    shared.synced.send_replace(version);
    result
}

async fn agree(shared: &Shared, marked: &super::held::Marked, own: &mut Index) -> Result<(), String> {
    let commands = {
        let state = shared.replica.state();
        let name = &shared.node.name;
        let node = state.catalog().node(name).map_or_else(|| shared.node.clone(), |node| Node::clone(node));
        plan::commands(&shared.held(), &state, &node, marked)
    };
    let mut commands = commands.into_iter().peekable();
    while commands.peek().is_some() {
        let some: Vec<CatalogCommand> = commands.by_ref().take(plan::COMMANDS_IN_ONE).collect();
        let command = Command::Catalog(CatalogCommand::Each(some));
        let (index, outcome) = shared.replica.propose(None, command).await.map_err(|why| why.to_string())?;
        *own = index;
        refused(&outcome)?;
    }
    Ok(())
}

/// A refusal is the state's to explain. One of a check that went meanwhile is put right by the next comparison.
fn refused(outcome: &Outcome) -> Result<(), String> {
    let Outcome::Each(each) = outcome else { return Err(format!("an unexpected outcome: {outcome:?}")) };
    match each.iter().flatten().next() {
        None => Ok(()),
        Some(why) => {
            tracing::warn!(%why, "the catalogue refuses a registration of this agent");
            Ok(())
        }
    }
}

/// Waits until something is marked, somebody else changed what is registered of this node, or time is up. A change of
/// somebody else's makes everything due.
async fn wait_for_news(shared: &Shared, until: Instant, own: &mut Index, compared: &mut Option<Instant>) {
    let feed = shared.replica.feed();
    let Ok(mut parked) = feed.park(Topic::Node(shared.node.name.folded()), feed.head()) else {
        time::sleep(AGAIN_AFTER).await;
        return;
    };
    parked.has_read(*own);
    select! {
        () = shared.marked.notified() => {}
        wake = parked.wait(until) => {
            if let konsul_watch::Wake::Changed(index) = wake && index > *own {
                *compared = None;
            }
        }
    }
}
