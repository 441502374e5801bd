//! The heart of a simulation: tasks, clock, generator, trace.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::future::Future;
use std::hash::{Hash, Hasher};
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use super::rng::{SeededRng, mix};
use super::task::{Queue, TaskHandle, TaskWaker};
use super::timer::Timer;
use crate::time::{Duration, Instant};

/// Which of the ready tasks runs next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// The one that became ready first.
    Fifo,
    /// One drawn from the seed: finds races that the first order hides.
    Random,
}

/// How a simulation behaves.
#[derive(Debug, Clone)]
pub struct SimOptions {
    /// Everything that is drawn comes from it.
    pub seed: u64,
    /// The order of ready tasks; `None` draws it from the seed.
    pub order: Option<Order>,
    /// Shortest and longest time that half a job of a [`Worker`](crate::worker::Worker) takes.
    pub disk: (Duration, Duration),
    /// Milliseconds since the Unix epoch at the start.
    pub wall_ms: u64,
}

impl SimOptions {
    /// The usual ones: order drawn, a disk of 10 µs to 1 ms, a day in 2026.
    pub fn new(seed: u64) -> Self {
        let disk = (Duration::from_micros(10), Duration::from_millis(1));
        Self { seed, order: None, disk, wall_ms: 1_767_225_600_000 }
    }
}

struct Task {
    node: u64,
    /// Taken out while it runs.
    future: Option<Body>,
    waker: Arc<TaskWaker>,
}

type Body = Pin<Box<dyn Future<Output = ()>>>;

struct NodeState {
    rng: SeededRng,
    /// What its wall clock is off, in milliseconds.
    wall_skew: Cell<i64>,
    /// While its tasks are being dropped, what they spawn is dropped too.
    dying: Cell<bool>,
    /// While it is paused, its tasks are not run; those that became ready wait here.
    paused: Cell<bool>,
    held: RefCell<Vec<u64>>,
}

pub(crate) struct Core {
    options: SimOptions,
    order: Order,
    rng: SeededRng,
    disk: Cell<(Duration, Duration)>,
    now: Cell<u64>,
    steps: Cell<u64>,
    hash: Cell<u64>,
    node: Cell<u64>,
    next_id: Cell<u64>,
    tasks: RefCell<BTreeMap<u64, Task>>,
    nodes: RefCell<BTreeMap<u64, Rc<NodeState>>>,
    timers: RefCell<BTreeMap<(u64, u64), Waker>>,
    queue: Arc<Queue>,
}

impl Core {
    pub(super) fn new(options: SimOptions) -> Rc<Self> {
        let rng = SeededRng::new(mix(options.seed ^ 0x6b6f_6e73_756c));
        let drawn = if rng.next() & 1 == 0 { Order::Fifo } else { Order::Random };
        Rc::new(Self {
            order: options.order.unwrap_or(drawn),
            rng,
            disk: Cell::new(options.disk),
            now: Cell::new(0),
            steps: Cell::new(0),
            hash: Cell::new(mix(options.seed)),
            node: Cell::new(0),
            next_id: Cell::new(0),
            tasks: RefCell::default(),
            nodes: RefCell::default(),
            timers: RefCell::default(),
            queue: Arc::default(),
            options,
        })
    }

    pub(crate) fn now(&self) -> Instant {
        Instant::from_nanos(self.now.get())
    }

    pub(crate) fn wall_ms(&self) -> u64 {
        let true_ms = self.options.wall_ms + self.now.get() / 1_000_000;
        true_ms.saturating_add_signed(self.state(self.node()).wall_skew.get())
    }

    pub(super) fn jump_wall(&self, node: u64, by_ms: i64) {
        let state = self.state(node);
        state.wall_skew.set(state.wall_skew.get().saturating_add(by_ms));
    }

    /// The next number of the current node's generator.
    pub(crate) fn random(&self) -> u64 {
        self.state(self.node()).rng.next()
    }

