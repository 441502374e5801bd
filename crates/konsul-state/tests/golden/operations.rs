//! From the words of a script to commands of the log.

use konsul_types::event::Event;
use konsul_types::kv::{KvCommand, PutMode};
use konsul_types::node::CheckV1;
use konsul_types::session::ServiceCheckRef;
use konsul_types::txn::{KvTxnOp, TxnOp};
use konsul_types::{
    Behavior, CatalogCommand, CheckId, CheckStatus, Command, EventId, Index, KvQuota, Limits, LockCommand,
    LockName, Millis, Namespace, Node, NodeName, SessionSpec, TtlPatch,
};
use uuid::Uuid;

use crate::services;
use crate::words::{Fault, Words, session};

/// The command that a line of a script means; `None` if it is not one of the log.
pub(crate) fn command(
    name: &str,
    namespace: Namespace,
    words: &mut Words<'_>,
    limits: Limits,
) -> Result<Option<Command>, Fault> {
    Ok(Some(match name {
        "put" | "delete" | "delete-tree" | "patch" => Command::Kv { namespace, op: kv(name, words)? },
        "txn" => Command::Txn { ops: members(words)? },
        "batch" => {
            let atomic = words.named("atomic")?.unwrap_or(false);
            Command::Batch { atomic, ops: members(words)? }
        }
        "acquire" | "release" | "cancel" => Command::Lock { namespace, op: lock(name, words)? },
        "lock-due" => Command::LockDue {
            term: words.named("seen-term")?.unwrap_or(1),
            locks: vec![(namespace, lock_name(words)?, Millis(words.named("until")?.unwrap_or(0)))],
        },
        "bounds" => Command::SetBounds(bounds(words, limits)?),
        "session-create" => Command::SessionCreate { namespace, spec: spec(words)? },
        "session-destroy" => Command::SessionDestroy { namespace, id: session(words.next("the session")?)? },
        "session-renew" => Command::SessionRenew { namespace, id: session(words.next("the session")?)? },
        "session-expire" => expire(&namespace, words)?,
        "kv-expire" => Command::KvExpire {
            term: words.named("seen-term")?.unwrap_or(1),
            keys: vec![(namespace, words.key()?, Index(words.named("modify")?.unwrap_or(0)))],
        },
        "fire" => Command::EventFire { event: event(words)? },
        "node" | "check" | "node-remove" | "check-remove" => Command::Catalog(catalog(name, words)?),
        "register" | "service-remove" | "results" | "coordinate" => {
            Command::Catalog(services::command(name, namespace, words)?)
        }
        "query" | "query-remove" => Command::Query(services::query(name, words)?),
        "leader-start" => Command::LeaderStart { term: words.named("seen-term")?.unwrap_or(1) },
        "limits" => Command::SetLimits(bounds(words, limits)?.into()),
        "feature-level" => Command::RaiseFeatureLevel { level: words.next("the level")?.parse()? },
        "reap" => Command::Reap { upto: Index(words.next("the index")?.parse()?) },
        _ => return Ok(None),
    }))
}

fn kv(name: &str, words: &mut Words<'_>) -> Result<KvCommand, Fault> {
    Ok(match name {
        "put" => put(words)?,
        "patch" => KvCommand::Patch {
            key: words.key()?,
            flags: words.named("flags")?,
            ttl: match words.0.take_key("ttl") {
                None => TtlPatch::Keep,
                Some("none") => TtlPatch::Clear,
                Some(ms) => TtlPatch::Set(ms.parse()?),
            },
            cas: words.named("cas")?.map(Index),
        },
        "delete" => KvCommand::Delete { key: words.key()?, cas: words.named("cas")?.map(Index) },
        _ => KvCommand::DeleteTree { prefix: words.next("the prefix")?.to_owned() },
    })
}

fn lock_name(words: &mut Words<'_>) -> Result<LockName, Fault> {
    Ok(LockName::new(words.next("the lock")?)?)
}

