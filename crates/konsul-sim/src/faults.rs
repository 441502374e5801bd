//! What goes wrong: drawn by the plan's kinds, one after the other, until the run heals.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use konsul_runtime::time::{Duration, Instant};
use konsul_storage::vfs::sim::RebootPolicy;
use konsul_storage::vfs::sim::rng::Rng;

use crate::broken::Held;
use crate::clients::Control;
use crate::machine::{CLIENTS, DIR, End, Machine, SERVER};
use crate::plan::{Plan, rng_of};

const POLICIES: [RebootPolicy; 4] =
    [RebootPolicy::LoseAll, RebootPolicy::KeepAll, RebootPolicy::RandomSubset, RebootPolicy::TornLastSector];

const HOUR_MS: i64 = 3_600_000;

/// A condition that ends by time.
#[derive(Debug, Clone, Copy)]
enum Spell {
    Full,
    Paused,
    Slow,
    ShortWrites,
}

/// One kind of fault.
#[derive(Debug, Clone, Copy)]
enum Fault {
    Crash { power: bool },
    RecoveryKill,
    SyncFailure,
    BitFlip,
    ClockJump,
    Spell(Spell),
    Snapshot,
}

/// Draws and does faults.
pub struct Nemesis {
    plan: Arc<Plan>,
    control: Arc<Control>,
    rng: Rng,
    next: Instant,
    spells: Vec<(Instant, Spell)>,
}

impl Nemesis {
    /// Faults of a plan.
    pub fn new(plan: Arc<Plan>, control: Arc<Control>) -> Nemesis {
        let rng = rng_of(plan.seed, 4);
        Nemesis { plan, control, rng, next: Instant::default(), spells: Vec::new() }
    }

    /// When the next thing happens.
    pub fn due(&self) -> Instant {
        self.spells.iter().map(|(end, _)| *end).fold(self.next, Instant::min)
    }

    /// Does what is due.
    ///
    /// # Errors
    /// What the machine answers.
    pub fn act(&mut self, machine: &mut Machine) -> Held {
        let now = machine.sim.now();
        self.end_spells(machine, now);
        if now < self.next {
            return Ok(());
        }
        let mean = self.plan.between_faults.as_nanos() as u64;
        self.next = now + Duration::from_nanos(1 + self.rng.below(2 * mean));
        match self.draw() {
            Some(fault) => self.inflict(machine, fault),
            None => Ok(()),
        }
    }

    /// Everything that ends by time ends now.
    pub fn heal(&mut self, machine: &mut Machine) {
        self.end_spells(machine, Instant::from_nanos(u64::MAX));
        machine.disk.fail_next_syncs(0);
        machine.disk.crash_at(u64::MAX);
        machine.dies_in_recovery = false;
    }

    fn draw(&mut self) -> Option<Fault> {
        let on = self.plan.faults;
        let kinds = [
            (on.power_cut, Fault::Crash { power: true }),
            (on.process_kill, Fault::Crash { power: false }),
            (on.recovery_kill, Fault::RecoveryKill),
            (on.sync_failure, Fault::SyncFailure),
            (on.bit_flip, Fault::BitFlip),
            (on.clock_jump, Fault::ClockJump),
            (on.full, Fault::Spell(Spell::Full)),
            (on.pause, Fault::Spell(Spell::Paused)),
            (on.slow_sync, Fault::Spell(Spell::Slow)),
            (on.short_writes, Fault::Spell(Spell::ShortWrites)),
            (true, Fault::Snapshot),
        ];
        let on: Vec<Fault> = kinds.into_iter().filter(|(on, _)| *on).map(|(_, fault)| fault).collect();
        Some(on[self.rng.below(on.len() as u64) as usize])
    }

    fn inflict(&mut self, machine: &mut Machine, fault: Fault) -> Held {
        match fault {
            Fault::Crash { power } => self.crash(machine, power),
            Fault::RecoveryKill => {
                machine.dies_in_recovery = true;
                self.crash(machine, true)
            }
            Fault::SyncFailure => {
                machine.disk.fail_next_syncs(1);
                machine.marks.hit("failed sync");
                Ok(())
            }
            Fault::BitFlip => self.flip(machine),
            Fault::ClockJump => {
                self.jump(machine);
                Ok(())
            }
            Fault::Spell(spell) => {
                self.begin(machine, spell);
                Ok(())
            }
            Fault::Snapshot => {
                if let Some(replica) = machine.replica().cloned() {
                    // Whether it is taken is seen in the ledger.
                    drop(machine.sim.node(SERVER).spawn(async move { replica.snapshot_now().await }));
                }
                Ok(())
            }
        }
    }

