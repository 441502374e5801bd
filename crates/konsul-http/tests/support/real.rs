//! A server around real operations, on a log in memory.

use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;

use konsul_http::{NoObserver, Server, Settings};
use konsul_operations::arguments::{KvPut, Txn};
use konsul_operations::operations::Operations;
use konsul_operations::ports::Replica as _;
use konsul_storage::MemoryStorage;
use konsul_testkit::TestNode;
use konsul_types::{Key, KvCommand, KvTxnOp, Namespace, PutMode, TxnOp, Value};

/// A server and what is behind it.
pub struct Real {
    pub node: TestNode,
    pub server: Server,
    pub address: SocketAddr,
}

fn serve(node: &TestNode, settings: Settings) -> Server {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let operations = Arc::new(node.operations.clone());
    Server::start(operations, Arc::new(NoObserver), settings, vec![listener]).unwrap()
}

impl Real {
    pub async fn start() -> Real {
        Real::with(Settings::default()).await
    }

    pub async fn with(settings: Settings) -> Real {
        let node = TestNode::start(Box::new(MemoryStorage::new())).await;
        let server = serve(&node, settings);
        let address = server.addresses()[0];
        Real { node, server, address }
    }

    /// Another door to the same node, with the patience of a usual one.
    pub fn usual_door(&self) -> Server {
        serve(&self.node, Settings::default())
    }

    /// Writes a key and answers its index.
    pub async fn put(&self, key: &str, value: impl Into<Vec<u8>>) -> u64 {
        put(&self.node, key, value).await
    }

    pub async fn delete(&self, key: &str) {
        self.node.operations.kv_delete(&TestNode::context(), Key::new(key).unwrap(), None).await.unwrap();
    }

    /// Writes several keys in one entry.
    pub async fn put_together(&self, keys: &[&str]) {
        let op = |key: &&str| TxnOp::Kv {
            namespace: Namespace::default_namespace(),
            op: KvTxnOp::Write(KvCommand::Put {
                key: Key::new(*key).unwrap(),
                value: Value::from(b"x".to_vec()),
                flags: 0,
                mode: PutMode::Set,
                ttl_ms: None,
            }),
        };
        let args = Txn { ops: keys.iter().map(op).collect() };
        self.node.operations.txn(&TestNode::context(), args).await.unwrap();
    }

    /// How many subscriptions the feed has.
    pub fn subscribers(&self) -> usize {
        self.node.replica.feed().stats().subscribers
    }

    /// How many readers of the feed were told something, since the start.
    pub fn wakeups(&self) -> u64 {
        self.node.replica.feed().stats().wakeups
    }
}

pub async fn put(node: &TestNode, key: &str, value: impl Into<Vec<u8>>) -> u64 {
    let args = KvPut {
        key: Key::new(key).unwrap(),
        value: Value::from(value.into()),
        flags: 0,
        mode: PutMode::Set,
        ttl_ms: None,
    };
    node.operations.kv_put(&TestNode::context(), args).await.unwrap().record.modify_index.0
}
