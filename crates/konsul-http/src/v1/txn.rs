//! `PUT /v1/txn`: several operations, all or none.

mod members;

use std::sync::Arc;

use http::StatusCode;
use konsul_api::v1::kv::EntryRef;
use konsul_api::v1::operator::QueryMeta;
use konsul_api::v1::txn::{self as wire, Failure, KvOp};
use konsul_api::v1::write::{Object, list};
use konsul_operations::arguments::Txn;
use konsul_operations::{Meta, TxnAnswer};
use konsul_types::txn::{TXN_OPS_MAX, TxnError, TxnFailure};
use konsul_types::{
    Index, Key, KvCommand, KvTxnOp, Namespace, PutMode, Refusal, SessionId, TxnOp, TxnResult, Value,
};
use uuid::Uuid;

use super::error::reply;
use super::inbound::Inbound;
use super::kv::{body_refused, session_id, too_large_for};
use super::read::{Options, body_namespace};
use super::reply::{Fresh, Reply};
use super::route::Route;
use super::shapes;
use crate::intake;
use crate::service::Handled;

const LIMIT: &str = "limits.txn_max_req_len";

/// Why a body is no transaction that could be tried.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Undecided {
    /// It cannot be read: a text for 400.
    Malformed(String),
    /// It is too large: a text for 413.
    TooLarge(String),
    /// It can be read, and members of it cannot be carried out whatever the state is.
    Hopeless(Vec<Failure>),
}

/// Reads a transaction's body, for a request in a namespace, with a bound on the size of each value.
///
/// # Errors
/// See [`Undecided`].
pub fn decode(body: &[u8], namespace: &Namespace, value_bytes: u64) -> Result<Vec<TxnOp>, Undecided> {
    operations(members(body, value_bytes)?, namespace)
}

fn members(body: &[u8], value_bytes: u64) -> Result<Vec<wire::Op>, Undecided> {
    let members =
        wire::decode(body).map_err(|why| Undecided::Malformed(format!("Failed to parse body: {why}")))?;
    check_sizes(&members, value_bytes)?;
    Ok(members)
}

fn operations(members: Vec<wire::Op>, namespace: &Namespace) -> Result<Vec<TxnOp>, Undecided> {
    let (mut ops, mut failures) = (Vec::with_capacity(members.len()), Vec::new());
    for (at, member) in members.into_iter().enumerate() {
        // As in Consul, a member of no kind is skipped, and the first kind that is there counts.
        let op = match member {
            wire::Op { kv: Some(kv), .. } => kv_member(kv, namespace)?,
            wire::Op { node: Some(node), .. } => members::node(node).map(TxnOp::Catalog),
            wire::Op { service: Some(service), .. } => {
                members::service(service, namespace).map(TxnOp::Catalog)
            }
            wire::Op { check: Some(check), .. } => members::check(check, namespace).map(TxnOp::Catalog),
            _ => continue,
        };
        match op {
            Ok(op) => ops.push(op),
            Err(what) => failures.push(Failure { op_index: at as u64, what }),
        }
    }
    if failures.is_empty() { Ok(ops) } else { Err(Undecided::Hopeless(failures)) }
}

fn check_sizes(members: &[wire::Op], value_bytes: u64) -> Result<(), Undecided> {
    let count = members.len();
    if count > TXN_OPS_MAX {
        let text = format!("Transaction contains too many operations ({count} > {TXN_OPS_MAX})");
        return Err(Undecided::TooLarge(text));
    }
    let values = members.iter().filter_map(|member| member.kv.as_ref());
    match values.into_iter().find(|kv| kv.value.0.len() as u64 > value_bytes) {
        None => Ok(()),
        Some(kv) => {
            let (key, size) = (&kv.key, kv.value.0.len());
            let text = format!("Value for key {key:?} is too large ({size} > {value_bytes} bytes)");
            Err(Undecided::TooLarge(text))
        }
    }
}

/// Translates a member. The inner error is a text for its place in the list of failures.
fn kv_member(op: KvOp, request: &Namespace) -> Result<Result<TxnOp, String>, Undecided> {
    let namespace = body_namespace(&op.namespace, &op.partition, request).map_err(Undecided::Malformed)?;
    Ok(kv_op(op).map(|op| TxnOp::Kv { namespace, op }))
}

