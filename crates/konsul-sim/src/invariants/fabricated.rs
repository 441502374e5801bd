//! Histories made up for the tests that each promise can break.

use std::collections::BTreeMap;
use std::sync::Arc;

use konsul_types::{
    Behavior, Change, ChangeSet, Check, CheckId, CheckStatus, CheckedService, Command, Index, Key, KvRecord,
    Millis, Namespace, Node, NodeName, Outcome, Proposal, Service, ServiceId, ServiceName, Session,
    SessionId, SessionSpec, Tags, Value,
};

use crate::check::Log;
use crate::history::{Content, Instance, Query, Read};
use crate::observer::Entry;

pub(super) fn ns() -> Namespace {
    Namespace::default_namespace()
}

pub(super) fn key(text: &str) -> Key {
    Key::new(text).unwrap()
}

pub(super) fn id(number: u128) -> SessionId {
    SessionId(uuid::Uuid::from_u128(number))
}

pub(super) fn record(index: u64, value: &str, session: Option<SessionId>) -> Arc<KvRecord> {
    Arc::new(KvRecord {
        value: Value::from(value.as_bytes()),
        flags: 0,
        lock_index: 0,
        session,
        create_index: Index(index),
        modify_index: Index(index),
        expires_at: konsul_types::Expiry::NEVER,
    })
}

pub(super) fn kv(name: &str, old: Option<Arc<KvRecord>>, new: Option<Arc<KvRecord>>) -> Change {
    Change::Kv { namespace: ns(), key: key(name), old, new }
}

pub(super) fn session(number: u128, ttl_ms: Option<u64>, delay_ms: u64) -> Arc<Session> {
    let spec = SessionSpec {
        id: id(number),
        name: String::new(),
        node: NodeName::new("n").unwrap(),
        lock_delay_ms: delay_ms,
        behavior: Behavior::Release,
        ttl_ms,
        ttl_text: String::new(),
        node_checks: vec![],
        service_checks: vec![],
    };
    Arc::new(Session {
        spec: Arc::new(spec),
        create_index: Index(1),
        modify_index: Index(1),
        renewal: 0,
        renewed_at: Millis(0),
        deadline: ttl_ms.map(|ttl| Millis(2 * ttl)),
        grace_used: false,
    })
}

pub(super) fn session_change(number: u128, old: Option<Arc<Session>>, new: Option<Arc<Session>>) -> Change {
    Change::Session { namespace: ns(), id: id(number), old, new }
}

/// An instance of a service with one check of its own.
pub(super) fn instance(name: &str, status: CheckStatus, output: &str) -> Instance {
    let node = NodeName::new("n").unwrap();
    let (id, name) = (ServiceId::new(name).unwrap(), ServiceName::new(name).unwrap());
    let of = CheckedService { id: id.clone(), name: name.clone(), tags: Tags::default() };
    let check = Check::new(node.clone(), CheckId::new("c").unwrap(), status);
    let check = Check { service: Some(of), output: output.into(), ..check };
    let record = Node {
        id: None,
        name: node.clone(),
        address: "127.0.0.1".into(),
        tagged_addresses: BTreeMap::new(),
        meta: BTreeMap::new(),
        create_index: Index(1),
        modify_index: Index(1),
    };
    let service = Arc::new(Service::new(node, ns(), id, name));
    Instance { node: Arc::new(record), service, checks: vec![Arc::new(check)] }
}

pub(super) fn instances_change(name: &str, passing: bool) -> Change {
    Change::Instances { namespace: ns(), name: ServiceName::new(name).unwrap(), passing }
}

/// An entry at an index, at a log time in milliseconds, which was also its virtual time.
pub(super) fn entry(log: &mut Log, index: u64, at: u64, command: Command, changes: Vec<Change>) {
    let set = ChangeSet { index: Index(index), at: Millis(at), changes };
    let proposal = Proposal { at: Millis(at), request: None, actor: String::new(), command };
    log.insert(
        index,
        Entry {
            term: 1,
            proposal: Some(proposal),
            outcome: Some(Outcome::Done),
            changes: (!set.changes.is_empty()).then_some(set),
            seen_at: at * 1_000_000,
        },
    );
}

/// Any command, for tests that look at changes only.
pub(super) fn any() -> Command {
    Command::LeaderStart { term: 1 }
}

pub(super) fn read(began: u64, ended: u64, state: u64, reported: u64, content: Content) -> Read {
    Read {
        client: 1,
        query: Query::Get(ns(), key("k")),
        linearizable: true,
        waited: None,
        began,
        ended,
        began_at: began * 1_000_000,
        ended_at: ended * 1_000_000,
        state: Index(state),
        reported: Index(reported),
        content,
    }
}
