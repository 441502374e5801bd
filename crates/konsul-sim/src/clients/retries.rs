//! Requests with an id: sent again after an unknown outcome, after a known one, after restarts, and much too late.

use std::sync::atomic::Ordering;

use konsul_operations::arguments::KvPut;
use konsul_operations::{Context, Error, Operations};
use konsul_runtime::time::Duration;
use konsul_types::{Index, Namespace, PutMode};

use super::{Client, PATIENCE, key};
use crate::desk::Heard;

/// A request that may be sent again.
#[derive(Clone)]
struct Request {
    ctx: Context,
    args: KvPut,
}

/// How many old requests a client remembers.
const REMEMBERED: usize = 24;

/// Does so until the run ends.
pub(super) async fn run(mut client: Client) {
    let mut old: Vec<Request> = Vec::new();
    while client.goes_on() {
        let request =
            if !old.is_empty() && client.one_in(3) { client.pick(&old).clone() } else { fresh(&mut client) };
        until_known(&mut client, &request).await;
        old.push(request);
        if old.len() > REMEMBERED {
            let forgotten = client.below(REMEMBERED as u64) as usize;
            old.swap_remove(forgotten);
        }
        client.think(25).await;
    }
}

fn fresh(client: &mut Client) -> Request {
    let namespace = Namespace::default_namespace();
    let ctx = Context { request: Some(client.request().into()), ..Context::new(namespace) };
    // Half of them can succeed only once by their own condition, half would succeed each time.
    let mode = if client.one_in(2) { PutMode::Set } else { PutMode::Cas(Index::ZERO) };
    let name = format!("once/{}", client.below(9));
    let args = KvPut { key: key(&name), value: client.value(), flags: 0, mode, ttl_ms: None };
    Request { ctx, args }
}

/// Sends it until the outcome is known, with little patience.
async fn until_known(client: &mut Client, request: &Request) {
    for attempt in 0..6 {
        if attempt > 0 {
            client.common.control.retried.fetch_add(1, Ordering::Relaxed);
        }
        let patience = if client.one_in(3) { Duration::from_millis(1 + client.below(4)) } else { PATIENCE };
        let Request { ctx, args } = request.clone();
        let heard = client.ask(patience, move |c| async move { c.operations.kv_put(&ctx, args).await }).await;
        let known = matches!(heard, Heard::Answer(Ok(_) | Err(Error::Refused(_))));
        // Sometimes once more although all is said.
        if known && !client.one_in(4) {
            return;
        }
        client.think(30).await;
    }
}