    /// At one of the next system calls, or at once.
    fn crash(&mut self, machine: &mut Machine, power: bool) -> Held {
        machine.next_end =
            if power { End::PowerCut(POLICIES[self.rng.below(4) as usize]) } else { End::Killed };
        if machine.replica().is_none() {
            return Ok(());
        }
        if self.rng.below(8) == 0 {
            return machine.die(machine.next_end);
        }
        machine.disk.crash_at(machine.disk.calls() + 1 + self.rng.below(60));
        Ok(())
    }

    /// A bit changes while the server is down.
    fn flip(&mut self, machine: &mut Machine) -> Held {
        if machine.replica().is_none() || machine.tainted {
            return Ok(());
        }
        machine.die(End::PowerCut(RebootPolicy::LoseAll))?;
        let Some((path, offset)) = self.aim(machine) else { return Ok(()) };
        let bit = self.rng.below(8) as u8;
        machine.disk.flip_bit(&path, offset, bit);
        machine.flipped.push((path, offset, bit));
        machine.marks.hit("bit flip");
        Ok(())
    }

    /// A byte of the newest snapshot, of the log's end, or of any file.
    fn aim(&mut self, machine: &Machine) -> Option<(PathBuf, u64)> {
        let files = machine.disk.sizes(Path::new(DIR)).into_iter().filter(|(_, len)| *len > 0);
        let files: Vec<String> = files.map(|(name, _)| name).collect();
        let newest = |part: &str| files.iter().rfind(|name| name.contains(part));
        let bytes_of = |name: &str| machine.disk.bytes(&Path::new(DIR).join(name)).unwrap_or_default();
        let used = |bytes: &[u8]| bytes.iter().rposition(|byte| *byte != 0).map_or(0, |at| at as u64 + 1);
        // A log is preallocated: what counts is the last segment that anything was written to, beyond its head.
        let last_log = files.iter().rfind(|name| name.ends_with(".wal") && used(&bytes_of(name)) > 600);
        let (name, from_end) = match (self.rng.below(5), newest(".snap"), last_log) {
            (0 | 1, Some(snapshot), _) => (snapshot, u64::MAX),
            (2 | 3, _, Some(log)) => (log, 400),
            _ => (files.get(self.rng.below(files.len().max(1) as u64) as usize)?, u64::MAX),
        };
        let used = used(&bytes_of(name)).max(1);
        let offset = used - 1 - self.rng.below(used.min(from_end));
        Some((Path::new(DIR).join(name), offset))
    }

    fn jump(&mut self, machine: &mut Machine) {
        let by = if self.rng.coin() { HOUR_MS } else { -HOUR_MS };
        machine.sim.node(SERVER).jump_wall_ms(by);
        // Sometimes everybody's clock is wrong alike.
        if self.rng.coin() {
            machine.sim.node(CLIENTS).jump_wall_ms(by);
        }
        if by > 0 {
            self.control.jumps.fetch_add(1, Ordering::Relaxed);
        }
        machine.marks.hit("clock jump");
    }

    fn begin(&mut self, machine: &mut Machine, spell: Spell) {
        let lasts_ms = match spell {
            Spell::Paused if self.rng.below(12) == 0 => 600_000,
            Spell::Paused => 1 + self.rng.below(4_000),
            _ => 20 + self.rng.below(3_000),
        };
        match spell {
            Spell::Full => {
                machine.disk.set_full(true);
                machine.marks.hit("full disk");
            }
            Spell::Paused => {
                machine.sim.set_paused(SERVER, true);
                machine.marks.hit("pause");
            }
            Spell::Slow => {
                machine.sim.set_disk(Duration::from_millis(5), Duration::from_millis(1 + lasts_ms / 4));
                machine.marks.hit("slow sync");
            }
            Spell::ShortWrites => {
                machine.disk.set_short_writes(true);
                machine.marks.hit("short writes");
            }
        }
        self.spells.push((machine.sim.now() + Duration::from_millis(lasts_ms), spell));
    }

    fn end_spells(&mut self, machine: &mut Machine, now: Instant) {
        let over: Vec<Spell> =
            self.spells.extract_if(.., |(end, _)| *end <= now).map(|(_, spell)| spell).collect();
        for spell in over {
            match spell {
                Spell::Full => machine.disk.set_full(false),
                Spell::Paused => machine.sim.set_paused(SERVER, false),
                Spell::Slow => machine.sim.set_disk(Duration::from_micros(10), Duration::from_micros(400)),
                Spell::ShortWrites => machine.disk.set_short_writes(false),
            }
        }
    }
}