fn lock(verb: &str, words: &mut Words<'_>) -> Result<LockCommand, Fault> {
    let (name, session) = (lock_name(words)?, session(words.next("the session")?)?);
    Ok(match verb {
        "acquire" => LockCommand::Acquire {
            name,
            session,
            value: words.0.next_pos().unwrap_or_default().as_bytes().to_vec().into(),
            queue: words.named("queue")?.unwrap_or(true),
        },
        "release" => LockCommand::Release { name, session, fencing: words.named("fencing")?.map(Index) },
        _ => LockCommand::Cancel {
            name,
            session,
            claim: Index(words.named("claim")?.unwrap_or(0)),
            give_back: words.named("give-back")?.unwrap_or(false),
        },
    })
}

fn put(words: &mut Words<'_>) -> Result<KvCommand, Fault> {
    let key = words.key()?;
    let value = match words.named::<usize>("bytes")? {
        Some(count) => vec![b'x'; count],
        None => words.0.next_pos().unwrap_or_default().as_bytes().to_vec(),
    };
    let cas = words.named("cas")?.map(|index| PutMode::Cas(Index(index)));
    let acquire = words.session("acquire")?.map(PutMode::Acquire);
    let release = words.session("release")?.map(PutMode::Release);
    Ok(KvCommand::Put {
        key,
        value: value.into(),
        flags: words.named("flags")?.unwrap_or(0),
        mode: cas.or(acquire).or(release).unwrap_or(PutMode::Set),
        ttl_ms: words.named("ttl")?,
    })
}

/// Members are given as `verb key …`, each in quotes.
fn members(words: &mut Words<'_>) -> Result<Vec<TxnOp>, Fault> {
    let repeat: usize = words.named("times")?.unwrap_or(1);
    let mut ops = Vec::new();
    while let Some(text) = words.0.next_pos() {
        ops.push(member(text)?);
    }
    Ok(ops.iter().cycle().take(ops.len() * repeat).cloned().collect())
}

fn member(text: &str) -> Result<TxnOp, Fault> {
    let (namespace, text) = match text.split_once(':') {
        Some((name, rest)) => (Namespace::new(name)?, rest),
        None => (Namespace::default_namespace(), text),
    };
    let parts: Vec<&str> = text.split(' ').collect();
    let [verb, name, rest @ ..] = parts.as_slice() else {
        return Err(format!("{text:?} should be a verb and a key").into());
    };
    if let Some(op) = services::member(namespace.clone(), verb, name, rest)? {
        return Ok(TxnOp::Catalog(op));
    }
    let first = rest.first().copied().unwrap_or_default();
    let index = || first.parse().map(Index);
    let key = konsul_types::Key::new(*name);
    let write = |mode, value: &str| -> Result<KvTxnOp, Fault> {
        Ok(KvTxnOp::Write(KvCommand::Put {
            key: konsul_types::Key::new(*name)?,
            value: value.as_bytes().to_vec().into(),
            flags: 0,
            mode,
            ttl_ms: None,
        }))
    };
    let second = rest.get(1).copied().unwrap_or_default();
    let op = match *verb {
        "set" => write(PutMode::Set, first)?,
        "cas" => write(PutMode::Cas(index()?), second)?,
        "lock" => write(PutMode::Acquire(session(first)?), second)?,
        "unlock" => write(PutMode::Release(session(first)?), second)?,
        "delete" => KvTxnOp::Write(KvCommand::Delete { key: key?, cas: None }),
        "delete-cas" => KvTxnOp::Write(KvCommand::Delete { key: key?, cas: Some(index()?) }),
        "delete-tree" => KvTxnOp::Write(KvCommand::DeleteTree { prefix: (*name).to_owned() }),
        "get" => KvTxnOp::Get { key: key? },
        "get-or-empty" => KvTxnOp::GetOrEmpty { key: key? },
        "get-tree" => KvTxnOp::GetTree { prefix: (*name).to_owned() },
        "check-index" => KvTxnOp::CheckIndex { key: key?, index: index()? },
        "check-session" => KvTxnOp::CheckSession {
            key: key?,
            session: session(first).ok(),
            text: session(first).map_or(first.to_owned(), |id| id.to_string()),
        },
        "check-not-exists" => KvTxnOp::CheckNotExists { key: key? },
        _ => return Err(format!("{verb:?} is no verb").into()),
    };
    Ok(TxnOp::Kv { namespace, op })
}

