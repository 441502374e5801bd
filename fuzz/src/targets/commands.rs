//! The reader of log entries, and the state that applies what they say.
//!
//! Input: pieces, each an encoded proposal; they are applied in order, as entries of the log.

use std::collections::BTreeMap;

use konsul_state::State;
use konsul_types::CatalogCommand;
use konsul_types::node::CheckV1;
use konsul_types::restore::RestoreCommand;
use konsul_types::{
    Behavior, CheckId, CheckStatus, Command, Event, EventId, Index, Key, KvCommand, KvTxnOp, Limits,
    LockCommand, LockName, Millis, Namespace, Node, NodeName, Proposal, PutMode, RequestId, RestoreId,
    SessionId, SessionSpec, TtlPatch, TxnOp, Value,
};
use uuid::Uuid;

use crate::Target;
use crate::bounds::Bounds;
use crate::input::{Input, of_pieces};

/// The target.
pub static TARGET: Target = Target {
    name: "commands",
    about: "log entries: proposals as bytes, and the state that applies them",
    input_bytes_max: 8 * 1024,
    bounds: Bounds { base_bytes: 8 << 20, bytes_per_byte: 1024 },
    run,
    seeds,
};

/// The term in which entries are applied.
const TERM: u64 = 3;

fn run(bytes: &[u8]) {
    let mut state = State::new();
    let mut log_index = 0;
    for piece in Input::new(bytes).pieces(128) {
        let Ok(proposal) = Proposal::decode(piece) else { continue };
        assert_eq!(
            Proposal::decode(&proposal.encode()).as_ref(),
            Ok(&proposal),
            "an encoded proposal reads otherwise"
        );
        log_index += 1;
        let before = (state.index(), state.at());
        // A leader's hashes that differ stop the node, as they should.
        let Ok(applied) = state.apply(TERM, log_index, &proposal) else { return };
        assert!(
            state.index() > before.0 && state.at() >= before.1,
            "index or time went back at {proposal:?}"
        );
        assert_eq!(applied.index, state.index());
        assert_eq!(state.verify(), None, "after {proposal:?}");
    }
}

/// The state after a history.
pub(super) fn applied(history: &[Proposal]) -> State {
    let mut state = State::new();
    for (proposal, log_index) in history.iter().zip(1..) {
        state.apply(TERM, log_index, proposal).expect("a seed compares no hashes");
    }
    state
}

fn seeds() -> Vec<Vec<u8>> {
    histories().iter().map(|history| of_pieces(history.iter().map(Proposal::encode))).collect()
}

/// Small histories that together hold every command.
pub(super) fn histories() -> Vec<Vec<Proposal>> {
    let commands =
        [keys(), locks(), transactions(), catalogue_and_events(), housekeeping(), restore(), second_level()];
    commands.into_iter().map(|commands| commands.into_iter().zip(1..).map(proposal).collect()).collect()
}

fn proposal((command, number): (Command, u128)) -> Proposal {
    let at = 1000 * number;
    // A UUID of version 7, made when the command was.
    let request =
        number.is_multiple_of(3).then(|| RequestId(Uuid::from_u128((at << 80) | (7 << 76) | number)).into());
    Proposal { at: Millis(at as u64), request, actor: String::new(), command }
}

fn namespace(name: &str) -> Namespace {
    Namespace::new(name).expect("a good name")
}

fn key(text: &str) -> Key {
    Key::new(text).expect("a good key")
}

fn kv(op: KvCommand) -> Command {
    Command::Kv { namespace: namespace("default"), op }
}

fn put(text: &str, mode: PutMode, ttl_ms: Option<u64>) -> KvCommand {
    KvCommand::Put { key: key(text), value: Value::from(b"value".to_vec()), flags: 42, mode, ttl_ms }
}

fn keys() -> Vec<Command> {
    vec![
        kv(put("a/b/c", PutMode::Set, None)),
        kv(put("a/b/d", PutMode::Cas(Index(0)), Some(5000))),
        kv(put("a/b/c", PutMode::Cas(Index(1)), None)),
        Command::Kv { namespace: namespace("team-1"), op: put("a", PutMode::Set, None) },
        kv(KvCommand::Delete { key: key("a/b/c"), cas: Some(Index(3)) }),
        Command::KvExpire { term: TERM, keys: vec![(namespace("default"), key("a/b/d"), Index(2))] },
        kv(put("z", PutMode::Set, Some(1))),
        kv(KvCommand::DeleteTree { prefix: "a".to_owned() }),
        Command::Reap { upto: Index(6) },
    ]
}

