//! The replicated state: what every server holds in memory, as a function of the log.
//!
//! What it is not: it has no clock, no randomness, no disk, no tasks and no configuration. Time is the leader's stamp in
//! the entry; ids are drawn by whoever proposes; bounds are themselves state. Two replicas that applied the same entries
//! hold the same bytes, and [`State::hashes`] lets them find out if they do not.
//!
//! # The life of a command
//!
//! 1. `konsul-replica` decodes a committed entry into a [`konsul_types::Proposal`] and calls [`State::apply`].
//! 2. The clock is advanced ([`konsul_types::Proposal::at`], never backwards) and graves, lock delays and remembered requests whose time is
//!    over are dropped.
//! 3. A repeated request is answered from memory ([`requests`]); nothing is done twice.
//! 4. The command goes to its room: [`keyspace`] for keys, [`sessions`], [`locks`], [`catalog`], [`queries`], [`events`], [`restore`]. A room answers
//!    an [`konsul_types::Outcome`]; a refusal is one of them. It notes every record that became different.
//! 5. The caller gets outcome and changes, publishes a clone of the state (all tables are persistent maps, so a clone is a
//!    few pointers), and hands the changes to the feed.
//!
//! # Reading
//!
//! A published state never changes, so readers take no lock. Queries answer with two indexes: `changed`, at which the
//! answer's own content last became different, decides whether a blocked reader wakes; `reported` is what a client sees and
//! is never zero and never decreases. See [`keyspace::Found`].
//!
//! # Invariants, as absences
//!
//! - No lock without its session, no session without its node, no instance without its node, no check without its node
//!   and instance ([`State::verify`]).
//! - No path through [`State::apply`] leaves part of a transaction behind: it works on a clone and keeps or drops it.
//! - No iteration over anything unordered.
//! - No error from `apply` but [`Divergence`]: that is a reason to stop the node, everything else is an outcome.

pub mod archive;
pub mod catalog;
pub mod dirs;
pub mod events;
pub mod hash;
pub mod history;
pub mod keyspace;
mod kv;
pub mod locks;
mod members;
pub mod mutants;
pub mod pages;
pub mod queries;
pub mod requests;
pub mod restore;
pub mod sessions;
pub mod snapshot;
pub mod state;
pub mod text;
pub mod txn;
pub mod usage;
pub mod verify;

mod apply;

pub use apply::{Applied, Divergence};
pub use keyspace::{Found, Keyspace};
pub use snapshot::{Restorer, SnapshotError};
pub use state::State;
