//! Consensus over any state machine: one replicated log, applied in the same order everywhere.
//!
//! This crate is the door to openraft and the only one: none of its types is in a public signature or on disk, so it
//! can be replaced behind [`Raft`]. It knows nothing of what the commands mean.
//!
//! # The life of a proposal
//!
//! ```text
//! caller       Raft::propose        refused at once when the node has stopped, the disk is full, or it is too large;
//!                                   waits its turn while queue_bytes are under way; gets a ticket (proposals)
//! raft thread  openraft's core      gives it a position in the log, hands it to the log (log)
//! disk thread  Keeper::append       written with everything else that was queued (keeper)
//!              Keeper::finish       one sync for all of it, then the callbacks
//! raft thread  openraft's core      a quorum has it durably: it is committed
//!              Applier::apply       applied in a batch with what else is ready (machine)
//!              Proposals::answer    the reply goes to whoever holds the position
//! ```
//!
//! The raft thread runs openraft and all tasks of this crate on a single-threaded executor; the disk has a thread of its
//! own, and so has each snapshot while it is written. In a simulation all of them are tasks of one virtual node, and
//! the code is the same.
//!
//! # What is promised
//!
//! - **Acknowledged**: a reply to [`Raft::propose`] means that the command is durable on a quorum and applied here. It
//!   survives any restart, in its place in the order.
//! - **Not acknowledged**: `NotLeader`, `Full`, `TooLarge`, `Stopped` mean that nothing happened and nothing will.
//!   `Unknown` means that it may have happened, or may still.
//! - **Linearizable**: after [`Raft::barrier`] a read sees every write acknowledged before the call began. It trusts no
//!   clock.
//! - **Lease**: after [`Raft::lease`] a read sees the same, as long as no clock runs a third faster or slower than
//!   another one. See `rounds`.
//! - **Restart**: the state is the newest snapshot and the committed entries after it, applied in order.
//! - **A full disk** refuses new proposals, keeps those that were already ordered in memory until there is space, and
//!   answers their proposers `Unknown` if that takes longer than a fifth of a second. Reads go on. See `keeper`.
//! - **A storage that failed, or a state machine that refused** stops the node: role `Stopped`, with the reason.
//!
//! # What is missing on purpose
//!
//! - A transport between nodes, and with it changes of membership, transfer of leadership and snapshots from a leader.
//!   Other nodes are unreachable (`network`), not silently agreed with. Before they exist two things must be settled:
//!   a voter that restarts has forgotten to whom it granted a lease, so it must not vote for one election time-out;
//!   and a transfer of leadership must end the lease before it begins.
//! - Any second path for a single node: a cluster of one votes, writes its blank entry and commits like any other. Only
//!   its reads need no round once one has shown that it leads and that nobody else votes: see `alone`.
//! - Retries. Whoever retries an `Unknown` needs a request id that the state machine knows.

pub mod contract;
#[cfg(feature = "mutants")]
pub mod mutants;

mod alone;
#[cfg(test)]
mod conformance;
mod convert;
mod figures;
mod health;
mod keeper;
mod log;
mod machine;
mod network;
mod node;
mod proposals;
mod raft;
mod rounds;
mod seam;
mod snapshot;
mod status;
mod types;

pub use figures::Figures;
pub use raft::{MAX_COMMAND_BYTES, Raft};
