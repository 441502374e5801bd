//! A log in which every command and every kind of value occurs, and the state that it leaves.

use std::collections::BTreeMap;

use konsul_state::State;
use konsul_types::event::Event;
use konsul_types::node::CheckV1;
use konsul_types::restore::RestoreCommand;
use konsul_types::session::ServiceCheckRef;
use konsul_types::txn::{KvTxnOp, TxnOp};
use konsul_types::{
    Behavior, CatalogCommand, CheckId, CheckStatus, Command, EventId, Index, Key, KvCommand, Limits,
    LockCommand, LockName, Millis, Namespace, Node, NodeId, NodeName, Proposal, PutMode, Request, RequestId,
    RestoreId, SessionId, SessionSpec, TtlPatch,
};
use uuid::Uuid;

use crate::services;

/// The term of every entry.
pub(crate) const TERM: u64 = 3;

const NOW: u64 = 1_700_000_000_000;

fn key(text: &str) -> Key {
    Key::new(text).expect("this is a key")
}

fn default() -> Namespace {
    Namespace::default_namespace()
}

fn team() -> Namespace {
    Namespace::new("team-1").expect("this is a namespace")
}

fn session(number: u128) -> SessionId {
    SessionId(Uuid::from_u128(0xABCD << 100 | number))
}

fn put(name: &str, value: &str, mode: PutMode) -> KvCommand {
    KvCommand::Put { key: key(name), value: value.as_bytes().to_vec().into(), flags: 0, mode, ttl_ms: None }
}

fn kv(op: KvCommand) -> Command {
    Command::Kv { namespace: default(), op }
}

fn set(name: &str, value: &str) -> Command {
    kv(put(name, value, PutMode::Set))
}

fn node(name: &str) -> NodeName {
    NodeName::new(name).expect("this is a name")
}

fn check_id() -> CheckId {
    CheckId::new("serfHealth").expect("this is an id")
}

fn register_node(name: &str) -> Command {
    Command::Catalog(CatalogCommand::RegisterNode {
        node: Node {
            id: Some(NodeId(Uuid::from_u128(5))),
            name: node(name),
            address: "10.0.0.1".into(),
            tagged_addresses: BTreeMap::from([("lan".into(), "10.0.0.1".into())]),
            meta: BTreeMap::from([("rack".into(), "7".into())]),
            create_index: Index(0),
            modify_index: Index(0),
        },
    })
}

fn register_check(name: &str, status: CheckStatus) -> Command {
    Command::Catalog(CatalogCommand::RegisterCheck {
        check: CheckV1 {
            node: node(name),
            id: check_id(),
            name: "Serf Health Status".into(),
            status,
            notes: "a note".into(),
            output: "Agent alive and reachable".into(),
            create_index: Index(0),
            modify_index: Index(0),
        },
    })
}

fn create(namespace: Namespace, number: u128, behavior: Behavior, ttl_ms: Option<u64>) -> Command {
    Command::SessionCreate {
        namespace,
        spec: SessionSpec {
            id: session(number),
            name: "a session".into(),
            node: node("n1"),
            lock_delay_ms: 15_000,
            behavior,
            ttl_ms,
            ttl_text: ttl_ms.map_or(String::new(), |ms| format!("{}s", ms / 1000)),
            node_checks: vec![check_id()],
            service_checks: Vec::new(),
        },
    }
}

/// Refused, because no service is registered; its byte form counts all the same.
fn create_with_service_check() -> Command {
    match create(default(), 9, Behavior::Release, None) {
        Command::SessionCreate { namespace, mut spec } => {
            spec.service_checks = vec![ServiceCheckRef { id: check_id(), namespace: "team-1".into() }];
            Command::SessionCreate { namespace, spec }
        }
        other => other,
    }
}

fn event(name: &str) -> Command {
    Command::EventFire {
        event: Event {
            id: EventId(Uuid::from_u128(6)),
            name: name.into(),
            payload: b"payload".to_vec().into(),
            node_filter: "n.*".into(),
            service_filter: "web".into(),
            tag_filter: "v1".into(),
            ltime: 0,
            index: Index(0),
        },
    }
}

