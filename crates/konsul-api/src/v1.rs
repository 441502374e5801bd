//! Bodies of Consul's HTTP API, version 1. Field order is the order on the wire.

pub mod agent;
pub mod bytes;
pub mod decode;
pub mod event;
pub mod json;
pub mod kv;
pub mod operator;
pub mod session;
pub mod txn;
