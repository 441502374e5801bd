//! The machine: one server on one disk, with its lives.
//!
//! # The life of a server
//!
//! `Machine::boot` opens the engine and starts a server on it, as a task of the server's node. When the server is up its desk
//! opens. A crash, drawn by [`crate::faults`] at some system call or at once, first kills the disk, then the tasks, then decides
//! what the disk kept; after a while the machine boots again. What the engine then holds is compared with the ledger before
//! anything else happens.

use std::path::Path;
use std::sync::Arc;

use konsul_operations::ports::Replica;
use konsul_raft::contract::Role;
use konsul_replica::ServerReplica;
use konsul_runtime::time::{Duration, Instant};
use konsul_runtime::virtual_time::{Sim, SimOptions};
use konsul_storage::contract::{Storage, StorageError};
use konsul_storage::vfs::sim::rng::Rng;
use konsul_storage::vfs::sim::{RebootPolicy, SimDisk};
use konsul_storage::{DiskStorage, MemoryStorage};

use crate::broken::Held;
use crate::desk::Door;
use crate::history::History;
use crate::invariants::liveness;
use crate::ledger::Ledger;
use crate::marks::Marks;
use crate::observer::Observer;
use crate::plan::{Engine, Plan, rng_of};
use crate::server::{self, Starting};
use crate::tap::Tap;

/// The node that the server's tasks run on.
pub const SERVER: u64 = 1;
/// The node that the clients' tasks run on.
pub const CLIENTS: u64 = 2;

/// Where the server's data is.
pub const DIR: &str = "/data";

/// How a life ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// The power went; the policy says what the disk kept.
    PowerCut(RebootPolicy),
    /// The process died; what it wrote is still readable.
    Killed,
}

enum Life {
    Down {
        until: Instant,
    },
    Starting(Starting),
    Up(Arc<ServerReplica>),
    /// The data directory was refused for good, and rightly so.
    Over,
}

/// See the module's head.
pub struct Machine {
    /// Virtual time.
    pub sim: Sim,
    /// The disk.
    pub disk: SimDisk,
    /// What the disk was asked to keep.
    pub ledger: Ledger,
    /// Who compares.
    pub observer: Observer,
    /// The journals.
    pub history: History,
    /// Where clients find the server.
    pub door: Door,
    /// What happened.
    pub marks: Marks,
    /// How the next death at a system call ends.
    pub next_end: End,
    /// Whether the next recovery dies too.
    pub dies_in_recovery: bool,
    /// A bit that was flipped while the server was down, and is to be flipped back if it is refused.
    pub flipped: Vec<(std::path::PathBuf, u64, u8)>,
    /// Whether flips may still lie on the disk, unnoticed.
    pub tainted: bool,
    plan: Arc<Plan>,
    rng: Rng,
    life: Life,
    looks: u64,
}

impl Machine {
    /// A machine that boots at once.
    pub fn new(plan: Arc<Plan>) -> Machine {
        let mut options = SimOptions::new(plan.seed);
        options.disk = (Duration::from_micros(10), Duration::from_micros(400));
        let ledger = Ledger::default();
        Machine {
            sim: Sim::with(options),
            disk: SimDisk::new(rng_of(plan.seed, 2).next_u64()),
            observer: Observer::new(ledger.clone()),
            ledger,
            history: History::default(),
            door: Door::default(),
            marks: Marks::default(),
            next_end: End::Killed,
            dies_in_recovery: false,
            flipped: Vec::new(),
            tainted: false,
            rng: rng_of(plan.seed, 3),
            life: Life::Down { until: Instant::default() },
            plan,
            looks: 0,
        }
    }

    /// The living server.
    pub fn replica(&self) -> Option<&Arc<ServerReplica>> {
        match &self.life {
            Life::Up(replica) => Some(replica),
            _ => None,
        }
    }

    /// Whether the data directory was refused for good.
    pub fn is_over(&self) -> bool {
        matches!(self.life, Life::Over)
    }

