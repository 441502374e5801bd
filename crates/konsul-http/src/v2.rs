//! Konsul's own HTTP API: one file for each noun, everything else that is known of an operation in one table
//! ([`konsul_api::v2::operations`]).
//!
//! # The life of a request
//!
//! 1. `pipeline` finds the operation by the raw path, so that a slash that is sent as `%2F` is none that parts a path, and
//!    checks what the table says: method, query parameters, `Accept`. All faults of parameters are listed at once.
//! 2. The noun's handler takes from the borrowed head what it needs, and returns a future.
//! 3. A body is read and decoded by [`body`]. Where serde refuses it, the schema says every fault (`konsul_api::v2::shape`).
//! 4. The future calls one operation, and makes a `reply` of its answer. Whatever went wrong is a
//!    `rejection`, which becomes problem details in one place.

pub(crate) mod accept;
pub(crate) mod backups;
pub mod batch;
pub mod body;
pub(crate) mod catalog;
pub(crate) mod checks;
pub(crate) mod coordinates;
pub mod cursor;
pub(crate) mod entry;
pub(crate) mod events;
pub(crate) mod export;
pub(crate) mod graph;
pub(crate) mod history;
pub mod import;
pub(crate) mod inbound;
pub(crate) mod keys;
pub mod lines;
pub(crate) mod listing;
pub(crate) mod local;
pub(crate) mod locks;
pub(crate) mod narrow;
pub(crate) mod nodes;
pub(crate) mod once;
pub(crate) mod parameters;
pub(crate) mod pipeline;
pub(crate) mod queries;
pub(crate) mod registering;
pub(crate) mod rejection;
pub(crate) mod reply;
pub mod route;
pub(crate) mod services;
pub(crate) mod sessions;
pub(crate) mod snapshot;
pub(crate) mod stream;
pub(crate) mod system;
pub(crate) mod tags;
pub(crate) mod told;
