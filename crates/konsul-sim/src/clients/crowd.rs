//! Starts the clients of a plan.

use std::sync::atomic::Ordering;

use konsul_runtime::virtual_time::Node;

use super::{
    Client, Common, backups, bound, deposed, events, followers, health, keys, locks, queries, queues,
    registers, registry, registry_txns, retries, txns, waiters,
};

/// Starts a client by its body and counts its end.
macro_rules! start {
    ($node:expr, $common:expr, $next:expr, $body:path) => {{
        *$next += 1;
        let client = Client::new(*$next, $common.clone());
        let control = $common.control.clone();
        drop($node.spawn(async move {
            $body(client).await;
            control.ended.fetch_add(1, Ordering::Relaxed);
        }));
    }};
}

/// Starts all of them on a node; answers how many there are.
pub fn spawn_all(node: &Node, common: &Common) -> u64 {
    let kinds = common.plan.clients;
    let mut last = 0u32;
    let next = &mut last;
    for _ in 0..common.plan.crowd {
        if kinds.keys {
            start!(node, common, next, keys::run);
        }
        if kinds.registers {
            start!(node, common, next, registers::run);
            start!(node, common, next, registers::run);
        }
        if kinds.locks {
            start!(node, common, next, locks::run);
            start!(node, common, next, locks::run);
            start!(node, common, next, queues::run);
            start!(node, common, next, queues::run);
        }
        if kinds.txns {
            start!(node, common, next, txns::run);
        }
        if kinds.events {
            start!(node, common, next, events::run);
        }
        if kinds.retries {
            start!(node, common, next, retries::run);
        }
        if kinds.waiters {
            start!(node, common, next, waiters::run);
            start!(node, common, next, waiters::run);
        }
        if kinds.followers {
            start!(node, common, next, followers::subscribe);
            start!(node, common, next, followers::park);
        }
        if kinds.deposed {
            start!(node, common, next, deposed::run);
        }
    }
    if kinds.backups {
        start!(node, common, next, backups::run);
    }
    services(node, common, next);
    u64::from(last)
}

/// Those who register, watch and lean on what is registered.
fn services(node: &Node, common: &Common, next: &mut u32) {
    let kinds = common.plan.services;
    for _ in 0..common.plan.crowd {
        if kinds.registry {
            start!(node, common, next, registry::run);
            start!(node, common, next, registry::run);
        }
        if kinds.registry_txns {
            start!(node, common, next, registry_txns::run);
        }
        if kinds.health {
            start!(node, common, next, health::run);
            start!(node, common, next, health::run);
        }
        if kinds.bound {
            start!(node, common, next, bound::run);
            start!(node, common, next, bound::run);
        }
        if kinds.queries {
            start!(node, common, next, queries::run);
        }
    }
}
