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
//! No caching, and no retries of writes over `/v1`. No HTTP/2: one connection for each call under way is what the server
//! is built for. The connections themselves (TCP, TLS, unix sockets) are made in `connector`.

pub mod agent;
pub mod blocking;
pub mod catalog;
pub mod config;
mod connector;
mod encode;
pub mod error;
pub mod event;
pub mod health;
pub mod kv;
pub mod operator;
pub mod options;
mod request;
pub mod session;
pub mod snapshot;
pub mod status;
mod tls;
pub mod transport;
pub mod txn;
pub mod v2;
mod wire;

use std::sync::Arc;

/// A JSON array read element by element, and the forms in which keys are written down.
pub use konsul_api::exchange::{self, array};

pub use config::{ClientConfig, TlsOptions, Token};
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

    /// The same, refusing a configuration whose files cannot be used. [`Client::new`] leaves that to the first call.
    ///
    /// # Errors
    /// [`Error::Config`] that names the file.
    pub fn connect(config: ClientConfig) -> Result<Client, Error> {
        let client = Client::new(config);
        client.transport.usable().map(|()| client)
    }

    /// The address it speaks to: `host:port`, `https://host:port` or `unix://path`.
    pub fn address(&self) -> &str {
        self.transport.address()
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

    /// The catalogue, as Consul's API tells it.
    pub fn catalog(&self) -> catalog::Catalog<'_> {
        catalog::Catalog(&self.transport)
    }

    /// Instances and checks, as the server writes them.
    pub fn health(&self) -> health::Health<'_> {
        health::Health(&self.transport)
    }

    /// The agent itself.
    pub fn agent(&self) -> agent::Agent<'_> {
        agent::Agent(&self.transport)
    }

    /// Konsul's own API.
    pub fn v2(&self) -> v2::V2<'_> {
        v2::V2::new(&self.transport)
    }

    /// The cluster.
    pub fn operator(&self) -> operator::Operator<'_> {
        operator::Operator(&self.transport)
    }
}
