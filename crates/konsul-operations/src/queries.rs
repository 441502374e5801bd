//! What executing a prepared query means: finding it, filling in its template, choosing among instances, where to go on.
//!
//! What it is not: it reads no state and proposes nothing. It is given queries and instances, borrowed, and answers. The
//! meaning and every text is Consul's; where a text ends in what a Go library says of an expression, the position and the
//! words are those of that library as far as they are short, and ours otherwise.
//!
//! # The life of a query
//!
//! 1. **Written:** [`validate`] checks what a client wrote, once, before the command is proposed. Names that are taken and
//!    sessions that are gone are the state's to refuse.
//! 2. **Asked for:** [`resolve`] finds it by id, by name, or as the template with the longest name that the asked name
//!    begins with, and renders a template ([`Template`], kept read in [`Templates`]).
//! 3. **Executed:** [`select`] takes the instances of its service through the steps: health, node's pairs, instance's pairs,
//!    tags, permission, shuffle, nearness, limit; and tells how many each step left, for those who want it explained.
//!    [`Source::of`] decides near to which node.
//! 4. **Nothing left:** [`failover`] says where else to look, in order.

mod failover;
mod hil;
mod lookup;
mod near;
mod select;
mod template;
#[cfg(test)]
mod tests;
mod validate;

pub use failover::failover;
pub use hil::{EvalError, ParseError};
pub use lookup::{ResolveError, Shelf, TEMPLATES_MAX, Templates, find, resolve};
pub use near::Source;
pub use select::{Candidate, Nearness, Selected, Step, select};
pub use template::{Template, TemplateError};
pub use validate::{Draft, Invalid, REDACTED, TEMPLATE_TYPE, validate};
