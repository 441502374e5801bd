//! Health checks: they run here, and what they find is reported. What a report means to the registry is not decided
//! here, and nothing here knows services, nodes, the log or a public API.
//!
//! # The life of a check
//!
//! ```text
//!  Checks::add       a key, a Definition, an Initial status. An equal definition changes nothing; a new one of the
//!                    same key keeps status and output, so that a registration again is no moment of critical
//!  first run         after a random part of the interval, so that what was registered together runs apart
//!  due               the scheduler finds it at the head of one ordered set of timers; there is no sleeping task for
//!                    each check. It waits for a free place if as many run as may (its lag is measured)
//!  run               one task, with a deadline: a runner of its kind ends with a Finding, a status and an output in
//!                    Consul's words. It cannot fail in another way
//!  judged            Thresholds count results in a row; FlapRule holds critical what changes to and fro. Both are pure
//!  reported          a change of status goes to the channel as Event::Report at once, a change of output alone after a
//!                    while (`output_every`), a result like the last one never
//!  critical for long Event::Deregister, again at each look, until its owner removes it or it recovers
//!  Checks::remove    its run is cut: sockets close, the process group of a script is killed
//! ```
//!
//! Whoever only wants to see what a definition does runs it with [`try_once`], without any of this.
//!
//! A check with a time to live is told by [`Checks::update`] how it stands, stamped on arrival; it lapses by a timer.
//! An alias check follows what the owner's port ([`Targets`]) tells.
//!
//! # What holds
//!
//! - The channel of events is bounded. While its reader is slow, checks go on, and a newer report of a check replaces
//!   its older one that was not taken yet ([`Stats::coalesced`]); no check's last word is lost.
//! - Reports of one check arrive in the order in which its status changed.
//! - A run never outlives its time-out by more than the killing of a process takes, and never overlaps the next run of its
//!   check. A runner that cannot keep up shows in [`Stats`]: `lag`, `waiting`, `skipped`.
//! - Output is bounded while it is read, not afterwards. A peer that streams for ever is cut.
//! - Connections go to the addresses that were judged: a name is resolved once, and link-local addresses are refused
//!   after that, also when they come in the clothes of IPv6. Redirects are not followed unless the definition asks for it
//!   and the settings allow it, and each step is judged again.
//! - Secrets in headers, bodies and URLs are neither shown in outputs nor by `Debug`.
//!
//! # What is missing on purpose
//!
//! - No rule about who may register scripts: the edge that takes a definition decides.
//! - No storing: the owner keeps definitions and statuses, and hands them in again after a restart.
//! - No connection is kept between runs, as in Consul: a check must see what a new client would see.
//! - No proxies from the environment, and no content decoding: bodies are shown as they arrive.

mod checks;
mod decide;
mod definition;
mod keeper;
mod once;
mod run;
mod settings;
mod stats;

pub use checks::{Checks, Targets};
pub use decide::{Finding, FlapRule, Flapping, TargetCheck, TargetHealth, Thresholds};
pub use definition::{
    Adjustment, Alias, CheckKey, DEREGISTER_AFTER_MIN, Definition, DockerCheck, Engine, GrpcCheck,
    H2PingCheck, HttpCheck, INTERVAL_MIN, Identity, Initial, Kind, OUTPUT_MAX_DEFAULT, OsServiceCheck,
    Polled, Probe, ScriptCheck, TcpCheck, Tls, UdpCheck,
};
pub use keeper::{AddError, Added, Event, Report, UpdateError, View};
pub use once::{Tried, try_once};
pub use run::{Anybody, Limit, Machine, Reach, Run, RunFuture, Runners, roots_of_the_system};
pub use settings::{Rules, Settings};
pub use stats::{Results, Stats};
