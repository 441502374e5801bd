//! A batch's body as members of a transaction.

use konsul_api::v2::batch::{OPERATIONS_MAX, Operation, RequestRef, Verb};
use konsul_api::v2::problem::Fault;
use konsul_api::v2::value::{self, Text};
use konsul_types::{Index, Key, KvCommand, KvTxnOp, Namespace, PutMode, TxnOp, Value};

use super::super::body::{Faults, Undecoded, decode_that};
use super::super::rejection::{Rejected, Rejection};
use super::check_count;
use konsul_api::v2::code;

/// What a batch asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Members {
    /// Whether all happen or none.
    pub(crate) atomic: bool,
    /// The members, in order.
    pub(crate) ops: Vec<TxnOp>,
}

/// Reads a body, for a request in a namespace, with a bound on each value.
pub(crate) fn decode(bytes: &[u8], namespace: &Namespace, value_bytes: u64) -> Rejected<Members> {
    let fits = |request: &RequestRef<'_>| request.operations.iter().all(Operation::fits);
    let request: RequestRef<'_> = decode_that("BatchRequest", bytes, fits)?;
    check_count(request.operations.len(), OPERATIONS_MAX)?;
    if request.operations.is_empty() {
        let fault = Fault::at("/operations", "is empty; a batch has 1 to 10000 members");
        return Err(Undecoded::Shape(vec![fault]).into());
    }
    let mut faults = Faults::default();
    let ops: Vec<TxnOp> = request
        .operations
        .iter()
        .enumerate()
        .filter_map(|(at, one)| member(&mut faults, at, one, namespace))
        .collect();
    faults.check()?;
    check_values(&ops, value_bytes)?;
    Ok(Members { atomic: request.atomic, ops })
}

fn member(faults: &mut Faults, at: usize, one: &Operation<Text<'_>>, namespace: &Namespace) -> Option<TxnOp> {
    let pointer = |field: &str| format!("/operations/{at}/{field}");
    let namespace = match one.namespace.as_deref() {
        None => namespace.clone(),
        Some(name) => {
            let named = Namespace::new(name).map_err(|why| why.what);
            faults.take_at(|| pointer("namespace"), named)?
        }
    };
    if let Some(prefix) = one.prefix.as_deref() {
        let prefix = faults.take_at(|| pointer("prefix"), Key::new(prefix).map_err(|why| why.what))?;
        let op = KvTxnOp::Write(KvCommand::DeleteTree { prefix: prefix.to_string() });
        return Some(TxnOp::Kv { namespace, op });
    }
    let key = Key::new(one.key.as_deref().unwrap_or_default()).map_err(|why| why.what);
    let key = faults.take_at(|| pointer("key"), key);
    let index = one.if_index.map(Index);
    let op = match one.op {
        Verb::KvPut => {
            let ttl_ms = match one.ttl.as_deref() {
                None => None,
                text => faults.duration(&pointer("ttl"), text).filter(|ms| *ms > 0),
            };
            let value = value::borrowed(one.value.as_deref(), one.value_base64.as_deref());
            let value = Value::from(&*faults.take_at(|| pointer("value_base64"), value)?);
            let mode = index.map_or(PutMode::Set, PutMode::Cas);
            KvTxnOp::Write(KvCommand::Put { key: key?, value, flags: one.flags.unwrap_or(0), mode, ttl_ms })
        }
        Verb::KvGet => KvTxnOp::GetOrEmpty { key: key? },
        Verb::KvDelete | Verb::KvDeleteTree => KvTxnOp::Write(KvCommand::Delete { key: key?, cas: index }),
        Verb::KvCheck => match index {
            Some(Index(0)) | None => KvTxnOp::CheckNotExists { key: key? },
            Some(index) => KvTxnOp::CheckIndex { key: key?, index },
        },
    };
    Some(TxnOp::Kv { namespace, op })
}

fn check_values(ops: &[TxnOp], limit: u64) -> Rejected<()> {
    for (at, op) in ops.iter().enumerate() {
        if let TxnOp::Kv { op: KvTxnOp::Write(KvCommand::Put { value, .. }), .. } = op
            && value.len() as u64 > limit
        {
            let detail = format!("the value has {} bytes; at most {limit} are allowed", value.len());
            let errors = vec![Fault::at(format!("/operations/{at}/value"), detail)];
            return Err(Rejection::of_faults(&code::VALUE_TOO_LARGE, errors));
        }
    }
    Ok(())
}
