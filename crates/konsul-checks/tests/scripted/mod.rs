//! A world without a network: runners that say what they are told, under virtual time.

#![allow(unreachable_pub, clippy::unwrap_used)]

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::future::Future;
use std::rc::Rc;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use konsul_checks::{
    Added, Alias, CheckKey, Checks, Definition, Event, Finding, Initial, Kind, Limit, Polled, Probe, Rules,
    Run, RunFuture, Runners, Settings, TargetHealth, Targets, TcpCheck,
};
use konsul_runtime::sync::{mpsc, watch};
use konsul_runtime::time::{sleep, timeout_at};
use konsul_runtime::virtual_time::Sim;
use konsul_types::{CheckId, CheckStatus};

pub fn key(id: &str) -> CheckKey {
    CheckKey::of(CheckId::new(id).unwrap())
}

pub fn seconds(count: u64) -> Duration {
    Duration::from_secs(count)
}

/// Settings under which every change is told at once and nothing is damped.
pub fn at_once() -> Settings {
    let rules = Rules { output_every: Duration::ZERO, discard_output: false, flaps: None };
    Settings { rules, ..Settings::default() }
}

#[derive(Default)]
struct Play {
    says: BTreeMap<String, Finding>,
    takes: BTreeMap<String, Duration>,
    runs: BTreeMap<String, usize>,
    cut: BTreeMap<String, usize>,
    running: Vec<String>,
    most: usize,
}

#[derive(Clone, Default)]
struct Plays(Arc<Mutex<Play>>);

impl Runners for Plays {
    /// The address of the check names it: a test's check is a TCP check that connects nowhere.
    fn runner(&self, probe: &Probe) -> Arc<dyn Run> {
        let Probe::Tcp(check) = probe else { panic!("only TCP checks are played") };
        Arc::new(Player { name: check.address.clone(), play: self.0.clone() })
    }
}

struct Player {
    name: String,
    play: Arc<Mutex<Play>>,
}

impl Run for Player {
    fn run(&self, limit: Limit) -> RunFuture<'_> {
        let (says, takes) = {
            let mut play = self.play.lock().unwrap();
            *play.runs.entry(self.name.clone()).or_default() += 1;
            play.running.push(self.name.clone());
            play.most = play.most.max(play.running.len());
            let says = play.says.get(&self.name).cloned();
            (says, play.takes.get(&self.name).copied().unwrap_or_default())
        };
        let mark = Mark { name: self.name.clone(), play: self.play.clone(), cut: true };
        Box::pin(async move {
            // All of it moves in, not the field alone.
            let mut mark = mark;
            let ended = timeout_at(limit.until, sleep(takes)).await;
            mark.cut = false;
            match ended {
                Ok(()) => says.unwrap_or_else(|| Finding::critical("nothing to say")),
                Err(_) => Finding::critical("late"),
            }
        })
    }
}

struct Mark {
    name: String,
    play: Arc<Mutex<Play>>,
    cut: bool,
}

impl Drop for Mark {
    fn drop(&mut self) {
        let mut play = self.play.lock().unwrap();
        let at = play.running.iter().position(|name| *name == self.name).unwrap();
        play.running.remove(at);
        *play.cut.entry(self.name.clone()).or_default() += usize::from(self.cut);
    }
}

struct OneTarget(watch::Receiver<TargetHealth>);

impl Targets for OneTarget {
    fn watch(&self, _: &Alias) -> watch::Receiver<TargetHealth> {
        self.0.clone()
    }
}

pub struct World {
    pub checks: Checks,
    pub events: RefCell<mpsc::Receiver<Event>>,
    pub target: watch::Sender<TargetHealth>,
    plays: Plays,
    removals: RefCell<usize>,
    name: RefCell<String>,
}

impl World {
    pub fn run<F: Future<Output = ()> + 'static>(
        seed: u64,
        settings: Settings,
        body: impl FnOnce(Rc<World>) -> F + 'static,
    ) {
        Self::run_in(&Sim::new(seed), settings, body);
    }

    pub fn run_in<F: Future<Output = ()> + 'static>(
        sim: &Sim,
        settings: Settings,
        body: impl FnOnce(Rc<World>) -> F + 'static,
    ) {
        let world = async move {
            let plays = Plays::default();
            let (target, receiver) = watch::channel(TargetHealth::Absent);
            let (checks, events) =
                Checks::start(&settings, Arc::new(plays.clone()), Arc::new(OneTarget(receiver)));
            let world = World {
                checks,
                events: RefCell::new(events),
                target,
                plays,
                removals: RefCell::default(),
                name: RefCell::default(),
            };
            body(Rc::new(world)).await;
        };
        sim.block_on(1, Duration::from_secs(1_000_000), world).unwrap();
    }

    /// A check that runs each so many seconds. It becomes that of the name with which it is added.
    pub fn polled(&self, every: u64) -> Definition {
        let probe = Probe::Tcp(TcpCheck { address: self.name.borrow().clone(), tls: None });
        Definition::new(Kind::Polled(Polled::new(probe, seconds(every))))
    }

    pub fn add(&self, name: &str, mut definition: Definition) -> Added {
        if let Kind::Polled(Polled { probe: Probe::Tcp(check), .. }) = &mut definition.kind {
            check.address = name.to_owned();
        }
        self.checks.add(key(name), definition, Initial::default()).unwrap()
    }

    pub fn say(&self, name: &str, status: CheckStatus, output: &str) {
        self.plays.0.lock().unwrap().says.insert(name.into(), Finding { status, output: output.into() });
    }

    pub fn take_long(&self, name: &str, takes: Duration) {
        self.plays.0.lock().unwrap().takes.insert(name.into(), takes);
    }

    pub async fn wait(&self, span: Duration) {
        sleep(span).await;
    }

    pub async fn until_running(&self, name: &str) {
        while !self.plays.0.lock().unwrap().running.iter().any(|other| other == name) {
            sleep(Duration::from_millis(1)).await;
        }
    }

    pub fn runs(&self, name: &str) -> usize {
        self.plays.0.lock().unwrap().runs.get(name).copied().unwrap_or_default()
    }

    pub fn all_runs(&self) -> usize {
        self.plays.0.lock().unwrap().runs.values().sum()
    }

    pub fn cut(&self, name: &str) -> usize {
        self.plays.0.lock().unwrap().cut.get(name).copied().unwrap_or_default()
    }

    pub fn most_at_a_time(&self) -> usize {
        self.plays.0.lock().unwrap().most
    }

    /// The reports since the last look.
    pub fn reports(&self) -> Vec<(String, CheckStatus, String)> {
        let mut reports = Vec::new();
        while let Ok(event) = self.events.borrow_mut().try_recv() {
            match event {
                Event::Report(report) => {
                    reports.push((report.key.id.to_string(), report.status, report.output.to_string()));
                }
                Event::Deregister { .. } => *self.removals.borrow_mut() += 1,
            }
        }
        reports
    }

    /// Requests for removal since the last look.
    pub fn removals(&self) -> usize {
        self.reports();
        self.removals.take()
    }
}
