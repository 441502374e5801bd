//! What of each kind of record a `filter=` expression can select, in Consul's names.
//!
//! Each view borrows a record and what Consul writes into it beside (a node's datacentre, an instance's node). A view is
//! made for one question and dropped; but for what a proxy's owner wrote and for tagged addresses it allocates nothing.
//!
//! What it is not: it does not decide who may see a record. Whoever filters has left out before what must not be seen, so
//! that a filter cannot be used to guess at it.
//!
//! # What cannot be selected
//!
//! As in Consul: indexes, times, namespaces, a check's definition, a proxy's free configuration, localities.

mod check;
mod entry;
mod member;
mod node;
mod pairs;
mod proxy;
mod service;
mod service_node;
#[cfg(test)]
mod tests;

use konsul_filter::{Filter, Schema};

pub use check::{CHECK, CheckView};
pub use entry::{ENTRY, EntryView};
pub use member::{MEMBER, Member};
pub use node::{NODE, NodeView};
pub use service::{SERVICE, ServiceView};
pub use service_node::{SERVICE_NODE, ServiceNodeView};

use crate::error::Error;

/// Reads an expression over records of a kind; `None` for an empty text, which asks for all.
///
/// # Errors
/// [`Error::BadFilter`] in Consul's words.
pub fn compile(text: &str, schema: &'static Schema) -> Result<Option<Filter>, Error> {
    if text.is_empty() {
        return Ok(None);
    }
    Filter::new(text, schema).map(Some).map_err(|why| Error::BadFilter(why.reply()))
}
