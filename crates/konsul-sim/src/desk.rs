//! Where clients meet the server: a desk that takes requests while the server lives.
//!
//! A request is a task on the server's node, as it is in production. A crash drops it, a pause holds it, and its client hears
//! nothing but that the connection is gone, or that its own patience is at an end.

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};

use konsul_operations::Local;
use konsul_operations::local::OperationLimits;
use konsul_operations::ports::LocalAgent;
use konsul_replica::ServerReplica;
use konsul_runtime::sync::{mpsc, oneshot};
use konsul_runtime::time::{Duration, timeout};

use crate::history::History;
use crate::port::Port;

type Request = Pin<Box<dyn Future<Output = ()> + Send>>;

/// A living server, as clients reach it.
#[derive(Clone)]
pub struct Desk {
    requests: mpsc::Sender<Request>,
    replica: Arc<ServerReplica>,
    agent: Arc<dyn LocalAgent>,
    history: History,
}

/// What a client's request runs with.
pub struct Counter {
    /// The operations, on behalf of the client.
    pub operations: Local<Port>,
    /// The port below them.
    pub port: Port,
}

/// The place where the desk is while the server lives.
#[derive(Clone, Default)]
pub struct Door(Arc<Mutex<Option<Desk>>>);

/// What a client hears.
#[derive(Debug)]
pub enum Heard<T> {
    /// Nobody listens: the request was not sent.
    Closed,
    /// The connection went, or the client's patience did: anything may have happened.
    Nothing,
    /// The answer.
    Answer(T),
}

impl Desk {
    /// Opens a desk on the current node.
    pub fn open(replica: Arc<ServerReplica>, agent: Arc<dyn LocalAgent>, history: History) -> Desk {
        let (requests, mut waiting) = mpsc::channel::<Request>(1024);
        konsul_runtime::spawn(async move {
            while let Some(request) = waiting.recv().await {
                konsul_runtime::spawn(request);
            }
        });
        Desk { requests, replica, agent, history }
    }

    fn counter(&self, client: u32, limits: OperationLimits) -> Counter {
        let port = Port::new(self.replica.clone(), self.history.clone(), Some(client));
        let operations = Local::new(Arc::new(port.clone()), self.agent.clone(), limits);
        Counter { operations, port }
    }
}

/// Bounds of operations for short virtual times.
pub fn operation_limits() -> OperationLimits {
    OperationLimits { session_ttl_min_ms: 500, leader_wait_ms: 2_000, write_wait_ms: 5_000 }
}

impl Door {
    /// Opens it.
    pub fn open(&self, desk: Desk) {
        *self.slot() = Some(desk);
    }

    /// Closes it.
    pub fn close(&self) {
        *self.slot() = None;
    }

    fn slot(&self) -> std::sync::MutexGuard<'_, Option<Desk>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sends a request and waits for its answer for so long.
    pub async fn ask<T, F, W>(&self, client: u32, patience: Duration, work: W) -> Heard<T>
    where
        T: Send + 'static,
        F: Future<Output = T> + Send + 'static,
        W: FnOnce(Counter) -> F + Send + 'static,
    {
        let Some(desk) = self.slot().clone() else { return Heard::Closed };
        let counter = desk.counter(client, operation_limits());
        let (reply, answer) = oneshot::channel();
        let request: Request = Box::pin(async move {
            // The client may have lost patience.
            let _ = reply.send(work(counter).await);
        });
        let sending = async {
            if desk.requests.send(request).await.is_err() {
                return Heard::Closed;
            }
            answer.await.map_or(Heard::Nothing, Heard::Answer)
        };
        timeout(patience, sending).await.unwrap_or(Heard::Nothing)
    }
}
