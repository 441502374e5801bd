//! One node on a simulated disk, clients that write to it, and power cuts; then what must be true of the outcome.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::{Arc, Mutex};

use konsul_raft::Raft;
use konsul_raft::contract::{Options, ProposeError};
use konsul_runtime::random;
use konsul_runtime::time::{Duration, sleep};
use konsul_runtime::virtual_time::{Sim, trace};
use konsul_storage::contract::LogId;
use konsul_storage::vfs::sim::{RebootPolicy, SimDisk};
use konsul_storage::{DiskOptions, DiskStorage};

use super::{Ledger, Shown, command, leads, options};

const SERVER: u64 = 1;
const CLIENTS: u64 = 2;

/// What a run was and did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Run {
    pub trace: u64,
    pub steps: u64,
    pub acked: usize,
    pub unknown: usize,
    pub refused: usize,
    pub barriers: usize,
    pub snapshots: usize,
    pub full: usize,
}

/// What clients know.
#[derive(Default)]
struct Known {
    /// By position in the log.
    acked: BTreeMap<u64, (String, u64)>,
    unknown: BTreeSet<String>,
    refused: BTreeSet<String>,
    barriers: usize,
    full: usize,
    wrong: Vec<String>,
}

type Shared = Arc<Mutex<Known>>;

/// Plays a history from a seed. An error says which promise was broken.
pub fn play(seed: u64, lives: u64) -> Result<Run, String> {
    let sim = Sim::new(seed);
    let disk = SimDisk::new(seed);
    let known = Shared::default();
    let mut snapshots = 0;
    for life in 0..lives {
        let shown = Shown::default();
        let raft = start(&sim, &disk, &shown)?;
        snapshots += usize::from(shown.view(|view| view.restored > 0));
        for client in 0..4 {
            drop(sim.node(CLIENTS).spawn(write(raft.clone(), known.clone(), format!("{life}.{client}"))));
        }
        drop(sim.node(CLIENTS).spawn(read(raft.clone(), known.clone(), shown.clone())));
        drop(raft);
        let (span, policy) = sim.node(CLIENTS).enter(|| (random::between(20, 400), policy()));
        if sim.node(CLIENTS).enter(|| random::between(0, 2)) == 0 {
            disk.crash_at(disk.calls() + span);
        }
        if sim.node(CLIENTS).enter(|| random::between(0, 3)) == 0 {
            sim.run_for(Duration::from_millis(span / 2));
            disk.set_full(true);
            sim.run_for(Duration::from_millis(span));
            disk.set_full(false);
        }
        sim.run_for(Duration::from_millis(span));
        disk.crash_now();
        sim.kill(SERVER);
        // Everybody who waits must be told; nobody is killed for it.
        let told = sim.run_until(Duration::from_secs(60), || sim.node(CLIENTS).task_count() == 0);
        if !told {
            return Err("a client waits for ever after the node was killed".to_owned());
        }
        disk.reboot(policy);
    }
    let shown = Shown::default();
    let raft = start(&sim, &disk, &shown)?;
    sim.block_on(CLIENTS, Duration::from_secs(10), async move { raft.barrier().await.map(|_| ()) })
        .map_err(|stalled| stalled.to_string())?
        .map_err(|error| error.to_string())?;
    let known = known.lock().unwrap();
    check(&known, &shown)?;
    Ok(Run {
        trace: sim.trace_hash(),
        steps: sim.steps(),
        acked: known.acked.len(),
        unknown: known.unknown.len(),
        refused: known.refused.len(),
        barriers: known.barriers,
        snapshots,
        full: known.full,
    })
}

fn policy() -> RebootPolicy {
    match random::between(0, 4) {
        0 => RebootPolicy::LoseAll,
        1 => RebootPolicy::KeepAll,
        2 => RebootPolicy::RandomSubset,
        _ => RebootPolicy::TornLastSector,
    }
}

