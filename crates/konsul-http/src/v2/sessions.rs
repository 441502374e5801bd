//! `/v2/sessions`: leases, which hold locks.

use std::sync::Arc;

use http::StatusCode;
use konsul_api::v2::code;
use konsul_api::v2::page::SessionPage;
use konsul_api::v2::session::{Behavior as Wanted, ServiceCheck, Session as Body, SessionCreate as Create};
use konsul_api::v2::time::Timestamp;
use konsul_operations::Answer;
use konsul_operations::arguments::{SessionCreate, SessionList, SessionRead};
use konsul_types::duration::GoDuration;
use konsul_types::session::ServiceCheckRef;
use konsul_types::{Behavior, CheckId, Namespace, NodeName, Session, SessionId};

use super::body::{Faults, decode, duration};
use super::cursor::CursorError;
use super::inbound::{Begun, Inbound, bad_cursor};
use super::rejection::{Rejected, Rejection};
use super::reply::Reply;
use super::{parameters, tags};

/// The check that a session leans on where it names none.
const NODE_LIVENESS: &str = "serfHealth";

/// How long a lost lock stays free where nothing is said, in milliseconds.
const LOCK_DELAY_MS: u64 = 15_000;

fn id(inbound: &Inbound<'_>) -> Rejected<SessionId> {
    let text = inbound.variable;
    let read = if parameters::is_uuid(text) { text.parse().ok() } else { None };
    read.ok_or_else(|| Rejection::of_parameter("id", format!("{text:?} is no UUID")))
}

/// `POST /v2/sessions`.
pub(crate) fn create(inbound: &mut Inbound<'_>) -> Begun {
    let (mut context, once) = inbound.writing()?;
    inbound.media()?;
    let whole = inbound.whole(inbound.edge.settings.limits.body_bytes)?;
    let edge = Arc::clone(inbound.edge);
    inbound.later(async move {
        let bytes = whole.await?;
        if let Some(once) = once {
            context.request = Some(once.request(&bytes));
        }
        let wanted: Create =
            if bytes.is_empty() { Create::default() } else { decode("SessionCreate", &bytes)? };
        let session = edge.operations.session_create(&context, arguments(wanted)?).await?;
        let path = format!("/v2/sessions/{}", session.spec.id);
        Ok(told(&session, session.modify_index).with_status(StatusCode::CREATED).with_location(path))
    })
}

fn arguments(wanted: Create) -> Rejected<SessionCreate> {
    let mut faults = Faults::default();
    if wanted.name.len() > 1024 {
        faults.take::<(), _>("/name", Err("has more than 1024 bytes"));
    }
    let node = wanted.node.and_then(|name| faults.take("/node", NodeName::new(name).map_err(|why| why.what)));
    let ttl = wanted.ttl.as_deref().and_then(|text| faults.take("/ttl", duration(text)));
    let delay = faults.duration("/lock_delay", wanted.lock_delay.as_deref());
    let checks = wanted.node_checks.unwrap_or_else(|| vec![NODE_LIVENESS.to_owned()]);
    let node_checks =
        (0..).zip(checks).filter_map(|(at, text)| check(&mut faults, &format!("/node_checks/{at}"), text));
    let node_checks = node_checks.collect();
    let service_checks =
        (0..).zip(wanted.service_checks).filter_map(|(at, one)| service_check(&mut faults, at, one));
    let service_checks = service_checks.collect();
    faults.check()?;
    Ok(SessionCreate {
        name: wanted.name,
        node,
        lock_delay_ms: delay.unwrap_or(LOCK_DELAY_MS),
        behavior: match wanted.behavior {
            Wanted::Release => Behavior::Release,
            Wanted::Delete => Behavior::Delete,
        },
        ttl_nanos: ttl.map_or(0, |span: GoDuration| span.0),
        ttl_text: wanted.ttl.unwrap_or_default(),
        node_checks,
        service_checks,
    })
}

fn check(faults: &mut Faults, pointer: &str, text: String) -> Option<CheckId> {
    faults.take(pointer, CheckId::new(text).map_err(|why| why.what))
}

fn service_check(faults: &mut Faults, at: usize, wanted: ServiceCheck) -> Option<ServiceCheckRef> {
    let id = check(faults, &format!("/service_checks/{at}/id"), wanted.id)?;
    let namespace = wanted.namespace.unwrap_or_default();
    if !namespace.is_empty() {
        let named = Namespace::new(&namespace).map_err(|why| why.what);
        faults.take(&format!("/service_checks/{at}/namespace"), named)?;
    }
    Some(ServiceCheckRef { id, namespace })
}

