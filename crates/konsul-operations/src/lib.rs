//! The waist: one function for each operation that Konsul offers, whatever edge it comes in by.
//!
//! An edge (HTTP v1 and v2, later GraphQL, DNS, xDS) turns its bytes into typed arguments and a [`Context`], calls one
//! method of [`Operations`], and turns the answer or the [`Error`] back into its own bytes. Everything that must hold for
//! all edges alike happens here, once: naming and checking the permission, freshness of reads, blocking, proposing, and the
//! meaning of refusals.
//!
//! What it is not: it knows no HTTP status, no JSON, no header; no log, no disk, no consensus. What it needs of those it
//! names as ports ([`ports::Replica`], [`ports::LocalAgent`]) that `konsul-replica` and `konsul-agent` implement.
//!
//! # The life of an operation
//!
//! 1. The edge builds a [`Context`]: namespace, consistency, deadline, request id, identity.
//! 2. [`Local`] (the implementation on a server) asks [`permission`] whether the identity may do this. Until the engine of
//!    rules arrives all is allowed, and the agent refuses to listen beyond loopback.
//! 3. A write becomes one `Command` and goes to [`ports::Replica::propose`]; its outcome becomes the answer or an error.
//! 4. A read makes sure that the state is as fresh as the context asks ([`freshness`](local::Local)), takes one consistent
//!    state, and queries it. A blocking read parks in the change feed *before* it reads, so that nothing slips between.
//!
//! # What is missing on purpose
//!
//! There is no second, remote kind of read: an operation travels whole to whoever has the state. There are no route names:
//! an operation has one id ([`catalogue`]), which is the metric label, the audit verb and the name in each API.

pub mod answer;
pub mod arguments;
pub mod backups;
pub mod balance;
pub mod catalogue;
pub mod context;
pub mod dependencies;
pub mod error;
pub mod figures;
pub mod filters;
pub mod local;
pub mod mutants;
pub mod operations;
pub mod permission;
pub mod ports;
pub mod queries;
pub mod reconcile;
pub mod watch;
pub mod why;

pub use answer::{Answer, KvEntry, Meta, TxnAnswer};
pub use context::{Blocking, Consistency, Context};
pub use error::Error;
pub use local::Local;
pub use operations::{Operations, Reply};
