//! The load: so many callers, each with one call under way.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::{Duration, Instant};

use konsul_client::v2::api::batch::{Operation as Member, Request, Verb};
use konsul_client::v2::api::kv::Put;
use konsul_client::v2::{Condition, Retry};
use konsul_client::{Client, Error};
use tokio::task::{JoinSet, LocalSet};

use super::report::Report;
use super::{Bench, Operation};

/// What the callers share.
struct Plan {
    client: Client,
    prefix: String,
    operation: Operation,
    value: String,
    keys: u64,
    batch: u64,
    /// No new call is to be made.
    ended: Cell<bool>,
}

/// How long an ended load waits for the calls under way.
const LAST_ANSWERS: Duration = Duration::from_secs(10);

/// A load that can be started.
pub(crate) struct Load(Rc<Plan>);

impl Load {
    pub(crate) fn new(client: Client, bench: &Bench) -> Load {
        Load(Rc::new(Plan {
            client,
            // Two at once must not remove each other's keys.
            prefix: format!("konsulctl-bench/{}/", std::process::id()),
            operation: bench.operation,
            value: "v".repeat(bench.size as usize),
            keys: u64::from(bench.keys),
            batch: u64::from(bench.batch),
            ended: Cell::new(false),
        }))
    }

    pub(crate) fn prefix(&self) -> &str {
        &self.0.prefix
    }

    /// Writes the keys that are read later.
    pub(crate) async fn prepare(&self) -> Result<(), Error> {
        let plan = &self.0;
        if !matches!(plan.operation, Operation::Get | Operation::Mixed) {
            return Ok(());
        }
        let mut next = 0;
        while next < plan.keys {
            let end = (next + 1000).min(plan.keys);
            plan.write_together(next..end).await?;
            next = end;
        }
        Ok(())
    }

    pub(crate) async fn clean(&self) -> Result<(), Error> {
        self.0.client.v2().kv_delete_tree(&self.0.prefix).await.map(|_| ())
    }

    pub(crate) fn start(&self, clients: u32) -> Running {
        let report = Rc::new(RefCell::new(Report::new()));
        let (local, mut callers) = (LocalSet::new(), JoinSet::new());
        for caller in 0..clients {
            let (plan, report) = (Rc::clone(&self.0), Rc::clone(&report));
            callers.spawn_local_on(async move { plan.call_on(u64::from(caller), &report).await }, &local);
        }
        Running { plan: Rc::clone(&self.0), report, local, callers }
    }
}

/// A load that runs whenever it is awaited.
pub(crate) struct Running {
    plan: Rc<Plan>,
    report: Rc<RefCell<Report>>,
    local: LocalSet,
    callers: JoinSet<()>,
}

impl Running {
    /// Lets the callers call until the future is dropped.
    pub(crate) async fn go(&self) {
        self.local.run_until(std::future::pending::<()>()).await;
    }

    pub(crate) fn so_far(&self) -> Report {
        self.report.borrow().clone()
    }

    /// Ends it once the calls under way are answered. They count: they may be the slowest, and a write that was left
    /// alone could arrive after its key was removed. What is not answered within [`LAST_ANSWERS`] is dropped.
    pub(crate) async fn stop(mut self) -> Report {
        self.plan.ended.set(true);
        let answered = async { while self.callers.join_next().await.is_some() {} };
        let _ = tokio::time::timeout(LAST_ANSWERS, self.local.run_until(answered)).await;
        let mut report = self.report.borrow().clone();
        report.end();
        report
    }
}

impl Plan {
    async fn call_on(&self, caller: u64, report: &RefCell<Report>) {
        // Callers walk the keys from different places, with a step that meets every key.
        let mut turn = caller.wrapping_mul(7919);
        while !self.ended.get() {
            let begun = Instant::now();
            let result = self.call(turn).await;
            let mut report = report.borrow_mut();
            match result {
                Ok(operations) => report.succeeded(begun.elapsed(), operations),
                Err(error) => report.failed(error),
            }
            drop(report);
            turn = turn.wrapping_add(1);
        }
    }

    /// One call: how many operations it was.
    async fn call(&self, turn: u64) -> Result<u64, Error> {
        let key = self.key(turn % self.keys);
        let write = match self.operation {
            Operation::Batch => {
                let start = (turn * self.batch) % self.keys;
                return self.write_together(start..start + self.batch).await;
            }
            Operation::Put => true,
            Operation::Get => false,
            Operation::Mixed => turn.is_multiple_of(10),
        };
        // A call that is made again would count as one slow one.
        let v2 = self.client.v2().retrying(Retry::NEVER);
        if write {
            let put = Put { value: Some(self.value.clone()), ..Put::default() };
            v2.kv_put(&key, &put, Condition::None).await?;
        } else {
            v2.kv_get(&key, None).await?;
        }
        Ok(1)
    }

    async fn write_together(&self, range: std::ops::Range<u64>) -> Result<u64, Error> {
        let operations: Vec<Member> = range
            .map(|number| Member {
                op: Verb::KvPut,
                key: Some(self.key(number % self.keys)),
                value: Some(self.value.clone()),
                ..Member::default()
            })
            .collect();
        let count = operations.len() as u64;
        let answer =
            self.client.v2().retrying(Retry::NEVER).batch(&Request { atomic: false, operations }).await?;
        match answer.results.iter().find_map(|outcome| outcome.failure.as_ref()) {
            None => Ok(count),
            Some(failure) => Err(Error::Config(format!("a member of a batch failed: {}", failure.detail))),
        }
    }

    fn key(&self, number: u64) -> String {
        format!("{}{number:07}", self.prefix)
    }
}