fn node_name() -> NodeName {
    NodeName::new("node-1").expect("a good name")
}

fn liveness() -> CheckId {
    CheckId::new("serfHealth").expect("a good id")
}

fn register() -> [Command; 2] {
    let node = Node {
        id: None,
        name: node_name(),
        address: "127.0.0.1".to_owned(),
        tagged_addresses: BTreeMap::from([("lan".to_owned(), "127.0.0.1".to_owned())]),
        meta: BTreeMap::new(),
        create_index: Index::ZERO,
        modify_index: Index::ZERO,
    };
    let check = CheckV1 {
        node: node_name(),
        id: liveness(),
        name: "Liveness".to_owned(),
        status: CheckStatus::Passing,
        notes: String::new(),
        output: "well".to_owned(),
        create_index: Index::ZERO,
        modify_index: Index::ZERO,
    };
    [CatalogCommand::RegisterNode { node }, CatalogCommand::RegisterCheck { check }].map(Command::Catalog)
}

fn session(number: u128, behavior: Behavior) -> Command {
    let spec = SessionSpec {
        id: SessionId(Uuid::from_u128(number)),
        name: "lock".to_owned(),
        node: node_name(),
        lock_delay_ms: 15_000,
        behavior,
        ttl_ms: Some(10_000),
        ttl_text: "10s".to_owned(),
        node_checks: vec![liveness()],
        service_checks: Vec::new(),
    };
    Command::SessionCreate { namespace: namespace("default"), spec }
}

fn locks() -> Vec<Command> {
    let [one, two] = [1, 2].map(|number| SessionId(Uuid::from_u128(number)));
    let default = || namespace("default");
    let mut commands = register().to_vec();
    commands.extend([
        session(1, Behavior::Release),
        session(2, Behavior::Delete),
        kv(put("lock", PutMode::Acquire(one), None)),
        kv(put("lock", PutMode::Acquire(two), None)),
        kv(put("gone", PutMode::Acquire(two), None)),
        Command::SessionRenew { namespace: default(), id: one },
        kv(put("lock", PutMode::Release(one), None)),
        kv(put("lock", PutMode::Acquire(one), None)),
        Command::SessionDestroy { namespace: default(), id: one },
        Command::LeaderStart { term: TERM },
        Command::SessionExpire { term: TERM, sessions: vec![(default(), two, 0), (default(), one, 9)] },
        kv(put("lock", PutMode::Acquire(two), None)),
    ]);
    commands
}

/// What came with feature level 2: the queue of a lock, batches, patches, and old values kept in little room.
fn second_level() -> Vec<Command> {
    let raise = Command::RaiseFeatureLevel { level: konsul_types::FEATURE_LEVEL };
    let bounds =
        Command::SetBounds(Limits { history_bytes: 200, locks: 2, lock_queue: 2, ..Limits::default() });
    let name = || LockName::new("queue").expect("a good name");
    let on_lock = |op| Command::Lock { namespace: namespace("default"), op };
    let id = |number| SessionId(Uuid::from_u128(number));
    let acquire = |number| {
        let value = Value::from(b"me".to_vec());
        on_lock(LockCommand::Acquire { name: name(), session: id(number), value, queue: true })
    };
    let member = |op| TxnOp::Kv { namespace: namespace("default"), op: KvTxnOp::Write(op) };
    let batch = |atomic| Command::Batch {
        atomic,
        ops: vec![
            member(put("a", PutMode::Set, None)),
            member(put("b", PutMode::Cas(Index(1)), None)),
            member(KvCommand::Delete { key: key("a"), cas: None }),
        ],
    };
    let patch = KvCommand::Patch { key: key("a"), flags: Some(3), ttl: TtlPatch::Set(50), cas: None };
    let sessions = (1..=3).map(|number| session(number, Behavior::Release));
    let release = LockCommand::Release { name: name(), session: id(1), fencing: None };
    let cancel = LockCommand::Cancel { name: name(), session: id(3), claim: Index(9), give_back: true };
    let due = (namespace("default"), name(), Millis(1));
    [raise, bounds]
        .into_iter()
        .chain(register())
        .chain(sessions)
        .chain([
            acquire(1),
            acquire(2),
            acquire(3),
            on_lock(release),
            on_lock(cancel),
            Command::SessionDestroy { namespace: namespace("default"), id: id(2) },
            Command::LockDue { term: TERM, locks: vec![due] },
            kv(put("a", PutMode::Set, None)),
            kv(patch),
            batch(true),
            batch(false),
        ])
        .collect()
}

