//! What a seed is about. Every seed first draws which kinds of faults and of clients there are at all, then how often: a run
//! with all of them at once mostly tests time-outs.

use konsul_raft::contract::Options;
use konsul_runtime::time::Duration;
use konsul_storage::DiskOptions;
use konsul_storage::vfs::sim::rng::Rng;
use konsul_types::{KvQuota, Limits};
use konsul_watch::FeedLimits;

/// What the server keeps its log on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Engine {
    /// The disk engine on the simulated disk.
    Disk,
    /// The memory engine, which outlives no crash: such a seed has none.
    Memory,
}

macro_rules! kinds {
    ($(#[$doc:meta])* $name:ident { $($(#[$field:meta])* $kind:ident),* $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, Default)]
        pub struct $name {
            $($(#[$field])* pub $kind: bool,)*
        }

        impl $name {
            /// Half of the kinds, drawn.
            fn draw(rng: &mut Rng) -> $name {
                $name { $($kind: rng.coin(),)* }
            }

            /// Takes a kind out by its name; answers whether there is one of that name.
            fn take_out(&mut self, name: &str) -> bool {
                $(if name == stringify!($kind) {
                    self.$kind = false;
                    return true;
                })*
                false
            }

            /// The kinds that are on, by name.
            pub fn names(self) -> Vec<&'static str> {
                let all = [$((stringify!($kind), self.$kind)),*];
                all.into_iter().filter(|(_, on)| *on).map(|(name, _)| name).collect()
            }
        }
    };
}

kinds! {
    /// Kinds of faults.
    Faults {
        /// The power goes at some system call.
        power_cut,
        /// The process dies at some system call; what it wrote stays readable.
        process_kill,
        /// The next life dies during its recovery.
        recovery_kill,
        /// A sync fails once.
        sync_failure,
        /// The disk is full for a while.
        full,
        /// A bit changes at rest.
        bit_flip,
        /// The wall clock jumps by an hour.
        clock_jump,
        /// The process is stopped for a while.
        pause,
        /// Syncs are slow for a while.
        slow_sync,
        /// Writes are cut short for a while.
        short_writes,
    }
}

kinds! {
    /// Kinds of clients.
    Clients {
        /// Puts, deletes and reads of keys of all sorts.
        keys,
        /// Keys that nothing else touches, for the blind check.
        registers,
        /// Sessions, renewals and locks.
        locks,
        /// Transactions.
        txns,
        /// Events.
        events,
        /// Requests that are sent again.
        retries,
        /// Backups and restores.
        backups,
        /// Blocking reads.
        waiters,
        /// Subscriptions of the feed, and raw parked readers.
        followers,
        /// A leader of an earlier term that does not know it.
        deposed,
    }
}

kinds! {
    /// Kinds of clients of the catalogue.
    Services {
        /// Registrations, results of checks, removals, and reads of all of it.
        registry,
        /// Transactions on nodes, instances and checks, with keys among them.
        registry_txns,
        /// Blocking reads of services, of all instances and of passing ones.
        health,
        /// Sessions that lean on checks.
        bound,
        /// Prepared queries, some of which end with a session.
        queries,
    }
}

/// What is left out of a plan.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Cut {
    /// Kinds of faults and of clients, by name.
    pub without: Vec<String>,
    /// At most so many of each kind of clients.
    pub crowd: Option<u32>,
}

/// Everything that a seed draws before it begins.
#[derive(Debug, Clone)]
pub struct Plan {
    /// The seed.
    pub seed: u64,
    /// The engine.
    pub engine: Engine,
    /// Which faults there are.
    pub faults: Faults,
    /// Which clients there are.
    pub clients: Clients,
    /// Which clients of the catalogue there are.
    pub services: Services,
    /// How many of each kind.
    pub crowd: u32,
    /// Client operations after which the faults end.
    pub operations: u64,
    /// Mean time between two faults.
    pub between_faults: Duration,
    /// Whether keys come and go on their own: some have a time to live.
    pub key_ttl: bool,
    /// The disk engine's options.
    pub disk: DiskOptions,
    /// Consensus.
    pub raft: Options,
    /// The feed's bounds.
    pub feed: FeedLimits,
    /// The replicated bounds.
    pub limits: Limits,
    /// How long graves are kept, in milliseconds.
    pub graves_ms: u64,
}

impl Plan {
    /// Draws the plan of a seed.
    pub fn draw(seed: u64, operations: u64) -> Plan {
        let rng = &mut rng_of(seed, 1);
        let engine = if rng.below(10) == 0 { Engine::Memory } else { Engine::Disk };
        let mut plan = Plan {
            seed,
            engine,
            faults: Faults::draw(rng),
            clients: Clients::draw(rng),
            // From luck of its own, so that seeds from before there was a catalogue are still about the same.
            services: Services::draw(&mut rng_of(seed, 5)),
            crowd: 1 + rng.below(3) as u32,
            operations,
            between_faults: Duration::from_millis(150 + rng.below(1_500)),
            key_ttl: rng.coin(),
            disk: draw_disk(rng),
            raft: draw_raft(rng),
            feed: draw_feed(rng),
            limits: draw_limits(rng),
            graves_ms: [4_000, 60_000, 900_000][rng.below(3) as usize],
        };
        plan.settle(rng);
        plan
    }

    /// Some kinds exclude each other or need another one to mean anything.
    fn settle(&mut self, rng: &mut Rng) {
        if self.engine == Engine::Memory {
            let (clock_jump, pause) = (self.faults.clock_jump, self.faults.pause);
            self.faults = Faults { clock_jump, pause, ..Faults::default() };
        } else if !(self.faults.power_cut || self.faults.process_kill) {
            self.faults.power_cut = rng.coin();
        }
        // A restore takes registers back, which the blind check could not know.
        if self.clients.registers && self.clients.backups {
            let keep = rng.coin();
            (self.clients.registers, self.clients.backups) = (keep, !keep);
        }
        let any = self.clients.keys || self.clients.registers || self.clients.locks || self.clients.txns;
        self.clients.keys |= !any;
        let leans = self.services.health || self.services.bound || self.services.queries;
        self.services.registry |= leans;
    }

    /// The same plan with less in it: what is left is drawn as before, so that a run that fails may be made smaller.
    ///
    /// # Errors
    /// The name of a kind that there is not.
    pub fn cut(mut self, cut: &Cut) -> Result<Plan, String> {
        for name in &cut.without {
            let known =
                self.faults.take_out(name) | self.clients.take_out(name) | self.services.take_out(name);
            if !known {
                return Err(format!(
                    "{name:?} is no kind of faults or clients; see the line that a run prints"
                ));
            }
        }
        self.crowd = cut.crowd.map_or(self.crowd, |crowd| crowd.clamp(1, self.crowd));
        Ok(self)
    }

    /// Every kind of faults and clients that is on, by name.
    pub fn kinds(&self) -> Vec<&'static str> {
        [self.faults.names(), self.clients.names(), self.services.names()].concat()
    }

    /// One line that says what the seed is about.
    pub fn summary(&self) -> String {
        format!(
            "{:?} faults={} clients={} services={} x{}",
            self.engine,
            self.faults.names().join("+"),
            self.clients.names().join("+"),
            self.services.names().join("+"),
            self.crowd
        )
    }
}

