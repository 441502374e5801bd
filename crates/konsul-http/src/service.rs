//! From hyper's request to a route's handler, and from its reply to hyper's response.

use std::convert::Infallible;
use std::future::Future;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll};

use arc_swap::ArcSwap;
use http::header::{ACCEPT_ENCODING, HeaderMap, HeaderName, HeaderValue};
use http::{Request, Response};
use hyper::body::Incoming;
use konsul_operations::{Error, Operations};
use konsul_runtime::time::{Instant, now};
use konsul_runtime::trace::{RequestTag, Span};
use konsul_types::Namespace;

use crate::connection::{Busy, Progress, Waits};
use crate::connections::Ticket;
use crate::encoding::takes_gzip;
use crate::observe::{Answered, Observer, Seen, Slot};
use crate::outgoing::Outgoing;
use crate::settings::Settings;
use crate::v1::kept::Kept;
use crate::v1::pipeline::{self, Dispatched, NO_OPERATION};
use crate::v1::reply::{Dress, Reply};
use crate::v2;
use crate::v2::pipeline::Met;
use crate::v2::stream::Line;
use crate::{headers, host};

/// What all connections share.
pub(crate) struct Edge {
    pub(crate) operations: Arc<dyn Operations>,
    pub(crate) observer: Arc<dyn Observer>,
    pub(crate) settings: Settings,
    pub(crate) default_namespace: Namespace,
    pub(crate) shared: Arc<Shared>,
}

/// What outlives a change of settings.
#[derive(Default)]
pub(crate) struct Shared {
    /// Answers that may serve again.
    pub(crate) kept: Kept,
    /// The datacentre that the operations are of, once it was asked for.
    pub(crate) datacenter: OnceLock<Arc<str>>,
}

/// What all connections share at the moment: a request that begins takes this, and keeps it to its end.
pub(crate) type CurrentEdge = ArcSwap<Edge>;

impl Edge {
    /// The same with other settings.
    pub(crate) fn with_settings(&self, settings: Settings) -> Edge {
        Edge {
            operations: Arc::clone(&self.operations),
            observer: Arc::clone(&self.observer),
            settings,
            default_namespace: self.default_namespace.clone(),
            shared: Arc::clone(&self.shared),
        }
    }
    pub(crate) fn new(
        operations: Arc<dyn Operations>,
        observer: Arc<dyn Observer>,
        settings: Settings,
    ) -> Edge {
        Edge {
            operations,
            observer,
            settings,
            default_namespace: Namespace::default_namespace(),
            shared: Arc::default(),
        }
    }
}

impl Edge {
    /// The datacentre that a request means, as answers name it.
    pub(crate) async fn datacenter(&self, context: &konsul_operations::Context) -> Result<Arc<str>, Error> {
        if let Some(named) = &context.datacenter {
            return Ok(named.as_str().into());
        }
        if let Some(known) = self.shared.datacenter.get() {
            return Ok(Arc::clone(known));
        }
        let plain = konsul_operations::Context::new(self.default_namespace.clone());
        let names = self.operations.datacenter_list(&plain).await?;
        let own: Arc<str> = names.first().map_or("", String::as_str).into();
        Ok(Arc::clone(self.shared.datacenter.get_or_init(|| own)))
    }

    /// Decides whether a request is recorded, before anything is built for it.
    fn begin_span(&self, headers: &HeaderMap) -> Span {
        let Some(tracer) = self.observer.tracer() else {
            return Span::none();
        };
        let caller = headers::text(headers, &TRACEPARENT).and_then(|text| text.parse().ok());
        tracer.begin(NO_OPERATION, caller)
    }
}

const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");

/// A handler's work under way.
pub(crate) type Later = Pin<Box<dyn Future<Output = Reply> + Send>>;

/// What a handler gives at once: its work, or a reply that needs none.
pub(crate) type Handled = Result<Later, Reply>;

/// Serves one connection.
pub(crate) struct Service {
    edges: Arc<CurrentEdge>,
    line: Line,
    peer: SocketAddr,
}

impl Service {
    pub(crate) fn new(
        edges: Arc<CurrentEdge>,
        progress: Arc<Progress>,
        ticket: Arc<Ticket>,
        peer: SocketAddr,
    ) -> Service {
        Service { edges, line: Line { progress, ticket }, peer }
    }
}

