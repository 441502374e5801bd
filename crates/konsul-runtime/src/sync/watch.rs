//! A channel that holds one value and tells its readers when it was replaced; readers wake in the order in which they
//! began to wait.
//!
//! A reader sees the newest value, not each one. `send` stores the value under a lock, raises the version, and then
//! takes all waiting wakers at once; a reader that registers after that finds the version already raised, so no
//! change is missed.

use std::collections::BTreeMap;
use std::fmt;
use std::future::Future;
use std::ops::Deref;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock, RwLockReadGuard};
use std::task::{Context, Poll, Waker};

/// A channel that starts with `value`, which counts as seen by the receiver.
pub fn channel<T>(value: T) -> (Sender<T>, Receiver<T>) {
    let shared = Arc::new(Shared {
        value: RwLock::new(value),
        version: AtomicU64::new(0),
        waiters: Mutex::default(),
        senders: AtomicUsize::new(1),
        receivers: AtomicUsize::new(1),
        closed: AtomicBool::new(false),
    });
    (Sender { shared: shared.clone() }, Receiver { shared, seen: 0 })
}

struct Shared<T> {
    value: RwLock<T>,
    version: AtomicU64,
    waiters: Mutex<Waiters>,
    senders: AtomicUsize,
    receivers: AtomicUsize,
    /// All senders are gone.
    closed: AtomicBool,
}

#[derive(Default)]
struct Waiters {
    next: u64,
    wakers: BTreeMap<u64, Waker>,
}

impl<T> Shared<T> {
    fn borrow(&self) -> Ref<'_, T> {
        Ref(self.value.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Changes the value and, if `modify` says that it did, raises the version before the lock is given back.
    fn modify(&self, modify: impl FnOnce(&mut T) -> bool) -> bool {
        let mut value = self.value.write().unwrap_or_else(PoisonError::into_inner);
        if !modify(&mut value) {
            return false;
        }
        self.version.fetch_add(1, Ordering::Release);
        drop(value);
        self.wake_all();
        true
    }

    fn wake_all(&self) {
        let woken = std::mem::take(&mut self.waiters().wakers);
        woken.into_values().for_each(Waker::wake);
    }

    fn waiters(&self) -> std::sync::MutexGuard<'_, Waiters> {
        self.waiters.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What a reader that has seen `seen` learns: a new version, the end, or nothing yet.
    fn news(&self, seen: u64) -> Option<Result<u64, Closed>> {
        let closed = self.closed.load(Ordering::Acquire);
        let version = self.version.load(Ordering::Acquire);
        if version != seen {
            return Some(Ok(version));
        }
        closed.then_some(Err(Closed))
    }
}

/// The value, locked for reading. Not to be kept: the sender waits for it.
#[derive(Debug)]
pub struct Ref<'a, T>(RwLockReadGuard<'a, T>);

impl<T> Deref for Ref<'_, T> {
    type Target = T;
    fn deref(&self) -> &T {
        &self.0
    }
}

/// No value comes any more: all senders are gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Closed;

impl fmt::Display for Closed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the watched value has no sender any more")
    }
}

impl std::error::Error for Closed {}

/// Replaces the value.
pub struct Sender<T> {
    shared: Arc<Shared<T>>,
}

impl<T> Sender<T> {
    /// Stores `value` and wakes the readers; gives it back if there is no reader.
    pub fn send(&self, value: T) -> Result<(), T> {
        if self.receiver_count() == 0 {
            return Err(value);
        }
        self.send_replace(value);
        Ok(())
    }

    /// Stores `value`, readers or not, and returns the one it replaced.
    pub fn send_replace(&self, mut value: T) -> T {
        self.shared.modify(|current| {
            std::mem::swap(current, &mut value);
            true
        });
        value
    }

    /// Changes the value in place and wakes the readers.
    pub fn send_modify(&self, modify: impl FnOnce(&mut T)) {
        self.shared.modify(|value| {
            modify(value);
            true
        });
    }

    /// Changes the value in place; readers wake only if `modify` answers that it changed something. Answers the same.
    pub fn send_if_modified(&self, modify: impl FnOnce(&mut T) -> bool) -> bool {
        self.shared.modify(modify)
    }