    /// Lets time pass up to a moment, and looks after each step.
    ///
    /// # Errors
    /// The first promise that is broken.
    pub fn run_to(&mut self, until: Instant) -> Held {
        loop {
            let at = self.wakes_at().map_or(until, |wake| Instant::min(wake, until));
            self.run_to_event(at)?;
            self.attend()?;
            if self.sim.now() >= until {
                return Ok(());
            }
        }
    }

    /// When the machine itself has something to do.
    fn wakes_at(&self) -> Option<Instant> {
        match &self.life {
            Life::Down { until } => Some(*until),
            _ => None,
        }
    }

    /// Steps until a moment, or until the machine must attend to something.
    fn run_to_event(&mut self, until: Instant) -> Held {
        let limit = until - self.sim.now();
        let deadline = self.sim.now() + limit;
        loop {
            self.look()?;
            if self.needs_attention() {
                return Ok(());
            }
            liveness::goes_on(self.sim.steps())?;
            // One step, unless nothing is due up to the deadline.
            let mut asked = false;
            let stepped =
                self.sim.run_until(deadline - self.sim.now(), || std::mem::replace(&mut asked, true));
            if !stepped {
                break;
            }
        }
        self.sim.run_for(deadline - self.sim.now());
        Ok(())
    }

    fn look(&mut self) -> Held {
        let Life::Up(replica) = &self.life else { return Ok(()) };
        self.observer.look(replica, self.sim.now())?;
        self.looks += 1;
        if self.looks.is_multiple_of(512) && self.plan.engine == Engine::Disk {
            let sizes = self.disk.sizes(Path::new(DIR));
            self.observer.measure(replica, &sizes, u64::from(self.plan.disk.segment_bytes))?;
        }
        Ok(())
    }

    fn needs_attention(&self) -> bool {
        match &self.life {
            _ if self.disk.crashed() => true,
            Life::Down { until } => self.sim.now() >= *until,
            Life::Starting(starting) => starting.is_ready(),
            Life::Up(replica) => replica.status().role == Role::Stopped,
            Life::Over => false,
        }
    }

    /// Does what the machine itself has to do now.
    fn attend(&mut self) -> Held {
        if self.disk.crashed() {
            return self.die(self.next_end);
        }
        match &self.life {
            Life::Down { until } if self.sim.now() >= *until => self.boot(),
            Life::Starting(starting) => {
                let starting = starting.clone();
                match starting.take() {
                    Some(started) => self.started(started),
                    None => Ok(()),
                }
            }
            // It stopped by itself, as after a failed sync: whoever supervises it starts it again.
            Life::Up(replica) if replica.status().role == Role::Stopped => {
                let why = replica.status().stopped.clone().unwrap_or_default();
                self.stopped_itself(&why)
            }
            _ => Ok(()),
        }
    }

    fn stopped_itself(&mut self, why: &str) -> Held {
        self.marks.hit("stopped itself");
        liveness::may_stop(why)?;
        self.die(End::Killed)
    }

    /// Ends the life of the server, whatever it is at.
    ///
    /// # Errors
    /// Nothing at the moment; the signature is that of every other step.
    pub fn die(&mut self, end: End) -> Held {
        self.disk.crash_now();
        self.door.close();
        self.life = Life::Down { until: self.sim.now() + self.down_time() };
        self.sim.kill(SERVER);
        self.marks.hit("crash");
        match end {
            End::PowerCut(policy) => {
                self.disk.reboot(policy);
                self.marks.hit("power cut");
                self.marks.add("torn tail", u64::from(policy == RebootPolicy::TornLastSector));
            }
            End::Killed => self.disk.restart_process(),
        }
        self.observer.life_ended();
        Ok(())
    }

    fn down_time(&mut self) -> Duration {
        let most_ms = if self.rng.below(6) == 0 { 12_000 } else { 400 };
        Duration::from_millis(1 + self.rng.below(most_ms))
    }

