//! The language of `filter=`: an expression over the fields of a record, as Consul has it (go-bexpr 0.1.2, which Consul
//! 1.22 is built with).
//!
//! What it is not: it knows no record of ours, no HTTP and no access control. It has no clock, no randomness and no
//! state; the same text and the same record always answer alike.
//!
//! # The life of a filter
//!
//! 1. A room that has records says what can be selected: a [`Schema`], written together with the accessors by
//!    [`record!`](crate::record).
//! 2. [`Filter::new`] reads the text ([`Expression::parse`], in `syntax`), and holds it against the schema (`check`): each
//!    selector must exist, each operator must suit its field, each value must become the field's type. Names become
//!    indexes and patterns are compiled, once.
//! 3. [`Filter::matches`] is asked for each record (`evaluate`). It reads borrowed [`Field`]s, allocates nothing of its
//!    own and cannot fail.
//!
//! Refusals are [`FilterError`]s with Consul's texts; [`FilterError::reply`] puts what Consul puts before them.
//!
//! # What a text can cost
//!
//! Reading is linear in the text's length: what was read at a place is remembered, where the original reads it twice for
//! each parenthesis around it. Length, nesting, comparisons and patterns are bounded ([`limits`]); patterns run in time
//! linear in the text that they are held against.
//!
//! # Where it differs from Consul
//!
//! - Bounds: Consul has none on expressions. Beyond ours the answer is an error that names the bound.
//! - A pattern's length, nesting and compiled size have lower bounds than Go's, with Go's text at the bound.
//! - `\p{…}` knows the names of this build's Unicode tables; Go's releases differ among themselves.
//! - A text is UTF-8 here; what bytes that are none mean is for the caller to decide.
//! - A field that a record leaves out ([`Field::Missing`]) answers as a missing key of a map does, where Consul would
//!   have a null pointer.

mod check;
mod error;
mod evaluate;
mod expression;
mod filter;
pub mod limits;
mod macros;
mod pattern;
mod record;
mod schema;
mod strconv;
mod syntax;

pub use error::FilterError;
pub use expression::{Comparison, Expression, Operator, Selector};
pub use filter::Filter;
pub use record::{AsField, Entries, Field, Items, Record};
pub use schema::{Kind, Schema, fits};
