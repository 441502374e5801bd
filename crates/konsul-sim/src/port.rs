//! The port between waist and replica, with a listener: which command was handed over and what came back, and which state
//! answered a read.

use std::cell::Cell;
use std::sync::Arc;

use konsul_operations::Error;
use konsul_operations::ports::{PortFuture, RaftServer, Replica, Staleness};
use konsul_replica::ServerReplica;
use konsul_runtime::sync::watch;
use konsul_state::State;
use konsul_types::{Command, Index, Millis, Outcome, Request};
use konsul_watch::Feed;

use crate::history::{Ending, History};

thread_local! {
    /// The index of the state that was handed out last. A seed has one thread, and a read queries its state in the same
    /// step in which it answers, so this is the state that answered whoever looks right after an answer.
    static LAST_STATE: Cell<Index> = const { Cell::new(Index::ZERO) };
}

/// The state that answered the read which has just returned.
pub(crate) fn answered_by() -> Index {
    LAST_STATE.get()
}

/// A replica on behalf of one client, or of the leader's duties.
#[derive(Debug, Clone)]
pub struct Port {
    inner: Arc<ServerReplica>,
    history: History,
    client: Option<u32>,
}

impl Port {
    /// A port to a replica.
    pub fn new(inner: Arc<ServerReplica>, history: History, client: Option<u32>) -> Port {
        Port { inner, history, client }
    }
}

/// What an error says of the command: that it did not happen, or nothing.
fn ending(error: &Error) -> Ending {
    match error {
        Error::UnknownOutcome(_) => Ending::Maybe,
        certain => Ending::Not(certain.to_string()),
    }
}

impl Replica for Port {
    fn propose(&self, request: Option<Request>, command: Command) -> PortFuture<'_, (Index, Outcome)> {
        let number = self.history.proposed(self.client, request.map(|asked| asked.id), command.clone());
        Box::pin(async move {
            let answer = self.inner.propose(request, command).await;
            let ended = match &answer {
                Ok((index, outcome)) => Ending::At(*index, outcome.clone()),
                Err(error) => ending(error),
            };
            self.history.ended(number, ended);
            answer
        })
    }

    fn state(&self) -> Arc<State> {
        let state = self.inner.state();
        LAST_STATE.set(state.index());
        state
    }

    fn lease(&self) -> Result<(), Error> {
        self.inner.lease()
    }

    fn barrier(&self) -> PortFuture<'_, ()> {
        self.inner.barrier()
    }

    fn staleness(&self) -> Result<Staleness, Error> {
        self.inner.staleness()
    }

    fn feed(&self) -> &Feed {
        self.inner.feed()
    }

    fn now(&self) -> Millis {
        self.inner.now()
    }

    fn servers(&self) -> Vec<RaftServer> {
        self.inner.servers()
    }

    fn leader_address(&self) -> Option<String> {
        self.inner.leader_address()
    }

    fn leadership(&self) -> watch::Receiver<Option<u64>> {
        self.inner.leadership()
    }
}
