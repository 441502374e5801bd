//! A batch's body as members of a transaction.

use konsul_api::v2::batch::{OPERATIONS_MAX, Operation, RequestRef, Verb};
use konsul_api::v2::problem::Fault;
use konsul_api::v2::value::{self, Text};
use konsul_types::{Index, Key, KvCommand, KvTxnOp, Namespace, PutMode, TxnOp, Value};

use super::super::body::{Faults, Undecoded, decode_that};
use super::super::rejection::{Rejected, Rejection};
use super::agent::{OfAgent, of_agent};
use super::catalogue::of_catalogue;
use super::check_count;
use konsul_api::v2::code;

/// What a batch asks for.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Members {
    /// Whether all happen or none.
    pub(crate) atomic: bool,
    /// The members, in order.
    pub(crate) all: Vec<Member>,
}

/// A member.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Member {
    /// Of the log.
    Log(TxnOp),
    /// Of what the agent keeps.
    Agent(Box<OfAgent>),
}

impl Member {
    /// The part that goes into the log.
    pub(crate) fn log(&self) -> Option<&TxnOp> {
        match self {
            Member::Log(op) => Some(op),
            Member::Agent(_) => None,
        }
    }
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
    let RequestRef { atomic, operations } = request;
    let all: Vec<Member> = operations
        .into_iter()
        .enumerate()
        .filter_map(|(at, one)| member(&mut faults, at, one, namespace, atomic))
        .collect();
    faults.check()?;
    check_values(&all, value_bytes)?;
    Ok(Members { atomic, all })
}

fn member(
    faults: &mut Faults,
    at: usize,
    one: Operation<Text<'_>>,
    namespace: &Namespace,
    atomic: bool,
) -> Option<Member> {
    let pointer = |field: &str| format!("/operations/{at}/{field}");
    let namespace = match one.namespace.as_deref() {
        None => namespace.clone(),
        Some(name) => {
            let named = Namespace::new(name).map_err(|why| why.what);
            faults.take_at(|| pointer("namespace"), named)?
        }
    };
    if one.op.is_of_agent() {
        if atomic {
            let why =
                "is about what the agent keeps, which is not in the log: take a batch that is not atomic";
            faults.take::<(), _>(&pointer("op"), Err(why));
        }
        return of_agent(faults, &pointer, one, namespace).map(|member| Member::Agent(Box::new(member)));
    }
    if one.key.is_none() && one.prefix.is_none() {
        return of_catalogue(faults, &pointer, one, namespace).map(|op| Member::Log(TxnOp::Catalog(op)));
    }
    of_keys(faults, &pointer, &one, namespace).map(Member::Log)
}

fn of_keys(
    faults: &mut Faults,
    pointer: &dyn Fn(&str) -> String,
    one: &Operation<Text<'_>>,
    namespace: Namespace,
) -> Option<TxnOp> {
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
        // Those have no key.
        _ => return None,
    };
    Some(TxnOp::Kv { namespace, op })
}

fn check_values(all: &[Member], limit: u64) -> Rejected<()> {
    for (at, member) in all.iter().enumerate() {
        if let Member::Log(TxnOp::Kv { op: KvTxnOp::Write(KvCommand::Put { value, .. }), .. }) = member
            && value.len() as u64 > limit
        {
            let detail = format!("the value has {} bytes; at most {limit} are allowed", value.len());
            let errors = vec![Fault::at(format!("/operations/{at}/value"), detail)];
            return Err(Rejection::of_faults(&code::VALUE_TOO_LARGE, errors));
        }
    }
    Ok(())
}