/// A transaction in which every verb occurs; it is rolled back where `stale` is wrong.
fn txn(stale: Index) -> Command {
    let id = session(1);
    let ops = [
        KvTxnOp::Write(put("t/1", "one", PutMode::Set)),
        KvTxnOp::Write(put("t/2", "two", PutMode::Cas(Index(0)))),
        KvTxnOp::Write(put("t/3", "three", PutMode::Acquire(id))),
        KvTxnOp::CheckSession { key: key("t/3"), session: Some(id), text: id.to_string() },
        KvTxnOp::Write(put("t/3", "free", PutMode::Release(id))),
        KvTxnOp::Get { key: key("t/1") },
        KvTxnOp::GetOrEmpty { key: key("t/none") },
        KvTxnOp::GetTree { prefix: "t/".into() },
        KvTxnOp::CheckIndex { key: key("a"), index: stale },
        KvTxnOp::CheckNotExists { key: key("t/none") },
        KvTxnOp::Write(KvCommand::Delete { key: key("t/2"), cas: None }),
        KvTxnOp::Write(KvCommand::DeleteTree { prefix: "t/none".into() }),
    ];
    Command::Txn { ops: ops.into_iter().map(|op| TxnOp::Kv { namespace: default(), op }).collect() }
}

fn restore(step: RestoreCommand) -> Command {
    Command::Restore(step)
}

fn keys() -> Vec<Command> {
    vec![
        set("a", "1"),
        set("a/b/c", "2"),
        set("a/b/", ""),
        set("gone/x", "3"),
        Command::Kv { namespace: team(), op: put("a", "theirs", PutMode::Set) },
        kv(KvCommand::Put {
            key: key("ç/ttl"),
            value: vec![0, 159, 255].into(),
            flags: u64::MAX,
            mode: PutMode::Set,
            ttl_ms: Some(60_000),
        }),
        kv(put("a", "stale", PutMode::Cas(Index(1)))),
        kv(KvCommand::Delete { key: key("gone/x"), cas: Some(Index(4)) }),
        kv(KvCommand::DeleteTree { prefix: "gone/".into() }),
    ]
}

fn sessions() -> Vec<Command> {
    let (namespace, id) = (default(), session(1));
    vec![
        register_node("n1"),
        register_node("n2"),
        register_check("n1", CheckStatus::Passing),
        register_check("n2", CheckStatus::Warning),
        create(default(), 1, Behavior::Release, Some(10_000)),
        create(default(), 2, Behavior::Delete, None),
        create(team(), 3, Behavior::Release, Some(20_000)),
        create_with_service_check(),
        kv(put("lock/1", "mine", PutMode::Acquire(session(1)))),
        kv(put("lock/2", "lost", PutMode::Acquire(session(2)))),
        kv(put("lock/1", "again", PutMode::Acquire(session(2)))),
        Command::SessionRenew { namespace: namespace.clone(), id },
        Command::SessionDestroy { namespace: namespace.clone(), id: session(2) },
        Command::SessionExpire { term: TERM, sessions: vec![(namespace.clone(), id, 1)] },
        Command::KvExpire { term: TERM, keys: vec![(namespace, key("ç/ttl"), Index(6))] },
        Command::LeaderStart { term: TERM },
        txn(Index(99)),
        txn(Index(7)),
    ]
}

fn others() -> Vec<Command> {
    let id = RestoreId(Uuid::from_u128(8));
    vec![
        event("deploy"),
        event("rollback"),
        Command::SetLimits(Limits { value_bytes: 1_000_000, ..Limits::default() }.into()),
        Command::RaiseFeatureLevel { level: 1 },
        Command::CompareHash { index: Index(7), hashes: vec![1, 2, 3, 4, 5] },
        Command::Catalog(CatalogCommand::DeregisterCheck { node: node("n2"), id: check_id() }),
        Command::Catalog(CatalogCommand::DeregisterNode { name: node("n2") }),
        Command::Reap { upto: Index(8) },
        restore(RestoreCommand::Begin { id }),
        restore(RestoreCommand::Abort { id }),
        restore(RestoreCommand::Commit { id, chunks: 1 }),
        restore(RestoreCommand::Begin { id }),
        restore(RestoreCommand::Chunk { id, number: 0, bytes: b"staged".to_vec().into() }),
    ]
}

fn lock(op: LockCommand) -> Command {
    Command::Lock { namespace: default(), op }
}

fn acquire(name: &str, number: u128, queue: bool) -> Command {
    let name = LockName::new(name).expect("this is a name");
    lock(LockCommand::Acquire { name, session: session(number), value: b"me".to_vec().into(), queue })
}