/// The generator of a purpose of a seed.
pub fn rng_of(seed: u64, purpose: u64) -> Rng {
    let mut mixed = Rng::new(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ purpose);
    Rng::new(mixed.next_u64())
}

fn draw_disk(rng: &mut Rng) -> DiskOptions {
    DiskOptions {
        segment_bytes: [4 << 10, 16 << 10, 64 << 10][rng.below(3) as usize],
        cache_bytes: [0, 1 << 10, 64 << 10][rng.below(3) as usize],
        compression_level: 1,
        min_free_bytes: 16 << 10,
    }
}

fn draw_raft(rng: &mut Rng) -> Options {
    Options {
        node_id: 1,
        name: "sim".into(),
        heartbeat_ms: 50,
        election_min_ms: 150,
        election_max_ms: 300,
        snapshot_every: [40, 150, 600, 5_000][rng.below(4) as usize],
        queue_bytes: [64 << 10, 32 << 20][rng.below(2) as usize],
        bootstrap: true,
    }
}

fn draw_feed(rng: &mut Rng) -> FeedLimits {
    let default = FeedLimits::default();
    let entries = [16, 64, 1 << 16][rng.below(3) as usize];
    FeedLimits { entries, bytes: [8 << 10, 64 << 20][rng.below(2) as usize], ..default }
}

fn draw_limits(rng: &mut Rng) -> Limits {
    let default = Limits::default();
    let quota = if rng.coin() { default.kv } else { KvQuota { keys: 60, bytes: 6 << 10 } };
    Limits {
        kv: quota,
        value_bytes: 2048,
        sessions: [4, 1_000][rng.below(2) as usize],
        request_window_ms: [3_000, 20_000, 300_000][rng.below(3) as usize],
        requests: [12, 200_000][rng.below(2) as usize],
        history_bytes: [0, 2 << 10, 8 << 20][rng.below(3) as usize],
        locks: [4, 1_000][rng.below(2) as usize],
        lock_queue: [2, 1_000][rng.below(2) as usize],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plan_is_cut_by_the_names_that_it_prints() {
        let whole = Plan::draw(8, 100);
        let first = whole.kinds()[0];
        let cut = Cut { without: vec![first.to_owned()], crowd: Some(1) };
        let less = whole.clone().cut(&cut).unwrap();
        assert_eq!(less.crowd, 1);
        assert_eq!(less.kinds(), whole.kinds()[1..]);
        let wrong = Cut { without: vec!["weather".into()], crowd: None };
        assert!(whole.cut(&wrong).unwrap_err().contains("weather"));
    }
}