fn spec(words: &mut Words<'_>) -> Result<SessionSpec, Fault> {
    let ttl_ms = words.named("ttl")?;
    let list =
        |text: Option<&str>| text.map_or(Vec::new(), |text| text.split('+').map(str::to_owned).collect());
    let node_checks =
        list(words.0.take_key("checks")).into_iter().map(CheckId::new).collect::<Result<_, _>>()?;
    let service_checks = list(words.0.take_key("service-checks"));
    let service = |id| Ok::<_, Fault>(ServiceCheckRef { id: CheckId::new(id)?, namespace: String::new() });
    Ok(SessionSpec {
        id: session(words.next("the session")?)?,
        name: words.0.take_key("name").unwrap_or_default().to_owned(),
        node: NodeName::new(words.0.take_key("node").unwrap_or("n1"))?,
        lock_delay_ms: words.named("delay")?.unwrap_or(0),
        behavior: match words.0.take_key("behavior") {
            Some("delete") => Behavior::Delete,
            _ => Behavior::Release,
        },
        ttl_text: ttl_ms.map(|ms: u64| format!("{ms}ms")).unwrap_or_default(),
        ttl_ms,
        node_checks,
        service_checks: service_checks.into_iter().map(service).collect::<Result<_, _>>()?,
    })
}

fn expire(namespace: &Namespace, words: &mut Words<'_>) -> Result<Command, Fault> {
    let renewal = words.named("renewal")?.unwrap_or(0);
    let term = words.named("seen-term")?.unwrap_or(1);
    let mut sessions = Vec::new();
    while let Some(word) = words.0.next_pos() {
        sessions.push((namespace.clone(), session(word)?, renewal));
    }
    Ok(Command::SessionExpire { term, sessions })
}

fn event(words: &mut Words<'_>) -> Result<Event, Fault> {
    Ok(Event {
        id: EventId(Uuid::from_u128(1)),
        name: words.next("the name")?.to_owned(),
        payload: words.0.next_pos().unwrap_or_default().as_bytes().to_vec().into(),
        node_filter: String::new(),
        service_filter: String::new(),
        tag_filter: String::new(),
        ltime: 99,
        index: Index(99),
    })
}

fn catalog(name: &str, words: &mut Words<'_>) -> Result<CatalogCommand, Fault> {
    let node = NodeName::new(words.next("the node")?)?;
    Ok(match name {
        "node" => CatalogCommand::RegisterNode {
            node: Node {
                id: None,
                name: node,
                address: words.0.next_pos().unwrap_or("10.0.0.1").to_owned(),
                tagged_addresses: Default::default(),
                meta: Default::default(),
                create_index: Index(99),
                modify_index: Index(99),
            },
        },
        "check" => CatalogCommand::RegisterCheck { check: check(node, words)? },
        "node-remove" => CatalogCommand::DeregisterNode { name: node },
        _ => CatalogCommand::DeregisterCheck { node, id: CheckId::new(words.next("the check")?)? },
    })
}

fn check(node: NodeName, words: &mut Words<'_>) -> Result<CheckV1, Fault> {
    Ok(CheckV1 {
        node,
        id: CheckId::new(words.next("the check")?)?,
        name: "a check".into(),
        status: match words.next("the status")? {
            "passing" => CheckStatus::Passing,
            "warning" => CheckStatus::Warning,
            "critical" => CheckStatus::Critical,
            other => return Err(format!("{other:?} is no status").into()),
        },
        notes: String::new(),
        output: words.0.next_pos().unwrap_or_default().to_owned(),
        create_index: Index(99),
        modify_index: Index(99),
    })
}

fn bounds(words: &mut Words<'_>, now: Limits) -> Result<Limits, Fault> {
    Ok(Limits {
        kv: KvQuota {
            keys: words.named("keys")?.unwrap_or(now.kv.keys),
            bytes: words.named("bytes")?.unwrap_or(now.kv.bytes),
        },
        value_bytes: words.named("value-bytes")?.unwrap_or(now.value_bytes),
        sessions: words.named("sessions")?.unwrap_or(now.sessions),
        request_window_ms: words.named("request-window")?.unwrap_or(now.request_window_ms),
        requests: words.named("requests")?.unwrap_or(now.requests),
        history_bytes: words.named("history")?.unwrap_or(now.history_bytes),
        locks: words.named("locks")?.unwrap_or(now.locks),
        lock_queue: words.named("lock-queue")?.unwrap_or(now.lock_queue),
    })
}
