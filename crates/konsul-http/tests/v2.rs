//! `/v2` around real operations: every operation, what it answers, and every way in which a request can be wrong. Each
//! answer is held to the OpenAPI document.

#![allow(
    dead_code,
    unreachable_pub,
    reason = "the server is held for its drop; helpers are for the files beside"
)]
#![allow(clippy::unwrap_used, reason = "what goes wrong in a test ends it")]

#[path = "v2/agreement.rs"]
mod agreement;
#[path = "v2/api.rs"]
mod api;
#[path = "v2/bad_input.rs"]
mod bad_input;
#[path = "v2/batches.rs"]
mod batches;
#[path = "v2/discovery.rs"]
mod discovery;
#[path = "v2/every.rs"]
mod every;
#[path = "v2/keys.rs"]
mod keys;
#[path = "v2/locks.rs"]
mod locks;
#[path = "v2/others.rs"]
mod others;
mod support;
#[path = "v2/transfers.rs"]
mod transfers;
