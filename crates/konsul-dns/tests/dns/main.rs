//! Questions over a directory that is made up, and what they are answered: in process, and over real sockets.
#![allow(clippy::unwrap_used, reason = "a test may end by panic")]

mod bad_input;
mod changes;
mod client;
mod directory;
mod limits;
mod mesh;
mod names;
mod nodes;
mod recursors;
mod services;
mod sizes;
mod sockets;
mod wire;
mod zone;
