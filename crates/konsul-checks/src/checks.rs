//! The handle on all checks of an agent, and the tasks behind it.
//!
//! Two tasks serve all checks: the *scheduler* sleeps until something is due and starts runs, each a task of its own;
//! the *courier* carries what is to be told into the channel, and takes it from the keeper only when there is room, so
//! that a slow reader gets the newest word of each check. A run's task hands its finding to the keeper itself.
//!
//! The lock on the keeper is never held over an await.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use konsul_runtime::sync::{Notify, mpsc, watch};
use konsul_runtime::time::sleep_until;
use konsul_runtime::{JoinHandle, select, spawn};
use konsul_types::CheckStatus;

use crate::decide::{Finding, TargetHealth, judge_alias};
use crate::definition::{Alias, CheckKey, Definition, Initial, Kind};
use crate::keeper::{AddError, Added, Event, Keeper, Now, Start, Ticket, UpdateError, View};
use crate::run::{Run, Runners};
use crate::settings::{Rules, Settings};
use crate::stats::Stats;

/// The port to the catalogue: how the targets of alias checks stand.
pub trait Targets: Send + Sync + 'static {
    /// A channel that always holds how this target stands. When it closes, the check is critical and says so.
    fn watch(&self, alias: &Alias) -> watch::Receiver<TargetHealth>;
}

/// All checks of an agent. When it is dropped, all runs are cut.
pub struct Checks {
    shared: Arc<Shared>,
    tasks: [JoinHandle<()>; 2],
}

struct Shared {
    keeper: Mutex<Keeper>,
    /// Tasks that belong to a check: its run, or the one that follows its target.
    tasks: Mutex<BTreeMap<Ticket, JoinHandle<()>>>,
    runners: Arc<dyn Runners>,
    targets: Arc<dyn Targets>,
    /// Something may be due earlier than the scheduler knows.
    due: Notify,
    /// There is something to tell.
    news: Notify,
}

impl Checks {
    /// Starts without checks. Events come out at the other end of the channel.
    pub fn start(
        settings: &Settings,
        runners: Arc<dyn Runners>,
        targets: Arc<dyn Targets>,
    ) -> (Self, mpsc::Receiver<Event>) {
        let shared = Arc::new(Shared {
            keeper: Mutex::new(Keeper::new(settings, Now::read().at)),
            tasks: Mutex::default(),
            runners,
            targets,
            due: Notify::new(),
            news: Notify::new(),
        });
        let (events, receiver) = mpsc::channel(settings.events_max.max(1));
        let tasks = [spawn(schedule(shared.clone())), spawn(carry(shared.clone(), events))];
        (Self { shared, tasks }, receiver)
    }

    /// Adds a check or gives it a new definition. `initial` holds only for a key that is new.
    ///
    /// # Errors
    /// [`AddError::Full`] at the bound.
    pub fn add(&self, key: CheckKey, definition: Definition, initial: Initial) -> Result<Added, AddError> {
        if self.shared.keeper().same(&key, &definition) {
            return Ok(Added::Unchanged);
        }
        // Made outside of the lock: reading certificates takes a while.
        let runner = self.shared.runner(&definition);
        let alias = if let Kind::Alias(alias) = &definition.kind { Some(alias.clone()) } else { None };
        let (ticket, old) = self.shared.keeper().add(key, definition, initial, runner, Now::read())?;
        if let Some(old) = old {
            self.shared.cut(old);
        }
        if let Some(alias) = alias {
            self.shared.follow(ticket, alias);
        }
        self.shared.after_change();
        Ok(if old.is_some() { Added::Replaced } else { Added::New })
    }

    /// Removes a check and cuts its run. Answers whether there was one.
    pub fn remove(&self, key: &CheckKey) -> bool {
        let removed = self.shared.keeper().remove(key, Now::read().at);
        if let Some(ticket) = removed {
            self.shared.cut(ticket);
            self.shared.after_change();
        }
        removed.is_some()
    }

    /// Tells a check with a time to live how it stands. It counts from this call, however busy anything else is.
    ///
    /// # Errors
    /// [`UpdateError`], whose texts are Consul's.
    pub fn update(&self, key: &CheckKey, status: CheckStatus, output: &str) -> Result<(), UpdateError> {
        self.shared.keeper().update(key, status, output, Now::read())?;
        self.shared.after_change();
        Ok(())
    }

    /// How a check stands.
    pub fn view(&self, key: &CheckKey) -> Option<View> {
        self.shared.keeper().view(key)
    }

    /// All checks, in order.
    pub fn keys(&self) -> Vec<CheckKey> {
        self.shared.keeper().keys()
    }

    /// Figures for metrics.
    pub fn stats(&self) -> Stats {
        self.shared.keeper().stats()
    }

    /// Changes the rules from now on.
    pub fn set_rules(&self, rules: Rules) {
        self.shared.keeper().set_rules(rules);
    }
}

