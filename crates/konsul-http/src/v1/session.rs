//! `/v1/session/…`: sessions, which hold locks.

use std::sync::Arc;

use http::StatusCode;
use konsul_api::v1::decode::{Unknown, from_slice};
use konsul_api::v1::session::{Create, Created, ServiceCheck, Session as Body, Span};
use konsul_operations::arguments::{SessionCreate, SessionList, SessionRead};
use konsul_operations::{Answer, Context};
use konsul_types::duration::GoDuration;
use konsul_types::session::ServiceCheckRef;
use konsul_types::{Behavior, CheckId, Namespace, NodeName, Session, SessionId};
use uuid::Uuid;

use super::error::reply;
use super::inbound::Inbound;
use super::kv::{body_refused, session_id};
use super::read::{Options, body_namespace};
use super::reply::{Fresh, Reply};
use super::route::Route;
use crate::intake;
use crate::service::Handled;

/// `PUT create`.
pub(crate) fn create(inbound: &mut Inbound<'_>, _: &'static Route) -> Handled {
    let Options { mut context, .. } = inbound.options()?;
    // As in Consul, a body without a declared length counts as none.
    let has_body = inbound.declared_length().is_some_and(|length| length > 0);
    let (limit, pace) = (inbound.edge.settings.limits.body_bytes, inbound.pace());
    let edge = Arc::clone(inbound.edge);
    let body = inbound.take_body();
    Ok(Box::pin(async move {
        let wanted = if has_body {
            let bytes = match intake::read(body, limit, pace).await {
                Ok(bytes) => bytes,
                Err(why) => return body_refused(&why, "the server's bound on bodies"),
            };
            match from_slice::<Create>(&bytes, Unknown::Refuse) {
                Ok(wanted) => wanted,
                Err(why) => return Reply::bad(format!("Request decode failed: {why}")),
            }
        } else {
            Create::default()
        };
        let args = match arguments(&wanted, &mut context) {
            Ok(args) => args,
            Err(refused) => return refused,
        };
        match edge.operations.session_create(&context, args).await {
            Ok(session) => Reply::json(&Created { id: session.spec.id.to_string() }),
            Err(why) => reply(&why),
        }
    }))
}

fn arguments(wanted: &Create, context: &mut Context) -> Result<SessionCreate, Reply> {
    context.namespace =
        body_namespace(&wanted.namespace, &wanted.partition, &context.namespace).map_err(Reply::bad)?;
    Ok(SessionCreate {
        name: wanted.name.clone(),
        node: node(&wanted.node)?,
        lock_delay_ms: lock_delay_ms(&wanted.lock_delay)?,
        behavior: behavior(&wanted.behavior)?,
        ttl_nanos: ttl_nanos(&wanted.ttl)?,
        ttl_text: wanted.ttl.clone(),
        node_checks: wanted.wanted_node_checks().iter().map(|id| check(id)).collect::<Result<_, _>>()?,
        service_checks: wanted.service_checks.iter().map(service_check).collect::<Result<_, _>>()?,
    })
}

/// What Consul's servers refuse, in their words and with their status.
fn refuse(text: impl Into<String>) -> Reply {
    Reply::plain(StatusCode::INTERNAL_SERVER_ERROR, text.into())
}

fn node(name: &str) -> Result<Option<NodeName>, Reply> {
    if name.is_empty() {
        return Ok(None);
    }
    // No node is registered under a name that cannot be one.
    NodeName::new(name).map(Some).map_err(|_| refuse("Missing node registration"))
}

/// Small numbers are seconds, as they were before durations had units: everything below 1000 nanoseconds.
fn lock_delay_ms(span: &Span) -> Result<u64, Reply> {
    let nanos = match span {
        Span::Text(text) => {
            text.parse::<GoDuration>()
                .map_err(|why| Reply::bad(format!("Request decode failed: LockDelay: {why}")))?
                .0
        }
        // Go cuts the same way; what does not fit stops at the largest.
        Span::Nanos(nanos) => *nanos as i64,
    };
    let nanos = if nanos < 1000 { nanos.saturating_mul(1_000_000_000) } else { nanos };
    Ok(GoDuration(nanos).as_millis())
}

fn behavior(text: &str) -> Result<Behavior, Reply> {
    match text {
        "" | "release" => Ok(Behavior::Release),
        "delete" => Ok(Behavior::Delete),
        other => Err(refuse(format!("Invalid Behavior setting '{other}'"))),
    }
}

fn ttl_nanos(text: &str) -> Result<i64, Reply> {
    if text.is_empty() {
        return Ok(0);
    }
    let span: GoDuration =
        text.parse().map_err(|why| refuse(format!("Session TTL '{text}' invalid: {why}")))?;
    Ok(span.0)
}

fn check(id: &str) -> Result<CheckId, Reply> {
    CheckId::new(id).map_err(|_| refuse(format!("Missing check '{id}' registration")))
}

fn service_check(wanted: &ServiceCheck) -> Result<ServiceCheckRef, Reply> {
    Ok(ServiceCheckRef { id: check(&wanted.id)?, namespace: wanted.namespace.clone() })
}