fn start(sim: &Sim, disk: &SimDisk, shown: &Shown) -> Result<Raft<u64>, String> {
    let (disk, shown) = (disk.clone(), shown.clone());
    let snapshot_every = sim.node(CLIENTS).enter(|| random::between(20, 300));
    let options = Options { snapshot_every, ..options() };
    let started = sim.block_on(SERVER, Duration::from_secs(10), async move {
        let storage = DiskStorage::open(disk.vfs(), Path::new("/data"), DiskOptions::small());
        let storage = storage.map_err(|error| format!("the storage does not open: {error}"))?;
        let raft = Raft::start(options, Box::new(storage), Ledger::new(&shown)).await;
        let raft = raft.map_err(|error| format!("the node does not start: {error}"))?;
        leads(&raft).await;
        Ok(raft)
    });
    started.map_err(|stalled| stalled.to_string())?
}

async fn write(raft: Raft<u64>, known: Shared, name: String) {
    for n in 0..100_000u64 {
        let text = format!("{name}.{n}");
        let outcome = raft.propose(command(text.clone())).await;
        trace(format!("{text} {outcome:?}"));
        if !known.lock().unwrap().note(text, &outcome) {
            return;
        }
        sleep(Duration::from_micros(random::between(0, 2000))).await;
    }
}

async fn read(raft: Raft<u64>, known: Shared, shown: Shown) {
    loop {
        let before = known.lock().unwrap().newest();
        let barrier = raft.barrier().await;
        trace(format!("{barrier:?}"));
        let Ok(at) = barrier else { return };
        let applied = shown.view(|view| view.applied.index);
        known.lock().unwrap().read(before, at.index, applied);
        sleep(Duration::from_micros(random::between(0, 20_000))).await;
    }
}

impl Known {
    /// The newest acknowledged position.
    fn newest(&self) -> u64 {
        self.acked.keys().next_back().copied().unwrap_or(0)
    }

    /// Notes an outcome; answers whether the client goes on.
    fn note(&mut self, text: String, outcome: &Result<(LogId, u64), ProposeError>) -> bool {
        match outcome {
            Ok((id, reply)) => {
                if let Some(other) = self.acked.insert(id.index, (text.clone(), *reply)) {
                    self.wrong.push(format!("{text} and {other:?} have the same position"));
                }
                return true;
            }
            Err(ProposeError::Full) => {
                self.refused.insert(text);
                self.full += 1;
                return true;
            }
            Err(ProposeError::Unknown(_)) => self.unknown.insert(text),
            Err(_) => self.refused.insert(text),
        };
        false
    }

    /// A barrier that began when `before` was acknowledged answered `at`, and then so much was applied.
    fn read(&mut self, before: u64, at: u64, applied: u64) {
        self.barriers += 1;
        if applied < before || at > applied {
            self.wrong.push(format!("barrier {at} with {applied} applied misses {before}"));
        }
    }
}

/// Every acknowledged line is there, in its place; nothing is there that was refused or never proposed, or twice.
fn check(known: &Known, shown: &Shown) -> Result<(), String> {
    if let Some(wrong) = known.wrong.first() {
        return Err(wrong.clone());
    }
    let lines = shown.lines();
    for (text, reply) in known.acked.values() {
        let found = lines.get(*reply as usize - 1);
        if found != Some(text) {
            return Err(format!("acknowledged {text} as line {reply}, where {found:?} is now"));
        }
    }
    let acked: BTreeSet<&String> = known.acked.values().map(|(text, _)| text).collect();
    let mut seen = BTreeSet::new();
    for line in &lines {
        if !seen.insert(line) {
            return Err(format!("{line} is there twice"));
        }
        if !acked.contains(line) && !known.unknown.contains(line) {
            return Err(format!("{line} is there and was {}", fate(known, line)));
        }
    }
    Ok(())
}

fn fate(known: &Known, line: &str) -> &'static str {
    if known.refused.contains(line) { "refused" } else { "never proposed" }
}
