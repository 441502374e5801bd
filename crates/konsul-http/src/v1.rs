//! Consul's HTTP API, version 1: one file for each noun, one table of routes, one table of errors.

pub(crate) mod agent;
pub(crate) mod error;
pub(crate) mod event;
pub(crate) mod inbound;
pub mod kv;
pub(crate) mod not_built;
pub(crate) mod operator;
pub mod path;
pub(crate) mod pipeline;
pub mod query;
pub(crate) mod read;
pub(crate) mod reply;
pub mod route;
pub(crate) mod session;
pub(crate) mod snapshot;
pub(crate) mod status;
pub mod txn;