fn kv_op(op: KvOp) -> Result<KvTxnOp, String> {
    if op.key.is_empty() && op.verb != "delete-tree" {
        return Err("Must provide key".to_owned());
    }
    match op.verb.as_str() {
        "set" => put(op, PutMode::Set),
        "cas" => {
            let index = Index(op.index);
            put(op, PutMode::Cas(index))
        }
        "lock" => {
            let id = required_session(&op)?.ok_or_else(|| format!("invalid session {:?}", op.session))?;
            put(op, PutMode::Acquire(id))
        }
        "unlock" => {
            // Nobody holds a lock under a text that is no id.
            let id = required_session(&op)?.unwrap_or(SessionId(Uuid::nil()));
            put(op, PutMode::Release(id))
        }
        "delete" => Ok(KvTxnOp::Write(KvCommand::Delete { key: key(&op.key)?, cas: None })),
        "delete-cas" => {
            Ok(KvTxnOp::Write(KvCommand::Delete { key: key(&op.key)?, cas: Some(Index(op.index)) }))
        }
        "delete-tree" => Ok(KvTxnOp::Write(KvCommand::DeleteTree { prefix: op.key })),
        "get" => Ok(KvTxnOp::Get { key: key(&op.key)? }),
        "get-or-empty" => Ok(KvTxnOp::GetOrEmpty { key: key(&op.key)? }),
        "get-tree" => Ok(KvTxnOp::GetTree { prefix: op.key }),
        "check-index" => Ok(KvTxnOp::CheckIndex { key: key(&op.key)?, index: Index(op.index) }),
        "check-session" => Ok(KvTxnOp::CheckSession {
            key: key(&op.key)?,
            session: session_id(&op.session),
            text: op.session,
        }),
        "check-not-exists" => Ok(KvTxnOp::CheckNotExists { key: key(&op.key)? }),
        other => Err(format!("unknown KV verb {other:?}")),
    }
}

fn put(op: KvOp, mode: PutMode) -> Result<KvTxnOp, String> {
    let key = key(&op.key)?;
    let value = Value::from(op.value.0);
    Ok(KvTxnOp::Write(KvCommand::Put { key, value, flags: op.flags, mode, ttl_ms: None }))
}

fn key(text: &str) -> Result<Key, String> {
    Key::new(text).map_err(|why| format!("Invalid {why}"))
}

fn required_session(op: &KvOp) -> Result<Option<SessionId>, String> {
    if op.session.is_empty() { Err("missing session".to_owned()) } else { Ok(session_id(&op.session)) }
}

/// `PUT`.
pub(crate) fn put_txn(inbound: &mut Inbound<'_>, _: &'static Route) -> Handled {
    let Options { mut context, .. } = inbound.options()?;
    let limits = &inbound.edge.settings.limits;
    let (limit, value_bytes) = (limits.txn_bytes.max(limits.value_bytes), limits.value_bytes);
    inbound.check_declared(limit, |length| too_large_for(Some(length), limit, LIMIT))?;
    let pace = inbound.pace();
    let edge = Arc::clone(inbound.edge);
    let body = inbound.take_body();
    Ok(Box::pin(async move {
        let bytes = match intake::read(body, limit, pace).await {
            Ok(bytes) => bytes,
            Err(why) => return body_refused(&why, LIMIT),
        };
        let mut wanted = match members(&bytes, value_bytes) {
            Ok(wanted) => wanted,
            Err(why) => return undecided(why),
        };
        drop(bytes);
        if let Err(why) = members::name_nodes(&edge, &context, &mut wanted).await {
            return reply(&why);
        }
        let ops = match operations(wanted, &context.namespace) {
            Ok(ops) => ops,
            Err(why) => return undecided(why),
        };
        let reads_only = !ops.iter().any(TxnOp::is_write);
        if !reads_only {
            // Consistency parameters have no meaning for a write.
            context.consistency = konsul_operations::Consistency::Default;
        }
        match edge.operations.txn(&context, Txn { ops }).await {
            Ok(TxnAnswer::Committed(results, meta)) => match edge.datacenter(&context).await {
                Ok(datacenter) => committed(&results, meta.filter(|_| reads_only), &datacenter),
                // It has happened, and only a name is missing.
                Err(_) => committed(&results, meta.filter(|_| reads_only), ""),
            },
            Ok(TxnAnswer::RolledBack(errors)) => rolled_back(errors.iter().map(failure).collect()),
            Err(why) => reply(&why),
        }
    }))
}

fn undecided(why: Undecided) -> Reply {
    match why {
        Undecided::Malformed(text) => Reply::bad(text),
        Undecided::TooLarge(text) => Reply::plain(StatusCode::PAYLOAD_TOO_LARGE, text),
        Undecided::Hopeless(failures) => rolled_back(failures),
    }
}

fn rolled_back(failures: Vec<Failure>) -> Reply {
    let answer = wire::RolledBack { results: None, errors: failures };
    Reply::json(&answer).with_status(StatusCode::CONFLICT)
}

fn committed(results: &[TxnResult], meta: Option<Meta>, datacenter: &str) -> Reply {
    let mut out = Vec::new();
    let mut object = Object::begin(&mut out);
    list(object.value("Results"), results.iter(), |out, result| write_result(result, datacenter, out));
    object.raw("Errors", "null");
    let Some(meta) = meta else {
        object.end();
        return Reply::written(out);
    };
    let fields = query_meta(meta, "");
    object.number("Index", fields.index);
    object.number("LastContact", fields.last_contact);
    object.truth("KnownLeader", fields.known_leader);
    object.text("ConsistencyLevel", &fields.consistency_level);
    object.truth("NotModified", fields.not_modified);
    object.number("Backend", fields.backend);
    object.truth("ResultsFilteredByACLs", fields.results_filtered_by_acls);
    object.end();
    Reply::written(out).with_fresh(Fresh::Contact(meta))
}

