//! Short ways to say changes and topics.
// Each test binary has this module and uses its own part of it.
#![allow(dead_code, unreachable_pub)]
// These helpers serve tests alone, which clippy sees only in functions that are marked as tests.
#![allow(clippy::unwrap_used)]

pub mod model;

use std::sync::Arc;

use konsul_types::{
    Change, ChangeSet, Event, Index, Key, KvRecord, LockName, Millis, Namespace, NodeName, ServiceName,
    SessionId,
};
use konsul_watch::Topic;
use uuid::Uuid;

pub fn ns(name: &str) -> Namespace {
    Namespace::new(name).unwrap()
}

pub fn key(name: &str) -> Key {
    Key::new(name).unwrap()
}

/// A topic on one key of the default namespace.
pub fn on_key(name: &str) -> Topic {
    Topic::Key(Namespace::default_namespace(), key(name))
}

pub fn on_prefix(prefix: &str) -> Topic {
    Topic::Prefix(Namespace::default_namespace(), prefix.into())
}

pub fn session_id(number: u128) -> SessionId {
    SessionId(Uuid::from_u128(number))
}

pub fn record(index: u64) -> Arc<KvRecord> {
    Arc::new(KvRecord {
        value: index.to_be_bytes().to_vec().into(),
        flags: 0,
        lock_index: 0,
        session: None,
        create_index: Index(1),
        modify_index: Index(index),
        expires_at: konsul_types::Expiry::NEVER,
    })
}

pub fn kv_in(namespace: &str, name: &str) -> Change {
    Change::Kv { namespace: ns(namespace), key: key(name), old: None, new: Some(record(1)) }
}

pub fn kv(name: &str) -> Change {
    kv_in("default", name)
}

pub fn session(namespace: &str, number: u128) -> Change {
    Change::Session { namespace: ns(namespace), id: session_id(number), old: None, new: None }
}

pub fn lock_name(name: &str) -> LockName {
    LockName::new(name).unwrap()
}

pub fn lock(namespace: &str, name: &str) -> Change {
    Change::Lock { namespace: ns(namespace), name: lock_name(name), old: None, new: None }
}

pub fn lock_waiter(namespace: &str, name: &str, number: u128) -> Change {
    Change::LockWaiter {
        namespace: ns(namespace),
        name: lock_name(name),
        session: session_id(number),
        old: None,
        new: None,
    }
}

pub fn node(name: &str) -> Change {
    Change::Node { name: NodeName::new(name).unwrap(), old: None, new: None }
}

pub fn check(node: &str) -> Change {
    let id = konsul_types::CheckId::new("serfHealth").unwrap();
    Change::Check { node: NodeName::new(node).unwrap(), id, old: None, new: None }
}

pub fn node_name(name: &str) -> NodeName {
    NodeName::new(name).unwrap()
}

pub fn service_name(name: &str) -> ServiceName {
    ServiceName::new(name).unwrap()
}

pub fn service(namespace: &str, node: &str, name: &str) -> Change {
    let id = konsul_types::ServiceId::new("1").unwrap();
    let service = konsul_types::Service::new(node_name(node), ns(namespace), id, service_name(name));
    Change::Service { old: None, new: Some(Arc::new(service)) }
}

pub fn instances(namespace: &str, name: &str, passing: bool) -> Change {
    Change::Instances { namespace: ns(namespace), name: service_name(name), passing }
}

pub fn event() -> Change {
    Change::Event(Arc::new(Event {
        id: konsul_types::EventId(Uuid::from_u128(1)),
        name: "deploy".into(),
        payload: Default::default(),
        node_filter: String::new(),
        service_filter: String::new(),
        tag_filter: String::new(),
        ltime: 1,
        index: Index(1),
    }))
}

pub fn set(index: u64, changes: Vec<Change>) -> ChangeSet {
    ChangeSet { index: Index(index), at: Millis(index), changes }
}

/// A set that changes these keys of the default namespace.
pub fn keys(index: u64, names: &[&str]) -> ChangeSet {
    set(index, names.iter().map(|name| kv(name)).collect())
}
