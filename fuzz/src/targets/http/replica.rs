//! The replicated state without consensus and disk: what is proposed is applied at once.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use konsul_operations::Error;
use konsul_operations::ports::{PortFuture, RaftServer, Replica, Staleness};
use konsul_runtime::sync::watch;
use konsul_state::State;
use konsul_types::CatalogCommand;
use konsul_types::node::{CheckV1, SERF_HEALTH};
use konsul_types::{
    CheckId, CheckStatus, Command, Index, Millis, Node, NodeName, Outcome, Proposal, Request,
};
use konsul_watch::{Feed, FeedLimits};

/// The term in which everything happens.
const TERM: u64 = 1;

/// The log's clock stands still, so that the same input finds the same state.
const NOW: Millis = Millis(1_700_000_000_000);

pub(super) struct ImmediateReplica {
    state: Mutex<Arc<State>>,
    feed: Feed,
    leads: watch::Sender<Option<u64>>,
}

impl ImmediateReplica {
    /// A server that leads and knows of itself and nobody else.
    pub(super) fn new(node: &NodeName) -> ImmediateReplica {
        let (leads, _) = watch::channel(Some(TERM));
        let replica =
            ImmediateReplica { state: Mutex::default(), feed: Feed::new(FeedLimits::default()), leads };
        replica.apply(None, Command::RaiseFeatureLevel { level: konsul_types::FEATURE_LEVEL });
        for command in registration(node) {
            replica.apply(None, command);
        }
        replica
    }

    fn apply(&self, request: Option<Request>, command: Command) -> (Index, Outcome) {
        let proposal = Proposal { at: NOW, request, actor: String::new(), command };
        let mut published = self.published();
        let mut state = State::clone(&published);
        let applied = state.apply(TERM, state.log_index() + 1, &proposal).expect("nobody else leads");
        *published = Arc::new(state);
        drop(published);
        self.feed.publish(applied.changes.into_iter().collect());
        (applied.index, applied.outcome)
    }

    fn published(&self) -> MutexGuard<'_, Arc<State>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Replica for ImmediateReplica {
    fn propose(&self, request: Option<Request>, command: Command) -> PortFuture<'_, (Index, Outcome)> {
        let applied = self.apply(request, command);
        Box::pin(std::future::ready(Ok(applied)))
    }

    fn state(&self) -> Arc<State> {
        Arc::clone(&self.published())
    }

    fn lease(&self) -> Result<(), Error> {
        Ok(())
    }

    fn barrier(&self) -> PortFuture<'_, ()> {
        Box::pin(std::future::ready(Ok(())))
    }

    fn staleness(&self) -> Result<Staleness, Error> {
        Ok(Staleness { known_leader: true, last_contact_ms: 0 })
    }

    fn feed(&self) -> &Feed {
        &self.feed
    }

    fn now(&self) -> Millis {
        NOW
    }

    fn servers(&self) -> Vec<RaftServer> {
        Vec::new()
    }

    fn leader_address(&self) -> Option<String> {
        Some("127.0.0.1:8300".to_owned())
    }

    fn leadership(&self) -> watch::Receiver<Option<u64>> {
        self.leads.subscribe()
    }
}

/// The node and its liveness, on which sessions lean.
fn registration(node: &NodeName) -> [Command; 2] {
    let record = Node {
        id: None,
        name: node.clone(),
        address: "127.0.0.1".to_owned(),
        tagged_addresses: BTreeMap::new(),
        meta: BTreeMap::new(),
        create_index: Index::ZERO,
        modify_index: Index::ZERO,
    };
    let check = CheckV1 {
        node: node.clone(),
        id: CheckId::new(SERF_HEALTH).expect("a good id"),
        name: "Liveness".to_owned(),
        status: CheckStatus::Passing,
        notes: String::new(),
        output: String::new(),
        create_index: Index::ZERO,
        modify_index: Index::ZERO,
    };
    [CatalogCommand::RegisterNode { node: record }, CatalogCommand::RegisterCheck { check }]
        .map(Command::Catalog)
}
