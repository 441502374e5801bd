//! From hyper's request to a route's handler, and from its reply to hyper's response.

use std::convert::Infallible;
use std::future::Future;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use http::header::{ACCEPT_ENCODING, HeaderMap};
use http::{Request, Response};
use hyper::body::Incoming;
use konsul_operations::Operations;
use konsul_runtime::time::{Instant, now};
use konsul_types::Namespace;

use crate::connection::{Busy, Progress};
use crate::encoding::takes_gzip;
use crate::observe::Observer;
use crate::outgoing::Outgoing;
use crate::settings::Settings;
use crate::v1::pipeline;
use crate::v1::reply::{Dress, Reply};

/// What all connections share.
pub(crate) struct Edge {
    pub(crate) operations: Arc<dyn Operations>,
    pub(crate) observer: Arc<dyn Observer>,
    pub(crate) settings: Settings,
    pub(crate) default_namespace: Namespace,
}

impl Edge {
    pub(crate) fn new(
        operations: Arc<dyn Operations>,
        observer: Arc<dyn Observer>,
        settings: Settings,
    ) -> Edge {
        Edge { operations, observer, settings, default_namespace: Namespace::default_namespace() }
    }
}

/// A handler's work under way.
pub(crate) type Later = Pin<Box<dyn Future<Output = Reply> + Send>>;

/// What a handler gives at once: its work, or a reply that needs none.
pub(crate) type Handled = Result<Later, Reply>;

/// Serves one connection.
pub(crate) struct Service {
    edge: Arc<Edge>,
    progress: Arc<Progress>,
    peer: SocketAddr,
}

impl Service {
    pub(crate) fn new(edge: Arc<Edge>, progress: Arc<Progress>, peer: SocketAddr) -> Service {
        Service { edge, progress, peer }
    }
}

impl hyper::service::Service<Request<Incoming>> for Service {
    type Response = Response<Outgoing>;
    type Error = Infallible;
    type Future = Answering;

    fn call(&self, request: Request<Incoming>) -> Answering {
        let busy = self.progress.busy();
        let started = now();
        let (mut head, body) = request.into_parts();
        let dispatched = pipeline::dispatch(&self.edge, &head, body, self.peer);
        let gzip =
            head.headers.get(ACCEPT_ENCODING).is_some_and(|accept| accept.to_str().is_ok_and(takes_gzip));
        let log = tracing::enabled!(target: ACCESS, tracing::Level::DEBUG).then(|| {
            // The path alone: a query may hold a token.
            Box::new(Access { peer: self.peer, method: head.method.clone(), path: head.uri.path().into() })
        });
        // An answer's headers take the place of the request's, which hyper takes back for the next request. A parked
        // reader does without, so that it holds no memory for an answer that may be minutes away.
        let headers = if dispatched.parks {
            HeaderMap::new()
        } else {
            head.headers.clear();
            head.headers
        };
        let dress = Dress { pretty: dispatched.pretty || self.edge.settings.always_pretty, gzip, headers };
        Answering {
            handled: Some(dispatched.handled),
            edge: Arc::clone(&self.edge),
            busy: Some(busy),
            started,
            operation: dispatched.operation,
            dress: Some(dress),
            log,
        }
    }
}

/// What an access log line needs of the head.
struct Access {
    peer: SocketAddr,
    method: http::Method,
    path: Box<str>,
}

const ACCESS: &str = "konsul_http::access";

/// A request being answered. Dropping it drops the operation.
pub(crate) struct Answering {
    handled: Option<Handled>,
    edge: Arc<Edge>,
    busy: Option<Busy>,
    started: Instant,
    operation: &'static str,
    dress: Option<Dress>,
    log: Option<Box<Access>>,
}

impl Future for Answering {
    type Output = Result<Response<Outgoing>, Infallible>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        let reply = match this.handled.take().expect("an answer is not polled again") {
            Err(reply) => reply,
            Ok(mut later) => match later.as_mut().poll(cx) {
                Poll::Ready(reply) => reply,
                Poll::Pending => {
                    this.handled = Some(Ok(later));
                    return Poll::Pending;
                }
            },
        };
        Poll::Ready(Ok(this.finish(reply)))
    }
}

impl Answering {
    fn finish(&mut self, reply: Reply) -> Response<Outgoing> {
        let operation = reply.operation.unwrap_or(self.operation);
        let dress = self.dress.take().expect("an answer is finished once");
        let busy = self.busy.take().expect("an answer is finished once");
        let response = reply.dress(&self.edge.settings, dress, busy);
        let took = self.started.elapsed();
        let bytes = match response.body() {
            Outgoing::Whole(bytes) => bytes.len(),
            _ => 0,
        };
        let status = response.status().as_u16();
        self.edge.observer.observe(operation, status, took, bytes);
        if let Some(log) = &self.log {
            tracing::debug!(
                target: ACCESS,
                peer = %log.peer,
                method = %log.method,
                path = %log.path,
                operation,
                status,
                bytes,
                micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX),
                "served"
            );
        }
        response
    }
}
