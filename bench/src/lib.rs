//! Benchmarks of Konsul beside etcd and nsd and beside the bare limits of the machine, in one run.
//!
//! What it is: a program that starts servers, loads them, and prints what it measured with the spread over the rounds and the
//! goals of the project. Server and generator have a core each ([`cpu`]). The generator ([`load`]) judges each answer, and
//! measures the server's processor time beside the rate, because a rate on two cores says as much of the generator as of the
//! server. Data directories are on one disk, and systems take turns within each round.
//!
//! What it is not: a test. It fails when an answer is wrong or a server dies, not when a goal is missed; a missed goal is
//! printed as such. It measures one node on one machine over loopback.
//!
//! The life of a run: `main` reads the command line, prepares the machine, builds the Go client of etcd, runs the chosen
//! [`scenario`]s, which add to the [`report`], and prints it.
#![allow(clippy::cast_precision_loss, reason = "figures are read by people")]

pub mod cpu;
pub mod error;
pub mod load;
pub mod memory;
pub mod plan;
pub mod report;
pub mod scenario;
pub mod server;
pub mod work;
