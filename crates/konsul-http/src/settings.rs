//! What the edge can be told by configuration. The agent fills this in; every default is Consul's where it has one.

use http::{HeaderName, HeaderValue};
use konsul_runtime::time::Duration;

use crate::network::Network;

/// The edge's options.
#[derive(Debug, Clone, Default)]
pub struct Settings {
    /// Bounds on sizes and counts.
    pub limits: Limits,
    /// Bounds on time.
    pub timeouts: Timeouts,
    /// How streams of changes are served.
    pub streams: Streams,
    /// Headers that are put on every answer of `/v1`, errors included (`http_config.response_headers`).
    pub response_headers: Vec<(HeaderName, HeaderValue)>,
    /// Paths that begin with one of these are refused (`http_config.block_endpoints`).
    pub block_endpoints: Vec<String>,
    /// Where writes may come from; empty for anywhere (`http_config.allow_write_http_from`).
    pub allow_write_from: Vec<Network>,
    /// Lets paths with characters that cannot be printed pass (`disable_http_unprintable_char_filter`).
    pub allow_unprintable: bool,
    /// Indents every answer, as `-dev` does.
    pub always_pretty: bool,
}

/// Bounds on sizes and counts.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Most connections at once. Over it a connection is answered `503` and closed.
    pub connections: usize,
    /// Most connections at once of one address, or of one IPv6 network of 64 bits (`limits.http_max_conns_per_client`).
    /// Over it a connection is answered `429` and closed. Zero for no bound.
    pub connections_per_source: usize,
    /// Most bytes of a request's head; at least 8192. Over it the answer is `431`.
    pub head_bytes: usize,
    /// Most bytes of one value (`limits.kv_max_value_size`). Over it the answer is `413`.
    pub value_bytes: u64,
    /// Most bytes of a transaction's body (`limits.txn_max_req_len`); the value's bound if that is larger.
    pub txn_bytes: u64,
    /// Most bytes of an event's payload.
    pub event_bytes: u64,
    /// Most bytes of any other body that is read whole.
    pub body_bytes: u64,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            connections: 65_536,
            connections_per_source: 200,
            head_bytes: 64 * 1024,
            value_bytes: 512 * 1024,
            txn_bytes: 512 * 1024,
            event_bytes: konsul_types::event::EVENT_PAYLOAD_MAX as u64,
            body_bytes: 1024 * 1024,
        }
    }
}

/// How streams of changes are served.
#[derive(Debug, Clone)]
pub struct Streams {
    /// After how much silence a stream says that it lives, and where it stands. A client of a WebSocket that has not
    /// answered the ping of four of these is taken for dead.
    pub heartbeat: Duration,
    /// How long a stream that ends may take to get its last words out.
    pub linger: Duration,
    /// How long what there is may take on its way out, before [`Streams::snapshot_bytes_per_second`] adds to it. Until it
    /// is out, the state that it is of is kept.
    pub snapshot: Duration,
    /// Each of so many bytes that went out gives it another second.
    pub snapshot_bytes_per_second: u64,
    /// Most bytes that wait in a stream's own buffer for the socket. One event more may lie on top.
    pub queue_bytes: usize,
    /// Most bytes of a message from the client of a WebSocket.
    pub message_bytes: usize,
    /// Most subscriptions of one WebSocket.
    pub subscriptions: usize,
}

impl Default for Streams {
    fn default() -> Streams {
        Streams {
            heartbeat: Duration::from_secs(15),
            linger: Duration::from_secs(5),
            snapshot: Duration::from_secs(30),
            snapshot_bytes_per_second: 64 * 1024,
            queue_bytes: 64 * 1024,
            message_bytes: 64 * 1024,
            subscriptions: 4096,
        }
    }
}

/// Bounds on time.
#[derive(Debug, Clone)]
pub struct Timeouts {
    /// From the first byte of a head to its last.
    pub head: Duration,
    /// From one answer to the next request. Longer than the 90 seconds after which Go's clients drop a connection, so that
    /// it is seldom the server that closes one that a client is about to use.
    pub idle: Duration,
    /// For a body to arrive, before [`Timeouts::body_bytes_per_second`] adds to it.
    pub body: Duration,
    /// Each of so many bytes that arrived gives a body another second.
    pub body_bytes_per_second: u64,
    /// How long a client may take no byte of its answer.
    pub write: Duration,
    /// How long a blocking query waits where the client says nothing (`http_config.default_query_time`).
    pub default_wait: Duration,
    /// How long it waits at most (`http_config.max_query_time`).
    pub max_wait: Duration,
}

impl Default for Timeouts {
    fn default() -> Timeouts {
        Timeouts {
            head: Duration::from_secs(10),
            idle: Duration::from_secs(180),
            body: Duration::from_secs(30),
            body_bytes_per_second: 1024,
            write: Duration::from_secs(30),
            default_wait: Duration::from_secs(300),
            max_wait: Duration::from_secs(600),
        }
    }
}