/// How fresh an answer is, as fields of its body.
pub(crate) fn query_meta(meta: Meta, consistency: &str) -> QueryMeta {
    QueryMeta {
        index: meta.index.0.max(1),
        last_contact: meta.last_contact_ms.saturating_mul(1_000_000),
        known_leader: meta.known_leader,
        consistency_level: consistency.to_owned(),
        ..QueryMeta::default()
    }
}

fn write_result(result: &TxnResult, datacenter: &str, out: &mut Vec<u8>) {
    let mut object = Object::begin(out);
    match result {
        TxnResult::Kv { namespace, key, record, with_value } => {
            let record = record.as_deref();
            let mut session = [0; 36];
            let entry = EntryRef {
                lock_index: record.map_or(0, |record| record.lock_index),
                key: key.as_str(),
                flags: record.map_or(0, |record| record.flags),
                value: record.filter(|_| *with_value).map_or(&[], |record| record.value.as_bytes()),
                session: record
                    .and_then(|record| record.session)
                    .map(|id| &*id.0.hyphenated().encode_lower(&mut session)),
                create_index: record.map_or(0, |record| record.create_index.0),
                modify_index: record.map_or(0, |record| record.modify_index.0),
                namespace: shapes::shown(namespace),
            };
            entry.write(object.value("KV"));
        }
        TxnResult::Node(node) => shapes::write_node(node, datacenter, object.value("Node")),
        TxnResult::Service(service) => shapes::write_service(service, object.value("Service")),
        TxnResult::Check(check) => shapes::write_check(check, object.value("Check")),
    }
    object.end();
}

fn failure(error: &TxnError) -> Failure {
    Failure { op_index: u64::from(error.op), what: what(&error.why) }
}

/// Consul's text for a member that failed.
fn what(why: &TxnFailure) -> String {
    let TxnFailure::Refused { key, delete, refusal } = why else {
        return why.to_string();
    };
    match refusal {
        Refusal::StaleIndex { .. } if *delete => format!("failed to delete key {key:?}, index is stale"),
        Refusal::StaleIndex { .. } => format!("failed to set key {key:?}, index is stale"),
        Refusal::LockHeld => format!("failed to lock key {key:?}, lock is already held"),
        Refusal::LockDelay { .. } => format!("failed to lock key {key:?} due to lock delay"),
        Refusal::NotHolder => {
            format!("failed to unlock key {key:?}, lock isn't held, or is held by another session")
        }
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn decoded(body: &str) -> Result<Vec<TxnOp>, Undecided> {
        decode(body.as_bytes(), &Namespace::default_namespace(), 8)
    }

    #[test]
    fn every_failure_of_the_edge_is_listed() {
        let body = "[{\"KV\":{\"Verb\":\"set\",\"Key\":\"a\"}},{\"KV\":{\"Verb\":\"x\",\"Key\":\"a\"}},{},{\"Node\":{}},\
            {\"KV\":{\"Verb\":\"lock\",\"Key\":\"a\"}},{\"KV\":{\"Verb\":\"lock\",\"Key\":\"a\",\"Session\":\"s\"}},\
            {\"KV\":{\"Verb\":\"get\"}}]";
        let Err(Undecided::Hopeless(failures)) = decoded(body) else { panic!("should be hopeless") };
        let texts: Vec<(u64, &str)> = failures.iter().map(|one| (one.op_index, one.what.as_str())).collect();
        assert_eq!(
            texts,
            [
                (1, "unknown KV verb \"x\""),
                (3, "unknown Node verb \"\""),
                (4, "missing session"),
                (5, "invalid session \"s\""),
                (6, "Must provide key"),
            ]
        );
    }

    #[test]
    fn members_of_no_kind_are_skipped() {
        assert_eq!(decoded("[{},{\"KV\":null}]"), Ok(Vec::new()));
    }

    #[test]
    fn bounds_are_checked_before_anything_else() {
        let body = format!("[{}]", vec!["{\"KV\":{\"Verb\":\"get\",\"Key\":\"a\"}}"; 129].join(","));
        let text = "Transaction contains too many operations (129 > 128)".to_owned();
        assert_eq!(decoded(&body), Err(Undecided::TooLarge(text)));
        let text = "Value for key \"a\" is too large (9 > 8 bytes)".to_owned();
        let body = "[{\"KV\":{\"Verb\":\"set\",\"Key\":\"a\",\"Value\":\"MTIzNDU2Nzg5\"}}]";
        assert_eq!(decoded(body), Err(Undecided::TooLarge(text)));
    }

    proptest! {
        #[test]
        fn any_body_is_taken_or_refused(body in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = decode(&body, &Namespace::default_namespace(), 8);
        }

        #[test]
        fn any_verb_and_fields_are_taken_or_refused(verb in "[a-z-]{0,16}", key in any::<String>(), session in any::<String>()) {
            let op = KvOp { verb, key, session, ..KvOp::default() };
            let body = serde_json::json!([{ "KV": op }]).to_string();
            let _ = decode(body.as_bytes(), &Namespace::default_namespace(), 8);
        }
    }
}
