//! The wire contracts of Konsul's public APIs: what bodies look like, byte for byte.
//!
//! What it is not: it leans on nothing of ours, so that clients in other processes can use it without the server. It
//! knows no records of the state, no routes' behaviour and no status codes. The server translates its own records into
//! these types at its edge, and the client translates them back.
//!
//! # The life of a body
//!
//! An answer of `/v1` is one of the structs of [`v1`], filled by the edge and written by [`v1::json::to_vec`] exactly as
//! Go's `encoding/json` would: fields in the order in which they are declared, `<`, `>` and `&` escaped, bytes as padded
//! base64 or `null`. On demand [`v1::json::indent`] spreads it over lines. Keys of the store, which are read far more
//! often than anything else, have a writer of their own ([`v1::kv::EntryRef::write`]) that gives the same bytes; a test
//! holds the two together.
//!
//! A request's body goes the other way through [`v1::decode::from_slice`], which is as lenient as Go's decoder where
//! Consul is lenient (field names in any case, `null` for any zero value) and as strict where it is strict.

pub mod exchange;
pub mod v1;
pub mod v2;
