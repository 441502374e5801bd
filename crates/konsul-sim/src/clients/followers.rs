//! Followers of the feed: subscriptions that are cut and resumed, and readers that park.

use std::sync::Arc;

use konsul_operations::Error;
use konsul_operations::ports::Replica;
use konsul_runtime::time::{Duration, now, sleep};
use konsul_types::{Index, Namespace};
use konsul_watch::{Delivery, Start, Topic, Wake};

use super::{Client, key, keys, registry};
use crate::desk::Counter;
use crate::history::{Seen, Stretch, Woken};

const LONG: Duration = Duration::from_secs(30);

/// Follows one topic for as long as the run lasts, over restarts, in stretches.
pub(super) async fn subscribe(mut client: Client) {
    let topic = topic(&mut client);
    let mut after = Index::ZERO;
    while client.goes_on() {
        let stretch = Ask {
            topic: topic.clone(),
            after,
            deliveries: 1 + client.below(30),
            // A slow one falls out of a short history.
            slow_ms: if client.one_in(2) { 0 } else { client.below(400) },
            bookmarks: client.one_in(3),
            subscriber: client.id,
        };
        let heard = client.ask(LONG, move |counter| follow(counter, stretch)).await;
        if let Some(stretch) = heard.ok() {
            after = stretch.position;
            client.common.history.journals().stretches.push(stretch);
        }
        client.think(30).await;
    }
}

fn topic(client: &mut Client) -> Topic {
    let namespace = client.namespace();
    if client.common.plan.services.registry && client.one_in(2) {
        return topic_of_services(client, namespace);
    }
    match client.below(8) {
        0 => Topic::Key(namespace, key(&keys::name(client))),
        1 | 2 => Topic::Prefix(namespace, Arc::from(keys::prefix(client))),
        3 => Topic::Namespace(namespace),
        4 => Topic::Sessions(namespace),
        5 => Topic::Events,
        _ => Topic::All,
    }
}

fn topic_of_services(client: &mut Client, namespace: Namespace) -> Topic {
    match client.below(8) {
        0 | 1 => Topic::Service(namespace, registry::service_name(client).folded()),
        2 | 3 => Topic::PassingService(namespace, registry::service_name(client).folded()),
        4 => Topic::Services(namespace),
        5 => Topic::Node(registry::node_name(client).folded()),
        6 => Topic::Nodes,
        _ => Topic::Checks,
    }
}

struct Ask {
    topic: Topic,
    after: Index,
    deliveries: u64,
    slow_ms: u64,
    bookmarks: bool,
    subscriber: u32,
}

/// The server's side of a stretch.
async fn follow(counter: Counter, ask: Ask) -> Result<Stretch, Error> {
    // The state may not have been replayed up to where the subscriber stood: whoever serves it waits for that.
    counter.port.barrier().await?;
    let full = |full: konsul_watch::FeedFull| Error::Busy { what: full.what, limit: full.limit as u64 };
    let mut subscription =
        counter.port.feed().subscribe(ask.topic.clone(), Start::After(ask.after)).map_err(full)?;
    if ask.bookmarks {
        subscription = subscription.with_bookmarks(Duration::from_millis(40));
    }
    let mut seen = Vec::new();
    let until = now() + Duration::from_secs(4);
    for _ in 0..ask.deliveries {
        let next = konsul_runtime::time::timeout_at(until, subscription.next()).await;
        let Ok(delivery) = next else { break };
        match delivery {
            Delivery::Batch(batch) => {
                seen.push(Seen::Batch(batch.index(), batch.changes().cloned().collect()));
            }
            Delivery::Reset { resume, .. } => {
                let snapshot = counter.port.state().index();
                subscription.go_on_after(snapshot);
                seen.push(Seen::Reset { resume, snapshot });
            }
            Delivery::Bookmark(index) => seen.push(Seen::Bookmark(index)),
        }
        if ask.slow_ms > 0 {
            sleep(Duration::from_millis(ask.slow_ms)).await;
        }
    }
    let position = subscription.position();
    Ok(Stretch { topic: ask.topic, after: ask.after, seen, position, subscriber: ask.subscriber })
}

/// Parks on topics, one after the other, and notes by what it was woken.
pub(super) async fn park(mut client: Client) {
    while client.goes_on() {
        let topic = topic(&mut client);
        let wait = Duration::from_millis(50 + client.below(2_000));
        let woken = client.ask(LONG, move |counter| parked(counter, topic, wait)).await;
        if let Some(Some(woken)) = woken.ok() {
            client.common.history.journals().woken.push(woken);
        }
        client.think(20).await;
    }
}

async fn parked(counter: Counter, topic: Topic, wait: Duration) -> Result<Option<Woken>, Error> {
    let feed = counter.port.feed();
    let full = |full: konsul_watch::FeedFull| Error::Busy { what: full.what, limit: full.limit as u64 };
    let mut parked = feed.park(topic.clone(), feed.head()).map_err(full)?;
    counter.port.barrier().await?;
    let knew = counter.port.state().index();
    parked.has_read(knew);
    Ok(match parked.wait(now() + wait).await {
        Wake::Changed(by) => Some(Woken { topic, knew, by }),
        Wake::Reset | Wake::Timeout => None,
    })
}