    pub(crate) fn disk_delay(&self) -> Duration {
        let (low, high) = self.disk.get();
        let width = high.saturating_sub(low).as_nanos() as u64;
        low + Duration::from_nanos(self.state(self.node()).rng.below(width))
    }

    pub(crate) fn node(&self) -> u64 {
        self.node.get()
    }

    /// Makes `node` the current one while `body` runs.
    pub(super) fn on_node<R>(&self, node: u64, body: impl FnOnce() -> R) -> R {
        let before = self.node.replace(node);
        let result = body();
        self.node.set(before);
        result
    }

    fn state(&self, node: u64) -> Rc<NodeState> {
        let mut nodes = self.nodes.borrow_mut();
        let fresh = || {
            let rng = SeededRng::new(mix(self.options.seed ^ mix(node)));
            Rc::new(NodeState {
                rng,
                wall_skew: Cell::new(0),
                dying: Cell::new(false),
                paused: Cell::new(false),
                held: RefCell::default(),
            })
        };
        nodes.entry(node).or_insert_with(fresh).clone()
    }

    fn id(&self) -> u64 {
        self.next_id.set(self.next_id.get() + 1);
        self.next_id.get()
    }

    /// Adds a task to the current node.
    pub(crate) fn spawn<F>(&self, future: F) -> TaskHandle<F::Output>
    where
        F: Future + 'static,
        F::Output: 'static,
    {
        let (done, finished) = tokio::sync::oneshot::channel();
        let body = async move {
            // Nobody may be waiting; a task's result is then dropped.
            let _ = done.send(future.await);
        };
        let (id, node) = (self.id(), self.node());
        if !self.state(node).dying.get() {
            let waker = TaskWaker::new(id, self.queue.clone());
            self.tasks
                .borrow_mut()
                .insert(id, Task { node, future: Some(Box::pin(body)), waker: waker.clone() });
            waker.schedule();
        }
        TaskHandle::new(id, finished)
    }

    pub(crate) fn timer(&self, deadline: Instant) -> Timer {
        Timer::new(deadline, self.id())
    }

    pub(super) fn set_timer(&self, deadline: Instant, id: u64, waker: &Waker) {
        self.timers.borrow_mut().insert((deadline.as_nanos(), id), waker.clone());
    }

    pub(super) fn clear_timer(&self, deadline: Instant, id: u64) {
        let waker = self.timers.borrow_mut().remove(&(deadline.as_nanos(), id));
        drop(waker);
    }

    /// Runs one ready task, or moves the clock to the next timer. Answers whether anything happened.
    pub(super) fn step(&self) -> bool {
        match self.pick() {
            Some(id) => self.poll(id),
            None => self.advance(),
        }
    }

    pub(super) fn next_event(&self) -> Option<Instant> {
        if !self.queue.is_empty() {
            return Some(self.now());
        }
        self.timers.borrow().keys().next().map(|(at, _)| Instant::from_nanos((*at).max(self.now.get())))
    }

    fn pick(&self) -> Option<u64> {
        match self.order {
            Order::Fifo => self.queue.take_first(),
            Order::Random => self.queue.take_nth(|ready| self.rng.below(ready)),
        }
    }

    fn poll(&self, id: u64) -> bool {
        if self.hold(id) {
            return true;
        }
        let Some((node, mut future, waker)) = self.take(id) else {
            return true;
        };
        self.steps.set(self.steps.get() + 1);
        self.trace((self.now.get(), node, id));
        waker.started();
        let waker = waker.into();
        let polled = self.on_node(node, || future.as_mut().poll(&mut Context::from_waker(&waker)));
        self.put_back(id, node, future, polled);
        true
    }

    /// Keeps a ready task of a paused node for later.
    fn hold(&self, id: u64) -> bool {
        let node = self.tasks.borrow().get(&id).map(|task| task.node);
        let Some(state) = node.map(|node| self.state(node)) else {
            return false;
        };
        if state.paused.get() {
            state.held.borrow_mut().push(id);
        }
        state.paused.get()
    }

