//! openraft's runtime, made of [`konsul_runtime`]: in production tokio, in a simulation the virtual executor.
//!
//! The watch channel is our own in both worlds, because tokio's wakes its waiters in an order that no seed repeats.

use std::future::Future;
use std::ops::{Add, AddAssign, Sub, SubAssign};
use std::time::Duration;

use konsul_runtime::sync::{self, mpsc, oneshot, watch};
use konsul_runtime::{random, time};
use openraft::async_runtime as rt;
use openraft::{AsyncRuntime, OptionalSend, OptionalSync};

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct SeamRuntime;

impl AsyncRuntime for SeamRuntime {
    type JoinError = konsul_runtime::JoinError;
    type JoinHandle<T: OptionalSend + 'static> = konsul_runtime::JoinHandle<T>;
    type Sleep = time::Sleep;
    type Instant = Moment;
    type TimeoutError = time::Elapsed;
    type Timeout<R, T: Future<Output = R> + OptionalSend> = time::Timeout<T>;
    type ThreadLocalRng = random::Source;
    type Mpsc = Queue;
    type Watch = Watched;
    type Oneshot = Once;
    type Mutex<T: OptionalSend + 'static> = Lock<T>;

    fn spawn<T>(future: T) -> Self::JoinHandle<T::Output>
    where
        T: Future + OptionalSend + 'static,
        T::Output: OptionalSend + 'static,
    {
        konsul_runtime::spawn(future)
    }

    fn sleep(duration: Duration) -> Self::Sleep {
        time::sleep(duration)
    }

    fn sleep_until(deadline: Moment) -> Self::Sleep {
        time::sleep_until(deadline.0)
    }

    fn timeout<R, F: Future<Output = R> + OptionalSend>(
        duration: Duration,
        future: F,
    ) -> Self::Timeout<R, F> {
        time::timeout(duration, future)
    }

    fn timeout_at<R, F: Future<Output = R> + OptionalSend>(
        deadline: Moment,
        future: F,
    ) -> Self::Timeout<R, F> {
        time::timeout_at(deadline.0, future)
    }

    fn is_panic(join_error: &Self::JoinError) -> bool {
        join_error.is_panic()
    }

    fn thread_rng() -> Self::ThreadLocalRng {
        random::Source
    }

    fn new(_threads: usize) -> Self {
        Self
    }

    fn block_on<F, T>(&mut self, future: F) -> T
    where
        F: Future<Output = T>,
    {
        konsul_runtime::block_on(future)
    }
}

/// A point in time; a type of this crate only because openraft's trait must be implemented for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Moment(pub(crate) time::Instant);

impl rt::instant::Instant for Moment {
    fn now() -> Self {
        Self(time::now())
    }
}

impl Add<Duration> for Moment {
    type Output = Self;
    fn add(self, rhs: Duration) -> Self {
        Self(self.0 + rhs)
    }
}

impl AddAssign<Duration> for Moment {
    fn add_assign(&mut self, rhs: Duration) {
        self.0 += rhs;
    }
}

impl Sub<Duration> for Moment {
    type Output = Self;
    fn sub(self, rhs: Duration) -> Self {
        Self(self.0 - rhs)
    }
}

impl Sub for Moment {
    type Output = Duration;
    fn sub(self, rhs: Self) -> Duration {
        self.0 - rhs.0
    }
}

impl SubAssign<Duration> for Moment {
    fn sub_assign(&mut self, rhs: Duration) {
        self.0 -= rhs;
    }
}

pub(crate) struct Queue;

pub(crate) struct QueueSender<T>(mpsc::Sender<T>);

pub(crate) struct QueueReceiver<T>(mpsc::Receiver<T>);

pub(crate) struct QueueWeakSender<T>(mpsc::WeakSender<T>);

impl rt::mpsc::Mpsc for Queue {
    type Sender<T: OptionalSend> = QueueSender<T>;
    type Receiver<T: OptionalSend> = QueueReceiver<T>;
    type WeakSender<T: OptionalSend> = QueueWeakSender<T>;

    fn channel<T: OptionalSend>(buffer: usize) -> (Self::Sender<T>, Self::Receiver<T>) {
        let (tx, rx) = mpsc::channel(buffer);
        (QueueSender(tx), QueueReceiver(rx))
    }
}

