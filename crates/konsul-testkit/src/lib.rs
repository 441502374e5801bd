//! Servers for tests: whole ones, in this process, with nothing faked that could hide a fault.
//!
//! What it is not: no simulator (that is `konsul-sim`), and never part of a shipped binary.
//!
//! # The life of a test server
//!
//! [`TestNode::start`] takes a storage (in memory, on a real directory, or on a simulated disk), starts consensus, the
//! state, the feed, the waist and the leader's duties on it, and waits until the node is registered, that is, until a
//! client could do everything. [`TestNode::stop`] takes it down in order; dropping it without that is a crash of the upper
//! floors only, because storage then ends as its handle does.
//!
//! Tests wait for conditions with [`until`], never by sleeping for a guessed time: it polls, and when its deadline passes it
//! panics with what it last saw.

pub mod agent;
pub mod kills;
pub mod node;
pub mod process;
pub mod proof;
pub mod soak;
pub mod wait;

pub use agent::TestAgent;
pub use node::{TestNode, raft_options};
pub use wait::until;