fn transactions() -> Vec<Command> {
    let member = |op| TxnOp::Kv { namespace: namespace("default"), op };
    let holder = SessionId(Uuid::from_u128(1));
    let good = vec![
        member(KvTxnOp::Write(put("t/1", PutMode::Set, None))),
        member(KvTxnOp::Get { key: key("t/1") }),
        member(KvTxnOp::GetOrEmpty { key: key("t/2") }),
        member(KvTxnOp::GetTree { prefix: "t/".to_owned() }),
        member(KvTxnOp::CheckIndex { key: key("t/1"), index: Index(1) }),
        member(KvTxnOp::CheckNotExists { key: key("t/2") }),
        member(KvTxnOp::Write(KvCommand::DeleteTree { prefix: "t/2".to_owned() })),
    ];
    let bad = vec![
        member(KvTxnOp::Write(put("t/3", PutMode::Set, None))),
        member(KvTxnOp::CheckSession { key: key("t/1"), session: Some(holder), text: holder.to_string() }),
        member(KvTxnOp::Write(KvCommand::Delete { key: key("t/1"), cas: Some(Index(99)) })),
    ];
    vec![Command::Txn { ops: good }, Command::Txn { ops: bad }, Command::Txn { ops: Vec::new() }]
}

fn catalogue_and_events() -> Vec<Command> {
    let event = Event {
        id: EventId(Uuid::from_u128(5)),
        name: "deploy".to_owned(),
        payload: Value::from(b"v2".to_vec()),
        node_filter: String::new(),
        service_filter: "web".to_owned(),
        tag_filter: String::new(),
        ltime: 0,
        index: Index::ZERO,
    };
    let mut commands = register().to_vec();
    commands.extend([
        Command::EventFire { event },
        session(1, Behavior::Delete),
        Command::Catalog(CatalogCommand::DeregisterCheck { node: node_name(), id: liveness() }),
        Command::Catalog(CatalogCommand::DeregisterNode { name: node_name() }),
    ]);
    commands
}

fn housekeeping() -> Vec<Command> {
    vec![
        Command::SetLimits(Limits { value_bytes: 4, ..Limits::default() }.into()),
        kv(put("too-large-now", PutMode::Set, None)),
        Command::RaiseFeatureLevel { level: konsul_types::FEATURE_LEVEL },
        Command::RaiseFeatureLevel { level: 0 },
        Command::CompareHash { index: Index(1024), hashes: vec![0; 5] },
        Command::LeaderStart { term: TERM },
    ]
}

/// A backup of a small state, staged and taken over.
fn restore() -> Vec<Command> {
    let id = RestoreId(Uuid::from_u128(8));
    let mut backup = State::new();
    for (command, at) in register().into_iter().chain(keys()).zip(1..) {
        backup.apply(1, at, &proposal((command, 4))).expect("no hashes are compared");
    }
    let chunks: Vec<Vec<u8>> = backup.chunks().collect();
    let count = chunks.len() as u32;
    let begin = [kv(put("old", PutMode::Set, None)), Command::Restore(RestoreCommand::Begin { id })];
    let staged = chunks.into_iter().zip(0..).map(|(chunk, number)| {
        Command::Restore(RestoreCommand::Chunk { id, number, bytes: Value::from(chunk) })
    });
    let commit = Command::Restore(RestoreCommand::Commit { id, chunks: count });
    begin.into_iter().chain(staged).chain([commit, Command::Restore(RestoreCommand::Abort { id })]).collect()
}

#[cfg(test)]
mod tests {
    use konsul_types::Outcome;

    use super::*;

    #[test]
    fn the_restore_among_the_seeds_takes_effect() {
        let state = applied(&histories()[5]);
        assert!(state.kv_get(&namespace("default"), "old").value.is_none());
        assert!(state.kv_get(&namespace("team-1"), "a").value.is_some());
    }

    #[test]
    fn the_locks_among_the_seeds_are_taken() {
        let mut state = State::new();
        let outcomes: Vec<Outcome> = histories()[1]
            .iter()
            .zip(1..)
            .map(|(proposal, at)| state.apply(TERM, at, proposal).expect("no hashes are compared").outcome)
            .collect();
        let refused = outcomes.iter().filter(|outcome| matches!(outcome, Outcome::Refused(_))).count();
        assert!(refused > 0 && refused < outcomes.len() / 2, "{outcomes:?}");
    }
}
