//! Simulated clients: tasks that use the server as people do, and note what they heard.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use konsul_operations::{Consistency, Context, Error};
use konsul_runtime::time::{Duration, now, sleep};
use konsul_storage::vfs::sim::rng::Rng;
use konsul_types::{Key, Namespace, RequestId, Value};

use crate::desk::{Counter, Door, Heard};
use crate::history::History;
use crate::plan::Plan;

mod backups;
mod bound;
mod crowd;
mod deposed;
mod events;
mod followers;
mod health;
mod keys;
mod locks;
mod queries;
mod queues;
pub mod reading;
mod registers;
mod registry;
mod registry_txns;
mod retries;
mod txns;
mod waiters;

pub use crowd::spawn_all;
pub use registers::{RegisterLog, RegisterOp};

/// What all clients of a run share.
#[derive(Clone)]
pub struct Common {
    /// Where the server is.
    pub door: Door,
    /// The journals.
    pub history: History,
    /// What the run says to its clients.
    pub control: Arc<Control>,
    /// The blind journal of registers.
    pub registers: RegisterLog,
    /// The plan.
    pub plan: Arc<Plan>,
}

/// What the run says to its clients, and they to it.
#[derive(Debug, Default)]
pub struct Control {
    /// Clients end when they have finished what they are at.
    pub stop: AtomicBool,
    /// Operations begun so far.
    pub operations: AtomicU64,
    /// Requests that were sent again.
    pub retried: AtomicU64,
    /// How often the wall clock was moved forward.
    pub jumps: AtomicU64,
    /// Clients that have ended.
    pub ended: AtomicU64,
}

impl Control {
    /// Whether clients go on.
    pub fn goes_on(&self) -> bool {
        !self.stop.load(Ordering::Relaxed)
    }
}

/// One client.
pub struct Client {
    /// Its number, from 1.
    pub id: u32,
    /// What all share.
    pub common: Common,
    /// Its luck.
    pub rng: Rng,
    serial: u64,
}

impl Client {
    /// A client with luck of its own.
    pub fn new(id: u32, common: Common) -> Client {
        let rng = crate::plan::rng_of(common.plan.seed, 1_000 + u64::from(id));
        Client { id, common, rng, serial: 0 }
    }

    /// Whether it goes on.
    pub fn goes_on(&self) -> bool {
        self.common.control.goes_on()
    }

    /// A value that nobody else ever writes.
    pub fn value(&mut self) -> Value {
        self.serial += 1;
        Value::from(format!("c{}-{}", self.id, self.serial).into_bytes())
    }

    /// A number below a bound.
    pub fn below(&mut self, bound: u64) -> u64 {
        self.rng.below(bound)
    }

    /// Whether one of `of` cases happens.
    pub fn one_in(&mut self, of: u64) -> bool {
        self.rng.below(of) == 0
    }

    /// One of several.
    pub fn pick<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        &from[self.rng.below(from.len() as u64) as usize]
    }

    /// Does nothing for up to so many milliseconds.
    pub async fn think(&mut self, most_ms: u64) {
        let nanos = self.rng.below(most_ms.max(1) * 1_000_000);
        sleep(Duration::from_nanos(nanos)).await;
    }

    /// A namespace.
    pub fn namespace(&mut self) -> Namespace {
        match self.below(4) {
            0 => tenant(),
            _ => Namespace::default_namespace(),
        }
    }

    /// A context in a namespace.
    pub fn context(&mut self, namespace: &Namespace) -> Context {
        let consistency = match self.below(10) {
            0 => Consistency::Stale { max_stale: None },
            1 | 2 => Consistency::Consistent,
            _ => Consistency::Default,
        };
        Context { consistency, ..Context::new(namespace.clone()) }
    }

    /// A context for a write: mostly without an id.
    pub fn write_context(&mut self, namespace: &Namespace) -> Context {
        let deadline = self.one_in(8).then(|| now() + Duration::from_millis(3));
        Context { deadline, ..Context::new(namespace.clone()) }
    }

    /// A fresh request id.
    pub fn request(&self) -> RequestId {
        RequestId(konsul_runtime::random::uuid_v7())
    }

    /// Sends one request. A closed door costs a moment.
    pub async fn ask<T, F, W>(&mut self, patience: Duration, work: W) -> Heard<Result<T, Error>>
    where
        T: Send + 'static,
        F: Future<Output = Result<T, Error>> + Send + 'static,
        W: FnOnce(Counter) -> F + Send + 'static,
    {
        self.common.control.operations.fetch_add(1, Ordering::Relaxed);
        let heard = self.common.door.ask(self.id, patience, work).await;
        let kind = match &heard {
            Heard::Closed => 0u8,
            Heard::Nothing => 1,
            Heard::Answer(Ok(_)) => 2,
            Heard::Answer(Err(_)) => 3,
        };
        konsul_runtime::virtual_time::trace((self.id, kind));
        match &heard {
            Heard::Closed => self.think(120).await,
            Heard::Answer(Err(Error::Refused(_) | Error::SessionNotFound(_))) | Heard::Answer(Ok(_)) => {}
            _ => self.think(40).await,
        }
        heard
    }
}

impl<T> Heard<Result<T, Error>> {
    /// The answer, if there was one and it is no error.
    pub fn ok(self) -> Option<T> {
        match self {
            Heard::Answer(Ok(answer)) => Some(answer),
            _ => None,
        }
    }
}

/// How long clients usually wait for an answer.
pub const PATIENCE: Duration = Duration::from_secs(4);

/// The namespace beside the default one.
pub fn tenant() -> Namespace {
    Namespace::new("tenant").expect("a good name")
}

/// A key by its text.
pub fn key(text: &str) -> Key {
    Key::new(text).expect("clients use good keys")
}