impl Drop for Checks {
    fn drop(&mut self) {
        self.tasks.iter().for_each(JoinHandle::abort);
        let running = std::mem::take(&mut *self.shared.tasks());
        running.values().for_each(JoinHandle::abort);
    }
}

impl std::fmt::Debug for Checks {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Checks").field("checks", &self.shared.keeper().keys().len()).finish_non_exhaustive()
    }
}

impl Shared {
    fn keeper(&self) -> MutexGuard<'_, Keeper> {
        self.keeper.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn tasks(&self) -> MutexGuard<'_, BTreeMap<Ticket, JoinHandle<()>>> {
        self.tasks.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn runner(&self, definition: &Definition) -> Option<Arc<dyn Run>> {
        match &definition.kind {
            Kind::Polled(polled) => Some(self.runners.runner(&polled.probe)),
            Kind::Ttl(_) | Kind::Alias(_) => None,
        }
    }

    fn cut(&self, ticket: Ticket) {
        if let Some(task) = self.tasks().remove(&ticket) {
            task.abort();
        }
    }

    /// After the owner changed something: timers may be nearer, and there may be news.
    fn after_change(&self) {
        self.due.notify_one();
        if self.keeper().has_news() {
            self.news.notify_one();
        }
    }

    /// Does what is due and answers when the next thing is.
    fn tick(self: &Arc<Self>) -> konsul_runtime::time::Instant {
        let (starts, next, news) = {
            let mut keeper = self.keeper();
            keeper.tick(Now::read());
            (keeper.take_starts(), keeper.next_deadline(), keeper.has_news())
        };
        self.launch(starts);
        if news {
            self.news.notify_one();
        }
        next
    }

    fn launch(self: &Arc<Self>, starts: Vec<Start>) {
        for start in starts {
            // Under this lock, so that a task that ends at once finds its handle to take away.
            let mut tasks = self.tasks();
            let ticket = start.ticket;
            tasks.insert(ticket, spawn(run(self.clone(), start)));
        }
    }

    fn finished(self: &Arc<Self>, ticket: Ticket, finding: Finding) {
        self.tasks().remove(&ticket);
        let (starts, news) = {
            let mut keeper = self.keeper();
            keeper.finished(ticket, finding, Now::read());
            (keeper.take_starts(), keeper.has_news())
        };
        self.launch(starts);
        if news {
            self.news.notify_one();
        }
    }

    fn follow(self: &Arc<Self>, ticket: Ticket, alias: Alias) {
        let health = self.targets.watch(&alias);
        let mut tasks = self.tasks();
        tasks.insert(ticket, spawn(follow(self.clone(), ticket, alias, health)));
        drop(tasks);
        // Removed by somebody else since it was added: then nobody has cut this task yet.
        if !self.keeper().has(ticket) {
            self.cut(ticket);
        }
    }

    fn followed(&self, ticket: Ticket, finding: Finding) {
        let mut keeper = self.keeper();
        keeper.follow(ticket, finding, Now::read());
        if keeper.has_news() {
            self.news.notify_one();
        }
    }
}

async fn schedule(shared: Arc<Shared>) {
    loop {
        let next = shared.tick();
        select! {
            biased;
            () = shared.due.notified() => {}
            () = sleep_until(next) => {}
        }
    }
}

async fn carry(shared: Arc<Shared>, events: mpsc::Sender<Event>) {
    loop {
        let Ok(room) = events.reserve().await else { return };
        let next = shared.keeper().next_event();
        match next {
            Some(event) => room.send(event),
            None => {
                drop(room);
                shared.news.notified().await;
            }
        }
    }
}

async fn run(shared: Arc<Shared>, start: Start) {
    // A runner that panics must not keep its place for ever; a run that was cut finds its ticket gone.
    let mut end = End { shared, ticket: start.ticket, finding: None };
    end.finding = Some(start.runner.run(start.limit).await);
}

struct End {
    shared: Arc<Shared>,
    ticket: Ticket,
    finding: Option<Finding>,
}

impl Drop for End {
    fn drop(&mut self) {
        let panicked = || Finding::critical("the check ended without a result");
        let finding = self.finding.take().or_else(|| std::thread::panicking().then(panicked));
        if let Some(finding) = finding {
            self.shared.finished(self.ticket, finding);
        }
    }
}

async fn follow(
    shared: Arc<Shared>,
    ticket: Ticket,
    alias: Alias,
    mut health: watch::Receiver<TargetHealth>,
) {
    loop {
        let finding = judge_alias(&alias, &health.borrow_and_update());
        shared.followed(ticket, finding);
        if health.changed().await.is_err() {
            let gone = TargetHealth::Failed("nobody watches it any more".into());
            shared.followed(ticket, judge_alias(&alias, &gone));
            return;
        }
    }
}
