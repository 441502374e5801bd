//! Every bound in force: those that all replicas share, those of the waist, and those that the agent holds.

use konsul_state::catalog::{CHECKS_MAX, CHECKS_OF_ONE_MAX, INSTANCES_MAX, NODES_MAX};
use konsul_state::queries::QUERIES_MAX;
use konsul_types::Limits;
use konsul_types::batch::BATCH_OPS_MAX;
use konsul_types::catalog::CHECK_OUTPUT_MAX;
use konsul_types::definition::SERVICE_META_PAIRS_MAX;
use konsul_types::event::{EVENT_PAYLOAD_MAX, EVENTS_KEPT};
use konsul_types::lock::LOCK_VALUE_MAX;
use konsul_types::names::{CATALOG_NAME_BYTES_MAX, KEY_BYTES_MAX, LOCK_NAME_BYTES_MAX};
use konsul_types::node::TRANSITIONS_KEPT;
use konsul_types::txn::TXN_OPS_MAX;

use super::pages::PAGE_MAX;
use super::reads::answer;
use super::{Inner, OperationLimits};
use crate::answer::Answer;
use crate::context::Context;
use crate::error::Error;
use crate::permission::Permission;
use crate::ports::{Bound, Replica};

impl<R: Replica> Inner<R> {
    pub(crate) async fn limits(&self, ctx: &Context) -> Result<Answer<Vec<Bound>>, Error> {
        self.permit(ctx, &Permission::OperatorRead)?;
        let staleness = self.fresh(ctx).await?;
        let state = self.replica.state();
        let mut bounds = replicated(&state.limits());
        bounds.extend(fixed());
        bounds.extend(of_catalog());
        bounds.extend(of_waist(&self.limits));
        bounds.extend(self.agent.bounds());
        bounds.sort_unstable_by_key(|bound| bound.name);
        Ok(answer(bounds, state.index(), ctx.consistency, staleness))
    }
}

const fn bound(
    name: &'static str,
    value: u64,
    unit: &'static str,
    per: &'static str,
    at_bound: &'static str,
) -> Bound {
    Bound { name, value, unit, per, at_bound }
}

/// The bounds that are state.
fn replicated(limits: &Limits) -> Vec<Bound> {
    // Taken apart, so that a new one cannot be left out.
    let Limits { kv, value_bytes, sessions, request_window_ms, requests, history_bytes, locks, lock_queue } =
        *limits;
    vec![
        bound("kv_max_keys", kv.keys, "keys", "namespace", "quota"),
        bound("kv_max_bytes", kv.bytes, "bytes", "namespace", "quota"),
        bound("kv_max_value_size", value_bytes, "bytes", "value", "value_too_large"),
        bound("kv_history_bytes", history_bytes, "bytes", "namespace", "the oldest versions are forgotten"),
        bound("sessions", sessions, "sessions", "namespace", "quota"),
        bound("locks", locks, "locks", "namespace", "quota"),
        bound("lock_queue", lock_queue, "sessions", "lock", "lock_queue_full"),
        bound("request_window", request_window_ms, "milliseconds", "idempotency key", "request_expired"),
        bound("requests", requests, "idempotency keys", "cluster", "too_many_requests"),
    ]
}

/// The bounds of the formats.
fn fixed() -> [Bound; 8] {
    [
        bound("key_bytes", KEY_BYTES_MAX as u64, "bytes", "key", "invalid_argument"),
        bound("lock_name_bytes", LOCK_NAME_BYTES_MAX as u64, "bytes", "lock name", "invalid_argument"),
        bound("lock_value_bytes", LOCK_VALUE_MAX as u64, "bytes", "lock holder", "too_large"),
        bound("txn_operations", TXN_OPS_MAX as u64, "operations", "transaction", "too_large"),
        bound("batch_operations", BATCH_OPS_MAX as u64, "operations", "batch", "too_large"),
        bound(
            "page_items",
            PAGE_MAX as u64,
            "items",
            "page",
            "the page ends, and says where the next begins",
        ),
        bound("event_payload_bytes", EVENT_PAYLOAD_MAX as u64, "bytes", "event", "too_large"),
        bound("events_kept", EVENTS_KEPT as u64, "events", "cluster", "the oldest events are forgotten"),
    ]
}

/// The bounds of the catalogue and of prepared queries.
fn of_catalog() -> [Bound; 10] {
    let name = CATALOG_NAME_BYTES_MAX as u64;
    let filter = konsul_filter::limits::EXPRESSION_BYTES_MAX as u64;
    [
        bound("catalog_nodes", NODES_MAX, "nodes", "cluster", "quota"),
        bound("catalog_instances", INSTANCES_MAX, "instances", "cluster", "quota"),
        bound("catalog_checks", CHECKS_MAX, "checks", "cluster", "quota"),
        bound("catalog_checks_of_one", CHECKS_OF_ONE_MAX as u64, "checks", "node or instance", "quota"),
        bound("catalog_name_bytes", name, "bytes", "name or id of a service or check", "invalid_argument"),
        bound(
            "catalog_meta_pairs",
            SERVICE_META_PAIRS_MAX as u64,
            "pairs",
            "node or instance",
            "invalid_argument",
        ),
        bound("check_output_bytes", CHECK_OUTPUT_MAX as u64, "bytes", "check", "too_large"),
        bound(
            "check_transitions",
            TRANSITIONS_KEPT as u64,
            "transitions",
            "check",
            "the oldest are forgotten",
        ),
        bound("filter_bytes", filter, "bytes", "expression", "bad_filter"),
        bound("prepared_queries", QUERIES_MAX, "queries", "cluster", "quota"),
    ]
}

fn of_waist(limits: &OperationLimits) -> [Bound; 2] {
    let OperationLimits { session_ttl_min_ms, leader_wait_ms, write_wait_ms: _ } = *limits;
    [
        bound("session_ttl_min", session_ttl_min_ms, "milliseconds", "session", "invalid_argument"),
        bound("leader_wait", leader_wait_ms, "milliseconds", "request", "no_leader"),
    ]
}
