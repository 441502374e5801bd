//! The simulator: one whole server in one thread, under virtual time, on a disk that fails, with clients that remember what
//! they were told.
//!
//! Storage, consensus, state, feed and waist are the shipped ones, down to the last line; only time, tasks, chance and the disk
//! are virtual, behind the seams that they have anyway. A seed decides everything: which faults and which clients there are,
//! when and where they strike, in which order ready tasks run. The same seed gives the same run, step by step.
//!
//! # The life of a seed
//!
//! 1. [`plan`] draws what the seed is about. [`machine`] boots a server: the engine behind a [`tap`] that notes in the
//!    [`ledger`] what it was asked to keep, wired by [`server`], reached through a [`desk`].
//! 2. [`clients`] use it and note in the [`history`] what they asked and heard. [`faults`] crash it, fill its disk, flip its
//!    bits, move its clock, stop it for a while.
//! 3. After every step the [`observer`] compares what the server published with what follows from its log, and holds it to the
//!    cheap [`invariants`]; after each restart the ledger is compared with what the disk kept.
//! 4. When faults have ended the server must serve again. Then [`check`] compares everything that was heard with a small
//!    [`model`] that was written from the documentation and shares no code with the server, and searches the registers' history
//!    blindly ([`blind`]).
//!
//! One process runs one seed: a generator that some library keeps in a static then begins alike in each.
//!
//! # What it is not
//!
//! No network and no second server yet, and no edges: HTTP has tests of its own. It proves nothing about the kernel or the
//! hardware, only about what this code does when those do what [`konsul_storage::vfs::sim`] does.

pub mod blind;
pub mod broken;
pub mod check;
pub mod clients;
pub mod desk;
pub mod faults;
pub mod history;
pub mod invariants;
pub mod ledger;
pub mod machine;
pub mod marks;
pub mod model;
pub mod mutants;
pub mod observer;
pub mod plan;
pub mod port;
pub mod run;
pub mod server;
pub mod storage_suite;
pub mod tap;