    /// Stops or lets go on the tasks of a node, as a stopped process or a paused machine does.
    pub(super) fn set_paused(&self, node: u64, paused: bool) {
        self.trace(("pause", self.now.get(), node, paused));
        let state = self.state(node);
        state.paused.set(paused);
        if !paused {
            let held = std::mem::take(&mut *state.held.borrow_mut());
            held.into_iter().for_each(|id| self.queue.put(id));
        }
    }

    pub(super) fn set_disk(&self, low: Duration, high: Duration) {
        self.disk.set((low, high));
    }

    fn take(&self, id: u64) -> Option<(u64, Body, Arc<TaskWaker>)> {
        let mut tasks = self.tasks.borrow_mut();
        let task = tasks.get_mut(&id)?;
        Some((task.node, task.future.take()?, task.waker.clone()))
    }

    /// Keeps a pending task, unless it was aborted or its node was killed while it ran.
    fn put_back(&self, id: u64, node: u64, future: Body, polled: Poll<()>) {
        if polled.is_pending()
            && let Some(task) = self.tasks.borrow_mut().get_mut(&id)
        {
            task.future = Some(future);
            return;
        }
        let gone = self.tasks.borrow_mut().remove(&id);
        self.on_node(node, || drop((gone, future)));
    }

    fn advance(&self) -> bool {
        let first = self.timers.borrow_mut().pop_first();
        let Some(((at, _), waker)) = first else {
            return false;
        };
        self.now.set(self.now.get().max(at));
        waker.wake();
        true
    }

    pub(super) fn set_now(&self, now: Instant) {
        self.now.set(self.now.get().max(now.as_nanos()));
    }

    pub(super) fn abort(&self, id: u64) {
        let task = self.tasks.borrow_mut().remove(&id);
        if let Some(task) = task {
            self.on_node(task.node, || drop(task));
        }
    }

    /// Drops the tasks of a node, oldest first, and forgets what they spawn while they go.
    pub(super) fn kill(&self, node: u64) {
        self.trace(("kill", self.now.get(), node));
        let state = self.state(node);
        state.dying.set(true);
        let ids: Vec<u64> =
            self.tasks.borrow().iter().filter(|(_, task)| task.node == node).map(|(id, _)| *id).collect();
        ids.into_iter().for_each(|id| self.abort(id));
        state.held.borrow_mut().clear();
        state.paused.set(false);
        state.dying.set(false);
    }

    pub(super) fn kill_all(&self) {
        let nodes: Vec<u64> = self.nodes.borrow().keys().copied().collect();
        nodes.into_iter().for_each(|node| self.kill(node));
    }

    /// Whether a task has neither returned nor been dropped.
    pub(super) fn has_task(&self, id: u64) -> bool {
        self.tasks.borrow().contains_key(&id)
    }

    pub(super) fn task_count(&self, node: u64) -> usize {
        self.tasks.borrow().values().filter(|task| task.node == node).count()
    }

    pub(super) fn steps(&self) -> u64 {
        self.steps.get()
    }

    pub(crate) fn trace(&self, what: impl Hash) {
        let mut hasher = TraceHasher(self.hash.get());
        what.hash(&mut hasher);
        self.hash.set(hasher.finish());
    }

    pub(super) fn trace_hash(&self) -> u64 {
        self.hash.get()
    }

    pub(super) fn order(&self) -> Order {
        self.order
    }
}

/// A hash that is the same in every process and release, unlike the standard library's.
struct TraceHasher(u64);

impl Hasher for TraceHasher {
    fn write(&mut self, bytes: &[u8]) {
        for chunk in bytes.chunks(8) {
            let mut word = [0; 8];
            word[..chunk.len()].copy_from_slice(chunk);
            self.write_u64(u64::from_le_bytes(word));
        }
    }

    fn write_u64(&mut self, word: u64) {
        self.0 = mix(self.0.rotate_left(5) ^ word);
    }

    fn finish(&self) -> u64 {
        self.0
    }
}
