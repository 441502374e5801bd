//! A server's replica: consensus below, the state and the change feed above, and the ports by which the waist reaches them.
//!
//! What it is not: it decides nothing. What a command means is `konsul-state`'s to say, what order commands have is
//! `konsul-raft`'s, and who may ask is `konsul-operations`'.
//!
//! # The life of a command
//!
//! 1. [`Replica::propose`](konsul_operations::ports::Replica::propose) stamps it with log time ([`clock`]), encodes it, and
//!    hands the bytes to consensus.
//! 2. When the entry is durable on a quorum, consensus calls [`machine`]: the batch is decoded and applied to a working
//!    copy of the state.
//! 3. The working copy is published by one pointer swap, index and tables together; then its changes go to the feed; then
//!    the proposers hear their outcomes. In this order: who hears of a change can read it, and who was answered too.
//!
//! # The life of a read
//!
//! [`Replica::lease`](konsul_operations::ports::Replica::lease) or a barrier says that the published state is fresh enough.
//! Then it is one pointer load, and from there on nothing changes under the reader.
//!
//! # What stops a node
//!
//! An entry that cannot be read, or a state that differs from the leader's: both mean that replicas would go apart. The
//! machine answers [`konsul_raft::contract::Fatal`] and consensus stops the node with the reason.

pub mod clock;
pub mod machine;
mod mutants;
pub mod replica;
pub mod shared;

pub use replica::{ReplicaOptions, ServerReplica};