fn told(session: &Session, index: konsul_types::Index) -> Reply {
    Reply::json(&body(session)).with_etag(session.modify_index).with_index(index)
}

fn body(session: &Session) -> Body {
    let spec = &*session.spec;
    let span = |ms: u64| GoDuration::from_millis(ms).to_string();
    Body {
        id: spec.id.to_string(),
        name: spec.name.clone(),
        node: spec.node.to_string(),
        ttl: spec.ttl_ms.map(span),
        lock_delay: span(spec.lock_delay_ms),
        behavior: match spec.behavior {
            Behavior::Release => Wanted::Release,
            Behavior::Delete => Wanted::Delete,
        },
        node_checks: spec.node_checks.iter().map(ToString::to_string).collect(),
        service_checks: spec.service_checks.iter().map(told_check).collect(),
        expires_at: session.deadline.map(|at| Timestamp(at.0)),
        create_index: session.create_index.0,
        modify_index: session.modify_index.0,
    }
}

fn told_check(check: &ServiceCheckRef) -> ServiceCheck {
    let namespace = Some(check.namespace.clone()).filter(|name| !name.is_empty());
    ServiceCheck { id: check.id.to_string(), namespace }
}

/// `GET /v2/sessions`.
pub(crate) fn list(inbound: &mut Inbound<'_>) -> Begun {
    let context = inbound.context()?;
    let (question, place) = inbound.question(&context, &["node"])?;
    let after = place.map(|place| last_id(&place)).transpose()?;
    let node = inbound.query.get("node").map(NodeName::new).transpose();
    let node = node.map_err(|why| Rejection::of_parameter("node", why.what))?;
    let limit = inbound.limit();
    let edge = Arc::clone(inbound.edge);
    inbound.later(async move {
        let args = SessionList { node, blocking: None };
        let Answer { value: mut sessions, meta } = edge.operations.session_list(&context, args).await?;
        sessions.sort_by_key(|session| session.spec.id);
        let begin = after.map_or(0, |after| sessions.partition_point(|session| session.spec.id <= after));
        let page = &sessions[begin..sessions.len().min(begin.saturating_add(limit))];
        let more = begin + page.len() < sessions.len();
        let last = page.last().filter(|_| more);
        let next_cursor = last.map(|session| question.cursor(session.spec.id.0.as_bytes()));
        let items = page.iter().map(|session| body(session)).collect();
        Ok(Reply::json(&SessionPage { items, next_cursor, index: meta.index.0 }).with_index(meta.index))
    })
}

fn last_id(place: &[u8]) -> Rejected<SessionId> {
    uuid::Uuid::from_slice(place).map(SessionId).map_err(|_| bad_cursor(&CursorError::Malformed))
}

/// `GET /v2/sessions/{id}`.
pub(crate) fn get(inbound: &mut Inbound<'_>) -> Begun {
    let context = inbound.context()?;
    let args = SessionRead { id: id(inbound)?, blocking: None };
    let known = tags::known(inbound.headers)?;
    let edge = Arc::clone(inbound.edge);
    inbound.later(async move {
        let Answer { value, meta } = edge.operations.session_info(&context, args).await?;
        match value {
            None => Err(Rejection::new(&code::SESSION_NOT_FOUND, "there is no such session").at(meta.index)),
            Some(session) if known.has(session.modify_index) => {
                Ok(Reply::unchanged().with_etag(session.modify_index).with_index(meta.index))
            }
            Some(session) => Ok(told(&session, meta.index)),
        }
    })
}

/// `POST /v2/sessions/{id}/renew`.
pub(crate) fn renew(inbound: &mut Inbound<'_>) -> Begun {
    let (context, _) = inbound.writing()?;
    let id = id(inbound)?;
    let edge = Arc::clone(inbound.edge);
    inbound.later(async move {
        let session = edge.operations.session_renew(&context, id).await?;
        Ok(told(&session, edge.operations.index()))
    })
}

/// `DELETE /v2/sessions/{id}`.
pub(crate) fn destroy(inbound: &mut Inbound<'_>) -> Begun {
    let (context, _) = inbound.writing()?;
    let id = id(inbound)?;
    let edge = Arc::clone(inbound.edge);
    inbound.later(async move {
        edge.operations.session_destroy(&context, id).await?;
        Ok(Reply::nothing())
    })
}
