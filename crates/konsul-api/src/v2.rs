//! The bodies of `/v2`, one file for each noun, and the one table of its operations.
//!
//! Everything that is known about an operation stands in [`operations`]: its path, parameters, bodies, statuses, codes and
//! the command line that calls it. The server routes by that table, and the OpenAPI document ([`document`]) and the book's
//! pages are made from it.
//!
//! A request's body refuses fields that it does not know. An answer's may gain fields, and a client must skip those that it
//! does not know. A field that has nothing to say is absent; `null` stands only where it means something.

pub mod backup;
pub mod batch;
pub mod catalog;
pub mod code;
pub mod coordinate;
pub mod discovery;
pub mod document;
pub mod event;
pub mod kv;
pub mod lock;
pub mod operations;
pub mod page;
pub mod pages;
pub mod problem;
pub mod query;
pub mod registration;
pub mod session;
pub mod shape;
pub mod stream;
pub mod system;
pub mod text;
pub mod time;
pub mod transfer;
pub mod value;
pub mod watch;

/// The OpenAPI document as it is checked in and served. A test holds it to [`document::document`].
pub const OPENAPI: &str = include_str!("../../../openapi/v2.json");
