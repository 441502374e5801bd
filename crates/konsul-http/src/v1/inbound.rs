//! A request as a handler sees it.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use http::header::{EXPECT, HeaderMap, HeaderName};
use hyper::body::Incoming;

use super::query::Query;
use super::reply::Reply;
use crate::headers;
use crate::intake::{Intake, Pace, declared_length};
use crate::observe::Seen;
use crate::service::Edge;

/// A request as a handler sees it: borrowed from the head, so that nothing of it outlives the handler's first, synchronous
/// part unless it is taken.
pub(crate) struct Inbound<'a> {
    pub(crate) edge: &'a Arc<Edge>,
    pub(crate) peer: SocketAddr,
    /// What names it in the log and in traces.
    pub(crate) seen: &'a Seen,
    pub(crate) headers: &'a HeaderMap,
    pub(crate) query: Query<'a>,
    /// What follows the route's own text in the decoded path.
    pub(crate) tail: &'a str,
    /// Taken once, by the handler that wants it.
    pub(crate) body: Option<Incoming>,
}

impl Inbound<'_> {
    /// How fast a body must come.
    pub(crate) fn pace(&self) -> Pace {
        Pace::of(&self.edge.settings.timeouts)
    }

    /// The body, to be read piece by piece.
    pub(crate) fn take_intake(&mut self) -> Intake {
        let pace = self.pace();
        Intake::new(self.take_body(), pace)
    }

    /// The body. A handler takes it at most once.
    pub(crate) fn take_body(&mut self) -> Incoming {
        self.body.take().expect("a handler takes the body once")
    }

    /// What the client said of the body's length; `None` for a chunked one.
    pub(crate) fn declared_length(&self) -> Option<u64> {
        self.body.as_ref().and_then(declared_length)
    }

    /// Refuses a body that is declared too large, before the client was told to send it.
    pub(crate) fn check_declared(&self, limit: u64, refuse: impl FnOnce(u64) -> Reply) -> Result<(), Reply> {
        match self.declared_length() {
            Some(length) if length > limit && self.headers.contains_key(EXPECT) => Err(refuse(length)),
            _ => Ok(()),
        }
    }

    /// Where the client is, as far as sorting by nearness goes: what a proxy says of it counts, as in Consul.
    pub(crate) fn client(&self) -> IpAddr {
        let told = self.header(&FORWARDED_FOR).and_then(|list| list.split(',').next());
        told.and_then(|first| first.trim().parse().ok()).unwrap_or_else(|| self.peer.ip())
    }

    /// A header as text.
    pub(crate) fn header(&self, name: &HeaderName) -> Option<&str> {
        headers::text(self.headers, name)
    }
}

const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
