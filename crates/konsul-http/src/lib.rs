//! The HTTP edge: turns requests into operations and their answers into bytes.
//!
//! What it is not: it decides nothing. It knows no state, no log and no rule of who may do what; all of that lies behind
//! [`Operations`](konsul_operations::Operations). It owns what clients can see and nobody else may know: paths, query
//! strings, headers, status codes, bodies, and how long a connection may take.
//!
//! # The life of a request
//!
//! 1. [`Server`] accepts a connection, counts it against the caps (`connections`), and gives it to hyper over
//!    `stream::Stream`, which notes when it waits for bytes and when it cannot write.
//! 2. hyper parses the head and calls `service`, which decodes path and query once, finds the route in the table
//!    [`v1::route`], and runs the fixed order of checks of Consul's pipeline (`v1::pipeline`).
//! 3. The route's handler reads everything that it needs from the borrowed head *synchronously* and returns a future
//!    that owns its arguments. By the time the future parks, the head's bytes are gone: a parked reader costs hyper's
//!    buffers and little more.
//! 4. The future calls one operation and makes a `v1::reply::Reply` of its answer; `v1::error` has the one table
//!    from refusals and failures to status and text.
//! 5. The reply becomes a response: indented if `?pretty` asks for it, compressed if it is large and the client takes
//!    that, with Consul's headers. [`Observer`] is told what it was and how long it took.
//!
//! A client that closes its socket, or its sending half, ends the future of its request: hyper goes on reading while an
//! answer is awaited, sees the end, and drops it. It does not read past bytes of a next request; for a request that waits
//! for something to happen, `stream` then looks itself whether the client is still there.
//!
//! # Time
//!
//! There is no timer for a request. A sweep (`connections`) looks at all connections several times a second and cuts
//! those whose head does not come to an end, that are idle too long, or that do not take their answer. Bodies have a
//! deadline that grows with what has arrived (`intake`).
//!
//! # What is missing on purpose
//!
//! There are no redirects, so that no write is ever repeated as a read or under another key. Tokens are not looked at
//! yet; they are never logged, and never echoed.

pub mod docs;
mod encoding;
mod headers;
mod host;
mod intake;
mod listener;
mod network;
mod observe;
mod outgoing;
mod outside;
mod paced;
mod server;
mod service;
mod settings;
pub mod v1;
pub mod v2;

pub(crate) mod connection;
pub(crate) mod connections;
pub(crate) mod stream;

pub use listener::Listener;
pub use network::{Network, NetworkError};
pub use observe::{Answered, NoObserver, Observer, Slot};
pub use server::{Server, Stopped};
pub use settings::{Limits, Settings, Streams, Timeouts};

/// The id of every operation that a request may be counted under, `other` for what reaches none; some stand twice.
pub fn operation_ids() -> impl Iterator<Item = &'static str> {
    let verbs = v1::route::ROUTES.iter().flat_map(|route| route.verbs).map(|verb| verb.operation);
    let known = konsul_operations::catalogue::OPERATIONS.iter().map(|operation| operation.id);
    known.chain(verbs).chain([v1::pipeline::NO_OPERATION])
}

/// Bytes that the future of one connection takes, without what hyper and a handler put on the heap.
pub const CONNECTION_BYTES: usize = size_of::<connection::Connection>();