    fn boot(&mut self) -> Held {
        let opened = match self.plan.engine {
            Engine::Memory => Ok(Box::new(MemoryStorage::new()) as Box<dyn Storage>),
            Engine::Disk => self.open_disk(),
        };
        let storage = match opened {
            Ok(storage) => storage,
            Err(error) => return self.not_opened(&error),
        };
        self.ledger.compare(&*storage)?;
        let covered = self.covered(&*storage);
        self.observer.life_begins(covered);
        let tap = Box::new(Tap::new(storage, self.ledger.clone()));
        let starting = self.sim.node(SERVER).enter(|| server::start(&self.plan, tap, self.history.clone()));
        self.life = Life::Starting(starting);
        Ok(())
    }

    /// The snapshot that the server must begin with: the newest one that was installed, or, if a bit was flipped, whichever
    /// whole one the engine found.
    fn covered(&self, storage: &dyn Storage) -> u64 {
        if self.flipped.is_empty() && !self.tainted {
            return self.ledger.book().covered.index;
        }
        storage.latest_snapshot().ok().flatten().map_or(0, |(meta, _)| meta.last.index)
    }

    fn open_disk(&mut self) -> Result<Box<dyn Storage>, StorageError> {
        let dying = std::mem::take(&mut self.dies_in_recovery);
        if dying {
            self.disk.crash_at(self.disk.calls() + 1 + self.rng.below(25));
        }
        let (vfs, options) = (self.disk.vfs(), self.plan.disk.clone());
        let opened = DiskStorage::open(vfs, Path::new(DIR), options);
        if dying && self.disk.crashed() {
            self.marks.hit("killed in recovery");
        }
        opened.map(|storage| Box::new(storage) as Box<dyn Storage>)
    }

    /// A directory that is not opened: rightly, or not.
    fn not_opened(&mut self, error: &StorageError) -> Held {
        if self.disk.crashed() {
            return self.die(self.next_end);
        }
        let again = Life::Down { until: self.sim.now() + Duration::from_millis(200) };
        match error {
            StorageError::Full { .. } => {
                self.marks.hit("full at start");
                self.life = again;
                Ok(())
            }
            // A flipped bit may lie in a format's version, too.
            StorageError::Corrupt { .. } | StorageError::NewerFormat { .. } if !self.flipped.is_empty() => {
                self.marks.hit("bit flip refused");
                // The undamaged copy is the same bytes with the bit as it was.
                for (path, offset, bit) in std::mem::take(&mut self.flipped) {
                    self.disk.flip_bit(&path, offset, bit);
                }
                self.life = again;
                Ok(())
            }
            StorageError::Corrupt { .. } | StorageError::NewerFormat { .. } if self.tainted => {
                self.marks.hit("bit flip refused late");
                self.life = Life::Over;
                Ok(())
            }
            StorageError::Io { source, .. }
                if self.disk.marks().failed_syncs > 0 && is_sync_failure(source) =>
            {
                self.life = again;
                Ok(())
            }
            other => Err(liveness::not_started(&format!(
                "a data directory that nobody damaged is refused: {other}"
            ))),
        }
    }

    fn started(&mut self, started: server::Started) -> Held {
        if let Some(broken) = self.ledger.book().broken.take() {
            return Err(broken);
        }
        if !self.flipped.is_empty() {
            // It opened all the same: the bit lies where nobody looked yet.
            self.marks.hit("bit flip unnoticed");
            self.flipped.clear();
            self.tainted = true;
        }
        match started {
            Ok((replica, desk)) => {
                self.door.open(desk);
                self.life = Life::Up(replica);
                Ok(())
            }
            Err(error) if self.tainted => {
                self.marks.hit("bit flip refused late");
                drop(error);
                self.sim.kill(SERVER);
                self.life = Life::Over;
                Ok(())
            }
            Err(error) => Err(liveness::not_started(&format!("the server does not start: {error}"))),
        }
    }

    /// Compares the whole present state with the one that follows from the log.
    ///
    /// # Errors
    /// What differs.
    pub fn look_closely(&self) -> Held {
        match self.replica() {
            Some(replica) => self.observer.look_closely(&replica.state()),
            None => Ok(()),
        }
    }
}

fn is_sync_failure(error: &std::io::Error) -> bool {
    error.kind() != std::io::ErrorKind::NotFound
}