    /// The value as it is.
    pub fn borrow(&self) -> Ref<'_, T> {
        self.shared.borrow()
    }

    /// A receiver that counts the present value as seen.
    pub fn subscribe(&self) -> Receiver<T> {
        self.shared.receivers.fetch_add(1, Ordering::AcqRel);
        let value = self.shared.borrow();
        let seen = self.shared.version.load(Ordering::Acquire);
        drop(value);
        Receiver { shared: self.shared.clone(), seen }
    }

    /// How many receivers there are.
    pub fn receiver_count(&self) -> usize {
        self.shared.receivers.load(Ordering::Acquire)
    }
}

impl<T> Clone for Sender<T> {
    fn clone(&self) -> Self {
        self.shared.senders.fetch_add(1, Ordering::AcqRel);
        Self { shared: self.shared.clone() }
    }
}

impl<T> Drop for Sender<T> {
    fn drop(&mut self) {
        if self.shared.senders.fetch_sub(1, Ordering::AcqRel) == 1 {
            self.shared.closed.store(true, Ordering::Release);
            self.shared.wake_all();
        }
    }
}

impl<T: fmt::Debug> fmt::Debug for Sender<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Sender").field(&*self.borrow()).finish()
    }
}

/// Reads the value and waits for the next one.
pub struct Receiver<T> {
    shared: Arc<Shared<T>>,
    seen: u64,
}

impl<T> Receiver<T> {
    /// Waits for a value that this receiver has not seen, and counts it as seen. Answers [`Closed`] once all senders
    /// are gone and the last value has been seen.
    pub async fn changed(&mut self) -> Result<(), Closed> {
        self.seen = Changed { shared: &self.shared, seen: self.seen, key: None }.await?;
        Ok(())
    }

    /// The value; whether it counts as seen does not change.
    pub fn borrow(&self) -> Ref<'_, T> {
        self.shared.borrow()
    }

    /// The value, counted as seen.
    pub fn borrow_and_update(&mut self) -> Ref<'_, T> {
        let value = self.shared.borrow();
        // Under the read lock no sender can raise it, so version and value belong together.
        self.seen = self.shared.version.load(Ordering::Acquire);
        value
    }

    /// Whether there is a value that was not seen.
    pub fn has_changed(&self) -> Result<bool, Closed> {
        self.shared.news(self.seen).map_or(Ok(false), |news| news.map(|_| true))
    }

    /// Waits until the value satisfies `condition`, the present one included.
    pub async fn wait_for(&mut self, mut condition: impl FnMut(&T) -> bool) -> Result<Ref<'_, T>, Closed> {
        loop {
            if condition(&self.borrow_and_update()) {
                return Ok(self.shared.borrow());
            }
            self.changed().await?;
        }
    }
}

impl<T> Clone for Receiver<T> {
    fn clone(&self) -> Self {
        self.shared.receivers.fetch_add(1, Ordering::AcqRel);
        Self { shared: self.shared.clone(), seen: self.seen }
    }
}

impl<T> Drop for Receiver<T> {
    fn drop(&mut self) {
        self.shared.receivers.fetch_sub(1, Ordering::AcqRel);
    }
}

impl<T: fmt::Debug> fmt::Debug for Receiver<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Receiver").field("value", &*self.borrow()).field("seen", &self.seen).finish()
    }
}

struct Changed<'a, T> {
    shared: &'a Shared<T>,
    seen: u64,
    /// The place in the order of waiters, kept over spurious wake-ups.
    key: Option<u64>,
}

impl<T> Future for Changed<'_, T> {
    type Output = Result<u64, Closed>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        if let Some(news) = self.shared.news(self.seen) {
            return Poll::Ready(news);
        }
        let shared = self.shared;
        let mut waiters = shared.waiters();
        // Again, under the lock: a sender that took the wakers before this moment has raised the version already.
        if let Some(news) = shared.news(self.seen) {
            return Poll::Ready(news);
        }
        let key = *self.key.get_or_insert_with(|| {
            waiters.next += 1;
            waiters.next
        });
        waiters.wakers.insert(key, cx.waker().clone());
        Poll::Pending
    }
}

impl<T> Drop for Changed<'_, T> {
    fn drop(&mut self) {
        if let Some(key) = self.key {
            self.shared.waiters().wakers.remove(&key);
        }
    }
}
