//! What the agent keeps registered of its own node: instances and checks, and that the catalogue agrees.
//!
//! # The life of a registration
//!
//! ```text
//!  register_service   a definition from HTTP, from a file, or of the agent's own ([`Source`])
//!  journal            one that came over HTTP is on the disk before it is answered, except in memory ([`journal`])
//!  held               it is held by id, its checks beside it; each check begins to run (`konsul-checks`)
//!  marked             what became different is marked; the synchroniser wakes
//!  planned            marked records are compared with the catalogue's ([`plan`], pure), and what differs becomes commands,
//!                     several in one log entry, an instance always together with its checks
//!  answered           after the attempt to synchronise; one that failed is repeated until it succeeds
//!  a check's report   a change of status marks the check, and goes the same way
//! ```
//!
//! # Who owns what
//!
//! The agent is the truth for what it holds, and for records of its node whose owner is [`Owner::Agent`]: what it does not
//! hold of those goes, what somebody else removed or changed comes back. What was registered directly in the catalogue is
//! somebody else's, and is left alone. Everything is compared at the start and once a minute, marked or not.
//!
//! # What is missing on purpose
//!
//! No statuses are stored here: the catalogue has them, and after a restart a check begins with what is known of it there. A
//! check with a time to live has a whole one again.

mod files;
mod held;
mod journal;
mod local;
mod plan;
mod records;
mod sync;
mod targets;

pub(crate) use local::{Registry, RegistryOptions};