impl<T> Clone for QueueSender<T> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<T> Clone for QueueWeakSender<T> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<T: OptionalSend> rt::mpsc::MpscSender<Queue, T> for QueueSender<T> {
    async fn send(&self, msg: T) -> Result<(), rt::mpsc::SendError<T>> {
        self.0.send(msg).await.map_err(|error| rt::mpsc::SendError(error.0))
    }

    fn downgrade(&self) -> QueueWeakSender<T> {
        QueueWeakSender(self.0.downgrade())
    }
}

impl<T: OptionalSend> rt::mpsc::MpscReceiver<T> for QueueReceiver<T> {
    async fn recv(&mut self) -> Option<T> {
        self.0.recv().await
    }

    fn try_recv(&mut self) -> Result<T, rt::mpsc::TryRecvError> {
        self.0.try_recv().map_err(|error| match error {
            mpsc::error::TryRecvError::Empty => rt::mpsc::TryRecvError::Empty,
            mpsc::error::TryRecvError::Disconnected => rt::mpsc::TryRecvError::Disconnected,
        })
    }
}

impl<T: OptionalSend> rt::mpsc::MpscWeakSender<Queue, T> for QueueWeakSender<T> {
    fn upgrade(&self) -> Option<QueueSender<T>> {
        self.0.upgrade().map(QueueSender)
    }
}

pub(crate) struct Watched;

pub(crate) struct WatchedSender<T>(watch::Sender<T>);

pub(crate) struct WatchedReceiver<T>(watch::Receiver<T>);

impl<T> Clone for WatchedSender<T> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<T> Clone for WatchedReceiver<T> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl rt::watch::Watch for Watched {
    type Sender<T: OptionalSend + OptionalSync> = WatchedSender<T>;
    type Receiver<T: OptionalSend + OptionalSync> = WatchedReceiver<T>;
    type Ref<'a, T: OptionalSend + 'a> = watch::Ref<'a, T>;

    fn channel<T: OptionalSend + OptionalSync>(init: T) -> (Self::Sender<T>, Self::Receiver<T>) {
        let (tx, rx) = watch::channel(init);
        (WatchedSender(tx), WatchedReceiver(rx))
    }
}

impl<T: OptionalSend + OptionalSync> rt::watch::WatchSender<Watched, T> for WatchedSender<T> {
    fn send(&self, value: T) -> Result<(), rt::watch::SendError<T>> {
        self.0.send(value).map_err(rt::watch::SendError)
    }

    fn send_if_modified<F>(&self, modify: F) -> bool
    where
        F: FnOnce(&mut T) -> bool,
    {
        self.0.send_if_modified(modify)
    }

    fn borrow_watched(&self) -> watch::Ref<'_, T> {
        self.0.borrow()
    }

    fn subscribe(&self) -> WatchedReceiver<T> {
        WatchedReceiver(self.0.subscribe())
    }
}

impl<T: OptionalSend + OptionalSync> rt::watch::WatchReceiver<Watched, T> for WatchedReceiver<T> {
    async fn changed(&mut self) -> Result<(), rt::watch::RecvError> {
        self.0.changed().await.map_err(|watch::Closed| rt::watch::RecvError(()))
    }

    fn borrow_watched(&self) -> watch::Ref<'_, T> {
        self.0.borrow()
    }

    fn borrow_and_update(&mut self) -> watch::Ref<'_, T> {
        self.0.borrow_and_update()
    }
}

pub(crate) struct Once;

pub(crate) struct OnceSender<T>(oneshot::Sender<T>);

impl rt::oneshot::Oneshot for Once {
    type Sender<T: OptionalSend> = OnceSender<T>;
    type Receiver<T: OptionalSend> = oneshot::Receiver<T>;
    type ReceiverError = oneshot::error::RecvError;

    fn channel<T: OptionalSend>() -> (Self::Sender<T>, Self::Receiver<T>) {
        let (tx, rx) = oneshot::channel();
        (OnceSender(tx), rx)
    }
}

impl<T: OptionalSend> rt::oneshot::OneshotSender<T> for OnceSender<T> {
    fn send(self, value: T) -> Result<(), T> {
        self.0.send(value)
    }
}

pub(crate) struct Lock<T>(sync::Mutex<T>);

impl<T: OptionalSend + 'static> rt::mutex::Mutex<T> for Lock<T> {
    type Guard<'a> = sync::MutexGuard<'a, T>;

    fn new(value: T) -> Self {
        Self(sync::Mutex::new(value))
    }

    async fn lock(&self) -> Self::Guard<'_> {
        self.0.lock().await
    }
}
