//! One seed from beginning to end.
//!
//! Phases: warm-up, in which nothing goes wrong; faults, until the clients have done enough; healing, after which the server
//! must serve a write within ten election time-outs; rest, in which what was begun ends and sessions run out; and the final
//! scan, in which everything that was noted is compared with the log.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use konsul_operations::arguments::KvPut;
use konsul_operations::ports::Replica;
use konsul_operations::{Context, Operations};
use konsul_runtime::time::{Duration, Instant};
use konsul_types::{Namespace, PutMode, Value};

use crate::broken::{Broken, Held};
use crate::check;
use crate::clients::{Common, Control, RegisterLog, key, spawn_all};
use crate::desk::Heard;
use crate::faults::Nemesis;
use crate::invariants::liveness;
use crate::machine::{CLIENTS, Machine};
use crate::marks::Marks;
use crate::plan::Plan;

/// What a seed came to.
#[derive(Debug, Clone)]
pub struct Report {
    /// The seed.
    pub seed: u64,
    /// What it was about.
    pub plan: String,
    /// What was broken, if anything.
    pub broken: Option<Broken>,
    /// Client operations.
    pub operations: u64,
    /// Entries of the log.
    pub entries: u64,
    /// Steps of the executor.
    pub steps: u64,
    /// Virtual milliseconds.
    pub virtual_ms: u64,
    /// The hash of everything that happened.
    pub trace: u64,
    /// What went wrong on purpose, and what followed.
    pub marks: Marks,
}

/// The longest that faults may last, in virtual time.
const FAULTS_MOST: Duration = Duration::from_secs(3_000);

/// Runs a plan.
pub fn run(plan: Plan) -> Report {
    let plan = Arc::new(plan);
    let mut run = Run::new(plan.clone());
    let broken = run.through().err();
    run.report(broken)
}

struct Run {
    plan: Arc<Plan>,
    machine: Machine,
    nemesis: Nemesis,
    common: Common,
    clients: u64,
}

impl Run {
    fn new(plan: Arc<Plan>) -> Run {
        let machine = Machine::new(plan.clone());
        let control = Arc::new(Control::default());
        let common = Common {
            door: machine.door.clone(),
            history: machine.history.clone(),
            control: control.clone(),
            registers: RegisterLog::default(),
            plan: plan.clone(),
        };
        Run { nemesis: Nemesis::new(plan.clone(), control), plan, machine, common, clients: 0 }
    }

    fn through(&mut self) -> Held {
        self.warm_up()?;
        self.faults()?;
        self.heal()?;
        self.rest()?;
        check::all(&mut self.machine, &self.common)
    }

    fn after(&self, span: Duration) -> Instant {
        self.machine.sim.now() + span
    }

    fn warm_up(&mut self) -> Held {
        self.machine.run_to(self.after(Duration::from_millis(500)))?;
        self.clients = spawn_all(&self.machine.sim.node(CLIENTS), &self.common);
        self.machine.run_to(self.after(Duration::from_millis(500)))
    }

    fn faults(&mut self) -> Held {
        let end = self.after(FAULTS_MOST);
        while self.common.control.operations.load(Ordering::Relaxed) < self.plan.operations
            && self.machine.sim.now() < end
            && !self.machine.is_over()
        {
            // Looked at in between, so that a run ends close to its number of operations.
            let until = Instant::min(self.nemesis.due(), self.after(Duration::from_millis(50)));
            self.machine.run_to(until)?;
            self.nemesis.act(&mut self.machine)?;
        }
        Ok(())
    }

    /// Faults end; ten election time-outs later a write must have been served.
    fn heal(&mut self) -> Held {
        self.nemesis.heal(&mut self.machine);
        if self.machine.is_over() {
            return Ok(());
        }
        let patience = liveness::patience(self.plan.raft.election_max_ms);
        // A machine that is down comes up again first: that is the operator's time, not the server's.
        let give_up = self.after(Duration::from_secs(60));
        while self.machine.replica().is_none() && self.machine.sim.now() < give_up && !self.machine.is_over()
        {
            self.machine.run_to(self.after(Duration::from_millis(10)))?;
        }
        if self.machine.is_over() {
            return Ok(());
        }
        self.serve_one(patience)
    }

    fn serve_one(&mut self, patience: Duration) -> Held {
        let served = Arc::new(std::sync::atomic::AtomicBool::new(false));
        let (door, told) = (self.common.door.clone(), served.clone());
        drop(self.machine.sim.node(CLIENTS).spawn(async move {
            loop {
                let heard = door.ask(0, patience, |counter| async move { probe(counter).await }).await;
                if matches!(heard, Heard::Answer(true)) {
                    told.store(true, Ordering::Relaxed);
                    return;
                }
                konsul_runtime::time::sleep(Duration::from_millis(20)).await;
            }
        }));
        let end = self.after(patience);
        while !served.load(Ordering::Relaxed) {
            if self.machine.is_over() {
                return Ok(());
            }
            if self.machine.sim.now() >= end {
                let status = self.machine.replica().map(|replica| replica.status());
                return liveness::served(false, patience, &status);
            }
            self.machine.run_to(self.after(Duration::from_millis(20)))?;
        }
        Ok(())
    }

    /// Clients finish, and sessions that nobody renews run out.
    fn rest(&mut self) -> Held {
        self.common.control.stop.store(true, Ordering::Relaxed);
        let end = self.after(Duration::from_secs(60));
        while self.common.control.ended.load(Ordering::Relaxed) < self.clients {
            if self.machine.sim.now() >= end {
                return liveness::all_ended(self.clients - self.common.control.ended.load(Ordering::Relaxed));
            }
            self.machine.run_to(self.after(Duration::from_millis(100)))?;
        }
        self.machine.run_to(self.after(Duration::from_secs(8)))?;
        if let Some(replica) = self.machine.replica() {
            liveness::nobody_parked(&replica.feed().stats())?;
        }
        self.machine.look_closely()
    }

    fn report(&mut self, broken: Option<Broken>) -> Report {
        let machine = &mut self.machine;
        let book = machine.ledger.book();
        machine.marks.add("snapshot", book.installed);
        machine.marks.add("lost entry", book.lost);
        drop(book);
        machine.marks.add("retried request", self.common.control.retried.load(Ordering::Relaxed));
        machine.observer.count(&mut machine.marks);
        let resets = check::resets(&machine.history.journals().stretches);
        machine.marks.add("feed reset", resets);
        Report {
            seed: self.plan.seed,
            plan: self.plan.summary(),
            broken,
            operations: self.common.control.operations.load(Ordering::Relaxed),
            entries: machine.observer.log.len() as u64,
            steps: machine.sim.steps(),
            virtual_ms: machine.sim.now().as_nanos() / 1_000_000,
            trace: machine.sim.trace_hash(),
            marks: machine.marks.clone(),
        }
    }
}

/// A write that must be served. A quota may refuse it: then the server has served, too.
async fn probe(counter: crate::desk::Counter) -> bool {
    let ctx = Context::new(Namespace::default_namespace());
    let value = Value::from(&b"probe"[..]);
    let args = KvPut { key: key("probe"), value, flags: 0, mode: PutMode::Set, ttl_ms: None };
    match counter.operations.kv_put(&ctx, args).await {
        Ok(_) | Err(konsul_operations::Error::Refused(_)) => true,
        Err(_) => false,
    }
}
