//! The fixed order in which every request is looked at: Consul's, because clients see which complaint comes first.

use std::net::SocketAddr;
use std::sync::Arc;

use http::request::Parts;
use http::{Method, StatusCode};
use hyper::body::Incoming;

use super::inbound::Inbound;
use super::reply::Reply;
use super::{path, query, route};
use crate::observe::Seen;
use crate::outside;
use crate::service::{Edge, Handled};

/// A request that found its handler, or its answer.
pub(crate) struct Dispatched {
    pub(crate) handled: Handled,
    pub(crate) operation: &'static str,
    pub(crate) pretty: bool,
    /// Whether it may wait for something to happen.
    pub(crate) parks: bool,
}

/// The operation's name where none was reached.
pub(crate) const NO_OPERATION: &str = "other";

impl Dispatched {
    pub(crate) fn refused(reply: Reply) -> Dispatched {
        Dispatched { handled: Err(reply), operation: NO_OPERATION, pretty: false, parks: false }
    }
}

/// Takes a request to its handler.
pub(crate) fn dispatch(
    edge: &Arc<Edge>,
    head: &Parts,
    body: Incoming,
    peer: SocketAddr,
    seen: &Seen,
) -> Dispatched {
    let path = match path::decode(head.uri.path()) {
        Ok(path) => path,
        Err(why) => return Dispatched::refused(Reply::bad(why.to_string())),
    };
    if !edge.settings.allow_unprintable && !path::is_printable(&path) {
        return Dispatched::refused(Reply::empty(StatusCode::BAD_REQUEST));
    }
    let Some((route, tail)) = route::find(&path) else {
        return Dispatched::refused(outside::unknown(&path));
    };
    let Ok(query) = query::parse(head.uri.query().unwrap_or("")) else {
        return Dispatched::refused(Reply::empty(StatusCode::INTERNAL_SERVER_ERROR));
    };
    let (pretty, parks) = (query.has("pretty"), query.has("index") || query.has("hash"));
    let mut inbound = Inbound { edge, peer, seen, headers: &head.headers, query, tail, body: Some(body) };
    let (operation, handled) = match admit(route, &head.method, &path, &inbound) {
        Ok(verb) => (verb.operation, (verb.handler)(&mut inbound, route)),
        Err(reply) => (NO_OPERATION, Err(reply)),
    };
    Dispatched { handled, operation, pretty, parks }
}

/// Checks that come before any handler.
fn admit(
    route: &'static route::Route,
    method: &Method,
    path: &str,
    inbound: &Inbound<'_>,
) -> Result<&'static route::Verb, Reply> {
    let settings = &inbound.edge.settings;
    if settings.block_endpoints.iter().any(|blocked| path.starts_with(blocked.as_str())) {
        return Err(Reply::plain(StatusCode::FORBIDDEN, "Endpoint is blocked by agent configuration"));
    }
    if method == Method::OPTIONS {
        return Err(Reply::empty(StatusCode::OK).with_allow(&route.allow()));
    }
    let Some(verb) = route.verb(method.as_str()) else {
        return Err(method_not_allowed(route, method));
    };
    if !may_write_from(inbound.edge, inbound.peer, method) {
        return Err(Reply::plain(StatusCode::FORBIDDEN, "Access is restricted"));
    }
    if method == Method::GET && inbound.declared_length() != Some(0) {
        tracing::warn!(path = %path, peer = %inbound.peer, "the body of a GET request is not looked at");
    }
    Ok(verb)
}

fn method_not_allowed(route: &route::Route, method: &Method) -> Reply {
    Reply::plain(StatusCode::METHOD_NOT_ALLOWED, format!("method {method} not allowed"))
        .with_allow(&route.allow())
}

/// Whether this may come from that address. What a proxy says of its own client is not believed.
pub(crate) fn may_write_from(edge: &Edge, peer: SocketAddr, method: &Method) -> bool {
    let allowed = &edge.settings.allow_write_from;
    allowed.is_empty()
        || matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS)
        || allowed.iter().any(|network| network.contains(peer.ip()))
}
