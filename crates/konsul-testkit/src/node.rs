//! A whole server but for its sockets.

use std::collections::BTreeMap;
use std::sync::Arc;

use konsul_operations::local::OperationLimits;
use konsul_operations::ports::Replica;
use konsul_operations::reconcile::{self, Wanted};
use konsul_operations::{Context, Local};
use konsul_raft::contract::Options;
use konsul_replica::{ReplicaOptions, ServerReplica};
use konsul_runtime::JoinHandle;
use konsul_storage::contract::Storage;
use konsul_types::{Index, Limits, Namespace, Node, NodeName};
use konsul_watch::FeedLimits;

use crate::agent::TestAgent;
use crate::wait::until;

/// A server in this process.
pub struct TestNode {
    /// Its replica.
    pub replica: Arc<ServerReplica>,
    /// Its operations.
    pub operations: Local<ServerReplica>,
    duties: JoinHandle<()>,
}

/// Consensus for a test: a cluster of one that bootstraps itself.
pub fn raft_options() -> Options {
    Options {
        node_id: 1,
        name: "test".into(),
        heartbeat_ms: 50,
        election_min_ms: 150,
        election_max_ms: 300,
        snapshot_every: 10_000,
        queue_bytes: 32 << 20,
        bootstrap: true,
    }
}

impl TestNode {
    /// Starts a server on a storage and waits until it serves.
    pub async fn start(storage: Box<dyn Storage>) -> TestNode {
        TestNode::with(storage, raft_options(), Limits::default()).await
    }

    /// The same with other options.
    pub async fn with(storage: Box<dyn Storage>, raft: Options, limits: Limits) -> TestNode {
        let node = NodeName::new("test-node").expect("a good name");
        let options = ReplicaOptions {
            raft,
            feed: FeedLimits::default(),
            node: node.to_string(),
            address: "127.0.0.1:8300".into(),
        };
        let replica = ServerReplica::start(options, storage).await.expect("the storage can be started on");
        let agent = Arc::new(TestAgent { node: node.clone() });
        let operations = Local::new(Arc::clone(&replica), agent, OperationLimits::default());
        let wanted = Wanted { node: record(&node), limits, graves_ms: 15 * 60 * 1000 };
        let duties = konsul_runtime::spawn(reconcile::run(Arc::clone(&replica), wanted));
        let started = TestNode { replica, operations, duties };
        started.wait_until_registered(&node).await;
        started
    }

    async fn wait_until_registered(&self, node: &NodeName) {
        until("the node's registration", || {
            let state = self.replica.state();
            let here = state.catalog().node(node).is_some() && state.catalog().checks().next().is_some();
            if here { Ok(()) } else { Err(self.replica.status()) }
        })
        .await;
    }

    /// A context in the default namespace.
    pub fn context() -> Context {
        Context::new(Namespace::default_namespace())
    }

    /// Takes the server down; what it acknowledged is on its storage.
    pub async fn stop(self) {
        self.operations.stop_parking();
        self.duties.abort();
        self.replica.shutdown().await;
    }
}

fn record(name: &NodeName) -> Node {
    Node {
        id: None,
        name: name.clone(),
        address: "127.0.0.1".into(),
        tagged_addresses: BTreeMap::new(),
        meta: BTreeMap::new(),
        create_index: Index::ZERO,
        modify_index: Index::ZERO,
    }
}