impl hyper::service::Service<Request<Incoming>> for Service {
    type Response = Response<Outgoing>;
    type Error = Infallible;
    type Future = Answering;

    fn call(&self, request: Request<Incoming>) -> Answering {
        let edge = self.edges.load_full();
        let busy = self.line.progress.busy();
        let started = now();
        let (mut head, body) = request.into_parts();
        let span = edge.begin_span(&head.headers);
        let tag = RequestTag::next().in_trace(span.traceparent().map(|own| own.trace));
        let seen = Seen { tag, trace: span.scope() };
        let _tagged = tag.enter();
        let dispatched = if let Err(why) = host::check(&head) {
            Dispatched::refused(Reply::bad_head(why))
        } else if v2::pipeline::is_here(head.uri.path()) {
            let met = Met { edge: &edge, peer: self.peer, line: &self.line, seen: &seen };
            v2::pipeline::dispatch(&met, &mut head, body)
        } else {
            pipeline::dispatch(&edge, &head, body, self.peer, &seen)
        };
        if dispatched.parks {
            self.line.progress.set_waits(Waits::Parks);
        }
        let gzip = headers::text(&head.headers, &ACCEPT_ENCODING).is_some_and(takes_gzip);
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
        let dress = Dress { pretty: dispatched.pretty || edge.settings.always_pretty, gzip, headers };
        Answering {
            handled: Some(dispatched.handled),
            under_way: UnderWay::begin(&edge, dispatched.operation),
            tag,
            span: describe(span, &head.method, dispatched.operation),
            busy: Some(busy),
            started,
            operation: dispatched.operation,
            dress: Some(dress),
            log,
        }
    }
}

/// Tells a span what it is of.
fn describe(mut span: Span, method: &http::Method, operation: &'static str) -> Span {
    if span.is_recorded() {
        span.rename(operation);
        span.set("http.request.method", method.as_str().to_owned());
    }
    span
}

/// That a request is under way; however it ends, the observer hears of it once.
struct UnderWay {
    edge: Arc<Edge>,
    slot: Option<Slot>,
}

impl UnderWay {
    fn begin(edge: &Arc<Edge>, operation: &'static str) -> UnderWay {
        let slot = Some(edge.observer.began(operation));
        UnderWay { edge: Arc::clone(edge), slot }
    }

    fn end(&mut self, answered: &Answered) {
        if let Some(slot) = self.slot.take() {
            self.edge.observer.ended(slot, answered);
        }
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        if let Some(slot) = self.slot.take() {
            self.edge.observer.abandoned(slot);
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
    under_way: UnderWay,
    tag: RequestTag,
    span: Span,
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
        let _tagged = this.tag.enter();
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
    /// Ends the request's own span, and names it to the client, who can look for it.
    fn end_span(&mut self, operation: &'static str, response: &mut Response<Outgoing>) {
        let mut span = std::mem::replace(&mut self.span, Span::none());
        let Some(own) = span.traceparent() else {
            return;
        };
        let status = response.status();
        span.rename(operation);
        span.set("http.response.status_code", u64::from(status.as_u16()));
        span.set("konsul.request_id", self.tag.to_string());
        if status.is_server_error() {
            span.fail(|| status.to_string());
        }
        if let Ok(value) = HeaderValue::from_str(&own.to_string()) {
            response.headers_mut().insert("traceresponse", value);
        }
    }

    fn finish(&mut self, reply: Reply) -> Response<Outgoing> {
        let operation = reply.operation.unwrap_or(self.operation);
        let dress = self.dress.take().expect("an answer is finished once");
        let busy = self.busy.take().expect("an answer is finished once");
        let other = reply.operation.filter(|operation| *operation != self.operation);
        let mut response = reply.dress(&self.under_way.edge.settings, dress, busy);
        let took = self.started.elapsed();
        let bytes = match response.body() {
            Outgoing::Whole(bytes) => bytes.len(),
            _ => 0,
        };
        let status = response.status().as_u16();
        self.under_way.end(&Answered { operation: other, status, took, bytes });
        self.end_span(operation, &mut response);
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
