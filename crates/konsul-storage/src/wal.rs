//! The write-ahead log: one ordered history of entries, votes, truncations and purges, in numbered segment
//! files.
//!
//! `frame` is the form of one record, `segment` that of a file's head, `replay` reads a directory back,
//! `tail` tells a write that never finished from decay, `state` is what a history amounts to, `places`
//! says where its entries lie, `log` writes it on, and `read` reads entries of it.

pub(crate) mod cache;
pub(crate) mod frame;
pub(crate) mod log;
pub(crate) mod places;
pub(crate) mod read;
pub(crate) mod replay;
pub(crate) mod segment;
pub(crate) mod spare;
pub(crate) mod state;
pub(crate) mod tail;