/// `PUT destroy/:id`.
pub(crate) fn destroy(inbound: &mut Inbound<'_>, _: &'static Route) -> Handled {
    let Options { context, .. } = inbound.options()?;
    let id = known_or_nil(required(inbound.tail)?);
    let edge = Arc::clone(inbound.edge);
    Ok(Box::pin(async move {
        match edge.operations.session_destroy(&context, id).await {
            Ok(()) => Reply::truth(true),
            Err(why) => reply(&why),
        }
    }))
}

/// `PUT renew/:id`.
pub(crate) fn renew(inbound: &mut Inbound<'_>, _: &'static Route) -> Handled {
    let Options { context, .. } = inbound.options()?;
    let text = required(inbound.tail)?;
    let Some(id) = session_id(text) else {
        return Err(Reply::plain(StatusCode::NOT_FOUND, format!("Session id '{text}' not found")));
    };
    let edge = Arc::clone(inbound.edge);
    Ok(Box::pin(async move {
        match edge.operations.session_renew(&context, id).await {
            Ok(session) => Reply::json(&[body(&session, &context.namespace)]),
            Err(why) => reply(&why),
        }
    }))
}

/// `GET info/:id`.
pub(crate) fn info(inbound: &mut Inbound<'_>, _: &'static Route) -> Handled {
    let Options { context, blocking } = inbound.options()?;
    let args = SessionRead { id: known_or_nil(required(inbound.tail)?), blocking };
    let edge = Arc::clone(inbound.edge);
    Ok(Box::pin(async move {
        match edge.operations.session_info(&context, args).await {
            Ok(answer) => {
                let found: Vec<Body> =
                    answer.value.iter().map(|session| body(session, &context.namespace)).collect();
                Reply::json(&found).with_fresh(Fresh::Read(answer.meta))
            }
            Err(why) => reply(&why),
        }
    }))
}

/// `GET list`.
pub(crate) fn list(inbound: &mut Inbound<'_>, _: &'static Route) -> Handled {
    let options = inbound.options()?;
    listed(inbound, options, None)
}

/// `GET node/:node`.
pub(crate) fn of_node(inbound: &mut Inbound<'_>, _: &'static Route) -> Handled {
    let options = inbound.options()?;
    if inbound.tail.is_empty() {
        return Err(Reply::bad("Missing node name"));
    }
    let node = NodeName::new(inbound.tail).map_err(|why| Reply::bad(format!("Invalid {why}")))?;
    listed(inbound, options, Some(node))
}

fn listed(inbound: &Inbound<'_>, options: Options, node: Option<NodeName>) -> Handled {
    let Options { context, blocking } = options;
    let edge = Arc::clone(inbound.edge);
    Ok(Box::pin(async move {
        match edge.operations.session_list(&context, SessionList { node, blocking }).await {
            Ok(Answer { value, meta }) => {
                let found: Vec<Body> =
                    value.iter().map(|session| body(session, &context.namespace)).collect();
                Reply::json(&found).with_fresh(Fresh::Read(meta))
            }
            Err(why) => reply(&why),
        }
    }))
}

fn required(tail: &str) -> Result<&str, Reply> {
    if tail.is_empty() { Err(Reply::bad("Missing session")) } else { Ok(tail) }
}

/// No session has the nil id, as none has a text that is no id.
fn known_or_nil(text: &str) -> SessionId {
    session_id(text).unwrap_or(SessionId(Uuid::nil()))
}

fn body(session: &Session, namespace: &Namespace) -> Body {
    let spec = &*session.spec;
    Body {
        id: spec.id.to_string(),
        name: spec.name.clone(),
        node: spec.node.to_string(),
        lock_delay: GoDuration::from_millis(spec.lock_delay_ms).0,
        behavior: match spec.behavior {
            Behavior::Release => "release".to_owned(),
            Behavior::Delete => "delete".to_owned(),
        },
        ttl: spec.ttl_text.clone(),
        node_checks: Some(spec.node_checks.iter().map(ToString::to_string).collect()),
        service_checks: (!spec.service_checks.is_empty()).then(|| {
            let checks = spec.service_checks.iter();
            checks
                .map(|check| ServiceCheck { id: check.id.to_string(), namespace: check.namespace.clone() })
                .collect()
        }),
        create_index: session.create_index.0,
        modify_index: session.modify_index.0,
        namespace: (!namespace.is_default()).then(|| namespace.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_lock_delays_are_seconds() {
        let ms = |span: Span| lock_delay_ms(&span).ok();
        assert_eq!(ms(Span::Text("15s".into())), Some(15_000));
        assert_eq!(ms(Span::Nanos(15.0)), Some(15_000));
        assert_eq!(ms(Span::Nanos(0.0)), Some(0));
        assert_eq!(ms(Span::Nanos(15e9)), Some(15_000));
        assert_eq!(ms(Span::Text("1ms".into())), Some(1));
        assert_eq!(ms(Span::Nanos(f64::INFINITY)), Some(i64::MAX as u64 / 1_000_000));
        assert_eq!(ms(Span::Nanos(-1.0)), Some(0));
        assert!(lock_delay_ms(&Span::Text("15".into())).is_err());
    }
}
