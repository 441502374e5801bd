//! The Rust client of Konsul's HTTP API, and so of any Consul agent: typed calls over `/v1`.
//!
//! It is what the command line, templates and tests use; the server never does. It knows no state, takes no lock and
//! retries nothing by itself except what was provably never sent: a write whose outcome is unknown is told as such.
//!
//! # The life of a call
//!
//! A [`Client`] is made from a [`ClientConfig`], usually [`ClientConfig::from_env`]. A method such as
//! [`Kv::get`](kv::Kv::get) builds a request, [`transport`] adds the token, namespace and datacentre and sends it over a
//! kept connection; the answer comes back as an [`Answer`] with the index to wait on, or as an [`Error`] that says what to
//! do next. A blocking read is the same call with [`ReadOptions::wait_for`]; [`blocking::Watch`] holds the index between
//! two of them and applies the rule for an index that went backwards.
//!
//! # What is missing on purpose
//!
//! No TLS and no unix sockets yet: [`transport`] is the one place where they arrive, and an address that asks for them is
//! refused with that reason instead of being spoken to in clear. No caching, no retries of writes.

pub mod agent;
pub mod array;
pub mod blocking;
pub mod config;
mod encode;
pub mod error;
pub mod event;
pub mod kv;
pub mod operator;
pub mod options;
mod request;
pub mod session;
pub mod snapshot;
pub mod status;
pub mod transport;
pub mod txn;
mod wire;

use std::sync::Arc;

pub use config::{ClientConfig, Token};
pub use error::Error;
pub use options::{Answer, Consistency, Meta, ReadOptions, WriteOptions};

use transport::Transport;

/// A handle on one agent. Cloning it is cheap and shares its connections.
#[derive(Debug, Clone)]
pub struct Client {
    transport: Arc<Transport>,
}

impl Client {
    /// A client for the address in `config`. Nothing is dialled yet.
    pub fn new(config: ClientConfig) -> Client {
        Client { transport: Arc::new(Transport::new(config)) }
    }

    /// The address it speaks to, as `host:port`.
    pub fn address(&self) -> &str {
        self.transport.authority()
    }

    /// The key-value store.
    pub fn kv(&self) -> kv::Kv<'_> {
        kv::Kv(&self.transport)
    }

    /// Transactions.
    pub fn txn(&self) -> txn::Txn<'_> {
        txn::Txn(&self.transport)
    }

    /// Sessions.
    pub fn session(&self) -> session::Sessions<'_> {
        session::Sessions(&self.transport)
    }

    /// Events.
    pub fn event(&self) -> event::Events<'_> {
        event::Events(&self.transport)
    }

    /// Leader and peers.
    pub fn status(&self) -> status::Status<'_> {
        status::Status(&self.transport)
    }

    /// Backups.
    pub fn snapshot(&self) -> snapshot::Snapshots<'_> {
        snapshot::Snapshots(&self.transport)
    }

    /// The agent itself.
    pub fn agent(&self) -> agent::Agent<'_> {
        agent::Agent(&self.transport)
    }

    /// The cluster.
    pub fn operator(&self) -> operator::Operator<'_> {
        operator::Operator(&self.transport)
    }
}