fn release(name: &str, number: u128, fencing: Option<Index>) -> Command {
    let name = LockName::new(name).expect("this is a name");
    lock(LockCommand::Release { name, session: session(number), fencing })
}

fn cancel(name: &str, number: u128, claim: u64, give_back: bool) -> Command {
    let name = LockName::new(name).expect("this is a name");
    lock(LockCommand::Cancel { name, session: session(number), claim: Index(claim), give_back })
}

fn batch(atomic: bool, names: &[&str]) -> Command {
    let op = |name: &&str| TxnOp::Kv {
        namespace: default(),
        op: KvTxnOp::Write(put(name, "of a batch", PutMode::Cas(Index(0)))),
    };
    Command::Batch { atomic, ops: names.iter().map(op).collect() }
}

fn patch(name: &str, flags: Option<u64>, ttl: TtlPatch, cas: Option<Index>) -> Command {
    kv(KvCommand::Patch { key: key(name), flags, ttl, cas })
}

/// What came with feature level 2.
fn second_level() -> Vec<Command> {
    let due = (default(), LockName::new("late").expect("this is a name"), Millis(1));
    vec![
        acquire("too/early", 1, true),
        Command::RaiseFeatureLevel { level: 2 },
        register_node("n1"),
        register_check("n1", CheckStatus::Passing),
        create(default(), 11, Behavior::Release, None),
        create(default(), 12, Behavior::Release, Some(10_000)),
        create(default(), 13, Behavior::Delete, None),
        acquire("one", 11, true),
        acquire("one", 12, true),
        acquire("one", 13, true),
        acquire("one", 14, true),
        acquire("two", 13, false),
        acquire("two", 12, false),
        release("two", 12, None),
        release("two", 13, Some(Index(1))),
        cancel("one", 12, 1, false),
        release("one", 11, None),
        acquire("one", 11, true),
        cancel("one", 13, 1, true),
        Command::SessionDestroy { namespace: default(), id: session(13) },
        acquire("two", 11, true),
        Command::LockDue { term: TERM, locks: vec![due] },
        set("h", "1"),
        set("h", "2"),
        kv(KvCommand::Delete { key: key("h"), cas: None }),
        set("h", "3"),
        patch("h", Some(5), TtlPatch::Set(50_000), None),
        patch("h", None, TtlPatch::Clear, Some(Index(1))),
        patch("none", None, TtlPatch::Keep, None),
        batch(true, &["b/1", "b/2"]),
        batch(true, &["b/3", "b/1"]),
        batch(false, &["b/3", "b/1", "b/4"]),
        Command::SetBounds(Limits { history_bytes: 4_096, locks: 10, lock_queue: 5, ..Limits::default() }),
        set("h", "4"),
    ]
}

/// The encoded entries. Every other one carries a request id; of level 2 some have a fingerprint, or an id that tells no
/// time.
pub(crate) fn log(level: u32) -> Vec<Vec<u8>> {
    let first = [keys(), sessions(), others()].concat();
    let begin = first.len() as u64;
    let commands = match level {
        1 => first,
        2 => [first, second_level()].concat(),
        _ => [first, second_level(), services::third_level()].concat(),
    };
    let proposals = (0u64..).zip(commands).map(|(number, command)| {
        let id = u128::from(NOW + number) << 80 | 7 << 76 | 2 << 62 | u128::from(number);
        let id = if number > begin && number % 4 == 0 { id ^ 3 << 76 } else { id };
        let fingerprint = (number > begin + 2 && number % 3 == 0).then_some(number);
        Proposal {
            at: Millis(NOW + 10 * number),
            request: (number % 2 == 0).then_some(Request { id: RequestId(Uuid::from_u128(id)), fingerprint }),
            actor: if number % 3 == 0 { "somebody".into() } else { String::new() },
            command,
        }
    });
    proposals.map(|proposal| proposal.encode()).collect()
}

/// What the log leaves, once enough entries have passed for hashes to be remembered.
pub(crate) fn state(level: u32) -> State {
    let mut state = State::new();
    for bytes in log(level) {
        let proposal = Proposal::decode(&bytes).expect("it was just encoded");
        state.apply(TERM, state.log_index() + 1, &proposal).expect("there is no other replica");
    }
    state.advance(TERM, 1_100);
    state
}
