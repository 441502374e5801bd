//! Why an instance is, or is not, in what callers get: the pure part of `service why`.
//!
//! What it is not: it reads no state and asks no server. Whoever wires it collects the [`Facts`] about an instance, or an
//! [`Absence`], and shows the [`Explanation`]. It does not decide either: the rules are those that the answers themselves
//! follow, told in sentences.
//!
//! # The life of an explanation
//!
//! 1. The caller looks for instances of the name. For each it fills [`Facts`] and calls [`explain`]; for none it fills
//!    [`Absence`] and calls [`explain_absence`].
//! 2. Every cause becomes a [`Reason`]: a stable [`Code`], the [`Answer`]s that it concerns, whether it hides the instance
//!    there or is only worth knowing, and a sentence for people. All causes are named, not only the first, since whoever
//!    repairs one wants to know of the next.
//! 3. An answer shows the instance if no reason hides it there: [`Explanation::is_in`].
//!
//! Who must not see an instance must not learn of it here: the caller refuses such a question before it fills the facts.
//! [`Facts::permitted`] is about somebody *else's* view, that an operator asks for.

mod absence;
mod instance;
mod reason;
mod similar;
#[cfg(test)]
mod tests;

pub use absence::{Absence, explain_absence};
pub use instance::{Asked, Facts, Reaping, Server, explain};
pub use reason::{Answer, Code, Effect, Explanation, Reason};
pub use similar::{SIMILAR_MAX, similar};
