//! Bodies of Consul's HTTP API, version 1. Field order is the order on the wire.

pub mod agent;
pub mod bytes;
pub mod catalog;
pub mod coordinate;
pub mod decode;
pub mod definition;
pub mod event;
pub mod health;
pub mod json;
pub mod kv;
pub mod operator;
pub mod proxy;
pub mod query;
pub mod registration;
pub mod session;
pub mod txn;
pub mod write;
