//! The order in which every request is looked at.

use std::net::SocketAddr;
use std::sync::Arc;

use http::request::Parts;
use hyper::body::Incoming;
use konsul_api::v2::code;
use konsul_api::v2::operations::{Operation, Resource};

use super::inbound::{Begun, Inbound};
use super::rejection::{Rejected, Rejection};
use super::reply::{Named, Reply};
use super::route::{self, Asked};
use super::stream::Line;
use super::{accept, parameters};
use crate::observe::Seen;
use crate::service::{Edge, Handled};
use crate::v1::pipeline::{Dispatched, NO_OPERATION, may_write_from};
use crate::v1::query;

/// What every path here begins with.
pub(crate) const PREFIX: &str = "/v2";

/// Whether a path is one of this API.
pub(crate) fn is_here(path: &str) -> bool {
    path.strip_prefix(PREFIX).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// What came with a connection, beside the request.
pub(crate) struct Met<'a> {
    pub(crate) edge: &'a Arc<Edge>,
    pub(crate) peer: SocketAddr,
    pub(crate) line: &'a Line,
    pub(crate) seen: &'a Seen,
}

/// Takes a request to its handler.
pub(crate) fn dispatch(met: &Met<'_>, head: &mut Parts, body: Incoming) -> Dispatched {
    let named = Named { operation: None, tag: met.seen.tag };
    match admit(met, head) {
        Ok(Admitted::Operation(resource, operation)) => {
            let named = Named { operation: Some(operation.id.as_str()), ..named };
            let handled = begin(met, head, body, resource, operation);
            let handled: Handled = handled.map_err(|why| named.answer(Err(why), &*met.edge.operations));
            // Waiting for a lock is the one thing that may take long; streams say so themselves.
            let parks = resource.path.ends_with("/acquire");
            Dispatched { handled, operation: operation.id.as_str(), pretty: false, parks }
        }
        Ok(Admitted::Options(resource)) => {
            let reply = Reply::nothing().with_allow(route::allow(resource));
            refused(named.answer(Ok(reply), &*met.edge.operations))
        }
        Err(why) => refused(named.answer(Err(why), &*met.edge.operations)),
    }
}

fn refused(reply: crate::v1::reply::Reply) -> Dispatched {
    Dispatched { handled: Err(reply), operation: NO_OPERATION, pretty: false, parks: false }
}

enum Admitted {
    Operation(&'static Resource, &'static Operation),
    Options(&'static Resource),
}

/// Checks that come before the operation is looked at.
fn admit(met: &Met<'_>, head: &Parts) -> Rejected<Admitted> {
    let path = head.uri.path();
    let Some((resource, _)) = route::find(path) else {
        let detail = format!("{path:?} is no path of this API; GET /v2/openapi.json lists all of them");
        return Err(Rejection::new(&code::NOT_FOUND, detail));
    };
    if met.edge.settings.block_endpoints.iter().any(|blocked| path.starts_with(blocked.as_str())) {
        return Err(Rejection::new(
            &code::ENDPOINT_BLOCKED,
            format!("{path:?} is blocked by the configuration"),
        ));
    }
    let operation = match route::asked(resource, &head.method) {
        Asked::Operation(operation) => operation,
        Asked::Options => return Ok(Admitted::Options(resource)),
        Asked::Nothing => return Err(not_allowed(resource, &head.method)),
    };
    if operation.writes && !may_write_from(met.edge, met.peer, &head.method) {
        let detail = "the configuration takes no writes from your address";
        return Err(Rejection::new(&code::WRITE_RESTRICTED, detail));
    }
    Ok(Admitted::Operation(resource, operation))
}

fn not_allowed(resource: &'static Resource, method: &http::Method) -> Box<Rejection> {
    let allow = route::allow(resource);
    let detail = format!("{method} does nothing here; there is {allow}");
    Box::new(Rejection { allow: Some(allow), ..*Rejection::new(&code::METHOD_NOT_ALLOWED, detail) })
}

/// Checks what the operation's row says, and begins it.
fn begin(
    met: &Met<'_>,
    head: &mut Parts,
    body: Incoming,
    resource: &'static Resource,
    operation: &'static Operation,
) -> Begun {
    let target = head.uri.path_and_query().map_or("", |target| target.as_str());
    let raw = route::matched(resource, head.uri.path()).unwrap_or("");
    let variable =
        route::variable(raw).map_err(|why| Rejection::new(&code::INVALID_PATH, why.to_string()))?;
    let query = query::parse(head.uri.query().unwrap_or(""))
        .map_err(|_| Rejection::new(&code::INVALID_PARAMETER, "the query string cannot be read"))?;
    if !query.is_empty() || operation.parameters.iter().any(|one| one.required) {
        parameters::check(operation, &query)?;
    }
    let form = accept::choose(&head.headers, operation)?;
    let mut inbound = Inbound {
        edge: met.edge,
        line: met.line,
        seen: met.seen,
        method: &head.method,
        headers: &head.headers,
        extensions: &mut head.extensions,
        operation,
        query,
        target,
        variable: &variable,
        raw,
        peer: met.peer.ip(),
        form,
        body: Some(body),
    };
    route::begin(operation.id, &mut inbound)
}
